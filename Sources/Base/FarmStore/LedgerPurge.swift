import FarmModel
import GRDB

/// Pictures of quick jobs whose time is over.
extension Ledger {
  /// What was delivered of quick jobs that were completed and delivered before a moment, oldest first.
  package func oldQuickDeliveries(
    before moment: Timestamp, limit: Int
  ) async throws(StoreFailure) -> [(delivery: Delivery, job: JobName)] {
    try await read("read what quick jobs delivered long ago") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT delivery.*, revision_id, job.name AS job FROM delivery JOIN output ON output.id = output_id
          JOIN revision ON revision.id = revision_id JOIN job ON job.id = delivery.job_id
          JOIN release ON release.id = delivery.release_id
          WHERE release.name = ? AND revision.state = 'completed' AND revision.ended_at < ?
            AND NOT EXISTS (
              SELECT 1 FROM harvest_move JOIN harvest ON harvest.id = harvest_id
              WHERE harvest_move.output_id = output.id AND started_at >= ?)
            AND job.state NOT IN ('queued', 'active', 'assembling')
          ORDER BY revision.ended_at LIMIT ?
          """, arguments: [NameRule.quick, moment.nanoseconds, moment.nanoseconds, limit]
      ).map { row in
        let delivery = Delivery(
          path: row["path"], job: row["job_id"], revision: row["revision_id"], output: row["output_id"],
          file: FileIdentity(row: row))
        return (delivery, JobName(release: NameRule.quick, job: row["job"]))
      }
    }
  }

  /// Notes that these were taken away: they count as done, and are not rendered again.
  package func purged(_ deliveries: [Delivery]) async throws(StoreFailure) {
    guard !deliveries.isEmpty else { return }
    try await write("note \(deliveries.count) purged pictures") { db in
      for delivery in deliveries {
        try db.execute(sql: "UPDATE output SET state = 'purged' WHERE id = ?", arguments: [delivery.output])
        try db.execute(sql: "DELETE FROM delivery WHERE path = ?", arguments: [delivery.path])
      }
      for job in Set(deliveries.map(\.job)) { try Self.changeManifests(db, "id = ?", [job]) }
    }
  }

  /// The numbers of revisions of which something is still to be done, whose work folders are needed.
  package func unfinishedRevisions() async throws(StoreFailure) -> Set<Int64> {
    try await read("read which revisions are not finished") { db in
      Set(
        try Int64.fetchAll(
          db,
          sql: """
            SELECT id FROM revision WHERE state IN ('settling', 'blocked', 'queued', 'active', 'assembling')
            OR snapshot IS NOT NULL
            """))
    }
  }

  /// The names of copies of drops that are still rendered.
  package func snapshotNames() async throws(StoreFailure) -> Set<String> {
    try await read("read which copies of drops are needed") { db in
      Set(try String.fetchAll(db, sql: "SELECT snapshot FROM revision WHERE snapshot IS NOT NULL"))
    }
  }
}
