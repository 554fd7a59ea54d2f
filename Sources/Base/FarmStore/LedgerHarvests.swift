import FarmModel
import GRDB

/// One file on its way from `out/` to `dist/`, in the journal before it is moved.
package struct HarvestMove: Codable, Hashable, Sendable, Identifiable {
  package let id: Int64
  package let harvest: Int64
  package let job: Int64
  package let revision: Int64
  package let output: Int64
  /// Both below the volume's root.
  package let source: String
  package let target: String
  /// The file that is meant, whatever it is called.
  package let file: FileIdentity
}

/// A file in `dist/` as we put it there.
package struct Delivery: Codable, Hashable, Sendable {
  /// Below the volume's root.
  package let path: String
  package let job: Int64
  package let revision: Int64
  package let output: Int64
  package let file: FileIdentity

  package init(path: String, job: Int64, revision: Int64, output: Int64, file: FileIdentity) {
    self.path = path
    self.job = job
    self.revision = revision
    self.output = output
    self.file = file
  }
}

extension Ledger {
  /// Writes the whole plan of a harvest into the journal, before anything is moved.
  package func beginHarvest(
    release: Int64, moves: some Sequence<PlannedMove> & Sendable
  ) async throws(StoreFailure) -> Int64 {
    let now = clock.now()
    return try await write("journal a harvest") { db in
      try db.execute(
        sql: "INSERT INTO harvest (release_id, is_open, started_at) VALUES (?, 1, ?)",
        arguments: [release, now.nanoseconds])
      let harvest = db.lastInsertedRowID
      let insert = try db.makeStatement(
        sql: """
          INSERT INTO harvest_move (harvest_id, output_id, source, target, inode, size, mtime_ns, is_done)
          VALUES (?, ?, ?, ?, ?, ?, ?, 0)
          """)
      for move in moves {
        guard let file = move.file else { continue }
        try insert.execute(arguments: [
          harvest, move.output, move.source, move.target, file.inode, file.size, file.mtimeNanoseconds,
        ])
      }
      return harvest
    }
  }

  /// Completed revisions, each its job's newest but for blocked ones, of which something is not delivered yet. The `+`
  /// has SQLite begin at the outputs that are done, which are few, rather than at a release's jobs.
  package func undelivered(in release: String) async throws(StoreFailure) -> [Revision] {
    try await read("read what \(release) has not delivered") { db in
      try Row.fetchAll(
        db,
        sql: Self.revisionColumns + """
           WHERE +release.name = ? AND revision.state = 'completed' AND job.state <> 'removed'
          AND NOT EXISTS (
            SELECT 1 FROM revision AS newer
            WHERE newer.job_id = revision.job_id AND newer.number > revision.number AND newer.state <> 'blocked')
          AND revision.id IN (SELECT revision_id FROM output WHERE output.state = 'done')
          ORDER BY job.name
          """, arguments: [release]
      ).map(Revision.init(row:))
    }
  }

  /// The release of a harvest.
  package func releaseName(ofHarvest harvest: Int64) async throws(StoreFailure) -> String {
    try await read("read harvest \(harvest)") { db in
      try String.fetchOne(
        db, sql: "SELECT name FROM release JOIN harvest ON release_id = release.id WHERE harvest.id = ?",
        arguments: [harvest]) ?? ""
    }
  }

  /// Harvests that were begun and not ended, as after a crash.
  package func openHarvests() async throws(StoreFailure) -> [Int64] {
    try await read("read the open harvests") { db in
      try Int64.fetchAll(db, sql: "SELECT id FROM harvest WHERE is_open = 1 ORDER BY id")
    }
  }

  /// The next moves of a harvest that are not done yet.
  /// - Parameter last: the last one of those before; 0 at first.
  package func movesLeft(
    of harvest: Int64, after last: HarvestMove.ID, limit: Int
  ) async throws(StoreFailure) -> [HarvestMove] {
    try await read("read the moves of harvest \(harvest)") { db in
      let sql = """
        SELECT harvest_move.id, revision.job_id, revision_id, output_id, source, target, harvest_move.inode,
          harvest_move.size, harvest_move.mtime_ns
        FROM harvest_move JOIN output ON output.id = output_id JOIN revision ON revision.id = revision_id
        WHERE harvest_id = ? AND harvest_move.id > ? AND is_done = 0 ORDER BY harvest_move.id LIMIT ?
        """
      return try Row.fetchCursor(db, sql: sql, arguments: [harvest, last, limit]).reduce(into: []) { moves, row in
        let file = FileIdentity(inode: row[6], size: row[7], mtimeNanoseconds: row[8])
        moves.append(
          HarvestMove(
            id: row[0], harvest: harvest, job: row[1], revision: row[2], output: row[3], source: row[4], target: row[5],
            file: file))
      }
    }
  }

  /// Notes moves that are done: the outputs are harvested, the files in `dist/` ours.
  package func moved(_ done: [(move: HarvestMove, delivery: Delivery)]) async throws(StoreFailure) {
    guard !done.isEmpty else { return }
    try await write("note \(done.count) harvested files") { db in
      let end = try db.makeStatement(sql: "UPDATE harvest_move SET is_done = 1 WHERE id = ?")
      let harvest = try db.makeStatement(sql: "UPDATE output SET state = 'harvested' WHERE id = ?")
      let deliver = try db.makeStatement(
        sql: "INSERT OR REPLACE INTO delivery SELECT ?, job.release_id, job.id, ?, ?, ?, ? FROM job WHERE id = ?")
      for (move, delivery) in done {
        try end.execute(arguments: [move.id])
        try harvest.execute(arguments: [move.output])
        try deliver.execute(arguments: [
          delivery.path, move.output, delivery.file.inode, delivery.file.size, delivery.file.mtimeNanoseconds,
          delivery.job,
        ])
      }
      for job in Set(done.map(\.delivery.job)) {
        try db.execute(sql: "UPDATE job SET manifest_due = manifest_due + 1 WHERE id = ?", arguments: [job])
      }
    }
  }

  /// A journaled file is nowhere: the move is not tried any more.
  package func lost(_ move: HarvestMove) async throws(StoreFailure) {
    try await write("note a lost file") { db in
      try db.execute(sql: "UPDATE harvest_move SET is_done = 1 WHERE id = ?", arguments: [move.id])
    }
  }

  /// Ends a harvest; what became of deliveries that are no longer owed is forgotten.
  package func endHarvest(_ harvest: Int64, forgetting paths: [String]) async throws(StoreFailure) {
    try await write("end harvest \(harvest)") { db in
      for path in paths {
        try Self.changeManifests(db, "id = (SELECT job_id FROM delivery WHERE path = ?)", [path])
        try db.execute(sql: "DELETE FROM delivery WHERE path = ?", arguments: [path])
      }
      try db.execute(sql: "UPDATE harvest SET is_open = 0 WHERE id = ?", arguments: [harvest])
    }
  }

  /// The other jobs that have delivered something under names of a plan, by path below the root; those that are gone
  /// are left out.
  package func otherDeliverers(
    inTheWayOf moves: some Sequence<PlannedMove> & Sendable
  ) async throws(StoreFailure) -> [String: JobName] {
    try await read("read whose deliveries these are") { db in
      let select = try db.makeStatement(
        sql: """
          SELECT release.name, job.name FROM delivery JOIN job ON job.id = job_id
          JOIN release ON release.id = job.release_id WHERE delivery.path = ? AND job.state <> 'removed'
          """)
      return try moves.reduce(into: [:]) { found, move in
        guard let row = try Row.fetchOne(select, arguments: [move.target]) else { return }
        let job = JobName(release: row[0], job: row[1])
        if job != move.job { found[move.target] = job }
      }
    }
  }

  /// How many files of a release lie in `dist/`.
  package func deliveryCount(of release: String) async throws(StoreFailure) -> Int {
    try await read("count the deliveries of \(release)") { db in
      try Int.fetchOne(
        db, sql: "SELECT COUNT(*) FROM delivery JOIN release ON release.id = release_id WHERE name = ?",
        arguments: [release]) ?? 0
    }
  }

  /// What we put into `dist/` before of the jobs of a harvest.
  package func deliveries(before harvest: Int64) async throws(StoreFailure) -> [Delivery] {
    try await read("read the deliveries before harvest \(harvest)") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT delivery.*, revision_id FROM delivery JOIN output ON output.id = output_id WHERE job_id IN (
            SELECT DISTINCT revision.job_id FROM harvest_move JOIN output ON output.id = output_id
            JOIN revision ON revision.id = revision_id WHERE harvest_id = ?)
          ORDER BY delivery.path
          """, arguments: [harvest]
      ).map { row in
        Delivery(
          path: row["path"], job: row["job_id"], revision: row["revision_id"], output: row["output_id"],
          file: FileIdentity(row: row))
      }
    }
  }
}

/// What lay in `dist/` when everything was forgotten: still ours.
extension Ledger {
  /// Remembers deliveries of which the ledger knows nothing else.
  package func setFormerDeliveries(
    _ deliveries: [(path: String, file: FileIdentity)]
  ) async throws(StoreFailure) {
    try await write("remember what was delivered before") { db in
      let insert = try db.makeStatement(sql: "INSERT OR REPLACE INTO former_delivery VALUES (?, ?, ?, ?)")
      for (path, file) in deliveries {
        try insert.execute(arguments: [path, file.inode, file.size, file.mtimeNanoseconds])
      }
    }
  }

  /// Those whose names a harvest wants.
  package func formerDeliveries(inTheWayOf harvest: Int64) async throws(StoreFailure) -> [String: FileIdentity] {
    try await read("read what was delivered before") { db in
      try Row.fetchAll(
        db,
        sql: "SELECT * FROM former_delivery WHERE path IN (SELECT target FROM harvest_move WHERE harvest_id = ?)",
        arguments: [harvest]
      ).reduce(into: [:]) { $0[$1["path"]] = FileIdentity(row: $1) }
    }
  }
}

extension FileIdentity {
  init(row: Row) {
    self.init(inode: row["inode"], size: row["size"], mtimeNanoseconds: row["mtime_ns"])
  }
}
