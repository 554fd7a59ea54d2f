/// The state of a revision; a job shows that of its newest whole one. Words of Flamenco where it has them.
package enum JobState: String, Codable, CaseIterable, Sendable {
  case settling, blocked, queued, active, assembling, completed
  case rejected, failed, canceled, superseded, removed

  /// Whether nothing more happens by itself.
  package var isFinal: Bool {
    switch self {
    case .completed, .rejected, .failed, .canceled, .superseded, .removed: true
    case .settling, .blocked, .queued, .active, .assembling: false
    }
  }

  /// Whether its tasks may run.
  package var isRenderable: Bool { self == .queued || self == .active }

  /// The states from which a revision may come to this one; a move from any other is refused, because somebody else
  /// has moved it meanwhile.
  package var mayFollow: Set<JobState> {
    switch self {
    case .settling, .rejected: []
    // What only Blender finds when it opens the file blocks an active one.
    case .blocked: [.queued, .active]
    // A completed one is queued again when a frame of it was lost before it was delivered, one that is put together
    // when a tile was; others when a person asks.
    case .queued: [.blocked, .assembling, .completed, .failed, .canceled]
    case .active: [.queued]
    case .assembling: [.active]
    case .completed: [.assembling]
    case .failed: [.queued, .active, .assembling]
    // A person may give up one that failed.
    case .canceled: [.blocked, .queued, .active, .assembling, .failed]
    case .superseded, .removed: [.blocked, .queued, .active, .assembling]
    }
  }

  /// Whether the same bytes dropped again are a new order: what ended without anybody wanting its end.
  package var isRevivedBySameBytes: Bool { self == .superseded || self == .removed }
}

/// The state of one expected output.
///
/// `promoting` is written, with the inode of the checked file, before the rename; after a crash the inode tells
/// whether the rename happened.
package enum OutputState: String, Codable, CaseIterable, Sendable {
  case owed, active, promoting, done, harvested, failed
  /// Done, and not to be delivered: it stays in `out/`.
  case kept
  /// A tile that has gone into its picture; its file is no more.
  case assembled
  /// Delivered, and taken away when its time was over: nobody renders it again unasked.
  case purged

  /// Whether the picture exists, or did its part, and was checked.
  package var isDone: Bool { [.done, .harvested, .kept, .assembled, .purged].contains(self) }
}

/// The state of one command on one worker, in Flamenco's words.
package enum TaskState: String, Codable, CaseIterable, Sendable {
  case active, completed, failed, canceled
  case softFailed = "soft-failed"
}

/// The state of a release, derived from its jobs; see ``ReleaseProgress``.
package enum ReleaseState: String, Codable, CaseIterable, Sendable {
  case planned, open, active, completed, harvested, archived, stale, failed
}

/// What happens to a job of a release without a plan when a file changes from which it was rendered: it is rendered
/// again, or the release is stale and waits for a person.
package enum OnChange: String, Codable, CaseIterable, Sendable {
  case render, ask
}

/// Whether a finished release is harvested by itself or waits for a person.
package enum HarvestMode: String, Codable, CaseIterable, Sendable {
  case auto, manual
}
