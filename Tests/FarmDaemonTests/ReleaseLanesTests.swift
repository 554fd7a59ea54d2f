import FarmModel
import FolderWatch
import Testing

@testable import FarmDaemon

@Suite("The steps of releases")
struct ReleaseLanesTests {
  private let now = ContinuousClock.now

  @Test func `are done one after the other, each release by itself`() {
    var lanes = ReleaseLanes()
    lanes.begin("r", .recover, number: 1, at: now)
    lanes.begin("s", .change(.folderGone("/s")), number: 2, at: now)
    lanes.add(.change(.folderGone("/r")), to: "r")

    #expect(lanes.recovering == ["r"])
    #expect(lanes.next(of: "r", at: now) == .recover)
    lanes.recovered("r")
    #expect(lanes.next(of: "r", at: now) == .change(.folderGone("/r")))
    #expect(lanes.next(of: "r", at: now) == nil)
    #expect(lanes.end("r") == 1)
    #expect(!lanes.isBusy("r") && lanes.isBusy("s"))
    #expect(lanes.recovering.isEmpty)
  }

  @Test func `of which the same comes twice are one`() {
    var lanes = ReleaseLanes()
    lanes.begin("r", .recover, number: 1, at: now)
    for _ in 1...3 { lanes.add(.change(.folderFound("/r")), to: "r") }

    _ = lanes.next(of: "r", at: now)

    #expect(lanes.next(of: "r", at: now) == .change(.folderFound("/r")))
    #expect(lanes.next(of: "r", at: now) == nil)
  }

  @Test func `that take too long are told, counted from the step at which they are`() {
    var lanes = ReleaseLanes()
    lanes.begin("r", .recover, number: 7, at: now)
    _ = lanes.next(of: "r", at: now + .seconds(20))

    #expect(lanes.slow(after: .seconds(30), at: now + .seconds(40)).isEmpty)
    #expect(lanes.slow(after: .seconds(30), at: now + .seconds(50)).map(\.number) == [7])
  }
}
