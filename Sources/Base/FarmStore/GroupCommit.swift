import GRDB
import Synchronization

/// Commits together what is asked for while a commit is under way: a commit waits for the disk, however much it holds.
///
/// Each request is all or nothing by itself; none is answered before all of its group is on the disk. Nobody waits for
/// a group to fill: a request that comes alone is committed at once.
final class GroupCommit: Sendable {
  /// What one asker wants; answers it when it is known how it ended.
  private struct Request: Sendable {
    /// Changes the database, and gives back what tells its asker; throws when nothing of it shall stay.
    let change: @Sendable (Database) throws -> @Sendable () -> Void
    let fail: @Sendable (any Error) -> Void
  }

  private struct State {
    var waiting: [Request] = []
    var isCommitting = false
  }

  private let pool: DatabasePool
  private let state = Mutex(State())

  init(_ pool: DatabasePool) { self.pool = pool }

  /// Makes a change; returns when it is on the disk.
  /// - Throws: what `body` throws, or the failure of the commit; nothing was changed then.
  func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { asker in
      let request = Request(
        change: { db in
          let value = try body(db)
          return { asker.resume(returning: value) }
        }, fail: { asker.resume(throwing: $0) })
      let isFirst = state.withLock { state in
        state.waiting.append(request)
        defer { state.isCommitting = true }
        return !state.isCommitting
      }
      if isFirst { pool.asyncWriteWithoutTransaction { self.commitAll($0) } }
    }
  }

  /// On the database's own queue: commits until nobody waits.
  private func commitAll(_ db: Database) {
    while true {
      let group = state.withLock { state in
        defer { state.waiting = [] }
        state.isCommitting = !state.waiting.isEmpty
        return state.waiting
      }
      guard !group.isEmpty else { return }
      commit(group, in: db)
    }
  }

  private func commit(_ group: [Request], in db: Database) {
    var outcomes: [Outcome] = []
    do {
      try db.inTransaction(.immediate) {
        for request in group { outcomes.append(try outcome(of: request, in: db)) }
        return .commit
      }
    } catch {
      for request in group { request.fail(error) }
      return
    }
    for (request, outcome) in zip(group, outcomes) {
      switch outcome {
      case .success(let tell): tell()
      case .failure(let failure): request.fail(failure)
      }
    }
  }

  /// What its asker is told once the group is on the disk.
  private typealias Outcome = Result<@Sendable () -> Void, any Error>

  /// - Throws: when the whole transaction is lost, as on a full disk.
  private func outcome(of request: Request, in db: Database) throws -> Outcome {
    var outcome = Outcome.success {}
    try db.inSavepoint {
      do {
        outcome = .success(try request.change(db))
        return .commit
      } catch {
        guard db.isInsideTransaction else { throw error }
        outcome = .failure(error)
        return .rollback
      }
    }
    return outcome
  }
}
