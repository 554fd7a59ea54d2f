import FarmModel

/// Asks to read a release's pictures again, where they lie now.
package struct CheckRequest: Codable, Hashable, Sendable {
  package let release: String
  /// Whether nothing is done but saying which are damaged.
  package let isDryRun: Bool

  package init(release: String, isDryRun: Bool) {
    self.release = release
    self.isDryRun = isDryRun
  }
}

/// What was found.
package struct CheckAnswer: Codable, Hashable, Sendable {
  /// A picture that is not whole.
  package struct Line: Codable, Hashable, Sendable {
    package let job: JobName
    /// Below the volume's root.
    package let path: String
    package let problem: Problem
    /// Whether it is rendered again, or would be: one that somebody changed or took away is not.
    package let isAgain: Bool

    package init(job: JobName, path: String, problem: Problem, isAgain: Bool) {
      self.job = job
      self.path = path
      self.problem = problem
      self.isAgain = isAgain
    }
  }

  package let release: String
  /// How many pictures were read.
  package let checked: Int
  package let bad: [Line]
  package let isDryRun: Bool

  package init(release: String, checked: Int, bad: [Line], isDryRun: Bool) {
    self.release = release
    self.checked = checked
    self.bad = bad
    self.isDryRun = isDryRun
  }
}
