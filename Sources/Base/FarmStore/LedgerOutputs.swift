import FarmModel
import GRDB

/// A task as it was handed out, and how it went.
package struct TaskRecord: Codable, Hashable, Sendable {
  package let id: Int64
  package let revision: Int64
  package let part: RenderPart
  package let frames: FrameSet
  package let state: TaskState
  package let worker: String?
  package let log: String
  package let pid: Int32?
  package let startTicks: Int64?
  package let problem: Problem?
  package let startedAt: Timestamp
  package let endedAt: Timestamp?
}

extension Ledger {
  /// What a revision owes, by frame.
  package func outputs(of revision: Int64) async throws(StoreFailure) -> [Output] {
    try await reduceOutputs(of: revision, into: []) { $0.append($1) }
  }

  /// Takes in what a revision owes one after the other, by frame, for there may be more than should be held at once.
  package func reduceOutputs<Value: Sendable>(
    of revision: Int64, into start: Value, _ add: @escaping @Sendable (inout Value, Output) -> Void
  ) async throws(StoreFailure) -> Value {
    try await read("read the outputs of revision \(revision)") { db in
      let sql = "SELECT \(OutputRows.columns) FROM output WHERE revision_id = ? ORDER BY frame, path"
      var rows = OutputRows()
      return try Row.fetchCursor(db, sql: sql, arguments: [revision]).reduce(into: start) {
        add(&$0, try rows.output($1))
      }
    }
  }

  /// Writes outputs back, in one transaction.
  /// - Parameter act: what is done by that, in words.
  package func update(_ outputs: [Output], doing act: String? = nil) async throws(StoreFailure) {
    guard !outputs.isEmpty else { return }
    try await write(act ?? "record \(outputs.count) outputs") { db in try Self.update(db, outputs) }
  }

  static func update(_ db: Database, _ outputs: [Output]) throws {
    let update = try db.makeStatement(
      sql: """
        UPDATE output SET state = ?, attempts = ?, width = ?, height = ?, bytes = ?, inode = ?, mtime_ns = ?,
          render_ms = ?, peak_bytes = ?, facts = ?, problem = ? WHERE id = ?
        """)
    var (facts, problems) = (JSONMemo<FrameFacts>(), JSONMemo<Problem>())
    for output in outputs {
      try update.execute(arguments: [
        output.state.rawValue, output.attempts, output.size?.width, output.size?.height, output.bytes,
        output.file?.inode, output.file?.mtimeNanoseconds, output.renderMilliseconds, output.peakBytes,
        try facts.text(output.facts), try problems.text(output.problem), output.id,
      ])
    }
  }

  /// Finished outputs whose file was written at this moment or later, with the place of those that were delivered below
  /// the root.
  package func finished(since moment: Timestamp) async throws(StoreFailure) -> [(output: Output, delivered: String?)] {
    try await read("read the newest outputs") { db in
      let sql = """
        SELECT \(OutputRows.columns), \(OutputRows.deliveryColumns)
        FROM output LEFT JOIN delivery ON delivery.output_id = output.id
        WHERE state IN ('done', 'harvested', 'kept') AND output.mtime_ns >= ?
        """
      var rows = OutputRows()
      return try Row.fetchCursor(db, sql: sql, arguments: [moment.nanoseconds]).reduce(into: []) {
        $0.append((try rows.output($1), OutputRows.delivery($1)?.path))
      }
    }
  }

  /// How many outputs of each job's newest revision are where, by job; adopted jobs and those that owe nothing are
  /// left out.
  /// - Parameter known: jobs that need not be counted.
  package func newestFrameCounts(besides known: [Int64] = []) async throws(StoreFailure) -> [Int64: FrameCounts] {
    try await read("count the frames") { db in
      try Self.frameCounts(
        db, of: "job INDEXED BY job_of_farm",
        where: "job.is_adopted = 0 AND job.id NOT IN (SELECT value FROM json_each(?))", [try Column.json(known)])
    }
  }

  /// The same of these jobs.
  package func frameCounts(ofJobs jobs: [Int64]) async throws(StoreFailure) -> [Int64: FrameCounts] {
    try await read("count the frames of \(jobs.count) jobs") { db in
      try Self.frameCounts(
        db, of: "json_each(?) AS wanted JOIN job ON job.id = wanted.value", where: "TRUE",
        [try Column.json(jobs)])
    }
  }

  private static func frameCounts(
    _ db: Database, of jobs: String, where condition: String, _ arguments: StatementArguments = []
  ) throws -> [Int64: FrameCounts] {
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT job.id, output.state, COUNT(*) FROM \(jobs)
        JOIN revision ON revision.job_id = job.id AND revision.number = job.revision
        JOIN output ON output.revision_id = revision.id
        WHERE output.tile IS NULL AND output.node IS NULL AND \(condition) GROUP BY 1, 2
        """, arguments: arguments)
    var counts: [Int64: FrameCounts] = [:]
    while let row = try rows.next() {
      let state = try Column.word(OutputState.self, row[1] as String, of: "state")
      let (job, count): (Int64, Int) = (row[0], row[2])
      counts[job, default: FrameCounts()].expected += count
      if state.isDone { counts[job, default: FrameCounts()].done += count }
      if state == .failed { counts[job, default: FrameCounts()].failed += count }
      if state == .purged { counts[job, default: FrameCounts()].purged = count }
    }
    return counts
  }

  /// More of what a revision owes, as it turned out when its file was opened; what it owes already is passed over.
  package func owe(_ owed: [OwedOutput], of revision: Int64) async throws(StoreFailure) {
    try await write("record \(owed.count) outputs more") { db in try Self.owe(db, owed, of: revision) }
  }

  static func owe(_ db: Database, _ owed: [OwedOutput], of revision: Int64) throws {
    let insert = try db.makeStatement(
      sql: """
        INSERT INTO output (revision_id, path, frame, scene, layer, tile, view, node, state)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'owed') ON CONFLICT (revision_id, path) DO NOTHING
        """)
    for output in owed {
      let (part, kind) = (output.kind.part, output.kind)
      try insert.execute(arguments: [
        revision, output.path, output.frame, part.scene, part.layer, part.tile?.description, kind.view, kind.node,
      ])
    }
  }

  // MARK: - Tasks

  /// Records that a task is handed out.
  /// - Returns: its number, and the path of its log, which the number names.
  package func beginTask(
    revision: Int64, part: RenderPart, frames: FrameSet, logFolder: String
  ) async throws(StoreFailure) -> (id: Int64, log: String) {
    let now = clock.now()
    return try await write("record a task") { db in
      try db.execute(
        sql: """
          INSERT INTO task (revision_id, scene, layer, tile, frames, state, log, started_at)
          VALUES (?, ?, ?, ?, ?, 'active', '', ?)
          """,
        arguments: [
          revision, part.scene, part.layer, part.tile?.description, frames.description, now.nanoseconds,
        ])
      let id = db.lastInsertedRowID
      let log = "\(logFolder)/task-\(id).log"
      try db.execute(sql: "UPDATE task SET log = ? WHERE id = ?", arguments: [log, id])
      return (id, log)
    }
  }

  /// Records which worker has a task, and its process on this machine, so that a later daemon can end it.
  package func startTask(_ id: Int64, worker: String, pid: Int32?, startTicks: Int64?) async throws(StoreFailure) {
    try await write("record the process of task \(id)") { db in
      try db.execute(
        sql: "UPDATE task SET worker = ?, pid = ?, start_ticks = ? WHERE id = ?",
        arguments: [worker, pid, startTicks, id])
    }
  }

  /// Records how a task ended.
  package func endTask(_ id: Int64, as state: TaskState, problem: Problem?) async throws(StoreFailure) {
    let now = clock.now()
    try await write("record the end of task \(id)") { db in
      try db.execute(
        sql: "UPDATE task SET state = ?, problem = ?, ended_at = ? WHERE id = ?",
        arguments: [state.rawValue, try Column.json(problem), now.nanoseconds, id])
    }
  }

  /// The newest tasks of these jobs, newest first, with whose they are.
  package func tasks(
    limit: Int, where isMeant: @escaping @Sendable (JobName) -> Bool
  ) async throws(StoreFailure) -> [(task: TaskRecord, revision: Revision)] {
    try await read("read the tasks") { db in
      var found: [(TaskRecord, Revision)] = []
      let sql = """
        SELECT task.*, release.name AS release, job.name AS job FROM task JOIN revision ON revision.id = revision_id
        JOIN job ON job.id = job_id JOIN release ON release.id = release_id ORDER BY task.id DESC
        """
      let rows = try Row.fetchCursor(db, sql: sql)
      while found.count < limit, let row = try rows.next() {
        guard isMeant(JobName(release: row["release"], job: row["job"])) else { continue }
        let task = try TaskRecord(row: row)
        found.append((task, try Self.revision(db, id: task.revision)))
      }
      return found
    }
  }

  /// The task of this number; nil when there is none.
  package func task(_ id: Int64) async throws(StoreFailure) -> TaskRecord? {
    try await read("read task \(id)") { db in
      try Row.fetchOne(db, sql: "SELECT * FROM task WHERE id = ?", arguments: [id]).map(TaskRecord.init(row:))
    }
  }

  /// Tasks of a revision, newest first; all active ones without a revision.
  package func tasks(of revision: Int64?) async throws(StoreFailure) -> [TaskRecord] {
    try await read("read the tasks") { db in
      let condition = revision == nil ? "state = 'active'" : "revision_id = ?"
      return try Row.fetchAll(
        db, sql: "SELECT * FROM task WHERE \(condition) ORDER BY id DESC",
        arguments: revision.map { [$0] } ?? []
      ).map(TaskRecord.init(row:))
    }
  }
}

extension TaskRecord {
  init(row: Row) throws {
    let ended: Int64? = row["ended_at"]
    self.init(
      id: row["id"], revision: row["revision_id"], part: RenderPart(row: row),
      frames: try FrameSet(ledger: row["frames"]),
      state: try Column.word(TaskState.self, row, "state"), worker: row["worker"], log: row["log"], pid: row["pid"],
      startTicks: row["start_ticks"], problem: try Column.value(Problem.self, row["problem"]),
      startedAt: Timestamp(nanoseconds: row["started_at"]), endedAt: ended.map(Timestamp.init(nanoseconds:)))
  }
}

extension RenderPart {
  init(row: Row) {
    let tile: String? = row["tile"]
    self.init(scene: row["scene"], layer: row["layer"], tile: tile.flatMap(Tile.init))
  }
}
