import FarmModel
import GRDB

extension Ledger {
  /// Every release, by name.
  package func releases() async throws(StoreFailure) -> [Release] {
    try await read("read the releases") { db in
      try Row.fetchAll(db, sql: "SELECT * FROM release ORDER BY name").map(Release.init(row:))
    }
  }

  /// The release of this name; nil when it is not known.
  package func release(named name: String) async throws(StoreFailure) -> Release? {
    try await read("read release \(name)") { db in try Self.release(db, named: name) }
  }

  /// The release of this name, made when it is not known yet.
  package func ensureRelease(named name: String, priority: Int) async throws(StoreFailure) -> Release {
    let now = clock.now()
    return try await write("record release \(name)") { db in
      try Self.ensureRelease(db, named: name, priority: priority, now: now)
    }
  }

  /// Writes what people want of a release into the ledger; the release is made when it is not known yet.
  /// - Returns: false, and nothing was changed, when they wanted the same before.
  @discardableResult
  package func setOrder(of name: String, _ order: ReleaseOrder) async throws(StoreFailure) -> Bool {
    let now = clock.now()
    return try await write("plan release \(name)") { db in
      let release = try Self.ensureRelease(db, named: name, priority: order.priority, now: now)
      guard release.order != order || release.problem != nil else { return false }
      try db.execute(
        sql: """
          UPDATE release SET is_planned = ?, planned_jobs = ?, priority = ?, harvest = ?, naming = ?, naming_object = ?,
            archive_after_ms = ?, on_change = ?, on_missing = ?, still = ?, assets = ?, defaults = ?,
            problem = NULL, changed_at = ?, state = iif(state = 'archived', 'open', state) WHERE id = ?
          """,
        arguments: [
          order.jobs != nil, try Column.json(order.jobs ?? []), order.priority, order.harvest.rawValue, order.naming,
          order.namingObject, order.archiveAfter?.inMilliseconds, order.onChange.rawValue,
          order.onMissing.rawValue, order.still?.rawValue, try Column.json(order.assets),
          try Column.json(order.defaults), now.nanoseconds, release.id,
        ])
      return true
    }
  }

  /// Sets the derived state, which does not count as a change of the release.
  /// - Returns: whether it was another before.
  package func setRelease(_ id: Int64, state: ReleaseState) async throws(StoreFailure) -> Bool {
    try await write("set the state of a release") { db in
      try db.execute(
        // What was read before it went into the archive does not bring it back.
        sql: """
          UPDATE release SET state = ? WHERE id = ? AND state <> ?
          AND (state <> 'archived' OR EXISTS (SELECT 1 FROM job WHERE release_id = release.id))
          """,
        arguments: [state.rawValue, id, state.rawValue])
      return db.changesCount == 1
    }
  }

  /// Sets or clears what keeps a release from being delivered.
  package func setRelease(_ id: Int64, problem: Problem?) async throws(StoreFailure) {
    try await write("set the problem of a release") { db in
      try db.execute(sql: "UPDATE release SET problem = ? WHERE id = ?", arguments: [try Column.json(problem), id])
    }
  }

  /// Forgets what kept releases from being harvested, so that it is tried again; mistakes in their plans stay.
  package func forgetHarvestProblems() async throws(StoreFailure) {
    try await write("forget the problems of harvests") { db in
      try db.execute(sql: "UPDATE release SET problem = NULL WHERE problem NOT LIKE '%\"bad-release\"%'")
    }
  }

  /// Pauses or resumes one release.
  package func setPaused(release name: String, _ isPaused: Bool) async throws(StoreFailure) {
    try await write("pause release \(name)") { db in
      try db.execute(sql: "UPDATE release SET is_paused = ? WHERE name = ?", arguments: [isPaused, name])
    }
  }

  /// Whether the whole farm is paused; remembered over restarts.
  package func isPaused() async throws(StoreFailure) -> Bool {
    try await read("read the settings") { db in
      try String.fetchOne(db, sql: "SELECT value FROM setting WHERE name = 'paused'") == "yes"
    }
  }

  /// Pauses or resumes the whole farm.
  package func setPaused(_ isPaused: Bool) async throws(StoreFailure) {
    try await write("pause the farm") { db in
      try db.execute(
        sql: "INSERT INTO setting VALUES ('paused', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        arguments: [isPaused ? "yes" : "no"])
    }
  }

  static func release(_ db: Database, named name: String) throws -> Release? {
    try Row.fetchOne(db, sql: "SELECT * FROM release WHERE name = ?", arguments: [name]).map(Release.init(row:))
  }

  static func ensureRelease(_ db: Database, named name: String, priority: Int, now: Timestamp) throws -> Release {
    if let release = try release(db, named: name) { return release }
    try db.execute(
      sql: """
        INSERT INTO release (name, state, is_planned, planned_jobs, priority, harvest, is_paused, changed_at)
        VALUES (?, 'open', 0, '[]', ?, 'auto', 0, ?)
        """, arguments: [name, priority, now.nanoseconds])
    guard let made = try release(db, named: name) else {
      throw StoreFailure.failed(act: "record release \(name)", reason: "it is not there afterwards")
    }
    return made
  }

  static func touchRelease(_ db: Database, ofJob job: Int64, now: Timestamp) throws {
    // A change may have mended what kept it from being harvested, but not its plan.
    try db.execute(
      sql: """
        UPDATE release SET changed_at = ?,
          problem = CASE WHEN problem LIKE '%"bad-release"%' THEN problem ELSE NULL END
        WHERE id = (SELECT release_id FROM job WHERE id = ?)
        """, arguments: [now.nanoseconds, job])
  }
}

extension Release {
  init(row: Row) throws {
    let isPlanned: Bool = row["is_planned"]
    let still: String? = row["still"]
    let archiveAfter: Int64? = row["archive_after_ms"]
    let order = ReleaseOrder(
      jobs: isPlanned ? try Column.value([String].self, row["planned_jobs"]) ?? [] : nil, priority: row["priority"],
      harvest: try Column.word(HarvestMode.self, row, "harvest"), naming: row["naming"],
      namingObject: row["naming_object"], archiveAfter: archiveAfter.map { .milliseconds($0) },
      onChange: try Column.word(OnChange.self, row, "on_change"),
      onMissing: try Column.word(OnMissing.self, row, "on_missing"),
      still: try still.map { try Column.word(StillMode.self, $0, of: "still") },
      assets: try Column.value([String].self, row["assets"]) ?? [],
      defaults: try Column.value(JobSettings.self, row["defaults"]) ?? JobSettings())
    self.init(
      id: row["id"], name: row["name"], state: try Column.word(ReleaseState.self, row, "state"), order: order,
      isPaused: row["is_paused"],
      problem: try Column.value(Problem.self, row["problem"]),
      changedAt: Timestamp(nanoseconds: row["changed_at"]))
  }
}
