import FarmModel
import FarmTesting
import Foundation
import GRDB
import SystemPackage
import Testing

@testable import FarmStore

/// Ledgers of earlier versions, as their daemons left them (`ledgers/version-<n>.sql`): one delivered job, one that
/// waits for the rest of its plan, one blocked, one killed, one queued in a release without a plan; the farm paused.
@Suite("A ledger of an earlier version")
struct MigrationTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "ledgers")
  private static let earlier = Array(1..<LedgerSchema.versions.count)

  private let scratch: ScratchFolder
  private let time = TestTime()

  init() throws { scratch = try ScratchFolder() }

  private func opened(_ version: Int) throws -> Ledger {
    let path = scratch("ledger.sqlite")
    let file = Self.folder.appending(path: "version-\(version).sql")
    let text = try String(contentsOf: file, encoding: .utf8)
    let stored = try DatabaseQueue(path: path.string)
    // The dump has its own transaction.
    try stored.writeWithoutTransaction { try $0.execute(sql: text) }
    try stored.close()
    return try Ledger(at: path, clock: time.clock)
  }

  @Test(arguments: earlier)
  func `is taken over with all that it knows`(version: Int) async throws {
    let ledger = try opened(version)

    #expect(try await ledger.trouble() == nil)
    let jobs = try await ledger.jobs(adopted: true)
    #expect(
      jobs.map { "\($0.name) \($0.state.rawValue)" } == [
        "loose/waiting queued", "quick/a completed", "quick/bad blocked", "quick/killed canceled",
        "spring/kept completed",
      ])
    #expect(try await ledger.isPaused())
    #expect(jobs.map(\.priority) == [50, 60, 60, 60, 50])
    let spring = try #require(try await ledger.release(named: "spring"))
    #expect(spring.plannedJobs == ["kept", "later"] && spring.order.harvest == .auto)
    let delivered = try await ledger.deliveries(ofJob: jobs[1].id)
    #expect(delivered.map(\.delivery.path) == ["dist/quick/a.png"])
    #expect(try await ledger.undelivered(in: "spring").map(\.name.job) == ["kept"])
    #expect(try await ledger.newestFrameCounts()[jobs[0].id]?.expected == 6)
    #expect(try await ledger.tasks(of: nil).isEmpty)
  }

  @Test(arguments: earlier)
  func `goes on: what is dropped, delivered and proven is written as ever`(version: Int) async throws {
    let ledger = try opened(version)
    let name = JobName(release: "quick", job: "a")
    let before = try #require(try await ledger.newestRevision(of: name))

    let (revision, _) = try await ledger.record(
      NewRevision(
        name: name, path: "quick/a.blend", owner: "ann", digest: Digest(bytes: [UInt8](repeating: 7, count: 32)),
        state: .queued, frames: before.frames, format: before.format, savedBy: nil, problem: nil,
        outputs: [OwedOutput(path: "000001.png", frame: 1)]), known: nil)
    #expect(revision.number == before.number + 1)
    let due = try await ledger.dueManifests(limit: 10)
    // Since version 5 there are manifests.
    let all = ["loose/waiting", "quick/a", "quick/bad", "quick/killed", "spring/kept"]
    #expect(due.map(\.name.description).sorted() == (version < 5 ? all : []))
    #expect(due.compactMap(\.manifest).map(\.job).sorted() == (version < 5 ? ["a", "kept", "killed"] : []))
    try await ledger.wroteManifests(due)
    #expect(try await ledger.dueManifests(limit: 10).isEmpty)
    #expect(try await ledger.history(limit: 100) { _ in true }.contains { $0.what == "delivered" })
  }

  @Test(arguments: earlier)
  func `ends with the same tables as a new one`(version: Int) async throws {
    func tables(_ ledger: Ledger) async throws -> [String] {
      try await ledger.read("read the tables") { db in
        try String.fetchAll(
          db,
          sql: """
            SELECT m.name || '.' || t.name || ' ' || t.type FROM sqlite_master AS m, pragma_table_info(m.name) AS t
            UNION ALL SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY 1
            """)
      }
    }
    let (old, new) = (try opened(version), try Ledger(at: scratch("new.sqlite"), clock: time.clock))

    #expect(try await tables(old) == tables(new))
    let once = try await old.read("read the tables") { db in
      try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%' ORDER BY 1")
    }
    #expect(once == ["job", "output", "revision", "task"])
  }
}
