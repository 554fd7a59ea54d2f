import FarmModel
import FoundationEssentials
import GRDB

/// What is recorded when a drop has become a revision.
package struct NewRevision: Sendable {
  package let name: JobName
  /// Below the volume's root.
  package let path: String
  package let owner: String
  package let digest: Digest
  package let state: JobState
  package let frames: FrameSet
  package let format: ImageFormat
  package let scene: String?
  package let settings: RenderSettings
  package let notes: [Problem]
  package let savedBy: BlenderVersion?
  package let problem: Problem?
  /// Everything it owes.
  package let outputs: [OwedOutput]
  /// What its `.blend` names besides, as far as it is there; counts until Blender has seen it.
  package let files: [SeenFile]

  package init(
    name: JobName, path: String, owner: String, digest: Digest, state: JobState, frames: FrameSet, format: ImageFormat,
    scene: String? = nil, settings: RenderSettings = RenderSettings(), notes: [Problem] = [], savedBy: BlenderVersion?,
    problem: Problem?, outputs: [OwedOutput], files: [SeenFile] = []
  ) {
    self.name = name
    self.path = path
    self.owner = owner
    self.digest = digest
    self.state = state
    self.frames = frames
    self.format = format
    self.scene = scene
    self.settings = settings
    self.notes = notes
    self.savedBy = savedBy
    self.problem = problem
    self.outputs = outputs
    self.files = files
  }
}

extension Ledger {
  /// What ``Job/init(row:)`` reads, in its order.
  static let jobFields = """
    job.id, release.name, job.name, job.path, job.owner, job.state, job.revision, job.problem,
      COALESCE(job.priority, release.priority) AS urgency, job.created_at, job.changed_at
    """
  static let jobColumns = "SELECT \(jobFields) FROM job JOIN release ON release.id = job.release_id"

  /// The jobs of one release or of all, by release and name.
  /// - Parameter adopted: also those whose file lay there before the farm and was not touched since.
  package func jobs(in release: String? = nil, adopted: Bool) async throws(StoreFailure) -> [Job] {
    let which =
      (release == nil ? " WHERE TRUE" : " WHERE release.name = ?") + (adopted ? "" : " AND job.is_adopted = 0")
    return try await read("read the jobs") { db in
      try Row.fetchAll(
        db, sql: Self.jobColumns + which + " ORDER BY release.name, job.name",
        arguments: StatementArguments(release.map { [$0] } ?? [])
      ).map(Job.init(row:))
    }
  }

  /// The jobs that are not at rest, and of some releases the newest that are; with the number of all jobs of each
  /// release. Those whose file lay there before the farm are not among them.
  package func briefJobs(
    newestAtRest limit: Int, ofReleases releases: [Int64]
  ) async throws(StoreFailure) -> (jobs: [Job], totals: [Int64: Int]) {
    try await read("read the jobs at work") { db in
      let atRest = "('completed', 'canceled', 'removed', 'superseded')"
      // As the index spells it, or SQLite looks at every job.
      var jobs = try Row.fetchAll(
        db, sql: Self.jobColumns + " WHERE job.is_adopted = 0 AND job.state NOT IN \(atRest)"
      ).map(Job.init(row:))
      for release in releases {
        jobs += try Row.fetchAll(
          db,
          sql: Self.jobColumns + """
             WHERE job.is_adopted = 0 AND job.state IN \(atRest) AND release_id = ?
            ORDER BY job.changed_at DESC LIMIT ?
            """, arguments: [release, limit]
        ).map(Job.init(row:))
      }
      let totals = try Row.fetchAll(
        db, sql: "SELECT release_id, COUNT(*) AS count FROM job WHERE is_adopted = 0 GROUP BY release_id")
      return (jobs, totals.reduce(into: [:]) { $0[$1["release_id"]] = $1["count"] })
    }
  }

  /// The jobs that people may mean by this text, ``JobName/fits(_:)``, by release.
  package func jobs(fitting text: String) async throws(StoreFailure) -> [Job] {
    try await read("look for job \(text)") { db in
      try Row.fetchAll(
        db,
        sql: Self.jobColumns + " WHERE job.name = ? OR release.name || '/' || job.name = ? ORDER BY release.name",
        arguments: [text, text]
      ).map(Job.init(row:))
    }
  }

  /// Name and path below the root of every job whose file is there; whole jobs would take very much memory.
  package func jobPlaces() async throws(StoreFailure) -> [(name: JobName, path: String)] {
    try await read("read the jobs' names") { db in
      let sql = """
        SELECT release.name, job.name, path FROM job JOIN release ON release.id = release_id
        WHERE job.state <> 'removed'
        """
      var places: [(JobName, String)] = []
      // By their place: looking up columns by their names takes most of the time.
      let rows = try Row.fetchCursor(db, sql: sql)
      while let row = try rows.next() { places.append((JobName(release: row[0], job: row[1]), row[2])) }
      return places
    }
  }

  /// Jobs of whose files the watch knows nothing, so that it cannot tell when one is gone.
  /// - Parameter release: of which; nil for all.
  package func jobsWithoutKnownFile(in release: String? = nil) async throws(StoreFailure) -> [Job] {
    try await read("look for jobs without known files") { db in
      try Row.fetchAll(
        db,
        sql: Self.jobColumns + """
           LEFT JOIN known_file ON known_file.path = CAST(job.path AS BLOB)
          WHERE known_file.path IS NULL AND job.state <> 'removed' AND (? IS NULL OR release.name = ?)
          """, arguments: [release, release]
      ).map(Job.init(row:))
    }
  }

  /// The state of each job of a release by its name; those whose file lay there before the farm are not among them.
  package func jobStates(in release: String) async throws(StoreFailure) -> [String: JobState] {
    try await read("read the states of \(release)") { db in
      let sql = """
        SELECT job.name, job.state FROM job JOIN release ON release.id = job.release_id
        WHERE release.name = ? AND job.is_adopted = 0
        """
      var states: [String: JobState] = [:]
      let rows = try Row.fetchCursor(db, sql: sql, arguments: [release])
      while let row = try rows.next() {
        let state = try Column.word(JobState.self, row[1] as String, of: "state")
        // A removed job may have the same name in another Unicode form: the one that is there counts.
        states.merge([row[0] as String: state]) { $1 == .removed ? $0 : $1 }
      }
      return states
    }
  }

  /// The job of this name; nil when it was never dropped.
  package func job(_ name: JobName) async throws(StoreFailure) -> Job? {
    try await read("read job \(name)") { db in
      try Row.fetchOne(
        db, sql: Self.jobColumns + " WHERE release.name = ? AND job.name = ?", arguments: [name.release, name.job]
      ).map(Job.init(row:))
    }
  }

  /// Gives a job a priority of its own, 0 to 100.
  package func setPriority(of job: Int64, _ priority: Int?) async throws(StoreFailure) {
    try await write("set the priority of a job") { db in
      try db.execute(sql: "UPDATE job SET priority = ? WHERE id = ?", arguments: [priority, job])
    }
  }

  /// How urgent a job is by itself; nil for one that is as urgent as its release.
  package func priority(ofJob job: Int64) async throws(StoreFailure) -> Int? {
    try await read("read the priority of a job") { db in
      try Int.fetchOne(db, sql: "SELECT priority FROM job WHERE id = ?", arguments: [job])
    }
  }

  /// Records a revision with all it owes, in one transaction. A queued one supersedes the job's open ones, a blocked
  /// one those that wait for a person as well.
  /// - Returns: the revision, and those that it superseded.
  package func record(
    _ new: NewRevision, known: (path: KnownPath, fingerprint: Fingerprint)?
  ) async throws(StoreFailure) -> (revision: Revision, superseded: [Revision]) {
    let now = clock.now()
    return try await write("record a revision of \(new.name)") { db in
      let job = try Self.ensureJob(db, new, now: now)
      let ended: Set<JobState> = new.state == .queued ? Self.openStates : new.state == .blocked ? [.blocked] : []
      let superseded = try Self.end(db, ended, ofJob: job, as: .superseded, now: now)
      let number =
        try Int.fetchOne(
          db, sql: "SELECT COALESCE(MAX(number), 0) + 1 FROM revision WHERE job_id = ?", arguments: [job]) ?? 1
      try db.execute(
        sql: """
          INSERT INTO revision
            (job_id, number, digest, state, frames, format, scene, settings, notes, saved_by, problem, created_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          job, number, DatabaseValue.blob(new.digest), new.state.rawValue, new.frames.description, new.format.rawValue,
          new.scene, try Column.json(new.settings), try Column.json(new.notes), try Column.json(new.savedBy),
          try Column.json(new.problem),
          now.nanoseconds,
        ])
      let id = db.lastInsertedRowID
      try Self.owe(db, new.outputs, of: id)
      try Self.setDependencies(db, of: id, new.files, areSeen: false)
      try Self.showOnJob(db, job, state: new.state, revision: number, problem: new.problem, now: now)
      if new.state == .queued { try db.execute(sql: "UPDATE job SET stale = NULL WHERE id = ?", arguments: [job]) }
      if let known { try Self.remember(db, known.path, known.fingerprint) }
      return (try Self.revision(db, id: id), superseded)
    }
  }

  /// The job's file is gone: its open revision ends, and it no longer counts.
  package func removeJob(_ name: JobName, known: KnownPath) async throws(StoreFailure) -> [Revision] {
    let now = clock.now()
    return try await write("record that \(name) is gone") { db in
      try db.execute(sql: "DELETE FROM known_file WHERE path = ?", arguments: [known.path])
      guard
        let job = try Int64.fetchOne(
          db,
          sql: "SELECT job.id FROM job JOIN release ON release.id = release_id WHERE release.name = ? AND job.name = ?",
          arguments: [name.release, name.job])
      else { return [] }
      let ended = try Self.endOpen(db, job: job, as: .removed, now: now)
      try db.execute(
        sql: "UPDATE job SET state = 'removed', problem = NULL, changed_at = ? WHERE id = ?",
        arguments: [now.nanoseconds, job])
      try Self.changeManifests(db, "id = ?", [job])
      try Self.touchRelease(db, ofJob: job, now: now)
      return ended
    }
  }

  private static func ensureJob(_ db: Database, _ new: NewRevision, now: Timestamp) throws -> Int64 {
    let release = try ensureRelease(
      db, named: new.name.release, priority: ReleaseOrder.priority(ofRelease: new.name.release), now: now)
    try db.execute(
      sql: """
        INSERT INTO job (release_id, name, path, owner, state, revision, created_at, changed_at)
        VALUES (?, ?, ?, ?, ?, 0, ?, ?)
        ON CONFLICT (release_id, name) DO UPDATE SET path = excluded.path, owner = excluded.owner
        """,
      arguments: [
        release.id, new.name.job, new.path, new.owner, new.state.rawValue, now.nanoseconds, now.nanoseconds,
      ])
    return try Int64.fetchOne(
      db, sql: "SELECT id FROM job WHERE release_id = ? AND name = ?", arguments: [release.id, new.name.job]) ?? 0
  }

  private static let openStates: Set<JobState> = [.blocked, .queued, .active, .assembling]

  /// Ends every revision of a job that is not in a final state.
  static func endOpen(_ db: Database, job: Int64, as state: JobState, now: Timestamp) throws -> [Revision] {
    try end(db, openStates, ofJob: job, as: state, now: now)
  }

  private static func end(
    _ db: Database, _ states: Set<JobState>, ofJob job: Int64, as state: JobState, now: Timestamp
  ) throws -> [Revision] {
    guard !states.isEmpty else { return [] }
    let words = states.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    let open = try Row.fetchAll(
      db, sql: revisionColumns + " WHERE job_id = ? AND revision.state IN (\(words))", arguments: [job]
    ).map(Revision.init(row:))
    for revision in open {
      try db.execute(
        sql: "UPDATE revision SET state = ?, ended_at = ? WHERE id = ?",
        arguments: [state.rawValue, now.nanoseconds, revision.id])
    }
    return open
  }

  static func showOnJob(
    _ db: Database, _ job: Int64, state: JobState, revision: Int, problem: Problem?, now: Timestamp
  ) throws {
    let isAdopted = problem?.problemClass == .adopted
    try db.execute(
      sql: """
        UPDATE job SET state = ?, revision = ?, problem = ?, changed_at = ?, is_adopted = ?,
          manifest_due = manifest_due + ? WHERE id = ?
        """,
      arguments: [
        state.rawValue, revision, try Column.json(problem), now.nanoseconds, isAdopted,
        state.isFinal && !isAdopted ? 1 : 0, job,
      ])
    try touchRelease(db, ofJob: job, now: now)
  }
}

extension DatabaseValue {
  static func blob(_ digest: Digest) -> DatabaseValue { Data(digest.bytes).databaseValue }
}

extension Job {
  /// Of ``Ledger/jobColumns``, by their place: looking up columns by their names takes most of the time.
  init(row: Row) throws {
    self.init(
      id: row[0], name: JobName(release: row[1], job: row[2]), path: row[3], owner: row[4],
      state: try Column.word(JobState.self, row[5] as String, of: "state"), revision: row[6],
      problem: try Column.value(Problem.self, row[7]), priority: row[8], createdAt: Timestamp(nanoseconds: row[9]),
      changedAt: Timestamp(nanoseconds: row[10]))
  }
}
