import FarmModel

/// What becomes of a job when a file changes from which it was rendered, or is being rendered. A value.
package struct RefreshRule: Hashable, Sendable {
  /// What one change may cost, in machine time, before it is begun by itself.
  package let limit: Duration

  package init(limit: Duration) {
    self.limit = limit
  }

  /// What is done about a job.
  package enum Verdict: Hashable, Sendable {
    /// It is rendered again, all of it: frames of two versions never mix.
    case render
    /// It stays as it is, and its release waits for a person.
    case stale
    /// It did not begin with the other version: its file is inspected again, and what that says counts.
    case inspect
    /// The change is none of its business.
    case nothing
  }

  /// - Parameters:
  ///   - isDelivered: whether nothing of the job waits for its delivery.
  ///   - isSeen: whether Blender opened the other version; else the job was only inspected with it.
  ///   - release: the job's.
  ///   - cost: what the change would cost, all finished jobs together.
  package func verdict(
    for job: JobState, isDelivered: Bool = false, isSeen: Bool = true, of release: Release, cost: Duration
  ) -> Verdict {
    if release.state == .archived { return .nothing }
    switch job {
    case .blocked: return .inspect
    case .active, .queued: return isSeen ? .render : .inspect
    // Frames are there already, or will be in a moment.
    case .assembling: return .render
    case .completed, .failed:
      if release.isPlanned ? isDelivered : release.order.onChange == .ask { return .stale }
      return cost > limit ? .stale : .render
    // A person's will; the next revision sees the file as it is then.
    case .canceled, .settling, .rejected, .superseded, .removed: return .nothing
    }
  }
}

/// How long a job waits that begins anew again and again because of what it depends on: a library that is saved all day
/// must not keep its shots from ever being finished. A value.
package struct RefreshPace: Hashable, Sendable {
  private static let waits: [Duration] = [.zero] + [1, 2, 5, 15, 30].map { .seconds($0 * 60) }

  private var restarts = 0

  package init() {}

  /// It begins anew before it was finished.
  /// - Returns: how long it waits before that.
  package mutating func restart() -> Duration {
    defer { restarts += 1 }
    return Self.waits[min(restarts, Self.waits.count - 1)]
  }
}
