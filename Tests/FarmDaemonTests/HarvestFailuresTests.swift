import FarmModel
import Testing

@testable import FarmDaemon

@Suite("A harvest that failed")
struct HarvestFailuresTests {
  private let one = JobName(release: "r", job: "one")
  private let two = JobName(release: "r", job: "two")
  private let taken = Problem(.nameTaken, cause: "a name is taken", remedy: "Rename it.")
  private let away = Problem(.folderGone, cause: "a folder is away", remedy: "Put it back.")

  private func at(_ seconds: Int64) -> Timestamp { Timestamp(nanoseconds: seconds * 1_000_000_000) }

  @Test func `is tried again after a minute`() {
    var failures = HarvestFailures()

    failures.add(taken, of: [one], among: [one, two], at: at(0))

    #expect(!failures.mayTry([one, two], at: at(59)))
    #expect(failures.mayTry([one, two], at: at(60)))
    #expect(failures.problem(of: one) == taken && failures.problem(of: two) == nil)
  }

  @Test func `is tried at once with all jobs of the release when the cause at one of them is gone`() {
    var failures = HarvestFailures()
    failures.add(taken, of: [one], among: [one, two], at: at(0))

    failures.forget(in: "r")

    #expect(failures.mayTry([one, two], at: at(1)))
  }

  @Test func `is tried at once when a folder is back, but not each second while it only seems to be back`() {
    var failures = HarvestFailures()
    failures.add(away, of: [one], among: [one, two], at: at(0))
    #expect(failures.away(in: "r") == [one])

    failures.isBack(one)
    #expect(failures.mayTry([one, two], at: at(1)))
    failures.add(away, of: [one], among: [one, two], at: at(1))

    #expect(failures.away(in: "r").isEmpty)
    #expect(!failures.mayTry([one, two], at: at(2)))
    #expect(failures.problem(of: one) == away)
    failures.add(away, of: [one], among: [one, two], at: at(61))
    #expect(failures.away(in: "r") == [one])
  }

  @Test func `is over for a job that was delivered`() {
    var failures = HarvestFailures()
    failures.add(taken, of: [one, two], among: [one, two], at: at(0))

    failures.keep([two], of: "r")

    #expect(failures.problem(of: one) == nil && failures.problem(of: two) == taken)
  }
}
