import FarmModel
import Rendering
import Testing

@Suite("A worker on which frames fail")
struct RestingWorkersTests {
  private let workers = ["a", "b"]
  private func frame(_ number: FrameNumber) -> RestingWorkers.Frame { RestingWorkers.Frame(RenderPart(), number) }

  @Test func `rests for the job after three of them, when others render`() {
    var resting = RestingWorkers()
    resting.rendered(frame(1), of: 1, on: "b")
    let first = (1...2).map { _ in resting.failed(of: 1, on: "a", .rendererCrashed) }
    #expect(first == [false, false])
    #expect(resting.resting(among: workers, for: 1).isEmpty)

    let third = resting.failed(of: 1, on: "a", .noOutput)

    #expect(third)
    #expect(resting.resting(among: workers, for: 1) == ["a"])
    #expect(resting.resting(among: workers, for: 2).isEmpty, "another job is another matter")
    resting.forget(1)
    #expect(resting.resting(among: workers, for: 1).isEmpty)
  }

  @Test func `does not rest where nobody else has rendered any, or it renders one between`() {
    var resting = RestingWorkers()
    for _ in 1...9 { _ = resting.failed(of: 1, on: "a", .rendererCrashed) }
    #expect(resting.resting(among: workers, for: 1).isEmpty)

    resting.rendered(frame(1), of: 2, on: "b")
    for _ in 1...2 { _ = resting.failed(of: 2, on: "a", .rendererCrashed) }
    resting.rendered(frame(2), of: 2, on: "a")
    for _ in 1...2 { _ = resting.failed(of: 2, on: "a", .rendererCrashed) }
    #expect(resting.resting(among: workers, for: 2).isEmpty)
  }

  @Test func `does not rest for what is in the file, or what somebody wanted`() {
    var resting = RestingWorkers()
    resting.rendered(frame(1), of: 1, on: "b")
    for problem in [ProblemClass.noCamera, .killed, .diskFull, .changedMeanwhile, .pythonError] {
      for _ in 1...3 { _ = resting.failed(of: 1, on: "a", problem) }
    }
    #expect(resting.resting(among: workers, for: 1).isEmpty)
  }

  @Test func `never rests when all would`() {
    var resting = RestingWorkers()
    for worker in workers { resting.rendered(frame(1), of: 1, on: worker) }
    for worker in workers { for _ in 1...3 { _ = resting.failed(of: 1, on: worker, .rendererCrashed) } }

    #expect(resting.resting(among: workers, for: 1).isEmpty)
  }

  @Test func `leaves a frame that took too long to others until it is done`() {
    var resting = RestingWorkers()
    resting.leave(frame(7), of: 1, on: "a")
    #expect(resting.resting(among: workers, for: 1) == ["a"])
    #expect(resting.resting(among: ["a"], for: 1).isEmpty)

    resting.rendered(frame(7), of: 1, on: "b")
    #expect(resting.resting(among: workers, for: 1).isEmpty)
  }
}

@Suite("A frame that takes long")
struct SlowFrameTests {
  private func verdict(_ seconds: Int, usual: [Int64]) -> SlowFrameRule.Verdict {
    var times = FrameTimes()
    for time in usual { times.add(milliseconds: time * 1000) }
    return SlowFrameRule(times).verdict(after: .seconds(seconds))
  }

  @Test(arguments: [
    (300, [Int64](), SlowFrameRule.Verdict.usual), (300, [100, 100], .usual), (199, [100, 100, 100], .usual),
    (200, [100, 100, 100], .slow), (599, [100, 100, 100], .slow), (600, [100, 100, 100], .tooSlow),
    (2999, [1000, 1000, 1000], .slow), (3000, [1000, 1000, 1000], .tooSlow), (4, [1, 1, 1], .usual),
    (5, [1, 1, 1], .slow),
  ])
  func `is slow at twice the usual, and too slow at three times and ten minutes`(
    seconds: Int, usual: [Int64], verdict: SlowFrameRule.Verdict
  ) {
    #expect(self.verdict(seconds, usual: usual) == verdict)
  }
}
