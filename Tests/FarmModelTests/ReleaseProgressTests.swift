import FarmModel
import Testing

@Suite("A release")
struct ReleaseProgressTests {
  private func progress(
    planned: Bool = true, plannedJobs: [String] = [], harvest: HarvestMode = .auto, jobs: [String: JobState],
    unsettled: [String] = [], undelivered: Set<String> = [], quiet: Duration = .seconds(31)
  ) -> ReleaseProgress {
    ReleaseProgress(
      isPlanned: planned, plannedJobs: plannedJobs, harvest: harvest, jobs: jobs, unsettled: unsettled,
      undelivered: undelivered, quietFor: quiet, quietNeeded: .seconds(30))
  }

  @Test func `is ready when every job is completed and it was quiet`() {
    let done = progress(plannedJobs: ["a"], jobs: ["a": .completed, "b": .completed], undelivered: ["a", "b"])

    #expect(done.isReadyForHarvest)
    #expect(done.state == .completed)
    #expect(done.waitsFor.isEmpty)
  }

  @Test(arguments: [
    (["a": JobState.completed], "a drop of b"),
    (["a": .completed, "b": .active], "b (active)"),
    (["a": .completed, "b": .blocked], "b (blocked)"),
    (["a": .completed, "b": .failed], "b (failed)"),
    (["a": .completed, "b": .canceled], "b (canceled)"),
    (["a": .completed, "b": .removed], "a drop of b"),
  ])
  func `is not harvested with something missing, and says what`(jobs: [String: JobState], words: String) {
    let open = progress(plannedJobs: ["a", "b"], jobs: jobs, undelivered: ["a"])

    #expect(!open.isReadyForHarvest)
    #expect(open.waitsFor.contains(words))
  }

  @Test func `is stale when something delivered is older than what it depends on, and says which`() {
    var delivered = progress(jobs: ["a": .completed, "b": .completed, "c": .completed])
    let at = Timestamp(nanoseconds: 1_795_400_000_000_000_000)
    let cause = StaleCause(file: "store/lib/chair.blend", at: at, cost: .seconds(36_000))
    delivered.stale = ["a": cause, "c": cause, "b": StaleCause(file: "t/wood.png", at: at)]

    #expect(delivered.state == .stale)
    #expect(
      delivered.waitsFor == [
        "`farm refresh release`: store/lib/chair.blend changed at 2026-11-23T02:13:20Z, and a, c depend on it, "
          + "which would take 10h of rendering",
        "`farm refresh release`: t/wood.png changed at 2026-11-23T02:13:20Z, and b depends on it",
      ])
    // What was dropped since is delivered all the same.
    var dropped = progress(jobs: ["a": .completed, "b": .completed], undelivered: ["b"])
    dropped.stale = ["a": cause]
    #expect(dropped.state == .completed && dropped.isReadyForHarvest)
  }

  @Test func `waits for its quiet time`() {
    let early = progress(jobs: ["a": .completed], undelivered: ["a"], quiet: .seconds(29))

    #expect(!early.isReadyForHarvest)
    #expect(early.waitsFor == ["30s without a change"])
  }

  @Test func `is open as soon as something was dropped, and names a drop on its way once`() {
    let open = progress(plannedJobs: ["a", "b"], jobs: ["a": .completed], unsettled: ["b"], undelivered: ["a"])

    #expect(open.state == .open)
    #expect(open.waitsFor == ["b to be whole"])
    #expect(progress(plannedJobs: ["a", "b"], jobs: ["a": .completed], undelivered: ["a"]).state == .open)
  }

  @Test func `waits for a file that is being copied`() {
    let copying = progress(jobs: ["a": .completed], unsettled: ["b"], undelivered: ["a"])

    #expect(!copying.isReadyForHarvest)
    #expect(copying.waitsFor == ["b to be whole"])
  }

  @Test func `does not wait for an unplanned job that a person killed or took away`() {
    let rest = progress(jobs: ["a": .completed, "b": .canceled, "c": .removed], undelivered: ["a"])

    #expect(rest.isReadyForHarvest)
  }

  @Test func `is never ready by itself when it is harvested by hand, or has no plan`() {
    let jobs = ["a": JobState.completed]

    #expect(!progress(harvest: .manual, jobs: jobs, undelivered: ["a"]).isReadyForHarvest)
    #expect(!progress(planned: false, jobs: jobs, undelivered: ["a"]).isReadyForHarvest)
  }

  @Test(arguments: [
    ([:], ReleaseState.planned), (["a": JobState.queued], .open), (["a": .active, "b": .failed], .active),
    (["a": .failed, "b": .completed], .failed), (["a": .blocked], .open), (["a": .completed], .harvested),
    (["a": .assembling], .active),
  ])
  func `shows one state`(jobs: [String: JobState], state: ReleaseState) {
    #expect(progress(jobs: jobs).state == state)
  }
}
