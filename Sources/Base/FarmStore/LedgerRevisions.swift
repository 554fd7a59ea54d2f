import FarmModel
import FoundationEssentials
import GRDB

extension Ledger {
  static let revisionColumns = """
    SELECT revision.*, job.name AS job, release.name AS release
    FROM revision JOIN job ON job.id = job_id JOIN release ON release.id = release_id
    """

  /// Of revisions of which something is still to be done.
  static let unfinished = "revision.state IN ('settling', 'blocked', 'queued', 'active', 'assembling')"

  /// The revision of this number; a wrong number is a failure.
  package func revision(_ id: Int64) async throws(StoreFailure) -> Revision {
    try await read("read revision \(id)") { db in try Self.revision(db, id: id) }
  }

  /// The newest revision of a job that was whole.
  package func newestRevision(of name: JobName) async throws(StoreFailure) -> Revision? {
    try await read("read the newest revision of \(name)") { db in
      try Row.fetchOne(
        db, sql: Self.revisionColumns + " WHERE release.name = ? AND job.name = ? ORDER BY number DESC LIMIT 1",
        arguments: [name.release, name.job]
      ).map(Revision.init(row:))
    }
  }

  /// Revisions whose state is one of these, oldest first within the highest priority.
  package func revisions(in states: Set<JobState>) async throws(StoreFailure) -> [Revision] {
    try await read("read the open revisions") { db in
      let words = states.map { "'\($0.rawValue)'" }.joined(separator: ",")
      return try Row.fetchAll(
        db,
        sql: Self.revisionColumns + " WHERE revision.state IN (\(words)) ORDER BY release.priority DESC, revision.id"
      ).map(Revision.init(row:))
    }
  }

  /// Moves a revision on, with outputs of it that change at the same moment; the job shows it when it is its newest.
  /// - Returns: false, and nothing was changed, when it is in a state from which it cannot come there: somebody else
  ///   moved it meanwhile.
  package func move(
    _ id: Int64, to state: JobState, problem: Problem? = nil, outputs: [Output] = []
  ) async throws(StoreFailure) -> Bool {
    let now = clock.now()
    return try await write("move revision \(id) to \(state.rawValue)") { db in
      let end = state.isFinal ? nil : try Self.end(db, ofRevision: id)
      let from = state.mayFollow.map { "'\($0.rawValue)'" }.joined(separator: ",")
      try db.execute(
        sql: "UPDATE revision SET state = ?, problem = ?, ended_at = ? WHERE id = ? AND state IN (\(from))",
        arguments: [state.rawValue, try Column.json(problem), state.isFinal ? now.nanoseconds : nil, id])
      guard db.changesCount == 1 else { return false }
      if let end { try Self.remember(db, end) }
      try Self.update(db, outputs)
      try Self.showIfNewest(db, id, now: now)
      return true
    }
  }

  /// Another problem holds up a blocked revision.
  /// - Returns: false when it is no longer blocked.
  package func setProblem(ofBlocked id: Int64, _ problem: Problem) async throws(StoreFailure) -> Bool {
    let now = clock.now()
    return try await write("note what holds up revision \(id)") { db in
      try db.execute(
        sql: "UPDATE revision SET problem = ? WHERE id = ? AND state = 'blocked'",
        arguments: [try Column.json(problem), id])
      guard db.changesCount == 1 else { return false }
      try Self.showIfNewest(db, id, now: now)
      return true
    }
  }

  /// A job whose file was gone is there again, as it was.
  package func showAgain(_ id: Int64) async throws(StoreFailure) {
    let now = clock.now()
    try await write("show revision \(id) again") { db in try Self.showIfNewest(db, id, now: now) }
  }

  private static func showIfNewest(_ db: Database, _ id: Int64, now: Timestamp) throws {
    let revision = try revision(db, id: id)
    let newest = try Int.fetchOne(
      db, sql: "SELECT MAX(number) FROM revision WHERE job_id = ?", arguments: [revision.job])
    if newest == revision.number {
      try showOnJob(
        db, revision.job, state: revision.state, revision: revision.number, problem: revision.problem, now: now)
    } else {
      try touchRelease(db, ofJob: revision.job, now: now)
    }
  }

  /// Binds a revision to the program that renders it and to the snapshot that is rendered.
  package func bind(_ id: Int64, blender: BlenderProgram, snapshot: String) async throws(StoreFailure) {
    try await write("bind revision \(id) to its Blender") { db in
      try db.execute(
        sql: "UPDATE revision SET blender = ?, snapshot = ? WHERE id = ?",
        arguments: [try Column.json(blender), snapshot, id])
    }
  }

  /// Has a revision rendered in another way.
  package func setSettings(of id: Int64, _ settings: RenderSettings) async throws(StoreFailure) {
    try await write("change how revision \(id) is rendered") { db in
      try db.execute(sql: "UPDATE revision SET settings = ? WHERE id = ?", arguments: [try Column.json(settings), id])
    }
  }

  /// Notes what was found of a revision that does not keep it from being rendered.
  package func setNotes(of id: Int64, _ notes: [Problem]) async throws(StoreFailure) {
    try await write("note findings of revision \(id)") { db in
      try db.execute(sql: "UPDATE revision SET notes = ? WHERE id = ?", arguments: [try Column.json(notes), id])
    }
  }

  /// The classes of what was noticed of each job's newest revision, by job; jobs without notes are left out.
  package func newestNotes() async throws(StoreFailure) -> [Int64: [ProblemClass]] {
    try await read("read the notes of jobs") { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT job.id, notes FROM job JOIN revision ON revision.job_id = job.id AND number = job.revision
          WHERE job.is_adopted = 0 AND notes <> '[]'
          """)
      return try rows.reduce(into: [:]) { notes, row in
        notes[row[0]] = try Column.value([Problem].self, row[1])?.map(\.problemClass)
      }
    }
  }

  /// Forgets the snapshot of a revision that has ended.
  package func forgetSnapshot(of id: Int64) async throws(StoreFailure) {
    try await write("forget the snapshot of revision \(id)") { db in
      try db.execute(sql: "UPDATE revision SET snapshot = NULL WHERE id = ?", arguments: [id])
    }
  }

  /// Ended revisions whose snapshot still lies beside the original.
  package func snapshotsOfEnded() async throws(StoreFailure) -> [Revision] {
    try await read("read the left snapshots") { db in
      try Row.fetchAll(
        db,
        sql: Self.revisionColumns
          + " WHERE snapshot IS NOT NULL AND revision.state NOT IN ('queued', 'active', 'assembling')"
      ).map(Revision.init(row:))
    }
  }

  static func revision(_ db: Database, id: Int64) throws -> Revision {
    guard let row = try Row.fetchOne(db, sql: revisionColumns + " WHERE revision.id = ?", arguments: [id]) else {
      throw StoreFailure.failed(act: "read revision \(id)", reason: "there is none")
    }
    return try Revision(row: row)
  }
}

extension Revision {
  init(row: Row) throws {
    let digest: Data = row["digest"]
    self.init(
      id: row["id"], job: row["job_id"], name: JobName(release: row["release"], job: row["job"]), number: row["number"],
      digest: Digest(bytes: Array(digest)), state: try Column.word(JobState.self, row, "state"),
      frames: try FrameSet(ledger: row["frames"]), format: try Column.word(ImageFormat.self, row, "format"),
      scene: row["scene"], settings: try Column.value(RenderSettings.self, row["settings"]) ?? RenderSettings(),
      notes: try Column.value([Problem].self, row["notes"]) ?? [],
      savedBy: try Column.value(BlenderVersion.self, row["saved_by"]),
      blender: try Column.value(BlenderProgram.self, row["blender"]), snapshot: row["snapshot"],
      problem: try Column.value(Problem.self, row["problem"]),
      createdAt: Timestamp(nanoseconds: row["created_at"]))
  }
}

extension FrameSet {
  /// A blocked revision may owe no frames at all, which a person cannot write.
  init(ledger text: String) throws {
    self = text.isEmpty ? FrameSet([]) : try FrameSet(parsing: text)
  }
}
