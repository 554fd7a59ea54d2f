import FarmModel
import GRDB

extension Ledger {
  /// Remembers what people did.
  package func remember(_ acts: [Act]) async throws(StoreFailure) {
    guard !acts.isEmpty else { return }
    let now = clock.now()
    try await write("remember what was done") { db in
      let insert = try db.makeStatement(
        sql: "INSERT INTO act (at, who, what, release, job, detail) VALUES (?, ?, ?, ?, ?, ?)")
      for act in acts {
        try insert.execute(arguments: [
          now.nanoseconds, act.who, act.what.rawValue, act.release, act.job, act.detail,
        ])
      }
    }
  }

  /// What happened last, newest first; files that lay there before the farm are left out.
  /// - Parameter isMeant: which lines are counted.
  package func history(
    limit: Int, where isMeant: @escaping @Sendable (HistoryLine) -> Bool
  ) async throws(StoreFailure) -> [HistoryLine] {
    try await read("read the history") { db in
      var lines: [HistoryLine] = []
      let sql = "\(Self.byFarm) UNION ALL SELECT \(Self.columns) FROM act ORDER BY at DESC"
      let rows = try Row.fetchCursor(db, sql: sql)
      while lines.count < limit, let row = try rows.next() {
        let line = HistoryLine(row: row)
        if isMeant(line) { lines.append(line) }
      }
      return lines
    }
  }

  /// Remembers lines that are not remembered yet.
  package func remember(_ lines: [HistoryLine], of release: String) async throws(StoreFailure) {
    try await write("remember what was done") { db in try Self.remember(db, lines, of: release) }
  }

  static func remember(_ db: Database, _ lines: [HistoryLine], of release: String) throws {
    let rows = try Row.fetchCursor(db, sql: "SELECT \(columns) FROM act WHERE release = ?", arguments: [release])
    var known: Set<HistoryLine> = []
    while let row = try rows.next() { known.insert(HistoryLine(row: row)) }
    for line in lines where known.insert(line).inserted { try remember(db, line) }
  }

  static func remember(_ db: Database, _ line: HistoryLine) throws {
    guard let at = Timestamp(rfc3339: line.at) else { return }
    try db.execute(
      sql: "INSERT INTO act (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?)",
      arguments: [at.nanoseconds, line.who, line.what, line.release, line.job, line.revision, line.detail])
  }

  /// Remembers what the farm did in a release of which all else is to be forgotten.
  static func remember(_ db: Database, whatWasDoneIn release: String) throws {
    try db.execute(
      sql: "INSERT INTO act (\(columns)) SELECT \(columns) FROM (\(byFarm)) WHERE release = ? ORDER BY at",
      arguments: [release])
  }

  /// Of a release that came back from its archive everything is remembered that happened to it before.
  static func setTold(_ db: Database, ofRelease release: String) throws {
    try db.execute(
      sql: """
        UPDATE revision SET told_at = MAX(created_at, IFNULL(ended_at, 0)) WHERE job_id IN (
          SELECT job.id FROM job JOIN release ON release.id = release_id WHERE release.name = ?)
        """, arguments: [release])
  }

  /// How a revision ended, before it goes on.
  static func end(_ db: Database, ofRevision id: Int64) throws -> HistoryLine? {
    try Row.fetchOne(db, sql: "\(ends) AND revision.id = ?", arguments: [id]).map(HistoryLine.init(row:))
  }

  private static let columns = "at, who, what, release, job, revision, detail"

  /// What the farm did stands in its own tables, but for what was remembered when a release was archived, and for the
  /// end of what went on after it.
  private static let byFarm = """
    SELECT revision.created_at AS at,
      CASE WHEN before.id IS NULL THEN job.owner ELSE 'farm' END AS who,
      CASE WHEN before.id IS NULL THEN 'dropped' ELSE 'again' END AS what,
      release.name AS release, job.name AS job, revision.number AS revision, NULL AS detail
    FROM revision JOIN job ON job.id = revision.job_id JOIN release ON release.id = job.release_id
    LEFT JOIN revision AS before ON before.job_id = revision.job_id AND before.number = revision.number - 1
      AND before.digest = revision.digest
    WHERE job.is_adopted = 0 AND revision.told_at IS NULL
    UNION ALL \(ends)
    UNION ALL
    SELECT started_at, 'farm', 'delivered', release.name, NULL, NULL,
      (SELECT COUNT(*) || iif(COUNT(*) = 1, ' file', ' files') FROM harvest_move WHERE harvest_id = harvest.id)
    FROM harvest JOIN release ON release.id = release_id
    """

  private static let ends = """
    SELECT ended_at AS at, 'farm' AS who, revision.state AS what, release.name AS release, job.name AS job,
      number AS revision, json_extract(revision.problem, '$.cause') AS detail
    FROM revision JOIN job ON job.id = job_id JOIN release ON release.id = release_id
    WHERE ended_at > IFNULL(told_at, -1) AND job.is_adopted = 0
    """
}

extension HistoryLine {
  fileprivate init(row: Row) {
    self.init(
      at: Timestamp(nanoseconds: row["at"]).rfc3339, who: row["who"], what: row["what"], release: row["release"],
      job: row["job"], revision: row["revision"], detail: row["detail"])
  }
}
