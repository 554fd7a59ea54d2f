/// Something that happened, as `farm events` tells it: one object a line.
package struct FarmEvent: Codable, Hashable, Sendable {
  /// RFC 3339 with nanoseconds.
  package let at: String
  /// `job.<state>`, `task.<state>`, `frame.done`, `release.<state>`.
  package let event: String
  package var release: String?
  package var job: String?
  package var revision: Int?
  package var task: Int64?
  package var frame: FrameNumber?
  package var problem: Problem?
  /// What it was called before, in `job.renamed` and `release.renamed`.
  package var from: String?

  package init(
    at: Timestamp, event: String, release: String? = nil, job: String? = nil, revision: Int? = nil, task: Int64? = nil,
    frame: FrameNumber? = nil, problem: Problem? = nil, from: String? = nil
  ) {
    self.at = at.rfc3339
    self.event = event
    self.release = release
    self.job = job
    self.revision = revision
    self.task = task
    self.frame = frame
    self.problem = problem
    self.from = from
  }
}
