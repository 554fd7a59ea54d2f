import FarmModel

/// Asks to render again what is older than what it depends on.
package struct RefreshRequest: Codable, Hashable, Sendable {
  package let release: String
  /// Whether nothing is done but saying which jobs are meant.
  package let isDryRun: Bool

  package init(release: String, isDryRun: Bool) {
    self.release = release
    self.isDryRun = isDryRun
  }
}

/// The jobs that are rendered again, or would be.
package struct RefreshAnswer: Codable, Hashable, Sendable {
  /// A job, and a file that changed since it was rendered.
  package struct Line: Codable, Hashable, Sendable {
    package let job: JobName
    package let changed: String

    package init(job: JobName, changed: String) {
      self.job = job
      self.changed = changed
    }
  }

  package let release: String
  package let jobs: [Line]
  package let isDryRun: Bool

  package init(release: String, jobs: [Line], isDryRun: Bool) {
    self.release = release
    self.jobs = jobs
    self.isDryRun = isDryRun
  }
}
