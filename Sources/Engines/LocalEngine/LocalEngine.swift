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

  private var programs = BlenderSurvey()
  private var slots = [Slot()]
  /// How many of the slots get tasks; those behind them end what they have.
  private var slotCount = 1
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
    case look(glob: String)
    case probe(String, Fingerprint)
  }

  package init(_ setup: Setup, log: Logger) {
    self.setup = setup
    self.log = log
    (reports, report) = AsyncStream.makeStream()
    (errands, errand) = AsyncStream.makeStream()
  }

  package func abilities() -> EngineAbilities {
    EngineAbilities(
      workers: programs.found.isEmpty ? [] : slots.indices.prefix(slotCount).map(Self.worker), blenders: programs.found,
      unwell: programs.unwell, probing: programs.probing)
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
    let idle = slots.indices.filter { slots[$0].task == nil }
    let counted = idle.filter { $0 < slotCount }
    // The count may have become smaller on the task's way here.
    let all = counted.isEmpty ? idle : counted
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
    lookForBlenders()
    await withTaskCancellationHandler {
      await withDiscardingTaskGroup { group in
        group.addTask { await self.watchBlenders() }
        for await errand in errands {
          switch errand {
          case .execute(let task): group.addTask { await self.execute(task) }
          case .keep(let blender): group.addTask { await blender.run() }
          case .look(let glob): group.addTask { await self.look(for: glob) }
          case .probe(let path, let file): group.addTask { await self.probe(path, file) }
          }
        }
        await cancel(Set(working.keys))
      }
    } onCancel: {
      errand.finish()
    }
    report.finish()
  }

  // MARK: - Blenders

  /// Has each glob looked up, beside each other: its file system may not answer. One that is still being looked up is
  /// not asked again.
  private func lookForBlenders() {
    for glob in programs.begin(looksFor: setup.blenders, at: setup.now()) { errand.yield(.look(glob: glob)) }
    // Without a single glob there is nothing to wait for.
    if setup.blenders.isEmpty, !programs.isSurveyed { tell() }
  }

  private func look(for glob: String) async {
    let files = await BlockingWork.run { Blenders.files(matching: glob) }
    await take(programs.looked(for: glob, files))
  }

  /// Probes new programs, and ends the Blenders whose program is gone.
  private func take(_ news: BlenderSurvey.News) async {
    for path in news.gone { log.warning("a Blender is gone or was replaced", metadata: ["path": "\(path)"]) }
    for (path, file) in news.new { errand.yield(.probe(path, file)) }
    if news.hasChanged { tell() }
    for slot in slots where slot.task == nil && slot.blender.map({ news.gone.contains($0.program.path) }) == true {
      await slot.blender?.kill()
    }
  }

  private func probe(_ path: String, _ file: Fingerprint) async {
    let answer = await Blenders.probe(path, script: setup.script)
    // The daemon stops: it was not asked to the end.
    guard !Task.isCancelled, programs.answered(path, file, answer) else { return }
    switch answer {
    case .found(let program):
      log.notice(
        "found Blender \(program.fullVersion)", metadata: ["path": "\(path)", "denoiser": "\(program.canDenoise)"])
    case .failed(let program):
      log.warning("a Blender does not work", metadata: ["path": "\(path)", "reason": "\(program.reason)"])
    }
    tell()
  }

  /// Asks a program that turned out to be another one than it said.
  private func askAgain(_ path: String) async {
    guard let file = programs.askAgain(path, at: setup.now()) else { return }
    tell()
    await probe(path, file)
  }

  /// Reports what the engine can do, from the first Blender on that answered, or once it is known that there is none.
  private func tell() {
    guard programs.hasAnswer else { return }
    let gpus = programs.found.map { $0.devices.filter { $0 != "CPU" }.count }.max() ?? 0
    let rule = SlotRule.ofThisMachine(gpus: gpus)
    // Afterwards the number of slots stays what it is.
    if !programs.isSurveyed {
      slotCount = setup.slots ?? rule.slots
      slots += Array(repeating: Slot(), count: max(0, slotCount - slots.count))
    }
    programs.endSurveyIfDone()
    threads = rule.threads(slots: slotCount)
    report.yield(.abilities(abilities()))
  }

  private func watchBlenders() async {
    // Cancelled: the engine stops.
    while (try? await Task.sleep(for: Self.lookEvery)) != nil {
      let lost = programs.giveUp(at: setup.now())
      for program in lost {
        log.warning(
          "a Blender does not work", metadata: ["path": "\(program.path)", "reason": "\(program.reason)"])
      }
      if !lost.isEmpty { tell() }
      lookForBlenders()
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
      await askAgain(task.blender.path)
    }
    return end
  }

  /// False for a program that was replaced or taken away since the task was handed out, or whose file system does not
  /// answer: told, so that it is handed out anew.
  private func isStillThere(_ program: BlenderProgram) async -> Bool {
    let path = program.path
    let file = await BlockingWork.run(atMost: Self.lookEvery) { Blenders.fingerprint(of: path) }
    guard let file else {
      let reason = "its file system does not answer"
      log.warning("a Blender does not work", metadata: ["path": "\(path)", "reason": "\(reason)"])
      programs.fail(path, reason)
      tell()
      return false
    }
    if file != nil && file == programs.file(of: path) { return true }
    await take(programs.looked(at: path, file))
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
