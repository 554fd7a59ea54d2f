import FarmModel
import FoundationEssentials
import GRDB
import SystemPackage

/// Jobs and releases that get another name, because their files got another place.
extension Ledger {
  /// The jobs whose file, as it was known last, is this one on the disk.
  package func jobs(withFile fingerprint: Fingerprint) async throws(StoreFailure) -> [Job] {
    try await read("look for the job of a moved file") { db in
      try Row.fetchAll(
        db,
        sql: Self.jobColumns + """
           JOIN known_file ON known_file.path = CAST(job.path AS BLOB)
          WHERE device = ? AND inode = ? AND job.state <> 'removed'
          """, arguments: [fingerprint.device, fingerprint.inode]
      ).map(Job.init(row:))
    }
  }

  /// Jobs whose newest revision has this content and whose file was not deleted.
  /// - Parameter limit: at most so many.
  package func jobs(withContent digest: Digest, limit: Int) async throws(StoreFailure) -> [Job] {
    try await read("look for jobs of the same content") { db in
      try Row.fetchAll(
        db,
        sql: Self.jobColumns + """
           JOIN revision ON revision.job_id = job.id AND revision.number = job.revision
          WHERE revision.digest = ? AND job.state <> 'removed' LIMIT ?
          """, arguments: [DatabaseValue.blob(digest), limit]
      ).map(Job.init(row:))
    }
  }

  /// The newest revisions of the jobs that came last before anything else happened to a job: within this time.
  package func newestRevisions(ofJobsWithin window: Duration) async throws(StoreFailure) -> [Revision] {
    try await read("read which jobs came last") { db in
      guard let last = try Int64.fetchOne(db, sql: "SELECT MAX(changed_at) FROM job") else { return [] }
      return try Row.fetchAll(
        db, sql: Self.revisionColumns + " WHERE job.created_at >= ? AND revision.number = job.revision",
        arguments: [last - window.inMilliseconds * 1_000_000]
      ).map(Revision.init(row:))
    }
  }

  /// The known files of a release's jobs, by the path of the job below the root.
  package func knownFiles(ofRelease name: String) async throws(StoreFailure) -> [String: Fingerprint] {
    try await read("read the files of \(name)") { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT job.path AS of_job, known_file.* FROM known_file JOIN job ON known_file.path = CAST(job.path AS BLOB)
          JOIN release ON release.id = release_id WHERE release.name = ? AND job.state <> 'removed'
          """, arguments: [name])
      return rows.reduce(into: [:]) { files, row in files[row["of_job"]] = Fingerprint(row: row) }
    }
  }

  /// Gives a job the name and path that its file has now.
  /// - Parameter twin: a job that is forgotten in its favour, with all that was made of it.
  /// - Returns: false, and nothing was changed, when another job was called so before, or when the job ended meanwhile:
  ///   it would end the new file too.
  package func rename(
    _ job: Job, to name: JobName, path: String, known: (old: KnownPath, new: KnownPath, fingerprint: Fingerprint),
    insteadOf twin: Int64? = nil
  ) async throws(StoreFailure) -> Bool {
    let now = clock.now()
    return try await write("rename \(job.name)") { db in
      let isThere = try Bool.fetchOne(
        db, sql: "SELECT EXISTS (SELECT 1 FROM job WHERE id = ? AND state <> 'removed')", arguments: [job.id])
      guard isThere == true else { return false }
      if let twin { try Self.deleteJobs(db, where: "id = ?", twin) }
      let release = try Self.ensureRelease(db, named: name.release, priority: ReleaseOrder.usualPriority, now: now)
      let isTaken = try Bool.fetchOne(
        db, sql: "SELECT EXISTS (SELECT 1 FROM job WHERE release_id = ? AND name = ? AND id <> ?)",
        arguments: [release.id, name.job, job.id])
      guard isTaken == false else { return false }
      try Self.touchRelease(db, ofJob: job.id, now: now)
      try db.execute(
        sql: "UPDATE job SET release_id = ?, name = ?, path = ?, changed_at = ? WHERE id = ?",
        arguments: [release.id, name.job, path, now.nanoseconds, job.id])
      try Self.changeManifests(db, "id = ?", [job.id])
      try db.execute(sql: "DELETE FROM known_file WHERE path = ?", arguments: [known.old.path])
      try Self.remember(db, known.new, known.fingerprint)
      try Self.touchRelease(db, ofJob: job.id, now: now)
      return true
    }
  }

  /// Gives a release, and with it all its jobs, another name.
  /// - Parameters:
  ///   - store: where its drops lie now, below the root.
  ///   - oldStore: where they lay.
  /// - Returns: false, and nothing was changed, when there is a release of that name with jobs or deliveries.
  package func rename(
    release name: String, to new: String, store: String, oldStore: KnownFolder
  ) async throws(StoreFailure) -> Bool {
    let now = clock.now()
    return try await write("rename release \(name)") { db in
      if let other = try Self.release(db, named: new) {
        guard try Self.forget(db, unused: other.id) else { return false }
      }
      try db.execute(
        sql: "UPDATE release SET name = ?, changed_at = ? WHERE name = ?", arguments: [new, now.nanoseconds, name])
      let jobs = try Row.fetchAll(
        db, sql: "SELECT job.id, path FROM job JOIN release ON release.id = release_id WHERE release.name = ?",
        arguments: [new])
      for job in jobs {
        let file = (job["path"] as String).pieces(between: "/").last ?? ""
        try db.execute(
          sql: "UPDATE job SET path = ? WHERE id = ?", arguments: ["\(store)/\(file)", job["id"] as Int64])
      }
      try Self.changeManifests(db, "release_id = (SELECT id FROM release WHERE name = ?)", [new])
      // What lies in the new place settles anew: equal bytes render nothing.
      try db.execute(sql: "DELETE FROM known_file WHERE folder = ?", arguments: [oldStore.bytes])
      return true
    }
  }

  /// Forgets a release in which there never was anything.
  /// - Returns: false when there was.
  package func forgetIfUnused(release name: String) async throws(StoreFailure) -> Bool {
    try await write("forget release \(name)") { db in
      guard let release = try Self.release(db, named: name) else { return false }
      return try Self.forget(db, unused: release.id)
    }
  }

  private static func forget(_ db: Database, unused id: Int64) throws -> Bool {
    for table in ["job", "harvest", "delivery"] {
      let isUsed = try Bool.fetchOne(
        db, sql: "SELECT EXISTS (SELECT 1 FROM \(table) WHERE release_id = ?)", arguments: [id])
      if isUsed == true { return false }
    }
    try db.execute(sql: "DELETE FROM release WHERE id = ?", arguments: [id])
    return true
  }

  /// What we put into `dist/` of a job, wherever it was delivered.
  package func deliveries(ofJob job: Int64) async throws(StoreFailure) -> [(delivery: Delivery, output: Output)] {
    try await read("read the deliveries of a job") { db in
      let sql = """
        SELECT \(OutputRows.columns), \(OutputRows.deliveryColumns)
        FROM delivery JOIN output ON output.id = output_id WHERE delivery.job_id = ?
        """
      var rows = OutputRows()
      return try Row.fetchCursor(db, sql: sql, arguments: [job]).reduce(into: []) { found, row in
        let output = try rows.output(row)
        guard let (path, file) = OutputRows.delivery(row) else { return }
        let delivery = Delivery(path: path, job: job, revision: output.revision, output: output.id, file: file)
        found.append((delivery, output))
      }
    }
  }

  /// Deliveries that lie in `out/` again, to be delivered under another name.
  package func takenBack(_ taken: [(delivery: Delivery, output: Output)]) async throws(StoreFailure) {
    guard !taken.isEmpty else { return }
    try await update(taken.map(\.output))
    try await write("take back \(taken.count) deliveries") { db in
      for (delivery, _) in taken {
        try db.execute(sql: "DELETE FROM delivery WHERE path = ?", arguments: [delivery.path])
      }
      for job in Set(taken.map(\.delivery.job)) { try Self.changeManifests(db, "id = ?", [job]) }
    }
  }
}

/// A folder's path below the volume's root, as the bytes that it is.
package struct KnownFolder: Hashable, Sendable {
  let bytes: Data

  /// - Parameter path: below the root.
  package init(_ path: FilePath) { bytes = KnownPath.bytes(path) }
}
