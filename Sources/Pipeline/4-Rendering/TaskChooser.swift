import FarmModel

/// Decides which revision's frames are handed out next.
package enum TaskChooser {
  /// A revision that still owes frames.
  package struct Candidate: Hashable, Sendable {
    package let revision: Int64
    package let priority: Int
    package let isPaused: Bool
    /// Frames nobody works on.
    package let missing: [FrameNumber]

    package init(revision: Int64, priority: Int, isPaused: Bool, missing: [FrameNumber]) {
      self.revision = revision
      self.priority = priority
      self.isPaused = isPaused
      self.missing = missing
    }
  }

  /// Highest priority first; within it the one that was dropped first.
  package static func next(among candidates: [Candidate]) -> Candidate? {
    candidates.filter { !$0.isPaused && !$0.missing.isEmpty }
      .min { ($1.priority, $0.revision) < ($0.priority, $1.revision) }
  }
}
