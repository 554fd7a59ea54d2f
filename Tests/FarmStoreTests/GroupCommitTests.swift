import FarmTesting
import GRDB
import SystemPackage
import Testing

@testable import FarmStore

@Suite("Changes that are asked for at once")
struct GroupCommitTests {
  private struct Refusal: Error {}

  private let scratch: ScratchFolder
  private let pool: DatabasePool
  private let commits: GroupCommit

  init() throws {
    scratch = try ScratchFolder()
    pool = try DatabasePool(path: scratch("test.sqlite").string)
    try pool.write { try $0.execute(sql: "CREATE TABLE number (value INTEGER NOT NULL)") }
    commits = GroupCommit(pool)
  }

  private func insert(_ number: Int) async throws {
    try await commits.write { db in
      try db.execute(sql: "INSERT INTO number VALUES (?)", arguments: [number])
      if number % 3 == 0 { throw Refusal() }
    }
  }

  @Test func `are all there, but for those that failed, which changed nothing`() async throws {
    let failed = await withTaskGroup(of: Int?.self) { group in
      for number in 1...300 {
        group.addTask {
          do { try await insert(number) } catch { return number }; return nil
        }
      }
      return await group.reduce(into: Set<Int>()) { failed, number in if let number { failed.insert(number) } }
    }

    let there = try await pool.read { try Set(Int.fetchAll($0, sql: "SELECT value FROM number")) }
    #expect(failed == Set((1...300).filter { $0 % 3 == 0 }))
    #expect(there == Set(1...300).subtracting(failed))
  }

  @Test func `share a commit when one is under way`() async throws {
    // A transaction's number changes with each commit.
    let begun = Mutexed(0)
    pool.add(transactionObserver: CommitCounter { begun.with { $0 += 1 } }, extent: .databaseLifetime)
    await withTaskGroup(of: Void.self) { group in
      for number in 1...100 { group.addTask { try? await insert(3 * number + 1) } }  // None of them fails.
    }

    #expect(try await pool.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM number") } == 100)
    #expect(begun.with { $0 } < 100)
  }

  @Test func `fail when the whole transaction is lost, and those that come later do not`() async throws {
    await #expect(throws: DatabaseError.self) { try await commits.write { try $0.execute(sql: "ROLLBACK") } }

    try await insert(1)

    #expect(try await pool.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM number") } == 1)
  }
}

private final class CommitCounter: TransactionObserver {
  private let count: () -> Void

  init(_ count: @escaping () -> Void) { self.count = count }

  func observes(eventsOfKind kind: DatabaseEventKind) -> Bool { false }
  func databaseDidChange(with event: DatabaseEvent) {}
  func databaseDidCommit(_ db: Database) { count() }
  func databaseDidRollback(_ db: Database) {}
}
