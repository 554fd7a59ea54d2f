import FarmModel
import Testing
import VolumeFiles

@testable import Archiving

@Suite("A release is not archived")
struct RefusalTests {
  private static let day: Int64 = 86_400_000_000_000
  private let now = Timestamp(nanoseconds: 100 * Self.day)

  private func release(_ state: ReleaseState = .harvested, changedDaysAgo: Int64 = 8) -> ArchiveRefusal {
    ArchiveRefusal(
      release: "spring", state: state, changedAt: Timestamp(nanoseconds: (100 - changedDaysAgo) * Self.day))
  }

  private func reasons(_ refusal: ArchiveRefusal, isForced: Bool = false) -> [String] {
    refusal.reasons(now: now, isForced: isForced).map(\.text)
  }

  @Test func `when it is over and nobody needs it, but then it is`() {
    #expect(reasons(release()).isEmpty)
    #expect(reasons(release(changedDaysAgo: 7)).isEmpty)
  }

  @Test(arguments: [
    (ReleaseState.open, "it is open: it waits for a drop of b"), (.planned, "it is open: it waits for a drop of b"),
    (.active, "it is being rendered"), (.completed, "it is not delivered yet"),
    (.stale, "it is stale: it waits for a drop of b"), (.archived, "it is archived already"),
    (.failed, "jobs of it failed: it waits for a drop of b"),
  ])
  func `before it is over, whether forced or not`(state: ReleaseState, reason: String) {
    var refusal = release(state)
    refusal.waitsFor = ["a drop of b"]

    #expect(reasons(refusal) == [reason])
    #expect(reasons(refusal, isForced: true) == [reason])
  }

  @Test func `but for one of which every job was killed, or that never had one`() {
    var refusal = release(.open)
    refusal.waitsFor = ["a first drop"]
    #expect(reasons(refusal) == ["it is open: it waits for a first drop"])
    refusal.isIdle = true
    #expect(reasons(refusal).isEmpty)
  }

  @Test func `with what to do about it, each once`() {
    var refusal = release(.completed, changedDaysAgo: 1)
    refusal.users = [FileUser(program: "smbd", pid: 7, file: "/v/dist/spring/a.png")]
    let failure = ArchiveFailure.refused("spring", reasons: refusal.reasons(now: now, isForced: false))
    #expect(
      failure.remedy
        == "Deliver it: `farm harvest release spring`. Ask again when that is over. Wait, or say `--force`.")
    let archived = ArchiveFailure.refused("spring", reasons: release(.archived).reasons(now: now, isForced: true))
    #expect(archived.remedy == "Bring it back first: `farm restore release spring`.")
    let quick = ArchiveRefusal(release: "quick", state: .open, changedAt: now).reasons(now: now, isForced: true)
    #expect(ArchiveFailure.refused("quick", reasons: quick + quick).remedy == quick[0].remedy)
  }

  @Test func `when something changed in the last seven days, unless forced`() {
    let refusal = release(changedDaysAgo: 6)

    #expect(
      reasons(refusal).first?.hasPrefix("something in it changed at 1970-04-05T00:00:00Z, less than 7 days") == true)
    #expect(reasons(refusal, isForced: true).isEmpty)
    // A clock that was wrong.
    #expect(reasons(release(changedDaysAgo: -3)).count == 1)
  }

  @Test func `when others depend on it, move it, or have it open, and all of that is told`() {
    var refusal = release()
    refusal.dependents = (1...5).map {
      ArchiveRefusal.Dependent(job: JobName(release: "summer", job: "s\($0)"), file: "releases/spring/store/lib.blend")
    }
    refusal.users = [FileUser(program: "smbd", pid: 7, file: "/v/dist/spring/a.png")]
    refusal.isBeingDelivered = true
    refusal.problem = Problem(.badRelease, cause: "release.yaml:1:1: no")

    #expect(
      reasons(refusal, isForced: true) == [
        "release.yaml:1:1: no", "its pictures are being moved to dist/",
        "others depend on it: summer/s1 needs releases/spring/store/lib.blend, summer/s2 needs "
          + "releases/spring/store/lib.blend, summer/s3 needs releases/spring/store/lib.blend and 2 more",
        "it is being read or written: smbd (7) has /v/dist/spring/a.png open",
      ])
  }

  @Test func `when it is quick, or not there`() {
    #expect(reasons(ArchiveRefusal(release: "quick", state: .open, changedAt: now)) == ["quick/ is never over"])
    var gone = release()
    gone.hasFolder = false
    #expect(reasons(gone) == ["releases/spring is not there"])
  }
}
