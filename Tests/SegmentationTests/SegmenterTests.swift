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

  @Test func `into no parts when each frame takes the one before`() {
    let segmenter = Segmenter(chunkFrames: 2)

    #expect(segmenter.nextChunk(of: [9, 3, 4], RenderSettings()) == FrameSet(3...4))
    #expect(segmenter.nextChunk(of: [9, 3, 4], RenderSettings(isSimulated: true)).frames == [3, 4, 9])
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func `so that every output is owed by exactly one task`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let frames = FrameSet(
      (0..<Int.random(in: 1...80, using: &random)).map { _ in FrameNumber.random(in: -20...500, using: &random) })
    let segmenter = Segmenter(chunkFrames: Int.random(in: 1...20, using: &random))

    var missing = frames.frames
    var tasks: [FrameNumber] = []
    while !missing.isEmpty {
      let chunk = segmenter.nextChunk(of: missing, RenderSettings())
      tasks += chunk.frames
      missing.removeAll { chunk.frames.contains($0) }
    }

    let owed = Segmenter.owed(frames, format: .png)
    #expect(owed.map(\.frame) == frames.frames)
    #expect(tasks == frames.frames)
    #expect(Set(owed.map(\.path)).count == owed.count)
  }
}
