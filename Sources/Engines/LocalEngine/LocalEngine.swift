import FarmModel
import Glibc
import Logging
import Rendering
import Supervisor
import Synchronization
import SystemPackage
import VolumeFiles

/// Renders on this machine: slots, each a Blender that runs our script and is fed a frame at a time.
///
/// Owns the slots. A Blender ends with its chunk.
package actor LocalEngine: RenderEngine {
  /// What the engine is told once, at its start.
  package struct Setup: Sendable {
    let script: FilePath
    /// Globs of Blender programs.
    let blenders: [String]
    /// Nil: by ``SlotRule``.
    let slots: Int?
    /// A Blender that shows no sign of life for so long is ended; see ``HangRule``.
    let hangAfter: Duration

    package init(script: FilePath, blenders: [String], slots: Int?, hangAfter: Duration = .seconds(600)) {
      self.script = script
      self.blenders = blenders
      self.slots = slots
      self.hangAfter = hangAfter
    }
  }

  /// Programs are installed and replaced while the farm runs.
  private static let lookEvery = Duration.seconds(5)

  package nonisolated let reports: AsyncStream<EngineReport>
  private let report: AsyncStream<EngineReport>.Continuation
  private let submissions: AsyncStream<RenderTask>
  private let submission: AsyncStream<RenderTask>.Continuation
  private let setup: Setup
  private let log: Logger

  private var programs: [BlenderProgram] = []
  /// Looks until a Blender that did not answer is asked again, and how many it was the last time.
  private var unwell: [String: (left: Int, pause: Int, reason: String)] = [:]
  private static let pauseMax = 60
  /// The executables as they were looked at last.
  private var known: [String: Fingerprint] = [:]
  private var slots = 1
  private var threads = 0
  /// Slots that work, by task; numbers from 1.
  private var working: [RenderTask.ID: Work] = [:]

  /// A task in a slot.
  private struct Work {
    let slot: Int
    var process: ChildIdentity?
    var isCanceled = false
    let talk: Conversation
    /// Why it was ended, when it hung.
    var hung: Problem?
    var whenEnded: [CheckedContinuation<Void, Never>] = []
  }

  package init(_ setup: Setup, log: Logger) {
    self.setup = setup
    self.log = log
    (reports, report) = AsyncStream.makeStream()
    (submissions, submission) = AsyncStream.makeStream()
  }

  package func abilities() -> EngineAbilities {
    EngineAbilities(
      workers: programs.isEmpty ? [] : (1...slots).map(Self.worker), blenders: programs,
      unwell: unwell.map { UnwellProgram(path: $0.key, reason: $0.value.reason) }.sorted { $0.path < $1.path })
  }

  private static func worker(_ slot: Int) -> String { "local-\(slot)" }

  package nonisolated func commandLine(for task: RenderTask) -> String {
    let program = Blenders.command(task.blender.path, script: setup.script, temporary: nil)
    let lines = BlenderTalk(task, threads: 0).allCommands.map(\.quotedForShell)
    let words = ([program.executable.string] + program.arguments).map(\.quotedForShell)
    return "mkdir -p \(task.folder.quotedForShell) && printf '%s\\n' \(lines.joined(separator: " ")) | "
      + words.joined(separator: " ")
  }

  package func submit(_ task: RenderTask) {
    precondition(working.count < slots, "more tasks were submitted than the engine said it takes")
    let slot = (1...slots).first { number in !working.values.contains { $0.slot == number } } ?? 1
    working[task.id] = Work(slot: slot, talk: Conversation(task, threads: threads))
    submission.yield(task)
  }

  package func cancel(_ tasks: Set<RenderTask.ID>) async {
    for id in tasks where working[id] != nil {
      working[id]?.isCanceled = true
      if let process = working[id]?.process { ProcessTable.killGroup(of: process) }
    }
    for id in tasks where working[id] != nil {
      await withCheckedContinuation { working[id]?.whenEnded.append($0) }
    }
  }

  package func finishEarly(_ tasks: Set<RenderTask.ID>) {
    for id in tasks { working[id]?.talk.with { $0.finishEarly() } }
  }

  package func run() async {
    await findBlenders(isFirst: true)
    await withTaskCancellationHandler {
      await withDiscardingTaskGroup { group in
        group.addTask { await self.watchBlenders() }
        for await task in submissions { group.addTask { await self.execute(task) } }
        await cancel(Set(working.keys))
      }
    } onCancel: {
      submission.finish()
    }
    report.finish()
  }

  /// Probes what was added or replaced since the last look, forgets what is gone, and reports when anything changed.
  private func findBlenders(isFirst: Bool = false) async {
    let paths = Blenders.executables(matching: setup.blenders)
    let there = Dictionary(paths.compactMap { path in Blenders.fingerprint(of: path).map { (path, $0) } }) {
      first, _ in first
    }
    guard isFirst || there != known else { return }
    let gone = known.filter { there[$0.key] != $0.value }.keys
    programs.removeAll { gone.contains($0.path) }
    for path in gone where there[path] == nil { unwell[path] = nil }
    for path in gone { log.warning("a Blender is gone or was replaced", metadata: ["path": "\(path)"]) }
    let new = there.filter { known[$0.key] != $0.value }.keys
    known = there
    for path in paths where new.contains(path) {
      switch await Blenders.probe(path, script: setup.script) {
      case .found(let program):
        programs.append(program)
        unwell[path] = nil
        log.notice(
          "found Blender \(program.fullVersion)", metadata: ["path": "\(path)", "denoiser": "\(program.canDenoise)"])
      case .failed where Task.isCancelled: return  // The daemon stops: it was not asked to the end.
      case .failed(let program):
        // It may have been killed, or memory was short: asked again, ever more seldom.
        let pause = min((unwell[path]?.pause ?? 0) * 2 + 1, Self.pauseMax)
        unwell[path] = (pause, pause, program.reason)
        log.warning("a Blender does not work", metadata: ["path": "\(path)", "reason": "\(program.reason)"])
      }
    }
    let gpus = programs.map { $0.devices.filter { $0 != "CPU" }.count }.max() ?? 0
    let rule = SlotRule.ofThisMachine(gpus: gpus)
    // Tasks are in the slots, so their number stays what it was at the start.
    if isFirst { slots = setup.slots ?? rule.slots }
    threads = rule.threads(slots: slots)
    report.yield(.abilities(abilities()))
  }

  private func watchBlenders() async {
    // Cancelled: the engine stops.
    while (try? await Task.sleep(for: Self.lookEvery)) != nil {
      for path in unwell.keys {
        unwell[path]?.left -= 1
        if unwell[path]?.left == 0 { known[path] = nil }
      }
      await findBlenders()
    }
  }

  private func execute(_ task: RenderTask) async {
    // Replaced or taken away since the task was handed out: told, so that it is handed out anew.
    let program = Blenders.fingerprint(of: task.blender.path)
    let isThere = program != nil && program == known[task.blender.path]
    if !isThere { await findBlenders() }
    let end = isThere ? await converse(task) : .canceled
    let isCanceled = working[task.id]?.isCanceled ?? true
    let waiting = working.removeValue(forKey: task.id)?.whenEnded ?? []
    report.yield(.ended(task: task.id, end: isCanceled ? .canceled : end))
    for continuation in waiting { continuation.resume() }
  }

  private func converse(_ task: RenderTask) async -> TaskEnd {
    guard let talk = working[task.id]?.talk else { return .canceled }
    let temporary = task.folder + "/tmp"
    let taskLog: TaskLog
    do throws(FileFailure) {
      try SharedFolder.make(FilePath(temporary))
      taskLog = try TaskLog(at: FilePath(task.log))
    } catch {
      return .failed(Problem(error.problemClass, cause: error.description, remedy: error.remedy), frame: nil)
    }
    defer { removeTemporary(FilePath(temporary)) }
    return await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.endIfHung(task) { talk.with { $0.linesHeard } } }
      defer { group.cancelAll() }
      do throws(SupervisorFailure) {
        let end = try await ChildProcess.run(
          Blenders.command(task.blender.path, script: setup.script, temporary: temporary),
          started: { process, _ in await self.started(task, process) },
          onLine: { line, input in
            taskLog.add(line)
            let reaction = talk.with { $0.heard(line) }
            for report in reaction.reports { self.report.yield(report) }
            if let command = reaction.say { await input.send(line: command) }
            if reaction.isOver { await input.finish() }
          })
        let hung = working[task.id]?.hung
        return talk.with { $0.ended(end, hung: hung) }
      } catch {
        return .failed(Problem(.rendererCrashed, cause: error.description, remedy: error.remedy), frame: nil)
      }
    }
  }

  /// Looks at a task's Blender until the task is cancelled, and ends it when it hangs.
  private func endIfHung(_ task: RenderTask, lines: @Sendable () -> Int) async {
    var rule = HangRule(atLeast: setup.hangAfter, usualFrame: task.usualFrameTime)
    // Cancelled: the Blender has ended.
    while (try? await Task.sleep(for: rule.pause)) != nil {
      guard let process = working[task.id]?.process else { continue }
      let sign = HangRule.Sign(processorTicks: ProcessTable.processorTicks(ofGroup: process.pid), lines: lines())
      guard rule.looked(sign) else { continue }
      working[task.id]?.hung = rule.problem
      ProcessTable.killGroup(of: process)
    }
  }

  private func started(_ task: RenderTask, _ process: ChildIdentity) {
    guard let work = working[task.id] else { return }
    working[task.id]?.process = process
    if work.isCanceled { ProcessTable.killGroup(of: process) }
    report.yield(
      .started(
        task: task.id, worker: Self.worker(work.slot),
        process: WorkerProcess(pid: process.pid, startTicks: process.startTicks)))
  }

  private func removeTemporary(_ folder: FilePath) {
    do throws(FileFailure) { try Placement.removeTree(folder) } catch {
      log.warning("cannot remove a task's temporary folder", metadata: ["reason": "\(error)"])
    }
  }
}

/// A talk that its slot leads and the engine may shorten.
private final class Conversation: Sendable {
  private let talk: Mutex<BlenderTalk>

  init(_ task: RenderTask, threads: Int) { talk = Mutex(BlenderTalk(task, threads: threads)) }

  func with<Result: Sendable>(_ body: (inout sending BlenderTalk) -> sending Result) -> Result { talk.withLock(body) }
}

/// What a task's program said, line by line, in a file of its own; owns the open file.
final class TaskLog: Sendable {
  /// A scene that prints without end must not fill the disk.
  private static let bytesMax = 64 << 20

  private let file: FileDescriptor
  private let path: FilePath
  private let written = Mutex(0)

  init(at path: FilePath) throws(FileFailure) {
    try SharedFolder.make(path.removingLastComponent())
    Placement.remove(path)
    file = try OpenFile.making(path, mode: 0o644)
    self.path = path
  }

  deinit { OpenFile.close(file) }

  func add(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    let mayWrite = written.withLock { count in
      count += bytes.count
      return count <= Self.bytesMax
    }
    if mayWrite { try? FileBytes.write(bytes, to: file, path: path) }  // A full disk must not end the render.
  }
}
