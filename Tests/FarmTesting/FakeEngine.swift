import FarmModel
import Foundation
import Rendering

/// An engine whose frames are ready-made pictures; passes the same contract as the real ones.
package actor FakeEngine: RenderEngine {
  package nonisolated let reports: AsyncStream<EngineReport>
  private let report: AsyncStream<EngineReport>.Continuation
  private let slots: Int
  private let spoil: @Sendable (FrameNumber, Int) -> Spoiling?
  private let badWorker: String?
  private let isSilent: Bool
  private var active: [RenderTask.ID: Task<Void, Never>] = [:]
  private var shortened: Set<RenderTask.ID> = []
  private var workers: [RenderTask.ID: String] = [:]
  /// How often each frame was begun, over all tasks.
  package private(set) var tries: [FrameNumber: Int] = [:]
  private var blenders: [BlenderProgram]

  /// What may go wrong with a frame.
  package enum Spoiling: Sendable {
    /// Written, reported, and cut short.
    case truncated
    /// The program dies over it.
    case crash
    /// Nothing is written, and the task says that all went well.
    case forgotten
    /// It takes so long that somebody loses patience.
    case endless
    /// It takes a second, as most real ones do.
    case slow
  }

  /// - Parameters:
  ///   - badWorker: one that dies over every frame.
  ///   - isSilent: whether it leaves it to the test to say what it can do.
  ///   - blenders: its programs; each makes pictures of another colour.
  ///   - spoil: what goes wrong with a frame at its n-th try, counted from 1.
  package init(
    slots: Int = 1, badWorker: String? = nil, isSilent: Bool = false,
    blenders: [BlenderProgram] = [FakeEngine.blender],
    spoil: @escaping @Sendable (FrameNumber, Int) -> Spoiling? = { _, _ in nil }
  ) {
    self.isSilent = isSilent
    self.slots = slots
    self.badWorker = badWorker
    self.blenders = blenders
    self.spoil = spoil
    (reports, report) = AsyncStream.makeStream()
  }

  package static let blender = BlenderProgram(
    path: "/fake/blender", version: BlenderVersion(major: 3, minor: 4), fullVersion: "3.4.0", buildHash: "fake",
    canDenoise: false, devices: ["CPU"])

  package func abilities() -> EngineAbilities {
    EngineAbilities(workers: blenders.isEmpty ? [] : workerNames, blenders: blenders)
  }

  private var workerNames: [String] { (1...slots).map { "fake-\($0)" } }

  /// Installs other programs in the place of its own; its tasks go on with the one that they began with.
  package func replaceBlenders(by blenders: [BlenderProgram]) {
    self.blenders = blenders
    report.yield(.abilities(abilities()))
  }

  private static let size = PixelSize(width: 4, height: 3)

  /// What a Blender makes of every frame.
  package static func picture(by blender: BlenderProgram, of tile: Tile? = nil) -> [UInt8] {
    let size = tile?.rectangle(in: size).size ?? size
    guard let build = blender.build else { return TestFiles.png(width: size.width, height: size.height) }
    let shade = UInt8(truncatingIfNeeded: build.utf8.reduce(7) { $0 &* 31 &+ Int($1) })
    let row = [0] + [UInt8](repeating: shade, count: size.width * 3)
    let pixels = Array(repeatElement(row, count: size.height).joined())
    return TestFiles.png(width: size.width, height: size.height, pixels: pixels)
  }

  package nonisolated func commandLine(for task: RenderTask) -> String { "true" }

  package func submit(_ task: RenderTask) {
    let free = workerNames.filter { !workers.values.contains($0) }
    let worker = free.first { !task.avoids.contains($0) } ?? free.first ?? "fake-1"
    workers[task.id] = worker
    active[task.id] = Task { await self.work(on: task, as: worker) }
  }

  package func cancel(_ tasks: Set<RenderTask.ID>) async {
    for id in tasks { active[id]?.cancel() }
    for id in tasks { await active[id]?.value }
  }

  package func finishEarly(_ tasks: Set<RenderTask.ID>) { shortened.formUnion(tasks) }

  package func run() async {
    if !isSilent { report.yield(.abilities(abilities())) }
    while (try? await Task.sleep(for: .seconds(3600))) != nil {}
    await cancel(Set(active.keys))
    report.finish()
  }

  private func work(on task: RenderTask, as worker: String) async {
    report.yield(.started(task: task.id, worker: worker, process: nil))
    let end = await render(task, as: worker)
    active[task.id] = nil
    workers[task.id] = nil
    report.yield(.ended(task: task.id, end: end))
  }

  /// Read as a process of its own would: a file server that does not answer stops no thread of ours, and who reads
  /// there can be killed.
  private static func content(of path: String) async -> Data? {
    let (contents, content) = AsyncStream.makeStream(of: Data?.self)
    Thread.detachNewThread {
      content.yield(FileManager.default.contents(atPath: path))
      content.finish()
    }
    return await contents.first { _ in true } ?? nil
  }

  private func render(_ task: RenderTask, as worker: String) async -> TaskEnd {
    let content = await Self.content(of: task.blend)
    guard !Task.isCancelled else { return .canceled }
    guard content?.starts(with: Data("BLENDER".utf8)) == true || content?.starts(with: [0x28, 0xb5]) == true else {
      return .failed(Problem(.unreadableFile, cause: "not a .blend"), frame: nil)
    }
    report.yield(.opened(task: task.id, OpenedScene(size: Self.size)))
    for frame in task.frames.frames {
      if shortened.contains(task.id) { return .canceled }
      tries[frame, default: 0] += 1
      let spoiling = worker == badWorker ? .crash : spoil(frame, tries[frame] ?? 1)
      report.yield(.progress(task: task.id, frame: frame, part: 0))
      // As long as a quick frame takes, so that there is something to cancel.
      let time = spoiling == .endless ? Duration.seconds(3600) : .milliseconds(spoiling == .slow ? 1000 : 30)
      if (try? await Task.sleep(for: time)) == nil { return .canceled }
      if spoiling == .crash { return .failed(Problem(.rendererCrashed, cause: "signal 11"), frame: frame) }
      if spoiling == .forgotten { continue }
      let file = "\(task.folder)/\(frame).png"
      try? FileManager.default.createDirectory(atPath: task.folder, withIntermediateDirectories: true)
      let picture = Self.picture(by: task.blender, of: task.part.tile)
      try? Data(spoiling == .truncated ? picture.dropLast(12) : picture[...]).write(to: URL(filePath: file))
      report.yield(
        .frame(
          task: task.id,
          RenderedFrame(
            frame: frame, pictures: [RenderedPicture(file)], renderMilliseconds: 30, peakBytes: 1 << 30)))
    }
    return .completed
  }
}
