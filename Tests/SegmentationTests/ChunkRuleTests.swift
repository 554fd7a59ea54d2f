import FarmModel
import Testing

@testable import Segmentation

@Suite("A task has")
struct ChunkRuleTests {
  private func count(_ size: ChunkSize = .auto, left: Int, workers: Int = 1, seconds: [Double]) -> Int {
    var times = FrameTimes()
    for time in seconds { times.add(milliseconds: Int64(time * 1000)) }
    return ChunkRule(size: size).count(left: left, workers: workers, times: times)
  }

  @Test func `one frame while fewer than two were measured`() {
    #expect(count(left: 1000, seconds: []) == 1)
    #expect(count(left: 1000, seconds: [1]) == 1)
  }

  @Test func `as many frames as take five minutes`() {
    #expect(count(left: 10_000, seconds: [10, 10, 10]) == 30)
    #expect(count(left: 10_000, seconds: [400, 400]) == 1)
  }

  @Test func `no more than would take a quarter of an hour with the slowest that is known`() {
    #expect(count(left: 10_000, seconds: [1, 1, 1, 1, 90]) == 10)
  }

  @Test func `no more than half of each worker's share of what is left, so that all finish together`() {
    #expect(count(left: 48, workers: 2, seconds: [0.3, 0.3]) == 12)
    #expect(count(left: 7, workers: 2, seconds: [0.3, 0.3]) == 1)
    #expect(count(left: 1, workers: 8, seconds: [0.3, 0.3]) == 1)
  }

  @Test func `no more than somebody could say`() {
    #expect(count(left: 100_000, workers: 1, seconds: [0, 0]) == 1000)
  }

  @Test func `as many frames as somebody said`() {
    #expect(count(.frames(7), left: 48, workers: 8, seconds: []) == 7)
  }

  @Test(arguments: [("auto", ChunkSize.auto), ("1", .frames(1)), ("1000", .frames(1000))])
  func `a size that is read as it is written`(text: String, size: ChunkSize) {
    #expect(ChunkSize(text) == size)
  }

  @Test(arguments: ["0", "-3", "1001", "many", ""]) func `no other size`(text: String) {
    #expect(ChunkSize(text) == nil)
  }
}
