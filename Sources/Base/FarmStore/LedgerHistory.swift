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
      let rows = try Row.fetchCursor(db, sql: Self.historyOfAll)
      while lines.count < limit, let row = try rows.next() {
        let line = HistoryLine(
          at: Timestamp(nanoseconds: row["at"]).rfc3339, who: row["who"], what: row["what"], release: row["release"],
          job: row["job"], revision: row["revision"], detail: row["detail"])
        if isMeant(line) { lines.append(line) }
      }
      return lines
    }
  }

  /// What the farm did stands in its own tables; only what people did is remembered for its own sake.
  private static let historyOfAll = """
    SELECT revision.created_at AS at,
      CASE WHEN before.id IS NULL THEN job.owner ELSE 'farm' END AS who,
      CASE WHEN before.id IS NULL THEN 'dropped' ELSE 'again' END AS what,
      release.name AS release, job.name AS job, revision.number AS revision, NULL AS detail
    FROM revision JOIN job ON job.id = revision.job_id JOIN release ON release.id = job.release_id
    LEFT JOIN revision AS before ON before.job_id = revision.job_id AND before.number = revision.number - 1
      AND before.digest = revision.digest
    WHERE job.is_adopted = 0
    UNION ALL
    SELECT ended_at, 'farm', revision.state, release.name, job.name, number,
      json_extract(revision.problem, '$.cause')
    FROM revision JOIN job ON job.id = job_id JOIN release ON release.id = release_id
    WHERE ended_at IS NOT NULL AND job.is_adopted = 0
    UNION ALL
    SELECT started_at, 'farm', 'delivered', release.name, NULL, NULL,
      (SELECT COUNT(*) || iif(COUNT(*) = 1, ' file', ' files') FROM harvest_move WHERE harvest_id = harvest.id)
    FROM harvest JOIN release ON release.id = release_id
    UNION ALL
    SELECT at, who, what, release, job, NULL, detail FROM act
    ORDER BY at DESC
    """
}
