import GRDB

/// The tables of the ledger, version by version. A released version's steps are never changed, only added to.
enum LedgerSchema {
  static let versions = [
    version1, version2, version3, version4, version5, version6, version7, version8, version9, version10,
    version11, version12,
  ]

  /// What was made anew leaves its old pages behind: a large ledger would stay twice as large as it is.
  static func bringUpToDate(_ pool: DatabasePool) throws {
    guard try pool.read({ try !migrator.hasCompletedMigrations($0) }) else { return }
    try migrator.migrate(pool)
    // A disk without room for a copy has none for this either; it is as good with the old pages.
    try? pool.vacuum()
  }

  /// Why a file is no ledger that this version can go on with, in words; nil when it is one.
  static func mistake(_ db: Database) throws -> String? {
    if try migrator.appliedIdentifiers(db).isEmpty { return "it is no ledger of the farm" }
    return try isNewer(db) ? "a newer version of the farm has written it" : nil
  }

  static func isNewer(_ db: Database) throws -> Bool { try migrator.hasBeenSuperseded(db) }

  private static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    for (index, steps) in versions.enumerated() {
      let version = index + 1
      migrator.registerMigration("\(version)") { db in
        for step in steps { try db.execute(sql: step) }
        for table in numberedOnce[version] ?? [] { try numberOnce(db, table) }
      }
    }
    return migrator
  }

  /// Times are nanoseconds since 1970, `problem` and `blender` JSON, states the words of FarmModel.
  private static let version1 = [
    """
    CREATE TABLE release (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL, is_planned INTEGER NOT NULL,
      planned_jobs TEXT NOT NULL, priority INTEGER NOT NULL, harvest TEXT NOT NULL, is_paused INTEGER NOT NULL,
      problem TEXT, changed_at INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE job (
      id INTEGER PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id), name TEXT NOT NULL,
      path TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL, revision INTEGER NOT NULL, problem TEXT,
      created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, UNIQUE (release_id, name)
    ) STRICT
    """,
    """
    CREATE TABLE revision (
      id INTEGER PRIMARY KEY, job_id INTEGER NOT NULL REFERENCES job(id), number INTEGER NOT NULL,
      digest BLOB NOT NULL, state TEXT NOT NULL, frames TEXT NOT NULL, format TEXT NOT NULL, saved_by TEXT,
      blender TEXT, snapshot TEXT, problem TEXT, created_at INTEGER NOT NULL, ended_at INTEGER,
      UNIQUE (job_id, number)
    ) STRICT
    """,
    "CREATE INDEX revision_open ON revision(state) WHERE state IN ('queued', 'active', 'assembling')",
    """
    CREATE TABLE output (
      id INTEGER PRIMARY KEY, revision_id INTEGER NOT NULL REFERENCES revision(id), path TEXT NOT NULL,
      frame INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, width INTEGER, height INTEGER,
      bytes INTEGER, inode INTEGER, mtime_ns INTEGER, render_ms INTEGER, problem TEXT, UNIQUE (revision_id, path)
    ) STRICT
    """,
    """
    CREATE TABLE task (
      id INTEGER PRIMARY KEY, revision_id INTEGER NOT NULL REFERENCES revision(id), frames TEXT NOT NULL,
      state TEXT NOT NULL, worker TEXT, log TEXT NOT NULL, pid INTEGER, start_ticks INTEGER, problem TEXT,
      started_at INTEGER NOT NULL, ended_at INTEGER
    ) STRICT
    """,
    "CREATE INDEX task_of_revision ON task(revision_id)",
    """
    CREATE TABLE known_file (
      path BLOB PRIMARY KEY, folder BLOB NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
      size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX known_file_in_folder ON known_file(folder)",
    """
    CREATE TABLE harvest (
      id INTEGER PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id), is_open INTEGER NOT NULL,
      started_at INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE harvest_move (
      id INTEGER PRIMARY KEY, harvest_id INTEGER NOT NULL REFERENCES harvest(id),
      output_id INTEGER NOT NULL REFERENCES output(id), source TEXT NOT NULL, target TEXT NOT NULL,
      inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, is_done INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX harvest_move_of ON harvest_move(harvest_id)",
    """
    CREATE TABLE delivery (
      path TEXT PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id),
      job_id INTEGER NOT NULL REFERENCES job(id), output_id INTEGER NOT NULL REFERENCES output(id),
      inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
  ]

  /// `notes` is a JSON list of problems that hold up nothing.
  private static let version2 = [
    "ALTER TABLE revision ADD COLUMN scene TEXT",
    "ALTER TABLE revision ADD COLUMN notes TEXT NOT NULL DEFAULT '[]'",
  ]

  /// A volume may hold a hundred thousand files that lay there before the farm; they are none of its work.
  private static let version3 = [
    "ALTER TABLE job ADD COLUMN is_adopted INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX job_of_farm ON job(release_id, name) WHERE is_adopted = 0",
    "CREATE INDEX known_file_by_inode ON known_file(inode)",
    "CREATE INDEX job_by_path ON job(CAST(path AS BLOB))",
    "CREATE INDEX output_done ON output(revision_id) WHERE state = 'done'",
  ]

  /// A job without a priority has that of its release. `facts` is JSON.
  private static let version4 = [
    "ALTER TABLE release ADD COLUMN naming TEXT",
    "ALTER TABLE release ADD COLUMN naming_object TEXT",
    "ALTER TABLE release ADD COLUMN archive_after_ms INTEGER",
    "ALTER TABLE job ADD COLUMN priority INTEGER",
    "ALTER TABLE output ADD COLUMN facts TEXT",
    "CREATE INDEX delivery_of_job ON delivery(job_id)",
  ]

  /// What people did; what the farm did stands in the other tables. Of which jobs the manifest, written under the name
  /// `manifest`, is not what the ledger says. And which files a revision was rendered from besides.
  private static let version5 = [
    """
    CREATE TABLE dependency (
      revision_id INTEGER NOT NULL REFERENCES revision(id), path TEXT NOT NULL, size INTEGER NOT NULL,
      mtime_ns INTEGER NOT NULL, PRIMARY KEY (revision_id, path)
    ) STRICT, WITHOUT ROWID
    """,
    "ALTER TABLE job ADD COLUMN manifest TEXT",
    "ALTER TABLE job ADD COLUMN manifest_due INTEGER NOT NULL DEFAULT 0",
    "UPDATE job SET manifest_due = 1 WHERE is_adopted = 0",
    "CREATE INDEX job_manifest_due ON job(id) WHERE manifest_due > 0",
    "CREATE INDEX job_by_change ON job(release_id, changed_at) WHERE is_adopted = 0",
    """
    CREATE TABLE act (
      id INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, release TEXT, job TEXT,
      detail TEXT
    ) STRICT
    """,
  ]

  /// How files that revisions depend on were when they were looked at last, and which delivered jobs are older than
  /// they (`stale` is JSON). And what lay in `dist/` when everything was forgotten.
  private static let version6 = [
    """
    CREATE TABLE dependency_file (
      path TEXT PRIMARY KEY, device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,
      mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, digest BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX dependency_by_path ON dependency(path)",
    "ALTER TABLE job ADD COLUMN stale TEXT",
    "CREATE INDEX job_stale ON job(release_id) WHERE stale IS NOT NULL",
    """
    CREATE INDEX job_at_work ON job(state)
    WHERE is_adopted = 0 AND state NOT IN ('completed', 'canceled', 'removed', 'superseded')
    """,
    "ALTER TABLE release ADD COLUMN on_change TEXT NOT NULL DEFAULT 'render'",
    """
    CREATE TABLE former_delivery (
      path TEXT PRIMARY KEY, inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
  ]

  /// How a revision is rendered, as JSON. What a `.blend` names is known before Blender has seen it.
  private static let version7 = [
    "ALTER TABLE revision ADD COLUMN settings TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE dependency ADD COLUMN is_seen INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE release ADD COLUMN on_missing TEXT NOT NULL DEFAULT 'block'",
    "ALTER TABLE release ADD COLUMN still TEXT",
    "ALTER TABLE release ADD COLUMN assets TEXT NOT NULL DEFAULT '[]'",
  ]

  /// A frame may have several pictures: of scenes, layers and eyes, in tiles (`2,1 of 4x4`), and what nodes write
  /// beside it. `defaults` is JSON.
  private static let version8 =
    ["scene", "layer", "tile"].flatMap {
      ["ALTER TABLE output ADD COLUMN \($0) TEXT", "ALTER TABLE task ADD COLUMN \($0) TEXT"]
    } + [
      "ALTER TABLE output ADD COLUMN view TEXT",
      "ALTER TABLE output ADD COLUMN node TEXT",
      "ALTER TABLE output ADD COLUMN peak_bytes INTEGER",
      "ALTER TABLE release ADD COLUMN defaults TEXT NOT NULL DEFAULT '{}'",
    ]

  /// Archives keep the names of releases, of which nothing else may be left.
  private static let version9 = [
    """
    CREATE TABLE archive (
      id INTEGER PRIMARY KEY, release TEXT NOT NULL, path TEXT NOT NULL, state TEXT NOT NULL, inode INTEGER NOT NULL,
      size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, content_bytes INTEGER NOT NULL, files INTEGER NOT NULL,
      jobs INTEGER NOT NULL, prunes_dist INTEGER NOT NULL, archived_at INTEGER NOT NULL, verified_at INTEGER NOT NULL
    ) STRICT
    """,
    // The night in which it was to be archived last, in days since 1970.
    "ALTER TABLE release ADD COLUMN archive_night INTEGER",
    "CREATE INDEX harvest_move_of_output ON harvest_move(output_id)",
    "CREATE INDEX delivery_of_output ON delivery(output_id)",
  ]

  /// What was wrong with an archive when it was read last, and in the last night in which one was tried.
  private static let version10 = [
    "ALTER TABLE archive ADD COLUMN problem TEXT",
    "ALTER TABLE release ADD COLUMN archive_problem TEXT",
  ]

  /// What the farm did in releases that are in their archives is remembered beside what people did; and of a revision
  /// that came back, until when that is so.
  private static let version11 = [
    "ALTER TABLE act ADD COLUMN revision INTEGER",
    "ALTER TABLE revision ADD COLUMN told_at INTEGER",
  ]

  /// Each new drop is compared with the jobs of the same content.
  private static let version12 = ["CREATE INDEX revision_by_digest ON revision(digest)"]

  /// Tables of which no number is given twice since a version: what is deleted with an archived release leaves numbers
  /// that processes, logs and people remember.
  private static let numberedOnce = [10: ["job", "revision", "output", "task"]]

  static func isNumberedOnce(_ table: String) -> Bool { numberedOnce.values.contains { $0.contains(table) } }

  /// SQLite has such a table made anew.
  private static func numberOnce(_ db: Database, _ table: String) throws {
    let select = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type = ? AND sql IS NOT NULL"
    guard let made = try String.fetchOne(db, sql: select, arguments: [table, "table"]) else { return }
    let indexes = try String.fetchAll(db, sql: select, arguments: [table, "index"])
    let new = made.replacing("CREATE TABLE \(table)", with: "CREATE TABLE new_\(table)", maxReplacements: 1)
      .replacing("id INTEGER PRIMARY KEY", with: "id INTEGER PRIMARY KEY AUTOINCREMENT", maxReplacements: 1)
    for step in [
      new, "INSERT INTO new_\(table) SELECT * FROM \(table)", "DROP TABLE \(table)",
      "ALTER TABLE new_\(table) RENAME TO \(table)",
    ] + indexes { try db.execute(sql: step) }
  }
}
