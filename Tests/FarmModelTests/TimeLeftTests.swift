import FarmModel
import Testing

@Suite("What a job will take yet")
struct TimeLeftTests {
  private func times(_ seconds: [Double]) -> FrameTimes {
    var times = FrameTimes()
    for time in seconds { times.add(milliseconds: Int64(time * 1000)) }
    return times
  }

  @Test func `is a range, from how long its frames took, shared by the workers`() {
    let times = times([10, 10, 20, 20])

    #expect(TimeLeft(times, frames: 10, workers: 1) == TimeLeft(leastSeconds: 100, mostSeconds: 200))
    #expect(TimeLeft(times, frames: 10, workers: 4) == TimeLeft(leastSeconds: 30, mostSeconds: 60))
    #expect(TimeLeft(times, frames: 1, workers: 4, longest: .seconds(15))?.mostSeconds == 20)
    #expect(TimeLeft(times, frames: 1, workers: 4, longest: .seconds(99))?.mostSeconds == 99, "it takes ever longer")
    #expect(TimeLeft(times, frames: 1, workers: 0) == TimeLeft(leastSeconds: 10, mostSeconds: 20))
  }

  @Test func `is not known before a frame was measured, nor asked when all are done`() {
    #expect(TimeLeft(FrameTimes(), frames: 10, workers: 1) == nil)
    #expect(TimeLeft(times([1]), frames: 0, workers: 1) == nil)
  }

  @Test(arguments: [
    (0, 1, "0-1s left"), (40, 90, "40-90s left"), (90, 150, "90s-3m left"), (120, 180, "2-3m left"),
    (180, 180, "3m left"), (3600, 7200, "60m-2h left"), (7200, 9600, "2h-2h 40m left"), (200_000, 400_000, "2-5d left"),
  ])
  func `is said in the unit that fits`(least: Int, most: Int, words: String) {
    #expect(TimeLeft(leastSeconds: least, mostSeconds: most).words == words)
  }
}
