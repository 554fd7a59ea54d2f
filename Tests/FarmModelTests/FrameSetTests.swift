import FarmModel
import FarmTesting
import Testing

@Suite("A frame set")
struct FrameSetTests {
  @Test(arguments: [
    ("1-4", [1, 2, 3, 4]), ("1-10x5", [1, 6]), ("1-10y3", [2, 3, 5, 6, 8, 9]), ("3, 1, 2", [1, 2, 3]),
    ("-3--1", [-3, -2, -1]), ("7", [7]), ("1-3,2-5", [1, 2, 3, 4, 5]), ("5-5", [5]),
  ])
  func `is read as people write it`(text: String, frames: [FrameNumber]) throws {
    #expect(try FrameSet(parsing: text).frames == frames)
  }

  @Test(arguments: ["", "a", "1-", "4-1", "1-10x0", "1,,2", "1-10z2", "99999999"])
  func `is refused when it is not understood, naming the part`(text: String) {
    let failure = #expect(throws: FrameSetFailure.self) { try FrameSet(parsing: text) }

    #expect(failure?.description.contains("not a frame") == true)
    #expect(failure?.remedy == "Write frames as `1-10,20,30-50x5`.")
  }

  @Test func `refuses a colon, which means two things`() {
    let failure = #expect(throws: FrameSetFailure.colon("1-10:2")) { try FrameSet(parsing: "1-10:2") }

    #expect(failure?.description.contains("step in one system and interleave in another") == true)
  }

  @Test func `refuses more frames than a job may have`() {
    #expect(throws: FrameSetFailure.tooMany("1-200000")) { try FrameSet(parsing: "1-200000") }
  }

  @Test func `is printed collapsed`() {
    #expect(FrameSet([1, 2, 3, 9, 20, 22, 24, 26]).description == "1-3,9,20-26x2")
    #expect(FrameSet([4, 9]).description == "4,9")
    #expect(FrameSet([-2, -1, 0]).description == "-2-0")
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `reads back what it prints`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let count = Int.random(in: 1...40, using: &random)
    let set = FrameSet((0..<count).map { _ in FrameNumber.random(in: -30...60, using: &random) })

    #expect(try FrameSet(parsing: set.description) == set)
  }
}
