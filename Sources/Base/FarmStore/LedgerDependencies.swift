import FarmModel
import FoundationEssentials
import GRDB

/// A job that was rendered, or is, from another version of a file than the one that lies there now.
package struct Dependent: Hashable, Sendable {
  package let job: Job
  /// Its newest revision.
  package let revision: Int64
  /// What its frames took together, in milliseconds, as far as they were rendered.
  package let renderMilliseconds: Int64
  /// Whether that is known.
  package let isStale: Bool
  /// Whether nothing of it waits to be delivered.
  package let isDelivered: Bool
  /// Whether Blender opened the other version; else the job was only inspected with it.
  package let isSeen: Bool
}

/// The files besides the `.blend` from which revisions are rendered.
extension Ledger {
  /// Notes from which files a revision is rendered, as Blender saw them. Files that were named and not there stay.
  package func setDependencies(of id: Int64, _ files: [SeenFile]) async throws(StoreFailure) {
    try await write("note what revision \(id) depends on") { db in
      try db.execute(
        sql: "DELETE FROM dependency WHERE revision_id = ? AND (is_seen OR size >= 0)", arguments: [id])
      try Self.setDependencies(db, of: id, files)
    }
  }

  /// Notes which files the `.blend` of a revision names, as they were when it was inspected; nothing once Blender has
  /// opened it.
  package func setNamedFiles(of id: Int64, _ files: [SeenFile]) async throws(StoreFailure) {
    try await write("note what revision \(id) names") { db in
      let isOpened =
        try Bool.fetchOne(
          db, sql: "SELECT EXISTS (SELECT 1 FROM dependency WHERE revision_id = ? AND is_seen)", arguments: [id])
        ?? false
      guard !isOpened else { return }
      try db.execute(sql: "DELETE FROM dependency WHERE revision_id = ?", arguments: [id])
      try Self.setDependencies(db, of: id, files, areSeen: false)
    }
  }

  /// - Parameter areSeen: by Blender, and not only named in the `.blend`.
  static func setDependencies(
    _ db: Database, of revision: Int64, _ files: [SeenFile], areSeen: Bool = true
  ) throws {
    guard !files.isEmpty else { return }
    let insert = try db.makeStatement(sql: "INSERT OR REPLACE INTO dependency VALUES (?, ?, ?, ?, ?)")
    for file in files {
      try insert.execute(arguments: [revision, file.path, file.size, file.mtimeNanoseconds, areSeen])
    }
  }

  /// The files from which a revision was rendered, by path.
  /// - Parameter areSeen: by Blender; else also those that the `.blend` names, before it was opened.
  package func dependencies(of id: Int64, areSeen: Bool = true) async throws(StoreFailure) -> [SeenFile] {
    try await read("read what revision \(id) depends on") { db in
      try Self.dependencies(db, of: id, areSeen: areSeen)
    }
  }

  static func dependencies(_ db: Database, of revision: Int64, areSeen: Bool = true) throws -> [SeenFile] {
    try Row.fetchAll(
      db,
      sql: "SELECT path, size, mtime_ns FROM dependency WHERE revision_id = ? AND (is_seen OR NOT ?) ORDER BY path",
      arguments: [revision, areSeen]
    ).map { SeenFile(path: $0[0], size: $0[1], mtimeNanoseconds: $0[2]) }
  }

  /// The digests of those of them that were looked at since, by path.
  package func dependencyDigests(of id: Int64) async throws(StoreFailure) -> [String: Digest] {
    try await read("read the digests of what revision \(id) depends on") { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT path, digest FROM dependency JOIN dependency_file USING (path)
          WHERE revision_id = ? AND dependency.size = dependency_file.size
            AND dependency.mtime_ns = dependency_file.mtime_ns
          """, arguments: [id])
      return Dictionary(
        rows.map { row in
          let digest: Data = row[1]
          return (row[0], Digest(bytes: Array(digest)))
        }, uniquingKeysWith: { first, _ in first })
    }
  }

  /// Every file that the newest revision of some job depends on, by path; of releases that are over, none.
  package func dependencies() async throws(StoreFailure) -> [String] {
    try await read("read what jobs depend on") { db in
      try String.fetchAll(
        db,
        sql: """
          SELECT DISTINCT dependency.path FROM dependency JOIN revision ON revision.id = revision_id
          JOIN job ON job.id = job_id AND job.revision = number JOIN release ON release.id = release_id
          WHERE job.state <> 'removed' AND release.state <> 'archived' ORDER BY dependency.path
          """)
    }
  }

  /// Whether the newest revision of some job needs the file at a path.
  package func isDependency(_ path: String) async throws(StoreFailure) -> Bool {
    try await read("read whether a file is needed") { db in
      try Bool.fetchOne(
        db,
        sql: """
          SELECT EXISTS (
            SELECT 1 FROM dependency JOIN revision ON revision.id = revision_id
            JOIN job ON job.id = job_id AND job.revision = number
            WHERE dependency.path = ? AND job.state <> 'removed')
          """, arguments: [path]) ?? false
    }
  }

  /// How such a file was when it was looked at last; nil when it never was.
  package func dependencyFile(at path: String) async throws(StoreFailure) -> (Fingerprint, Digest)? {
    try await read("read how a dependency was") { db in
      try Row.fetchOne(db, sql: "SELECT * FROM dependency_file WHERE path = ?", arguments: [path]).map { row in
        let digest: Data = row["digest"]
        return (Fingerprint(row: row), Digest(bytes: Array(digest)))
      }
    }
  }

  /// Notes how such a file is. Where its bytes are what they were, what was rendered from it counts as rendered from
  /// the file as it is now.
  /// - Parameter same: how it was when it had the same bytes.
  package func setDependencyFile(
    at path: String, _ file: Fingerprint, _ digest: Digest, sameAs same: Fingerprint?
  ) async throws(StoreFailure) {
    try await write("note a dependency") { db in
      try db.execute(
        sql: "INSERT OR REPLACE INTO dependency_file VALUES (?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          path, file.device, file.inode, file.size, file.mtimeNanoseconds, file.ctimeNanoseconds,
          DatabaseValue.blob(digest),
        ])
      guard let same, same.mtimeNanoseconds != file.mtimeNanoseconds else { return }
      try db.execute(
        sql: "UPDATE dependency SET mtime_ns = ? WHERE path = ? AND size = ? AND mtime_ns = ?",
        arguments: [file.mtimeNanoseconds, path, same.size, same.mtimeNanoseconds])
    }
  }

  /// The jobs whose newest revision was rendered, or is, from another version of a file, or was inspected with another
  /// and did not begin yet, the most urgent first.
  package func dependents(on path: String, otherThan file: Fingerprint) async throws(StoreFailure) -> [Dependent] {
    try await read("read which jobs depend on a file") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT \(Self.jobFields), revision.id,
            (SELECT COALESCE(SUM(render_ms), 0) FROM output WHERE output.revision_id = revision.id), stale IS NOT NULL,
            NOT EXISTS (
              SELECT 1 FROM output WHERE output.revision_id = revision.id
              AND output.state NOT IN ('harvested', 'kept', 'assembled', 'purged')), is_seen
          FROM dependency JOIN revision ON revision.id = dependency.revision_id
          JOIN job ON job.id = job_id JOIN release ON release.id = release_id
          WHERE dependency.path = ? AND (dependency.size <> ? OR dependency.mtime_ns <> ?)
            AND (is_seen OR dependency.size < 0 OR revision.state IN ('blocked', 'queued', 'active'))
            AND number = (SELECT MAX(number) FROM revision AS newest WHERE newest.job_id = job.id)
            AND NOT EXISTS (
              SELECT 1 FROM output WHERE output.revision_id = revision.id AND output.state = 'purged')
          ORDER BY urgency DESC, job.id
          """, arguments: [path, file.size, file.mtimeNanoseconds]
      ).map { row in
        Dependent(
          job: try Job(row: row), revision: row[11], renderMilliseconds: row[12], isStale: row[13],
          isDelivered: row[14],
          isSeen: row[15])
      }
    }
  }

  /// The jobs that depend on a file whose path this glob fits, whole or from some folder on.
  package func jobs(using glob: Glob) async throws(StoreFailure) -> Set<Int64> {
    try await read("read which jobs use a file") { db in
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT DISTINCT job.id, dependency.path FROM dependency JOIN revision ON revision.id = revision_id
          JOIN job ON job.id = job_id AND job.revision = number
          """)
      var jobs: Set<Int64> = []
      while let row = try rows.next() { if glob.matchesPath(row[1]) { jobs.insert(row[0]) } }
      return jobs
    }
  }

  // MARK: - What is older than what it depends on

  /// Notes that delivered jobs are older than a file they depend on.
  package func setStale(_ jobs: [Int64], because cause: StaleCause) async throws(StoreFailure) {
    try await write("note that \(jobs.count) jobs are stale") { db in
      for job in jobs {
        try db.execute(sql: "UPDATE job SET stale = ? WHERE id = ?", arguments: [try Column.json(cause), job])
      }
    }
  }

  /// The stale jobs of a release, by name, with the reason.
  package func staleJobs(in release: String) async throws(StoreFailure) -> [String: StaleCause] {
    try await read("read what is stale in \(release)") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT job.name, stale FROM job JOIN release ON release.id = release_id
          WHERE stale IS NOT NULL AND release.name = ? AND job.state <> 'removed'
          """, arguments: [release]
      ).reduce(into: [:]) { stale, row in stale[row[0]] = try Column.value(StaleCause.self, row[1]) }
    }
  }
}
