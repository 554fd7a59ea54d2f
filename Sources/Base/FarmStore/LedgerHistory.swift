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

  /// Remembers what the farm did in a release of which all else is to be forgotten.
  static func remember(_ db: Database, whatWasDoneIn release: String) throws {
    try db.execute(
      sql: "INSERT INTO act (\(columns)) SELECT \(columns) FROM (\(byFarm)) WHERE release = ? ORDER BY at",
      arguments: [release])
  }

  /// Remembers again what an archive tells of its release, where it is not remembered.
  static func remember(_ db: Database, _ lines: [HistoryLine], of release: String) throws {
    let rows = try Row.fetchCursor(db, sql: "SELECT \(columns) FROM act WHERE release = ?", arguments: [release])
    var known: Set<HistoryLine> = []
    while let row = try rows.next() { known.insert(HistoryLine(row: row)) }
    let insert = try db.makeStatement(sql: "INSERT INTO act (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?)")
    for line in lines where known.insert(line).inserted {
      guard let at = Timestamp(rfc3339: line.at) else { continue }
      try insert.execute(arguments: [
        at.nanoseconds, line.who, line.what, line.release, line.job, line.revision, line.detail,
      ])
    }
  }

  private static let columns = "at, who, what, release, job, revision, detail"

  /// What the farm did stands in its own tables, but for what was remembered when a release was archived.
  private static let byFarm = """
    SELECT revision.created_at AS at,
      CASE WHEN before.id IS NULL THEN job.owner ELSE 'farm' END AS who,
      CASE WHEN before.id IS NULL THEN 'dropped' ELSE 'again' END AS what,
      release.name AS release, job.name AS job, revision.number AS revision, NULL AS detail
    FROM revision JOIN job ON job.id = revision.job_id JOIN release ON release.id = job.release_id
    LEFT JOIN revision AS before ON before.job_id = revision.job_id AND before.number = revision.number - 1
      AND before.digest = revision.digest
    WHERE job.is_adopted = 0 AND \(isNotRemembered(at: "revision.created_at"))
    UNION ALL
    SELECT ended_at, 'farm', revision.state, release.name, job.name, number,
      json_extract(revision.problem, '$.cause')
    FROM revision JOIN job ON job.id = job_id JOIN release ON release.id = release_id
    WHERE ended_at IS NOT NULL AND job.is_adopted = 0 AND \(isNotRemembered(at: "revision.ended_at"))
    UNION ALL
    SELECT started_at, 'farm', 'delivered', release.name, NULL, NULL,
      (SELECT COUNT(*) || iif(COUNT(*) = 1, ' file', ' files') FROM harvest_move WHERE harvest_id = harvest.id)
    FROM harvest JOIN release ON release.id = release_id
    """

  /// Of a revision of `job` in `release`: it came back out of an archive.
  private static func isNotRemembered(at time: String) -> String {
    """
    NOT EXISTS (
      SELECT 1 FROM act WHERE act.release = release.name AND act.at = \(time) AND act.job = job.name
        AND act.revision = revision.number)
    """
  }
}

extension HistoryLine {
  fileprivate init(row: Row) {
    self.init(
      at: Timestamp(nanoseconds: row["at"]).rfc3339, who: row["who"], what: row["what"], release: row["release"],
      job: row["job"], revision: row["revision"], detail: row["detail"])
  }
}
