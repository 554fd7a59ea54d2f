import FarmModel
import FoundationEssentials
import GRDB
import SystemPackage
import VolumeFiles

/// A file's path below the volume's root, as the bytes that it is.
package struct KnownPath: Hashable, Sendable {
  let path: Data
  let folder: Data

  /// - Parameter path: below the root.
  package init(_ path: FilePath) {
    self.path = Self.bytes(path)
    folder = Self.bytes(path.removingLastComponent())
  }

  static func bytes(_ path: FilePath) -> Data {
    path.withPlatformString { Data(bytes: $0, count: strnlen($0, Int(Int32.max))) }
  }

  private static func strnlen(_ text: UnsafePointer<CChar>, _ limit: Int) -> Int {
    var count = 0
    while count < limit, text[count] != 0 { count += 1 }
    return count
  }
}

extension Ledger {
  /// The known files directly in a folder below the root, by their names.
  package func knownFiles(in folder: FilePath) async throws(StoreFailure) -> [FileName: Fingerprint] {
    let bytes = KnownPath.bytes(folder)
    return try await read("read the known files") { db in
      var known: [FileName: Fingerprint] = [:]
      let rows = try Row.fetchCursor(db, sql: "SELECT * FROM known_file WHERE folder = ?", arguments: [bytes])
      while let row = try rows.next() {
        let path: Data = row["path"]
        known[FileName(bytes: Array(path.dropFirst(bytes.isEmpty ? 0 : bytes.count + 1)))] = Fingerprint(row: row)
      }
      return known
    }
  }

  /// How a known file was when it became what the ledger says of it; nil when it is not known.
  package func knownFile(_ path: KnownPath) async throws(StoreFailure) -> Fingerprint? {
    try await read("read how a file was") { db in
      try Row.fetchOne(db, sql: "SELECT * FROM known_file WHERE path = ?", arguments: [path.path])
        .map(Fingerprint.init(row:))
    }
  }

  /// Notes that a file is known as it is now.
  package func remember(_ path: KnownPath, _ fingerprint: Fingerprint) async throws(StoreFailure) {
    try await write("note a known file") { db in try Self.remember(db, path, fingerprint) }
  }

  /// Forgets how the files of blocked jobs were, so that the next listing settles them anew: what blocked them may be
  /// cured. That they were there stays known, for they may have been deleted meanwhile. On whose pictures the daemon
  /// died is not tried again for that.
  package func forgetBlockedFiles() async throws(StoreFailure) {
    try await write("forget the files of blocked jobs") { db in
      for path in try String.fetchAll(db, sql: Self.curable) {
        try db.execute(sql: "UPDATE known_file SET size = -1 WHERE path = ?", arguments: [Data(path.utf8)])
      }
    }
  }

  private static let curable = """
    SELECT path FROM job WHERE state = 'blocked' AND NOT coalesce(
      json_extract(problem, '$.class') = '\(ProblemClass.crashedTheFarm.rawValue)'
        AND json_extract(problem, '$.missing') IS NULL, FALSE)
    """

  /// Queued jobs whose files were recorded as ``KnownPath`` with ``Fingerprint/undecided``.
  package func undecidedJobs() async throws(StoreFailure) -> Set<JobName> {
    try await read("read the jobs that wait for the engine") { db in
      let sql = """
        SELECT release.name, job.name FROM job JOIN release ON release.id = release_id
        JOIN known_file ON known_file.path = CAST(job.path AS BLOB) WHERE job.state = 'queued' AND size = -1
        """
      return try Set(Row.fetchAll(db, sql: sql).map { JobName(release: $0[0], job: $0[1]) })
    }
  }

  static func remember(_ db: Database, _ known: KnownPath, _ fingerprint: Fingerprint) throws {
    try db.execute(
      sql: """
        INSERT INTO known_file VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET device = excluded.device,
          inode = excluded.inode, size = excluded.size, mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns
        """,
      arguments: [
        known.path, known.folder, fingerprint.device, fingerprint.inode, fingerprint.size, fingerprint.mtimeNanoseconds,
        fingerprint.ctimeNanoseconds,
      ])
  }
}

extension Fingerprint {
  init(row: Row) {
    self.init(
      device: row["device"], inode: row["inode"], size: row["size"], mtimeNanoseconds: row["mtime_ns"],
      ctimeNanoseconds: row["ctime_ns"])
  }
}
