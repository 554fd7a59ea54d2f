import BlendFile
import FarmModel
import FarmTesting
import Segmentation
import Testing

@Suite("A job is cut")
struct SegmenterTests {
  @Test func `into the frames of its active scene`() {
    let scenes = [
      BlendFacts.SceneRange(name: "A", start: 3, end: 5), BlendFacts.SceneRange(name: "B", start: 1, end: 100),
    ]
    let facts = BlendFacts(version: BlenderVersion(major: 3, minor: 4), wrapper: .none, scenes: scenes)

    #expect(Segmenter.frames(of: facts) == FrameSet(3...5))
    #expect(Segmenter.frames(of: nil).isEmpty)
  }

  @Test(arguments: [(1, "000001.png"), (1_048_574, "1048574.png"), (-3, "-00003.png"), (0, "000000.png")])
  func `into files of six digits`(frame: FrameNumber, name: String) {
    #expect(Segmenter.fileName(frame, .png) == name)
  }

  private func rest(_ frames: FrameSet, missing: [FrameNumber], times: [Int64] = []) -> Segmenter.Rest {
    var measured = FrameTimes()
    for time in times { measured.add(milliseconds: time) }
    return Segmenter.Rest(
      of: frames, count: missing.count, times: measured, isOwed: missing.contains,
      first: { Array(missing.sorted().prefix($0)) })
  }

  @Test func `into no parts when each frame takes the one before`() {
    let segmenter = Segmenter(chunk: .frames(2))
    let rest = rest(FrameSet([3, 4, 9]), missing: [9, 3, 4])

    #expect(segmenter.next(of: rest, RenderSettings(), order: .ascending, workers: 1) == FrameSet(3...4))
    #expect(segmenter.next(of: rest, RenderSettings(isSimulated: true), workers: 1).frames == [3, 4, 9])
  }

  @Test func `so that the first, the last and the middle frame come before all others, each alone`() {
    let segmenter = Segmenter(chunk: .frames(5))
    var missing = Array(FrameSet(1...20).frames)
    var tasks: [[FrameNumber]] = []
    while !missing.isEmpty {
      let next = segmenter.next(of: rest(FrameSet(1...20), missing: missing), RenderSettings(), workers: 1)
      tasks.append(next.frames)
      missing.removeAll { next.frames.contains($0) }
    }

    #expect(tasks.prefix(4) == [[1], [20], [11], [2, 3, 4, 5, 6]])
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func `so that every output is owed by exactly one task`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let frames = FrameSet(
      (0..<Int.random(in: 1...80, using: &random)).map { _ in FrameNumber.random(in: -20...500, using: &random) })
    let sizes: [ChunkSize] = [.auto, .frames(Int.random(in: 1...20, using: &random))]
    let segmenter = Segmenter(chunk: sizes.randomElement(using: &random) ?? .auto)
    let order = FrameOrder.allCases.randomElement(using: &random) ?? .ascending
    let times = (0..<Int.random(in: 0...4, using: &random)).map { _ in Int64.random(in: 0...90_000, using: &random) }

    var missing = frames.frames
    var tasks: [FrameNumber] = []
    while !missing.isEmpty {
      let rest = rest(frames, missing: missing, times: times)
      let chunk = segmenter.next(of: rest, RenderSettings(), order: order, workers: 2)
      #expect(!chunk.isEmpty)
      tasks += chunk.frames
      missing.removeAll { chunk.frames.contains($0) }
    }

    let owed = Segmenter.owed(frames, format: .png)
    #expect(owed.map(\.frame) == frames.frames)
    #expect(tasks.sorted() == frames.frames)
    #expect(Set(owed.map(\.path)).count == owed.count)
  }
}
