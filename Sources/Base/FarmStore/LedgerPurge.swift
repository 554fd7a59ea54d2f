import FarmModel
import GRDB

/// A picture of a quick job whose time is over.
package struct OldPicture: Hashable, Sendable {
  package let job: JobName
  package let jobID: Int64
  package let output: Int64
  /// Below the job's folder in `out/`.
  package let path: String
  /// Where it was delivered, below the volume's root; nil: it was not to be delivered.
  package let delivered: String?
  package let file: FileIdentity
}

extension Ledger {
  /// What lies in `dist/` and `out/` of quick jobs that were completed and delivered before a moment, oldest first.
  package func oldQuickPictures(before moment: Timestamp) async throws(StoreFailure) -> [OldPicture] {
    try await read("read what quick jobs made long ago") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT job.name AS job, job.id AS job_id, output.id AS output, output.path AS path,
            delivery.path AS delivered, ifnull(delivery.inode, output.inode) AS inode,
            ifnull(delivery.size, output.bytes) AS size, ifnull(delivery.mtime_ns, output.mtime_ns) AS mtime_ns
          FROM release JOIN job ON job.release_id = release.id JOIN revision ON revision.job_id = job.id
          JOIN output ON output.revision_id = revision.id LEFT JOIN delivery ON delivery.output_id = output.id
          WHERE release.name = :quick AND revision.state = 'completed' AND revision.ended_at < :before
            AND job.state NOT IN ('queued', 'active', 'assembling')
            AND (delivery.path IS NOT NULL OR output.state = 'kept' AND output.inode IS NOT NULL)
            AND NOT EXISTS (
              SELECT 1 FROM harvest_move JOIN harvest ON harvest.id = harvest_id
              WHERE harvest_move.output_id = output.id AND started_at >= :before)
          ORDER BY revision.ended_at, output.id
          """, arguments: ["quick": NameRule.quick, "before": moment.nanoseconds]
      ).map { row in
        OldPicture(
          job: JobName(release: NameRule.quick, job: row["job"]), jobID: row["job_id"], output: row["output"],
          path: row["path"], delivered: row["delivered"], file: FileIdentity(row: row))
      }
    }
  }

  /// Notes that these were taken away: they count as done, and are not rendered again.
  package func purged(_ pictures: [OldPicture]) async throws(StoreFailure) {
    guard !pictures.isEmpty else { return }
    try await write("note \(pictures.count) purged pictures") { db in
      for picture in pictures {
        try db.execute(sql: "UPDATE output SET state = 'purged' WHERE id = ?", arguments: [picture.output])
        try db.execute(sql: "DELETE FROM delivery WHERE output_id = ?", arguments: [picture.output])
      }
      for job in Set(pictures.map(\.jobID)) { try Self.changeManifests(db, "id = ?", [job]) }
    }
  }

  /// The numbers of revisions of which something is still to be done, whose work folders are needed.
  package func unfinishedRevisions() async throws(StoreFailure) -> Set<Int64> {
    try await read("read which revisions are not finished") { db in
      Set(
        try Int64.fetchAll(
          db,
          sql: "SELECT id FROM revision WHERE \(Self.unfinished) OR snapshot IS NOT NULL"))
    }
  }

  /// The names of copies of drops that are still rendered.
  package func snapshotNames() async throws(StoreFailure) -> Set<String> {
    try await read("read which copies of drops are needed") { db in
      Set(try String.fetchAll(db, sql: "SELECT snapshot FROM revision WHERE snapshot IS NOT NULL"))
    }
  }
}
