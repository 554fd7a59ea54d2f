import FarmModel
import Rendering
import SystemPackage
import Testing

/// What every engine promises; each conformer's tests run all of it.
package struct EngineContract: Sendable {
  /// Makes a new engine.
  let engine: @Sendable () throws -> any RenderEngine
  /// A scene with at least six frames.
  let scene: FilePath

  package init(scene: FilePath, engine: @escaping @Sendable () throws -> any RenderEngine) {
    self.scene = scene
    self.engine = engine
  }

  /// Runs an engine for as long as `body` takes.
  private func running(
    _ body:
      @escaping @Sendable (any RenderEngine, EngineAbilities, inout AsyncStream<EngineReport>.AsyncIterator)
      async throws
      -> Void
  ) async throws {
    let engine = try engine()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await engine.run() }
      group.addTask {
        var reports = engine.reports.makeAsyncIterator()
        guard case .abilities(let able) = await reports.next() else {
          Issue.record("an engine says first what it can do")
          return
        }
        try await body(engine, able, &reports)
      }
      _ = try await group.next()
      group.cancelAll()
    }
  }

  private static func task(
    _ id: Int64, _ scene: FilePath, _ frames: FrameSet, in scratch: ScratchFolder, _ able: EngineAbilities
  ) throws -> RenderTask {
    RenderTask(
      id: id, revision: 1, job: JobName(release: "quick", job: "contract"), frames: frames, blend: scene.string,
      folder: scratch("work-\(id)").string, format: .png, blender: try #require(able.blenders.first),
      log: scratch("task-\(id).log").string)
  }

  /// Every frame is reported once, with a file that is there; then the task ends once, completed.
  package func rendersEveryFrame() async throws {
    let scratch = try ScratchFolder()
    let scene = scene
    try await running { engine, able, reports in
      #expect(able.tasksAtOnce >= 1)

      await engine.submit(try Self.task(1, scene, FrameSet(1...3), in: scratch, able))

      var frames: [FrameNumber] = []
      var isOpen = false
      while let report = await reports.next() {
        switch report {
        case .opened(1, let scene):
          isOpen = scene.size.width > 0 && scene.size.height > 0
        case .frame(1, let frame):
          #expect(isOpen)
          #expect(!frame.pictures.isEmpty && frame.pictures.allSatisfy { FilePath($0.file).isThere })
          frames.append(frame.frame)
        case .ended(1, let end):
          #expect(end == .completed)
          #expect(frames == [1, 2, 3])
          return
        default: break
        }
      }
      Issue.record("the task never ended")
    }
  }

  /// A file that cannot be opened ends the task with a final cause, and the engine goes on.
  package func saysWhyAFileCannotBeOpened() async throws {
    let scratch = try ScratchFolder()
    let broken = try scratch.write("<html>not a scene</html>", to: "broken.blend")
    let scene = scene
    try await running { engine, able, reports in
      await engine.submit(try Self.task(1, broken, FrameSet(1...2), in: scratch, able))
      guard case .failed(let problem, let frame)? = await Self.end(of: 1, &reports) else {
        Issue.record("a broken file did not fail")
        return
      }
      #expect(problem.problemClass == .unreadableFile)
      #expect(frame == nil)

      await engine.submit(try Self.task(2, scene, FrameSet(1...1), in: scratch, able))
      #expect(await Self.end(of: 2, &reports) == .completed)
    }
  }

  /// A cancelled task ends as cancelled, and when `cancel` returns it writes no more.
  package func cancels() async throws {
    let scratch = try ScratchFolder()
    let scene = scene
    try await running { engine, able, reports in
      await engine.submit(try Self.task(1, scene, FrameSet(1...6), in: scratch, able))
      while let report = await reports.next() {
        if case .started(1, _, _) = report { break }
      }

      await engine.cancel([1, 99])

      let written = scratch("work-1").filesBelow
      #expect(await Self.end(of: 1, &reports) == .canceled)
      #expect(scratch("work-1").filesBelow.filter { !$0.hasPrefix("tmp") } == written.filter { !$0.hasPrefix("tmp") })
    }
  }

  /// A task that shall finish early ends after the frame that it is at, and what it rendered is reported.
  package func finishesEarly() async throws {
    let scratch = try ScratchFolder()
    let scene = scene
    try await running { engine, able, reports in
      await engine.submit(try Self.task(1, scene, FrameSet(1...6), in: scratch, able))
      var frames: [FrameNumber] = []
      while let report = await reports.next() {
        switch report {
        case .opened: await engine.finishEarly([1, 99])
        case .frame(1, let frame): frames.append(frame.frame)
        case .ended(1, let end):
          #expect(end == .canceled)
          #expect(frames.count <= 2)
          return
        default: break
        }
      }
      Issue.record("the task never ended")
    }
  }

  /// What the engine reports of one task, to its end.
  package func reports(of scene: FilePath, frames: FrameSet) async throws -> [EngineReport] {
    let scratch = try ScratchFolder()
    let all = Mutexed<[EngineReport]>([])
    try await running { engine, able, reports in
      await engine.submit(try Self.task(1, scene, frames, in: scratch, able))
      while let report = await reports.next() {
        all.with { $0.append(report) }
        if case .ended(1, _) = report { break }
      }
    }
    return all.with { $0 }
  }

  private static func end(of task: Int64, _ reports: inout AsyncStream<EngineReport>.AsyncIterator) async -> TaskEnd? {
    while let report = await reports.next() {
      if case .ended(task, let end) = report { return end }
    }
    return nil
  }
}
