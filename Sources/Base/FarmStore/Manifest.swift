import FarmModel
import FoundationEssentials
import GRDB

/// What is proven of a job, apart from the ledger: its newest revision that ended, each output of it, and where that
/// lies. From these alone a lost ledger is made again.
package struct Manifest: Codable, Hashable, Sendable {
  /// Of this form; a later form is not read by this version.
  package static let form = 1

  package let form: Int
  package let release: String
  package let job: String
  /// The `.blend` below the volume's root, and how it was known last; nil when it has changed since.
  package let path: String
  package let file: Fingerprint?
  package let owner: String
  package let priority: Int?
  package let state: JobState
  package let revision: Int
  package let digest: Digest
  package let frames: FrameSet
  package let format: ImageFormat
  package let scene: String?
  /// Nil in one of an earlier version.
  package var settings: RenderSettings?
  package let savedBy: BlenderVersion?
  package let blender: BlenderProgram?
  package let problem: Problem?
  /// Nanoseconds since 1970: when the job was first dropped, and when this revision was.
  package let createdAt: Int64
  package let droppedAt: Int64
  /// When this revision ended; nil in one of an earlier version.
  package var endedAt: Int64?
  package var outputs: [Picture]
  /// The files besides the `.blend` from which it was rendered; nil in one of an earlier version.
  package var files: [SeenFile]?

  /// One output, and where it was delivered.
  package struct Picture: Codable, Hashable, Sendable {
    package let path: String
    package let frame: FrameNumber
    /// Nil in one of an earlier version.
    package let kind: OutputKind?
    package let state: OutputState
    package let attempts: Int
    package let size: PixelSize?
    package let file: FileIdentity?
    package let renderMilliseconds: Int64?
    package let peakBytes: Int64?
    package let facts: FrameFacts?
    package let problem: Problem?
    /// Below the root, and the file there; nil when it was not delivered.
    package let delivered: String?
    package let deliveredFile: FileIdentity?

    package init(
      path: String, frame: FrameNumber, kind: OutputKind? = nil, state: OutputState, attempts: Int, size: PixelSize?,
      file: FileIdentity?, renderMilliseconds: Int64? = nil, peakBytes: Int64? = nil, facts: FrameFacts? = nil,
      problem: Problem? = nil,
      delivered: String? = nil,
      deliveredFile: FileIdentity? = nil
    ) {
      self.path = path
      self.frame = frame
      self.kind = kind
      self.state = state
      self.attempts = attempts
      self.size = size
      self.file = file
      self.renderMilliseconds = renderMilliseconds
      self.peakBytes = peakBytes
      self.facts = facts
      self.problem = problem
      self.delivered = delivered
      self.deliveredFile = deliveredFile
    }
  }
}

extension Manifest {
  /// A completed job of one revision.
  package init(
    _ name: JobName, path: String, file: Fingerprint?, digest: Digest, frames: FrameSet, outputs: [Picture]
  ) {
    self.init(
      form: Self.form, release: name.release, job: name.job, path: path, file: file, owner: "somebody", priority: nil,
      state: .completed, revision: 1, digest: digest, frames: frames, format: .png, scene: nil, savedBy: nil,
      blender: nil, problem: nil, createdAt: 0, droppedAt: 0, outputs: outputs)
  }
}

extension Ledger {
  /// Jobs of which something ended, or was delivered, since their manifests were written.
  /// - Parameter releases: whose jobs are left out for now.
  package func dueManifests(
    limit: Int, besides releases: Set<String> = []
  ) async throws(StoreFailure) -> [DueManifest] {
    try await read("read which manifests are due") { db in
      let due = try Row.fetchAll(
        db,
        sql: """
          SELECT job.id, job.name, job.state, manifest, manifest_due, release.name AS release FROM job
          JOIN release ON release.id = release_id
          WHERE manifest_due > 0 AND release.name NOT IN (SELECT value FROM json_each(?)) ORDER BY job.id LIMIT ?
          """, arguments: [try Column.json(releases.sorted()), limit])
      return try due.map { row in
        let isRemoved = row["state"] as String == JobState.removed.rawValue
        return DueManifest(
          job: row["id"], name: JobName(release: row["release"], job: row["name"]), written: row["manifest"],
          due: row["manifest_due"], manifest: isRemoved ? nil : try Self.manifest(db, ofJob: row["id"]))
      }
    }
  }

  /// What stands in the manifests of these jobs is another now; those that have none need none.
  static func changeManifests(_ db: Database, _ which: String, _ arguments: StatementArguments) throws {
    try db.execute(
      sql: "UPDATE job SET manifest_due = manifest_due + 1 WHERE manifest IS NOT NULL AND (\(which))",
      arguments: arguments)
  }

  /// Notes that manifests are as the ledger was when they were read.
  package func wroteManifests(_ written: [DueManifest]) async throws(StoreFailure) {
    guard !written.isEmpty else { return }
    try await write("note \(written.count) manifests") { db in
      for one in written {
        try db.execute(
          sql: "UPDATE job SET manifest = ?, manifest_due = MAX(0, manifest_due - ?) WHERE id = ?",
          arguments: [one.manifest == nil ? nil : one.name.description, one.due, one.job])
      }
    }
  }

  /// What is proven of the next files that lay there before the farm.
  /// - Parameter job: the last one of the part before; 0 at first.
  /// - Returns: nothing when there are no more.
  package func adoptedManifests(
    after job: Int64, limit: Int
  ) async throws(StoreFailure) -> (manifests: [Manifest], last: Int64)? {
    try await read("read what was adopted") { db in
      // In one query, and by their place: there may be a hundred thousand.
      let sql = """
        SELECT job.id, release.name, job.name, job.path, job.owner, revision.number, revision.digest, revision.frames,
          revision.format, revision.scene, revision.saved_by, revision.problem, job.created_at, known_file.device,
          known_file.inode, known_file.size, known_file.mtime_ns, known_file.ctime_ns
        FROM job JOIN release ON release.id = job.release_id
        JOIN revision ON revision.job_id = job.id AND revision.number = job.revision
        LEFT JOIN known_file ON known_file.path = CAST(job.path AS BLOB)
        WHERE job.is_adopted = 1 AND job.id > ? ORDER BY job.id LIMIT ?
        """
      let rows = try Row.fetchCursor(db, sql: sql, arguments: [job, limit])
      var (manifests, last) = ([Manifest](), job)
      while let row = try rows.next() {
        last = row[0]
        manifests.append(try Manifest(adopted: row))
      }
      return manifests.isEmpty ? nil : (manifests, last)
    }
  }

  /// Of the newest revision of a job that came to an end by itself or by a person; nil when there is none.
  static func manifest(_ db: Database, ofJob id: Int64) throws -> Manifest? {
    guard
      let row = try Row.fetchOne(
        db,
        sql: revisionColumns + """
           WHERE revision.job_id = ? AND revision.state IN ('completed', 'failed', 'canceled')
          ORDER BY number DESC LIMIT 1
          """, arguments: [id]),
      let job = try Row.fetchOne(db, sql: "SELECT * FROM job WHERE id = ?", arguments: [id])
    else { return nil }
    let revision = try Revision(row: row)
    let newest: Int = job["revision"]
    let known = try Row.fetchOne(
      db, sql: "SELECT * FROM known_file WHERE path = CAST(? AS BLOB)", arguments: [job["path"] as String])
    let sql = """
      SELECT \(OutputRows.columns), \(OutputRows.deliveryColumns)
      FROM output LEFT JOIN delivery ON delivery.output_id = output.id
      WHERE revision_id = ? ORDER BY frame, output.path
      """
    var rows = OutputRows()
    let pictures = try Row.fetchCursor(db, sql: sql, arguments: [revision.id]).reduce(into: []) {
      $0.append(Manifest.Picture(try rows.output($1), delivered: OutputRows.delivery($1)))
    }
    return Manifest(
      form: Manifest.form, release: revision.name.release, job: revision.name.job, path: job["path"],
      file: newest == revision.number ? known.map(Fingerprint.init(row:)) : nil, owner: job["owner"],
      priority: job["priority"], state: revision.state, revision: revision.number, digest: revision.digest,
      frames: revision.frames, format: revision.format, scene: revision.scene, settings: revision.settings,
      savedBy: revision.savedBy,
      blender: revision.blender, problem: revision.problem, createdAt: job["created_at"],
      droppedAt: revision.createdAt.nanoseconds,
      endedAt: row["ended_at"], outputs: pictures, files: try dependencies(db, of: revision.id))
  }
}

/// A job whose manifest is not what the ledger says.
package struct DueManifest: Sendable {
  package let job: Int64
  package let name: JobName
  /// Under which name it was written last, `release/job`; nil when it was not.
  package let written: String?
  fileprivate let due: Int
  /// Nil: nothing is proven any more.
  package let manifest: Manifest?
}

extension Manifest {
  /// Of a file that is only known: it owes nothing, and was never rendered.
  fileprivate init(adopted row: Row) throws {
    let (digest, device): (Data, Int64?) = (row[6], row[13])
    let file = device.map { device in
      Fingerprint(
        device: device, inode: row[14], size: row[15], mtimeNanoseconds: row[16], ctimeNanoseconds: row[17])
    }
    self.init(
      form: Self.form, release: row[1], job: row[2], path: row[3], file: file, owner: row[4], priority: nil,
      state: .canceled, revision: row[5], digest: Digest(bytes: Array(digest)), frames: try FrameSet(ledger: row[7]),
      format: try Column.word(ImageFormat.self, row[8] as String, of: "format"), scene: row[9],
      savedBy: try Column.value(BlenderVersion.self, row[10]), blender: nil,
      problem: try Column.value(Problem.self, row[11]), createdAt: row[12], droppedAt: row[12], outputs: [])
  }
}

extension Manifest.Picture {
  fileprivate init(_ output: Output, delivered: (path: String, file: FileIdentity)?) {
    self.init(
      path: output.path, frame: output.frame, kind: output.kind, state: output.state, attempts: output.attempts,
      size: output.size, file: output.file, renderMilliseconds: output.renderMilliseconds, peakBytes: output.peakBytes,
      facts: output.facts,
      problem: output.problem,
      delivered: delivered?.path, deliveredFile: delivered?.file)
  }
}
