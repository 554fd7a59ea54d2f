import FarmModel
import GRDB

/// The outputs of one kind that a job's newest revision owes, as far as their delivered names depend on them.
package struct NamedKind: Hashable, Sendable {
  package let kind: OutputKind
  package let frames: [FrameNumber]
  /// Of one of them, below `out/<job>`.
  package let path: String
}

/// A job that delivers something, or will, with what it owes.
package struct NamedJob: Hashable, Sendable {
  package let id: Int64
  package let name: JobName
  package let number: Int
  package let createdAt: Timestamp
  package let scene: String?
  package let deliversNodes: Bool
  /// Whether something of it lies in `dist/`, and nothing is left to be delivered.
  package let isDelivered: Bool
  package var kinds: [NamedKind]
}

extension Ledger {
  /// What the jobs of a release deliver; those that are gone, were killed or lay there before the farm are left out.
  /// - Parameter jobs: only these, by their own names; nil: all.
  package func namedJobs(in release: String, _ jobs: [String]? = nil) async throws(StoreFailure) -> [NamedJob] {
    try await read("read what jobs of \(release) deliver") { db in
      let words = try jobs.flatMap { try Column.json($0) }
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT job.id, job.name, revision.number, revision.created_at, revision.scene, revision.settings,
            EXISTS (SELECT 1 FROM delivery WHERE delivery.job_id = job.id)
              AND NOT EXISTS (
                SELECT 1 FROM output AS pending WHERE pending.revision_id = revision.id AND pending.state NOT IN
                  ('harvested', 'kept', 'assembled', 'purged')),
            output.scene, output.layer, output.view, output.node, MIN(output.path), GROUP_CONCAT(output.frame)
          FROM job JOIN release ON release.id = job.release_id
          JOIN revision ON revision.job_id = job.id AND revision.number = job.revision
          JOIN output ON output.revision_id = revision.id
          WHERE release.name = ? AND job.is_adopted = 0 AND job.state NOT IN ('removed', 'canceled')
            AND output.tile IS NULL AND output.state <> 'kept'
            AND (? IS NULL OR job.name IN (SELECT value FROM json_each(?)))
          GROUP BY revision.id, output.scene, output.layer, output.view, output.node
          ORDER BY job.id, MIN(output.frame), MIN(output.path)
          """, arguments: [release, words, words])
      var found: [NamedJob] = []
      while let row = try rows.next() {
        let id: Int64 = row[0]
        if found.last?.id != id {
          let settings = try Column.value(RenderSettings.self, row[5])
          found.append(
            NamedJob(
              id: id, name: JobName(release: release, job: row[1]), number: row[2],
              createdAt: Timestamp(nanoseconds: row[3]), scene: row[4],
              deliversNodes: settings?.wanted.deliverNodes == true, isDelivered: row[6], kinds: []))
        }
        let part = RenderPart(scene: row[7], layer: row[8], tile: nil)
        let frames = (row[12] as String).split(separator: ",").compactMap { FrameNumber($0) }
        found[found.count - 1].kinds.append(
          NamedKind(kind: OutputKind(part: part, view: row[9], node: row[10]), frames: frames, path: row[11]))
      }
      return found
    }
  }
}
