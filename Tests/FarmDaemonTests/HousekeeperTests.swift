import FarmModel
import FarmStore
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

@Suite("Tidying up")
struct HousekeeperTests {
  private let scratch: ScratchFolder
  private let volume: Volume
  private let state: StateFolder

  init() throws {
    scratch = try ScratchFolder()
    volume = try scratch.makeVolume()
    state = try StateFolder(volume: volume, configured: nil)
    for file in [
      "state/logs/quick/a/task-1.log", "state/logs/quick/b/task-2.log", "state/thumbs/x.jpg", "bad/quick/a/x.png",
      "bad/quick/a/x.png.txt", "burnt-20260101T000000.000000000Z/ledger.sqlite",
    ] {
      try scratch.write("12345", to: "volume/.farm/" + file)
    }
    try scratch.write("an artist's", to: "volume/quick/a.blend")
  }

  /// In so many days from now.
  private func keeper(inDays days: Int64, _ limits: TidyLimits = TidyLimits()) -> Housekeeper {
    let now = Int64(Date().timeIntervalSince1970) * 1_000_000_000 + days * 86_400_000_000_000
    return Housekeeper(volume: volume, state: state, limits: limits, now: Timestamp(nanoseconds: now))
  }

  private func names(_ finds: [Housekeeper.Find]) -> [String] {
    finds.map { "\($0.kind.rawValue) \(volume.relative($0.place)) \($0.bytes)" }.sorted()
  }

  @Test func `finds what is older than its limit, by when it came there, and no log that is being written`() throws {
    #expect(try keeper(inDays: 29).old(besides: []).isEmpty)
    let log = volume.own.appending("state/logs/quick/b/task-2.log").string
    #expect(
      try names(keeper(inDays: 31).old(besides: [log])) == [
        "bad .farm/bad/quick/a/x.png 5", "bad .farm/bad/quick/a/x.png.txt 5",
        "log .farm/state/logs/quick/a/task-1.log 5",
        "thumbnail .farm/state/thumbs/x.jpg 5",
      ])
    #expect(
      try names(keeper(inDays: 91).old(besides: [])).filter { $0.hasPrefix("burnt") } == [
        "burnt .farm/burnt-20260101T000000.000000000Z 5"
      ])
    var limits = TidyLimits()
    (limits.logs, limits.bad, limits.burnt, limits.thumbnails) = (nil, nil, nil, nil)
    #expect(try keeper(inDays: 9999, limits).old(besides: []).isEmpty)
  }

  @Test func `takes it away with folders that are empty then, and nothing else`() throws {
    let keeper = keeper(inDays: 100)

    let old = try keeper.old(besides: [])
    #expect(keeper.remove(old) == old)

    #expect(volume.own.appending("state/logs").names.isEmpty && volume.own.appending("bad").names.isEmpty)
    #expect(!volume.own.names.contains { $0.hasPrefix("burnt") })
    #expect(volume.root.filesBelow == ["quick/a.blend"])
    #expect(volume.tree.allSatisfy { $0.isThere })
  }

  @Test func `at a start takes away work and copies that no revision needs`() throws {
    for file in [
      ".farm/work/7/1/000001.png", ".farm/work/8/1/000001.png", "quick/.farm-0123456789ab.blend",
      "quick/.farm-ba9876543210.blend", "quick/.farm-ba9876543210.part", "quick/.farm-mine.blend",
      "quick/.a.blend.PROBLEM.txt.part",
    ] {
      try scratch.write("12345", to: "volume/" + file)
    }
    let keeper = keeper(inDays: 0)

    let needed: Set<String> = [".farm-0123456789ab.blend"]
    let finds =
      try keeper.leftWork(besides: [8]) + keeper.leftCopies(in: volume.quick, besides: needed)
      + keeper.leftCopies(in: volume.store(of: "gone"), besides: needed)
    #expect(keeper.remove(finds) == finds)

    #expect(
      names(finds) == [
        "orphan .farm/work/7 5", "orphan quick/.a.blend.PROBLEM.txt.part 5", "orphan quick/.farm-ba9876543210.blend 5",
        "orphan quick/.farm-ba9876543210.part 5",
      ])
    #expect(volume.quick.filesBelow == [".farm-0123456789ab.blend", ".farm-mine.blend", "a.blend"])
    #expect(volume.work.names == ["8"])
  }

  @Test func `keeps copies of the ledger under names that say when they were made`() async throws {
    let ledger = try Ledger(at: state.ledger, clock: WallClock { Timestamp(nanoseconds: 0) })
    let now = Timestamp(nanoseconds: 1_795_704_089_000_000_007)
    let backup = LedgerBackup(of: ledger, at: state.ledger)

    let answer = try await backup.write(into: state.backups, now: now)

    #expect(answer.verdict.hasSuffix("backups/ledger-20261126T144129.000000007Z.sqlite"), "\(answer.verdict)")
    try scratch.write("", to: "volume/.farm/state/backups/something.sqlite")
    #expect(try LedgerBackup.copies(in: state.backups) == [now])
    let copy = state.backups.appending(LedgerBackup.fileName(of: now)).contents
    #expect(copy[18...19] == [1, 1], "one file, without a log beside it")
    #expect(
      try await Ledger(at: state.backups.appending(LedgerBackup.fileName(of: now)), clock: .init { now }).trouble()
        == nil)
    let again = await #expect(throws: FileFailure.self) { try await backup.write(into: state.backups, now: now) }
    #expect(again?.remedy == "Something has that name already: move it away, or choose another name.")
  }

  @Test func `leaves no half of a copy, and says which folder takes none`() async throws {
    let ledger = try Ledger(at: state.ledger, clock: WallClock { Timestamp(nanoseconds: 0) })
    let now = Timestamp(nanoseconds: 1_795_704_089_000_000_007)
    let backup = LedgerBackup(of: ledger, at: state.ledger)
    let others = [".ledger-mine.sqlite.part", ".mine.part", "notes.txt"]
    for name in [
      ".ledger-20200101T000000.000000000Z.sqlite.part", ".ledger-20200101T000000.000000000Z.sqlite.part-wal",
    ]
      + others
    { try scratch.write("half", to: "volume/.farm/state/backups/\(name)") }

    _ = try await backup.write(into: state.backups, now: now)
    #expect(state.backups.names.filter { !$0.hasPrefix("ledger-") } == others)

    let failure = await #expect(throws: StoreFailure.self) { try await backup.write(to: "/nonexistent/copy.sqlite") }
    #expect(failure?.description == "cannot copy the ledger to /nonexistent/copy.sqlite: no file can be made there")
    #expect(failure?.remedy.contains("the folder /nonexistent: is it there") == true)
    #expect(failure?.isOfLedger == false)
  }

  @Test func `goes on without copies of the ledger, says so, and makes one when that works again`() async throws {
    let world = try FlowWorld()
    world.run()
    let backups = world.volume.own.appending("state/backups")
    try world.scratch.write("in the way", to: "volume/.farm/state/backups")

    await world.flow.backUpIfDue()
    let troubles = try await world.flow.status().daemon.troubles
    #expect(troubles.count == 1 && troubles[0].contains("\(backups): Not a directory. Something that is no folder"))
    try await world.drop("quick/a.blend", frames: 1...1)
    #expect(try await world.comes("quick/a", to: .completed))

    try FileManager.default.removeItem(atPath: backups.string)
    await world.flow.backUpIfDue()
    #expect(!backups.isThere, "too early")
    world.time.advance(by: .seconds(61))
    await world.flow.backUpIfDue()
    #expect(backups.names.count == 1)
    #expect(try await world.flow.status().daemon.troubles.isEmpty)
  }
}
