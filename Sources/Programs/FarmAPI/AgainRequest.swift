import FarmModel

/// Asks to render a known job again, or ahead of others.
package struct AgainRequest: Codable, Hashable, Sendable {
  /// What of it is rendered again.
  package enum What: Codable, Hashable, Sendable {
    /// Everything, as a new revision.
    case all
    /// Nothing: only its turn is another.
    case asItIs
    case frames(FrameSet)
    /// What failed, or lies nowhere any more.
    case missing
    /// The same, and what is no whole picture.
    case bad
  }

  /// `job` or `release/job`.
  package let job: String
  package let what: What
  /// 0 to 100; nil leaves it as it is.
  package let priority: Int?
  /// Whether it is rendered though files that it needs are not there.
  package let isAnyway: Bool

  package init(job: String, what: What, priority: Int? = nil, isAnyway: Bool = false) {
    self.job = job
    self.what = what
    self.priority = priority
    self.isAnyway = isAnyway
  }
}

/// What is rendered again.
package struct AgainAnswer: Codable, Hashable, Sendable {
  package let job: JobName
  package let revision: Int
  /// Nil: none.
  package let frames: FrameSet?

  package init(job: JobName, revision: Int, frames: FrameSet?) {
    self.job = job
    self.revision = revision
    self.frames = frames
  }
}
