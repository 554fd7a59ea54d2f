import FarmModel
import Rendering
import Supervisor
import Synchronization
import SystemPackage
import VolumeFiles

/// A Blender that stays: started once, led through one task after another, ended when it is due. Owns the process.
actor ResidentBlender {
  nonisolated let program: BlenderProgram
  private let worker: String
  private let command: ChildCommand
  private let temporary: FilePath
  private let now: @Sendable () -> ContinuousClock.Instant
  private var residency: Residency

  private var process: ChildIdentity?
  private var input: ChildInput?
  /// Whether the script waits for commands.
  private var isReady = false
  /// Whether it takes no more tasks: it was asked to end, or has ended.
  private var isLeaving = false
  /// Whether the process turned out to be another build than the program that was probed.
  private(set) var isAnotherBuild = false
  private var work: Work?

  /// A task that it is led through.
  private struct Work {
    let task: RenderTask.ID
    let talk: Conversation
    let log: TaskLog
    /// Why it was ended, when it hung.
    var hung: Problem?
    var end: TaskEnd?
    var whenOver: CheckedContinuation<Void, Never>?
    let tell: @Sendable (EngineReport) -> Void
  }

  /// - Parameters:
  ///   - worker: what the slot is called in which it stays.
  ///   - temporary: a folder of its own; it is made, and removed at the end.
  init(
    _ program: BlenderProgram, worker: String, script: FilePath, temporary: FilePath, rule: Residency.Rule,
    now: @escaping @Sendable () -> ContinuousClock.Instant
  ) {
    self.program = program
    self.worker = worker
    self.temporary = temporary
    self.now = now
    command = Blenders.command(program.path, script: script, temporary: temporary.string)
    residency = Residency(rule)
  }

  /// Runs the process to its end; a task that it is led through then ends too.
  func run() async {
    var problem: Problem?
    var end: ChildEnd?
    do {
      try SharedFolder.make(temporary)
      end = try await ChildProcess.run(
        command, started: { await self.started($0, $1) }, onLine: { line, _ in await self.heard(line) })
    } catch let failure as any Failure {
      problem = Problem(.rendererCrashed, cause: failure.description, remedy: failure.remedy)
    } catch {
      problem = Problem(.rendererCrashed, cause: "\(error)")
    }
    isLeaving = true
    try? Placement.removeTree(temporary)  // What is left is removed at the engine's next start.
    guard let work else { return }
    let (hung, isFresh) = (work.hung, residency.isFresh)
    let cut = end.map { end in work.talk.with { $0.cutOff(by: end, isFresh: isFresh, hung: hung) } }
    finish(problem.map { .failed($0, frame: nil) } ?? cut ?? .canceled)
  }

  private func started(_ process: ChildIdentity, _ input: ChildInput) {
    (self.process, self.input) = (process, input)
    // The daemon, the file server and people at the machine go first.
    ProcessTable.makeNice(process)
    if isLeaving { ProcessTable.killGroup(of: process) }
    if let work { tellStart(of: work) }
  }

  // MARK: - Tasks

  /// Leads it through a task, one frame after the other, to the task's end.
  /// - Parameter hangRule: decides when it hangs; then it is killed.
  func lead(
    _ task: RenderTask, _ talk: Conversation, log: TaskLog, hangRule: HangRule,
    tell: @escaping @Sendable (EngineReport) -> Void
  ) async -> TaskEnd {
    guard !isLeaving, work == nil else { return .canceled }
    let begun = Work(task: task.id, talk: talk, log: log, tell: tell)
    work = begun
    residency.began(trustsScripts: task.trustsScripts)
    if process != nil { tellStart(of: begun) }
    if isReady { await input?.send(line: talk.with { $0.opening }) }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.endIfHung(hangRule) }
      await withCheckedContinuation { continuation in
        if work?.end == nil { work?.whenOver = continuation } else { continuation.resume() }
      }
      group.cancelAll()
    }
    let end = work?.end ?? .canceled
    work = nil
    residency.ended(at: now())
    return end
  }

  private func tellStart(of work: Work) {
    guard let process else { return }
    work.tell(
      .started(
        task: work.task, worker: worker, process: WorkerProcess(pid: process.pid, startTicks: process.startTicks)))
  }

  private func heard(_ line: String) async {
    work?.log.add(line)
    guard let said = ScriptReport(line: line) else {
      if let reaction = work?.talk.with({ $0.heard(words: line) }) { await react(reaction) }
      return
    }
    switch said {
    case .ready(let build):
      // It may have been replaced after it was probed, also behind a script or a Python that starts it.
      guard Blenders.program(at: program.path, build)?.isSameProgram(as: program) == true else {
        isAnotherBuild = true
        finish(.canceled)
        return kill()
      }
      isReady = true
      if let opening = work?.talk.with({ $0.opening }) { await input?.send(line: opening) }
    case .forgot: residency.forgot()
    case .opened(let scene): residency.opened(isNew: scene.isNew ?? true)
    case .frame(let frame): residency.rendered(frame.memory)
    case .probed, .rendering, .alive, .failed, .unknown: break
    }
    if let reaction = work?.talk.with({ $0.heard(said) }) { await react(reaction) }
  }

  private func react(_ reaction: BlenderTalk.Reaction) async {
    guard let work else { return }
    for report in reaction.reports { work.tell(report) }
    if let command = reaction.say { await input?.send(line: command) }
    if let end = reaction.end { finish(end) }
  }

  private func finish(_ end: TaskEnd) {
    guard let waiting = work, waiting.end == nil else { return }
    work?.end = end
    work?.whenOver = nil
    waiting.whenOver?.resume()
  }

  /// Looks at the process until the task is over, and ends it when it hangs.
  private func endIfHung(_ rule: HangRule) async {
    var rule = rule
    // Cancelled: the task is over.
    while (try? await Task.sleep(for: rule.pause)) != nil {
      guard let process, let lines = work?.talk.with({ $0.linesHeard }) else { continue }
      let sign = HangRule.Sign(processorTicks: ProcessTable.processorTicks(ofGroup: process.pid), lines: lines)
      guard rule.looked(sign) else { continue }
      work?.hung = rule.problem
      kill()
    }
  }

  // MARK: - Between tasks

  /// Whether it may be led through another task.
  var isUsable: Bool { !isLeaving && !residency.isSpent }

  /// Does what is due while it is idle.
  func rest() async {
    guard work == nil, isReady, !isLeaving else { return }
    switch residency.verdict(at: now()) {
    case .stays: break
    case .forgets: await input?.send(line: #"{"do": "forget"}"#)
    case .ends: kill()
    }
  }

  /// Ends it at once, with all its children; one that is only being started ends then.
  func kill() {
    isLeaving = true
    if let process { ProcessTable.killGroup(of: process) }
  }
}

/// A task's talk, which its Blender leads and the engine may shorten.
final class Conversation: Sendable {
  private let talk: Mutex<BlenderTalk>

  init(_ task: RenderTask, threads: Int) { talk = Mutex(BlenderTalk(task, threads: threads)) }

  func with<Result: Sendable>(_ body: (inout sending BlenderTalk) -> sending Result) -> Result { talk.withLock(body) }
}
