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

    package init(script: FilePath, blenders: [String], slots: Int?) {
      self.script = script
      self.blenders = blenders
      self.slots = slots
    }
  }

  package nonisolated let reports: AsyncStream<EngineReport>
  private let report: AsyncStream<EngineReport>.Continuation
  private let submissions: AsyncStream<RenderTask>
  private let submission: AsyncStream<RenderTask>.Continuation
  private let setup: Setup
  private let log: Logger

  private var programs: [BlenderProgram] = []
  private var slots = 1
  private var threads = 0
  /// Slots that work, by task; numbers from 1.
  private var working: [RenderTask.ID: Work] = [:]

  /// A task in a slot.
  private struct Work {
    let slot: Int
    var process: ChildIdentity?
    var isCanceled = false
    var whenEnded: [CheckedContinuation<Void, Never>] = []
  }

  package init(_ setup: Setup, log: Logger) {
    self.setup = setup
    self.log = log
    (reports, report) = AsyncStream.makeStream()
    (submissions, submission) = AsyncStream.makeStream()
  }

  package func abilities() -> EngineAbilities {
    EngineAbilities(tasksAtOnce: programs.isEmpty ? 0 : slots, blenders: programs)
  }

  package func submit(_ task: RenderTask) {
    precondition(working.count < slots, "more tasks were submitted than the engine said it takes")
    let slot = (1...slots).first { number in !working.values.contains { $0.slot == number } } ?? 1
    working[task.id] = Work(slot: slot)
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

  package func run() async {
    await findBlenders()
    await withTaskCancellationHandler {
      await withDiscardingTaskGroup { group in
        for await task in submissions { group.addTask { await self.execute(task) } }
        await cancel(Set(working.keys))
      }
    } onCancel: {
      submission.finish()
    }
    report.finish()
  }

  private func findBlenders() async {
    for path in Blenders.executables(matching: setup.blenders) {
      switch await Blenders.probe(path, script: setup.script) {
      case .found(let program):
        programs.append(program)
        log.notice(
          "found Blender \(program.fullVersion)", metadata: ["path": "\(path)", "denoiser": "\(program.canDenoise)"])
      case .failed(let path, let reason):
        log.warning("a Blender does not work", metadata: ["path": "\(path)", "reason": "\(reason)"])
      }
    }
    let gpus = programs.map { $0.devices.filter { $0 != "CPU" }.count }.max() ?? 0
    let rule = SlotRule.ofThisMachine(gpus: gpus)
    slots = setup.slots ?? rule.slots
    threads = rule.threads(slots: slots)
    report.yield(.abilities(abilities()))
  }

  private func execute(_ task: RenderTask) async {
    let end = await converse(task)
    let isCanceled = working[task.id]?.isCanceled ?? true
    let waiting = working.removeValue(forKey: task.id)?.whenEnded ?? []
    report.yield(.ended(task: task.id, end: isCanceled ? .canceled : end))
    for continuation in waiting { continuation.resume() }
  }

  private func converse(_ task: RenderTask) async -> TaskEnd {
    let temporary = task.folder + "/tmp"
    let taskLog: TaskLog
    do throws(FileFailure) {
      try SharedFolder.make(FilePath(temporary))
      taskLog = try TaskLog(at: FilePath(task.log))
    } catch {
      return .failed(Problem(error.problemClass, cause: error.description, remedy: error.remedy), frame: nil)
    }
    defer { removeTemporary(FilePath(temporary)) }
    let talk = Mutex(BlenderTalk(task, threads: threads))
    do {
      let end = try await ChildProcess.run(
        Blenders.command(task.blender.path, script: setup.script, temporary: temporary),
        started: { process, _ in await self.started(task, process) },
        onLine: { line, input in
          taskLog.add(line)
          let reaction = talk.withLock { $0.heard(line) }
          for report in reaction.reports { self.report.yield(report) }
          if let command = reaction.say { await input.send(line: command) }
          if reaction.isOver { await input.finish() }
        })
      return talk.withLock { $0.ended(end) }
    } catch {
      return .failed(Problem(.rendererCrashed, cause: error.description, remedy: error.remedy), frame: nil)
    }
  }

  private func started(_ task: RenderTask, _ process: ChildIdentity) {
    guard let work = working[task.id] else { return }
    working[task.id]?.process = process
    if work.isCanceled { ProcessTable.killGroup(of: process) }
    report.yield(
      .started(
        task: task.id, worker: "local-\(work.slot)",
        process: WorkerProcess(pid: process.pid, startTicks: process.startTicks)))
  }

  private func removeTemporary(_ folder: FilePath) {
    do throws(FileFailure) { try Placement.removeTree(folder) } catch {
      log.warning("cannot remove a task's temporary folder", metadata: ["reason": "\(error)"])
    }
  }
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
