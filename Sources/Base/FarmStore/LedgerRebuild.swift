import FarmModel
import FoundationEssentials
import GRDB
import SystemPackage
import VolumeFiles

extension Ledger {
  /// Has an empty ledger, or one that is older than the manifests, say what they prove, all of it or nothing; what they
  /// do not name stays as it is. Of two manifests of one job the first counts.
  /// - Parameter archived: releases that are in their archives alone.
  package func rebuild(from manifests: [Manifest], archived: Set<String> = []) async throws(StoreFailure) {
    let now = clock.now()
    try await write("rebuild the ledger") { db in
      for release in archived { try Self.rest(db, inArchive: release, now: now) }
      let proven = Set(manifests.map { JobName(release: $0.release, job: $0.job) })
      var seen: Set<JobName> = []
      for manifest in manifests where !archived.contains(manifest.release) {
        guard seen.insert(JobName(release: manifest.release, job: manifest.job)).inserted else { continue }
        let select =
          "SELECT job.id FROM job JOIN release ON release.id = release_id WHERE release.name = ? AND job.name = ?"
        if let job = try Int64.fetchOne(db, sql: select, arguments: [manifest.release, manifest.job]) {
          let known = try Self.manifest(db, ofJob: job)
          // Numbers of revisions begin anew when a name is used again.
          guard known != manifest, known?.droppedAt ?? 0 <= manifest.droppedAt else { continue }
          try Self.deleteJobs(db, where: "id = ?", job)
        }
        try Self.forgetFormerName(db, of: manifest, besides: proven)
        try Self.rebuild(db, manifest, now: now)
      }
    }
  }

  /// Forgets what a job was called before its file was renamed: it was made at the same moment.
  private static func forgetFormerName(_ db: Database, of manifest: Manifest, besides proven: Set<JobName>) throws {
    let rows = try Row.fetchAll(
      db,
      sql:
        "SELECT job.id, release.name, job.name FROM job JOIN release ON release.id = release_id WHERE created_at = ?",
      arguments: [manifest.createdAt])
    for row in rows where !proven.contains(JobName(release: row[1], job: row[2])) {
      try deleteJobs(db, where: "id = ?", row[0])
    }
  }

  static func rebuild(_ db: Database, _ manifest: Manifest, now: Timestamp) throws {
    let release = try ensureRelease(
      db, named: manifest.release, priority: ReleaseOrder.priority(ofRelease: manifest.release), now: now)
    let isAdopted = manifest.problem?.problemClass == .adopted
    try db.execute(
      sql: """
        INSERT INTO job (release_id, name, path, owner, state, revision, problem, created_at, changed_at, is_adopted,
          priority, manifest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
        """,
      arguments: [
        release.id, manifest.job, manifest.path, manifest.owner, manifest.state.rawValue, manifest.revision,
        try Column.json(manifest.problem), manifest.createdAt, manifest.droppedAt, isAdopted, manifest.priority,
        isAdopted ? nil : "\(manifest.release)/\(manifest.job)",
      ])
    guard db.changesCount == 1 else { return }
    let job = db.lastInsertedRowID
    try db.execute(
      sql: """
        INSERT INTO revision (job_id, number, digest, state, frames, format, scene, settings, saved_by, blender,
          problem, created_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        job, manifest.revision, DatabaseValue.blob(manifest.digest), manifest.state.rawValue,
        manifest.frames.description, manifest.format.rawValue, manifest.scene,
        try Column.json(manifest.settings ?? RenderSettings()), try Column.json(manifest.savedBy),
        try Column.json(manifest.blender), try Column.json(manifest.problem), manifest.droppedAt,
        manifest.endedAt ?? manifest.droppedAt,
      ])
    let revision = db.lastInsertedRowID
    try setDependencies(db, of: revision, manifest.files ?? [])
    if let file = manifest.file { try remember(db, KnownPath(FilePath(manifest.path)), file) }
    for picture in manifest.outputs { try rebuild(db, picture, revision: revision, job: job, release: release.id) }
  }

  private static func rebuild(
    _ db: Database, _ picture: Manifest.Picture, revision: Int64, job: Int64, release: Int64
  ) throws {
    // What was under way is owed.
    let state = picture.state.isDone || picture.state == .failed ? picture.state : .owed
    let kind = picture.kind ?? OutputKind()
    try db.execute(
      sql: """
        INSERT INTO output (revision_id, path, frame, scene, layer, tile, view, node, state, attempts, width, height,
          bytes, inode, mtime_ns, render_ms, peak_bytes, facts, problem)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        revision, picture.path, picture.frame, kind.part.scene, kind.part.layer, kind.part.tile?.description, kind.view,
        kind.node, state.rawValue, picture.attempts, picture.size?.width,
        picture.size?.height, picture.file?.size, picture.file?.inode, picture.file?.mtimeNanoseconds,
        picture.renderMilliseconds, picture.peakBytes, try Column.json(picture.facts), try Column.json(picture.problem),
      ])
    guard let path = picture.delivered, let file = picture.deliveredFile else { return }
    try db.execute(
      sql: "INSERT OR REPLACE INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?)",
      arguments: [path, release, job, db.lastInsertedRowID, file.inode, file.size, file.mtimeNanoseconds])
  }

  /// The last numbers that a ledger has given, by table; empty where it cannot be read.
  package static func numbers(at path: FilePath) -> [String: Int64] {
    var configuration = GRDB.Configuration()
    configuration.readonly = true
    // Damaged or gone, or of a version that did not keep them.
    let rows = try? DatabaseQueue(path: path.string, configuration: configuration).read { db in
      try Row.fetchAll(db, sql: "SELECT name, seq FROM sqlite_sequence").map { ($0[0] as String, $0[1] as Int64) }
    }
    return Dictionary(rows ?? []) { max($0, $1) }
  }

  /// Gives no number that was given before.
  package func goOn(after numbers: [String: Int64]) async throws(StoreFailure) {
    try await write("go on after the numbers of an earlier ledger") { db in
      for (table, number) in numbers where LedgerSchema.isNumberedOnce(table) {
        try db.execute(sql: "DELETE FROM sqlite_sequence WHERE name = ? AND seq < ?", arguments: [table, number])
        try db.execute(
          sql: """
            INSERT INTO sqlite_sequence
            SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)
            """,
          arguments: [table, number])
      }
    }
  }

  /// Whether nothing was ever recorded in it.
  package func isEmpty() async throws(StoreFailure) -> Bool {
    try await read("look into the ledger") { db in
      try Bool.fetchOne(db, sql: "SELECT NOT EXISTS (SELECT 1 FROM job) AND NOT EXISTS (SELECT 1 FROM archive)") ?? true
    }
  }

  /// Writes a copy as it is at this moment, of one file that can be read where nothing can be written; readers and
  /// writers go on meanwhile.
  /// - Parameter name: what the copy will be called, for people.
  package func backUp(to path: FilePath, called name: FilePath) async throws(StoreFailure) {
    guard !Task.isCancelled else { throw .canceled(act: "copy the ledger") }
    do {
      // GRDB blocks its thread until a reader is free, and readers may be waiting for Swift's own threads.
      try await BlockingWork.run { try self.copy(to: path) }
    } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
      throw .notCopied(name, reason: "the disk is full there")
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CANTOPEN {
      throw .notCopied(name, reason: "no file can be made there")
    } catch {
      throw .notCopied(name, reason: "\(error)")
    }
  }

  private func copy(to path: FilePath) throws {
    let copy = try DatabaseQueue(path: path.string)
    try pool.backup(to: copy)
    try copy.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA journal_mode = DELETE") }
    try copy.close()
  }

  /// Lets go of the file; nothing can be asked afterwards.
  package func close() throws(StoreFailure) {
    do { try pool.close() } catch { throw StoreFailure(error, while: "close the ledger", on: pool.path) }
  }
}
