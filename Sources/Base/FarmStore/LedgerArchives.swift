import FarmModel
import GRDB
import SystemPackage

/// Releases that are over: their archives, and what is forgotten and learned again with them.
extension Ledger {
  /// Every archive, the newest last.
  package func archives() async throws(StoreFailure) -> [ArchiveRecord] {
    try await read("read the archives") { db in
      try Row.fetchAll(db, sql: "SELECT * FROM archive ORDER BY id").map(ArchiveRecord.init(row:))
    }
  }

  /// Notes an archive that was written and read back; the release is still there.
  /// - Returns: its number.
  package func record(_ archive: ArchiveRecord) async throws(StoreFailure) -> ArchiveRecord.ID {
    try await write("record an archive of \(archive.release)") { db in
      try db.execute(
        sql: """
          INSERT INTO archive (release, path, state, inode, size, mtime_ns, content_bytes, files, jobs, prunes_dist,
            archived_at, verified_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          archive.release, archive.path, archive.state.rawValue, archive.file.inode, archive.file.size,
          archive.file.mtimeNanoseconds, archive.contentBytes, archive.files, archive.jobs, archive.prunesDist,
          archive.archivedAt.nanoseconds, archive.verifiedAt.nanoseconds,
        ])
      return db.lastInsertedRowID
    }
  }

  /// Notes how far an archive is.
  package func setArchive(_ id: ArchiveRecord.ID, state: ArchiveRecord.State) async throws(StoreFailure) {
    try await write("set an archive to \(state.rawValue)") { db in
      try db.execute(sql: "UPDATE archive SET state = ? WHERE id = ?", arguments: [state.rawValue, id])
    }
  }

  /// Notes where an archive lies now.
  package func setArchive(_ id: ArchiveRecord.ID, path: String) async throws(StoreFailure) {
    try await write("note where an archive lies") { db in
      try db.execute(sql: "UPDATE archive SET path = ? WHERE id = ?", arguments: [path, id])
    }
  }

  /// Notes that an archive was read to its end and is whole.
  package func setArchive(_ id: ArchiveRecord.ID, verifiedAt now: Timestamp) async throws(StoreFailure) {
    try await write("note that an archive is whole") { db in
      try db.execute(
        sql: "UPDATE archive SET verified_at = ?, problem = NULL WHERE id = ?", arguments: [now.nanoseconds, id])
    }
  }

  /// Notes what was wrong with an archive when it was read.
  package func setArchive(_ id: ArchiveRecord.ID, problem: String) async throws(StoreFailure) {
    try await write("note what is wrong with an archive") { db in
      try db.execute(sql: "UPDATE archive SET problem = ? WHERE id = ?", arguments: [problem, id])
    }
  }

  /// Forgets an archive that is no more.
  package func forgetArchive(_ id: ArchiveRecord.ID) async throws(StoreFailure) {
    try await write("forget an archive") { db in
      try db.execute(sql: "DELETE FROM archive WHERE id = ?", arguments: [id])
    }
  }

  /// Forgets archives in whose place another one lies.
  package func forgetArchives(at path: String, besides id: ArchiveRecord.ID) async throws(StoreFailure) {
    try await write("forget what lay at \(path)") { db in
      try db.execute(sql: "DELETE FROM archive WHERE path = ? AND id <> ?", arguments: [path, id])
    }
  }

  /// Forgets everything of a release but its name and its history: from now on it stands in its archive.
  /// - Parameter line: who archived it.
  /// - Returns: false, and nothing was changed, when something of it has begun.
  package func forget(
    archived release: String, archive: ArchiveRecord.ID, telling line: HistoryLine
  ) async throws(StoreFailure) -> Bool {
    let now = clock.now()
    return try await write("forget release \(release)") { db in
      guard try Self.restUnlessBegun(db, inArchive: release, now: now) else { return false }
      try Self.remember(db, line)
      try db.execute(sql: "UPDATE archive SET state = 'emptying' WHERE id = ?", arguments: [archive])
      return true
    }
  }

  /// Forgets again what was restored and could not be put into its place: it is in its archive as before.
  /// - Returns: false, and nothing was changed, when something of it has begun.
  package func undoRestoring(_ release: String, archive: ArchiveRecord.ID) async throws(StoreFailure) -> Bool {
    let now = clock.now()
    return try await write("undo restoring \(release)") { db in
      guard try Self.restUnlessBegun(db, inArchive: release, now: now) else { return false }
      let restored = Act.Deed.restored.rawValue
      try db.execute(
        sql: "DELETE FROM act WHERE id = (SELECT MAX(id) FROM act WHERE release = ? AND what = ?)",
        arguments: [release, restored])
      try db.execute(sql: "UPDATE archive SET state = 'stored' WHERE id = ?", arguments: [archive])
      return true
    }
  }

  /// - Returns: false, and nothing was changed, when something of it has begun, or it is not known.
  private static func restUnlessBegun(_ db: Database, inArchive release: String, now: Timestamp) throws -> Bool {
    guard let id = try Self.release(db, named: release)?.id, try !hasBegun(db, release: id) else { return false }
    try rest(db, inArchive: release, now: now)
    return true
  }

  /// Whether something of a release is rendered, waits for that or for its delivery, or is stale.
  private static func hasBegun(_ db: Database, release id: Int64) throws -> Bool {
    try Bool.fetchOne(
      db,
      sql: """
        SELECT EXISTS (
          SELECT 1 FROM revision JOIN job ON job.id = job_id WHERE release_id = :id AND \(unfinished))
        OR EXISTS (SELECT 1 FROM job WHERE release_id = :id AND stale IS NOT NULL AND state <> 'removed')
        OR EXISTS (SELECT 1 FROM harvest WHERE release_id = :id AND is_open = 1)
        """, arguments: ["id": id]) ?? false
  }

  private static func deleteJobs(_ db: Database, ofRelease id: Int64) throws {
    for sql in [
      "DELETE FROM delivery WHERE release_id = ?",
      "DELETE FROM harvest_move WHERE harvest_id IN (SELECT id FROM harvest WHERE release_id = ?)",
      "DELETE FROM harvest WHERE release_id = ?",
    ] { try db.execute(sql: sql, arguments: [id]) }
    try deleteJobs(db, where: "release_id = ?", id)
  }

  /// Children before what they belong to.
  /// - Parameter condition: which jobs; takes the number.
  static func deleteJobs(_ db: Database, where condition: String, _ id: Int64) throws {
    let jobs = "SELECT id FROM job WHERE \(condition)"
    let revisions = "SELECT id FROM revision WHERE job_id IN (\(jobs))"
    for (table, which) in [
      ("delivery", "job_id IN (\(jobs))"),
      ("harvest_move", "output_id IN (SELECT id FROM output WHERE revision_id IN (\(revisions)))"),
      ("output", "revision_id IN (\(revisions))"), ("dependency", "revision_id IN (\(revisions))"),
      ("task", "revision_id IN (\(revisions))"), ("revision", "job_id IN (\(jobs))"), ("job", condition),
    ] {
      try db.execute(sql: "DELETE FROM \(table) WHERE \(which)", arguments: [id])
    }
  }

  /// Forgets the jobs and files of a release that is in its archive alone; of one that is not known nothing.
  static func rest(_ db: Database, inArchive release: String, now: Timestamp) throws {
    guard let id = try Self.release(db, named: release)?.id else { return }
    let folder = KnownFolder(FilePath("releases/\(release)")).bytes
    try remember(db, whatWasDoneIn: release)
    try deleteJobs(db, ofRelease: id)
    try db.execute(
      sql: "DELETE FROM known_file WHERE folder = ? OR substr(folder, 1, ?) = ?",
      arguments: [folder, folder.count + 1, folder + [47]])
    try db.execute(
      sql: "UPDATE release SET state = 'archived', problem = NULL, archive_problem = NULL, changed_at = ? WHERE id = ?",
      arguments: [now.nanoseconds, id])
  }

  /// Learns again what was known of an archived release; its files are known as they lie there now.
  /// - Parameter archive: of which it is; nil for one that the ledger does not know.
  package func restore(
    _ release: String, order: ReleaseOrder, isPaused: Bool, from manifests: [Manifest], history: [HistoryLine],
    files: [(path: KnownPath, fingerprint: Fingerprint)], archive: ArchiveRecord.ID
  ) async throws(StoreFailure) {
    let now = clock.now()
    try await setOrder(of: release, order)
    try await write("restore release \(release)") { db in
      // Jobs whose files are gone leave their history behind.
      try Self.rest(db, inArchive: release, now: now)
      for manifest in manifests { try Self.rebuild(db, manifest, now: now) }
      try Self.setTold(db, ofRelease: release)
      try Self.remember(db, history, of: release)
      for (path, fingerprint) in files { try Self.remember(db, path, fingerprint) }
      try db.execute(
        sql: "UPDATE release SET state = 'open', is_paused = ?, changed_at = ? WHERE name = ?",
        arguments: [isPaused, now.nanoseconds, release])
      try db.execute(
        sql: """
          UPDATE job SET manifest_due = manifest_due + 1
          WHERE is_adopted = 0 AND release_id = (SELECT id FROM release WHERE name = ?)
          """, arguments: [release])
      // To unpack it is to read it to its end.
      try db.execute(
        sql: "UPDATE archive SET state = 'restoring', verified_at = ?, problem = NULL WHERE id = ?",
        arguments: [now.nanoseconds, archive])
      // No other one is the only place of it any more.
      try db.execute(
        sql: "UPDATE archive SET state = 'kept' WHERE release = ? AND state = 'stored' AND id <> ?",
        arguments: [release, archive])
    }
  }

  /// Everything that is proven of a release's jobs.
  package func manifests(of release: String) async throws(StoreFailure) -> [Manifest] {
    try await read("read the manifests of \(release)") { db in
      let jobs = try Int64.fetchAll(
        db,
        sql: """
          SELECT job.id FROM job JOIN release ON release.id = release_id
          WHERE release.name = ? AND job.state <> 'removed' ORDER BY job.name
          """, arguments: [release])
      return try jobs.compactMap { try Self.manifest(db, ofJob: $0) }
    }
  }

  /// Every release that may be archived some day, as the schedule wants to know it.
  package func archiveCandidates() async throws(StoreFailure) -> [ArchiveSchedule.Candidate] {
    try await read("read what may be archived") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT name, state, archive_after_ms, archive_night, archive_problem,
            MAX(changed_at, COALESCE((SELECT MAX(started_at) FROM harvest WHERE release_id = release.id), 0)) AS quiet
          FROM release WHERE name <> ? AND state <> 'archived' ORDER BY name
          """, arguments: [NameRule.quick]
      ).map { row in
        let after: Int64? = row["archive_after_ms"]
        return ArchiveSchedule.Candidate(
          release: row["name"], state: try Column.word(ReleaseState.self, row, "state"),
          quietSince: Timestamp(nanoseconds: row["quiet"]), after: after.map { .milliseconds($0) },
          triedNight: row["archive_night"], problem: row["archive_problem"])
      }
    }
  }

  /// Notes in which night a release was to be archived.
  package func setArchiveNight(of release: String, _ night: Int) async throws(StoreFailure) {
    try await write("note when \(release) was to be archived") { db in
      try db.execute(sql: "UPDATE release SET archive_night = ? WHERE name = ?", arguments: [night, release])
    }
  }

  /// Notes why a release was not archived in that night; nil: nothing is wrong.
  package func setArchiveProblem(of release: String, _ problem: String?) async throws(StoreFailure) {
    try await write("note why \(release) was not archived") { db in
      try db.execute(sql: "UPDATE release SET archive_problem = ? WHERE name = ?", arguments: [problem, release])
    }
  }

  /// Whether a delivery of a release is not finished.
  package func isHarvestOpen(of release: String) async throws(StoreFailure) -> Bool {
    try await read("read whether \(release) is being delivered") { db in
      try Bool.fetchOne(
        db,
        sql: """
          SELECT EXISTS (SELECT 1 FROM harvest JOIN release ON release.id = release_id WHERE is_open = 1 AND name = ?)
          """, arguments: [release]) ?? false
    }
  }

  /// Jobs of other releases that need files below some folders, each with one of these files.
  /// - Parameter folders: absolute.
  package func dependents(
    below folders: [FilePath], besides release: String
  ) async throws(StoreFailure) -> [(job: JobName, file: String)] {
    let begins = folders.map { $0.string + "/" }
    return try await read("read who depends on \(release)") { db in
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT DISTINCT release.name, job.name, dependency.path
          FROM dependency JOIN revision ON revision.id = revision_id
          JOIN job ON job.id = job_id AND job.revision = number JOIN release ON release.id = release_id
          WHERE job.state <> 'removed' AND release.name <> ? ORDER BY release.name, job.name
          """, arguments: [release])
      var found: [(JobName, String)] = []
      while let row = try rows.next() {
        let path: String = row[2]
        if begins.contains(where: { path.hasBytePrefix($0) }) {
          found.append((JobName(release: row[0], job: row[1]), path))
        }
      }
      return found
    }
  }
}

extension ArchiveRecord {
  init(row: Row) throws {
    self.init(
      id: row["id"], release: row["release"], path: row["path"], state: try Column.word(State.self, row, "state"),
      file: FileIdentity(row: row), contentBytes: row["content_bytes"], files: row["files"], jobs: row["jobs"],
      prunesDist: row["prunes_dist"], archivedAt: Timestamp(nanoseconds: row["archived_at"]),
      verifiedAt: Timestamp(nanoseconds: row["verified_at"]), problem: row["problem"])
  }
}
