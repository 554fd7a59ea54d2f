import FarmModel
import Foundation
import Rendering

/// An engine whose frames are ready-made pictures; passes the same contract as the real ones.
package actor FakeEngine: RenderEngine {
  package nonisolated let reports: AsyncStream<EngineReport>
  private let report: AsyncStream<EngineReport>.Continuation
  private let slots: Int
  private var active: [RenderTask.ID: Task<Void, Never>] = [:]

  package init(slots: Int = 1) {
    self.slots = slots
    (reports, report) = AsyncStream.makeStream()
  }

  package static let blender = BlenderProgram(
    path: "/fake/blender", version: BlenderVersion(major: 3, minor: 4), fullVersion: "3.4.0", buildHash: "fake",
    canDenoise: false, devices: ["CPU"])

  package func abilities() -> EngineAbilities { EngineAbilities(tasksAtOnce: slots, blenders: [Self.blender]) }

  package func submit(_ task: RenderTask) {
    active[task.id] = Task { await self.work(on: task) }
  }

  package func cancel(_ tasks: Set<RenderTask.ID>) async {
    for id in tasks { active[id]?.cancel() }
    for id in tasks { await active[id]?.value }
  }

  package func run() async {
    report.yield(.abilities(abilities()))
    while (try? await Task.sleep(for: .seconds(3600))) != nil {}
    await cancel(Set(active.keys))
    report.finish()
  }

  private func work(on task: RenderTask) async {
    report.yield(.started(task: task.id, worker: "fake-1", process: nil))
    let end = await render(task)
    active[task.id] = nil
    report.yield(.ended(task: task.id, end: end))
  }

  private func render(_ task: RenderTask) async -> TaskEnd {
    guard
      FileManager.default.contents(atPath: task.blend)?.starts(with: Data("BLENDER".utf8)) == true
        || FileManager.default.contents(atPath: task.blend)?.starts(with: [0x28, 0xb5]) == true
    else { return .failed(Problem(.unreadableFile, cause: "not a .blend"), frame: nil) }
    report.yield(.opened(task: task.id, size: PixelSize(width: 4, height: 3)))
    for frame in task.frames.frames {
      // As long as a quick frame takes, so that there is something to cancel.
      if (try? await Task.sleep(for: .milliseconds(30))) == nil { return .canceled }
      let file = "\(task.folder)/\(frame).png"
      try? FileManager.default.createDirectory(atPath: task.folder, withIntermediateDirectories: true)
      try? Data(TestFiles.png()).write(to: URL(filePath: file))
      report.yield(.frame(task: task.id, RenderedFrame(frame: frame, file: file, renderMilliseconds: 30)))
    }
    return .completed
  }
}
