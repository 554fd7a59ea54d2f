import FarmModel
import Glibc
import Logging
import Rendering
import SystemPackage
import VolumeFiles

/// Renders on this machine: slots, each a Blender that stays, runs our script and is fed a frame at a time.
///
/// Owns the slots.
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
    /// Where Blenders keep what they need for a moment; cleared at the start.
    let temporary: FilePath
    let residency: Residency.Rule
    let now: @Sendable () -> ContinuousClock.Instant

    package init(
      script: FilePath, blenders: [String], slots: Int?, hangAfter: Duration = .seconds(600), temporary: FilePath,
      residency: Residency.Rule = Residency.Rule(), now: @escaping @Sendable () -> ContinuousClock.Instant
    ) {
      self.script = script
      self.blenders = blenders
      self.slots = slots
      self.hangAfter = hangAfter
      self.temporary = temporary
      self.residency = residency
      self.now = now
    }
  }

  /// Programs are installed and replaced while the farm runs.
  private static let lookEvery = Duration.seconds(5)

  package nonisolated let reports: AsyncStream<EngineReport>
  private let report: AsyncStream<EngineReport>.Continuation
  private let errands: AsyncStream<Errand>
  private let errand: AsyncStream<Errand>.Continuation
  private let setup: Setup
  private let log: Logger

  private var programs: [BlenderProgram] = []
  /// Looks until a Blender that did not answer is asked again, and how many it was the last time.
  private var unwell: [String: (left: Int, pause: Int, reason: String)] = [:]
  private static let pauseMax = 60
  /// The executables as they were looked at last.
  private var known: [String: Fingerprint] = [:]
  private var slots = [Slot()]
  private var threads = 0
  private var working: [RenderTask.ID: Work] = [:]
  /// Why the last log of a task could not be made; nil when it could.
  private var logErrno: Int32?
  private var blendersStarted = 0

  /// A place for one Blender at a time.
  private struct Slot {
    var blender: ResidentBlender?
    /// The file that it opened last.
    var blend: String?
    var task: RenderTask.ID?
  }

  /// A task in a slot.
  private struct Work {
    /// Counts from 0.
    let slot: Int
    let talk: Conversation
    var isCanceled = false
    var whenEnded: [CheckedContinuation<Void, Never>] = []
  }

  /// What is done in the run's group.
  private enum Errand: Sendable {
    case execute(RenderTask)
    case keep(ResidentBlender)
  }

  package init(_ setup: Setup, log: Logger) {
    self.setup = setup
    self.log = log
    (reports, report) = AsyncStream.makeStream()
    (errands, errand) = AsyncStream.makeStream()
  }

  package func abilities() -> EngineAbilities {
    EngineAbilities(
      workers: programs.isEmpty ? [] : slots.indices.map(Self.worker), blenders: programs,
      unwell: unwell.map { UnwellProgram(path: $0.key, reason: $0.value.reason) }.sorted { $0.path < $1.path })
  }

  private static func worker(_ slot: Int) -> String { "local-\(slot + 1)" }

  package nonisolated func commandLine(for task: RenderTask) -> String {
    let program = Blenders.command(task.blender.path, script: setup.script, temporary: nil)
    let lines = BlenderTalk(task, threads: 0).allCommands.map(\.quotedForShell)
    let words = ([program.executable.string] + program.arguments).map(\.quotedForShell)
    return "mkdir -p \(task.folder.quotedForShell) && printf '%s\\n' \(lines.joined(separator: " ")) | "
      + words.joined(separator: " ")
  }

  package func submit(_ task: RenderTask) {
    precondition(working.count < slots.count, "more tasks were submitted than the engine said it takes")
    let all = slots.indices.filter { slots[$0].task == nil }
    let others = all.filter { !task.avoids.contains(Self.worker($0)) }
    let free = others.isEmpty ? all : others
    let slot = free.min { (rank(of: $0, for: task), $0) < (rank(of: $1, for: task), $1) } ?? 0
    slots[slot].task = task.id
    working[task.id] = Work(slot: slot, talk: Conversation(task, threads: threads))
    errand.yield(.execute(task))
  }

  /// How little has to be done in a slot before it renders a task's first frame.
  private func rank(of slot: Int, for task: RenderTask) -> Int {
    guard let program = slots[slot].blender?.program else { return 2 }
    guard program.isSameProgram(as: task.blender) else { return 3 }
    return slots[slot].blend == task.blend ? 0 : 1
  }

  package func cancel(_ tasks: Set<RenderTask.ID>) async {
    for id in tasks {
      guard let work = working[id] else { continue }
      working[id]?.isCanceled = true
      await slots[work.slot].blender?.kill()
    }
    for id in tasks where working[id] != nil {
      await withCheckedContinuation { continuation in
        if working[id] == nil { continuation.resume() } else { working[id]?.whenEnded.append(continuation) }
      }
    }
  }

  package func finishEarly(_ tasks: Set<RenderTask.ID>) {
    for id in tasks { working[id]?.talk.with { $0.finishEarly() } }
  }

  package func run() async {
    try? Placement.removeTree(setup.temporary)  // Left by a crash; what cannot be removed is in nobody's way.
    await findBlenders(isFirst: true)
    await withTaskCancellationHandler {
      await withDiscardingTaskGroup { group in
        group.addTask { await self.watchBlenders() }
        for await errand in errands {
          switch errand {
          case .execute(let task): group.addTask { await self.execute(task) }
          case .keep(let blender): group.addTask { await blender.run() }
          }
        }
        await cancel(Set(working.keys))
      }
    } onCancel: {
      errand.finish()
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
    for slot in slots where slot.task == nil && slot.blender.map({ gone.contains($0.program.path) }) == true {
      await slot.blender?.kill()
    }
    for path in gone { log.warning("a Blender is gone or was replaced", metadata: ["path": "\(path)"]) }
    let new = there.filter { known[$0.key] != $0.value }.keys
    programs.removeAll { new.contains($0.path) }
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
    if isFirst { slots = Array(repeating: Slot(), count: setup.slots ?? rule.slots) }
    threads = rule.threads(slots: slots.count)
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
      for slot in slots { await slot.blender?.rest() }
    }
  }

  // MARK: - Tasks

  private func execute(_ task: RenderTask) async {
    let end = await render(task)
    guard let work = working.removeValue(forKey: task.id) else { return }
    slots[work.slot].task = nil
    report.yield(.ended(task: task.id, end: work.isCanceled ? .canceled : end))
    for continuation in work.whenEnded { continuation.resume() }
  }

  /// Says once that logs cannot be written, until one can.
  private func tell(of failure: FileFailure?) {
    defer { logErrno = failure?.errno }
    guard let failure, failure.errno != logErrno else { return }
    log.warning(
      "what Blender says is not kept: \(failure.description)", metadata: ["remedy": "\(failure.remedy)"])
  }

  private func render(_ task: RenderTask) async -> TaskEnd {
    guard await isStillThere(task.blender), let work = working[task.id] else { return .canceled }
    do throws(FileFailure) { try SharedFolder.make(FilePath(task.folder)) } catch {
      return .failed(Problem(error.problemClass, cause: error.description, remedy: error.remedy), frame: nil)
    }
    let words = TaskLog(at: FilePath(task.log))
    tell(of: words.failure)
    let blender = await blender(for: task, in: work.slot)
    slots[work.slot].blend = task.blend
    // Cancelled while it was looked for.
    if working[task.id]?.isCanceled == true { return .canceled }
    let end = await blender.lead(
      task, work.talk, log: words, hangRule: HangRule(atLeast: setup.hangAfter, usualFrame: task.usualFrameTime)
    ) { [report] in report.yield($0) }
    if await blender.isAnotherBuild {
      // Told before the task's end, so that it is handed out for the build that is there now.
      known[task.blender.path] = nil
      await findBlenders()
    }
    return end
  }

  /// False for a program that was replaced or taken away since the task was handed out: told, so that it is handed out
  /// anew.
  private func isStillThere(_ program: BlenderProgram) async -> Bool {
    let file = Blenders.fingerprint(of: program.path)
    if file != nil && file == known[program.path] { return true }
    await findBlenders()
    return false
  }

  /// The slot's Blender when it is the right one and worth another task, else a new one in its place.
  private func blender(for task: RenderTask, in slot: Int) async -> ResidentBlender {
    if let there = slots[slot].blender {
      if there.program.isSameProgram(as: task.blender), await there.isUsable { return there }
      await there.kill()
    }
    blendersStarted += 1
    let blender = ResidentBlender(
      task.blender, worker: Self.worker(slot), script: setup.script,
      temporary: setup.temporary.appending("\(Self.worker(slot))-\(blendersStarted)"), rule: setup.residency,
      now: setup.now)
    slots[slot].blender = blender
    errand.yield(.keep(blender))
    return blender
  }
}
