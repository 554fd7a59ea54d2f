@testable import BlendFile
import FarmModel
import FarmTesting
import Segmentation
import Testing

/// What is left of a job, as a set: the plainest board there is.
private struct Left {
  var frames: [RenderPart: [FrameNumber]] = [:]
  var parts: [RenderPart]
  let all: [RenderPart: [FrameNumber]]

  init(_ outputs: [OwedOutput]) {
    let cut = Set(outputs.map(\.kind.part).filter { $0.tile != nil }.map(\.whole))
    var parts: [RenderPart] = []
    for output in outputs where !(output.kind.part.tile == nil && cut.contains(output.kind.part)) {
      if frames[output.kind.part] == nil { parts.append(output.kind.part) }
      if frames[output.kind.part]?.contains(output.frame) != true {
        frames[output.kind.part, default: []].append(output.frame)
      }
    }
    all = frames
    self.parts = parts
  }

  var rests: [Segmenter.Rest] {
    parts.filter { frames[$0]?.isEmpty == false }.map { part in
      let (left, all) = (frames[part] ?? [], all[part] ?? [])
      return Segmenter.Rest(
        of: part, count: left.count, scouts: [all[0], all[all.count - 1], all[all.count / 2]],
        isOwed: left.contains, first: { Array(left.sorted().prefix($0)) })
    }
  }

  mutating func take(_ task: (part: RenderPart, frames: FrameSet)) {
    frames[task.part]?.removeAll { task.frames.frames.contains($0) }
  }
}

@Suite("A job is cut")
struct SegmenterTests {
  private func tasks(
    _ outputs: [OwedOutput], chunk: ChunkSize, _ settings: RenderSettings = RenderSettings(),
    times: FrameTimes = .init()
  ) -> [(part: RenderPart, frames: FrameSet)] {
    var (left, tasks) = (Left(outputs), [(part: RenderPart, frames: FrameSet)]())
    while let next = Segmenter(chunk: chunk).next(of: left.rests, times: times, settings, workers: 2) {
      tasks.append(next)
      left.take(next)
    }
    return tasks
  }

  private func outputs(_ frames: FrameSet, _ parts: [RenderPart] = [RenderPart()]) -> [OwedOutput] {
    parts.flatMap { part in
      frames.frames.map {
        OwedOutput(path: "\(part.words)/\($0).png", frame: $0, kind: OutputKind(part: part))
      }
    }
  }

  private let ascending = {
    var wanted = JobSettings()
    wanted.order = .ascending
    return RenderSettings(wanted: wanted)
  }()

  @Test func `into no parts when each frame takes the one before`() {
    let owed = outputs(FrameSet([3, 4, 9]))

    #expect(tasks(owed, chunk: .frames(2), ascending).map(\.frames) == [FrameSet(3...4), FrameSet([9])])
    #expect(tasks(owed, chunk: .frames(2), RenderSettings(isSimulated: true)).map(\.frames) == [FrameSet([3, 4, 9])])
  }

  @Test func `so that the first, the last and the middle frame come before all others, each alone`() {
    let cut = tasks(outputs(FrameSet(1...20)), chunk: .frames(5)).map(\.frames.frames)

    #expect(cut.prefix(4) == [[1], [20], [11], [2, 3, 4, 5, 6]])
  }

  @Test func `so that every layer shows early what is wrong with it`() {
    let layers = ["Front", "Back"].map { RenderPart(scene: "A", layer: $0) }
    let cut = tasks(outputs(FrameSet(1...9), layers), chunk: .frames(9))

    #expect(
      cut.prefix(6).map { "\($0.part.layer ?? "") \($0.frames)" } == [
        "Front 1", "Front 9", "Front 5", "Back 1", "Back 9", "Back 5",
      ])
    #expect(cut.count == 8)
  }

  @Test func `so that the tiles of one frame are done before those of the next`() {
    let tiles = TileGrid(columns: 2, rows: 1).tiles.map { RenderPart(tile: $0) }
    let cut = tasks(outputs(FrameSet(1...4), tiles), chunk: .frames(9), ascending)

    #expect(cut.map(\.frames.frames) == [[1], [1], [2], [2], [3], [3], [4], [4]])
  }

  @Test func `by its own sidecar before farm.yaml`() {
    var settings = ascending
    settings.wanted.chunk = .frames(4)

    #expect(tasks(outputs(FrameSet(1...8)), chunk: .frames(1), settings).map(\.frames.count) == [4, 4])
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `so that every output is owed by exactly one task`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let scenes = (0..<Int.random(in: 1...3, using: &random)).map { number in
      RandomScene(number, &random).scene
    }
    var wanted = JobSettings()
    wanted.scenes = scenes.count > 1 ? .all : nil
    wanted.layers = [nil, .all].randomElement(using: &random) ?? nil
    wanted.tiles = [nil, .auto, .grid(TileGrid(columns: 3, rows: 2))].randomElement(using: &random) ?? nil
    wanted.chunk = [.auto, .frames(Int.random(in: 1...20, using: &random))].randomElement(using: &random)
    wanted.order = FrameOrder.allCases.randomElement(using: &random)
    var times = FrameTimes()
    for _ in 0..<Int.random(in: 0...4, using: &random) {
      times.add(milliseconds: .random(in: 0...90_000, using: &random))
    }

    let segmentation = Segmentation(
      of: SegmentationTests.inspection(scenes), wanted: wanted, still: .auto,
      workers: Int.random(in: 1...9, using: &random))
    let owed = segmentation.outputs
    let cut = tasks(owed, chunk: .auto, RenderSettings(wanted: wanted), times: times)

    #expect(segmentation.problem == nil && !owed.isEmpty)
    #expect(Set(owed.map { $0.path.lowercased() }).count == owed.count)
    // A picture that comes as tiles is owed by no task, and each of its tiles by one.
    let tiled = Set(owed.filter { $0.kind.part.tile != nil }.map { "\($0.kind.part.whole) \($0.frame)" })
    let rendered = owed.filter { $0.kind.part.tile != nil || !tiled.contains("\($0.kind.part) \($0.frame)") }
    let done = cut.flatMap { task in task.frames.frames.map { "\(task.part) \($0)" } }
    #expect(Set(done).count == done.count)
    #expect(Set(done) == Set(rendered.map { "\($0.kind.part) \($0.frame)" }))
    for picture in tiled {
      let tiles = owed.filter { $0.kind.part.tile != nil && "\($0.kind.part.whole) \($0.frame)" == picture }
      #expect(tiles.count == tiles.first?.kind.part.tile.map { $0.grid.columns * $0.grid.rows })
    }
  }
}

/// A scene of any kind.
private struct RandomScene {
  let scene: BlendScene

  init(_ number: Int, _ random: inout SeededGenerator) {
    var scene = SegmentationTests.scene(named: ["Main", "a/b", "a_b"][number])
    scene.frames.end = Int.random(in: 1...40, using: &random)
    scene.frames.step = Int.random(in: 1...3, using: &random)
    scene.compositing = Bool.random(using: &random)
    scene.multiview = Bool.random(using: &random)
    scene.views = scene.multiview ? ["left", "right"] : []
    scene.size = Bool.random(using: &random) ? [64, 36] : [4000, 3000]
    let layers = ["View Layer", "nodes", "view layer"].prefix(Int.random(in: 1...3, using: &random))
    scene.viewLayers = layers.map { BlendScene.ViewLayer(name: $0, used: true) }
    self.scene = scene
  }
}
