import FarmModel

/// How often a job that is saved again and again begins anew. A value.
///
/// The first save begins at once. Of those that follow while it renders, the newest begins when the first is ten
/// seconds old: what would be superseded in a moment is not rendered. One may be told to wait longer.
package struct SavePace: Hashable, Sendable {
  private static let least: Int64 = 10_000_000_000

  /// When the first task was handed out; nil before.
  private var begun: Timestamp?
  private var due: Timestamp?
  private var longest = Self.least

  /// - Parameter superseded: of the revisions in whose place this one is.
  package init(after superseded: [SavePace] = []) {
    due = superseded.compactMap { $0.begun.map { Timestamp(nanoseconds: $0.nanoseconds + Self.least) } ?? $0.due }.max()
    longest = superseded.map(\.longest).max() ?? Self.least
  }

  /// Has it wait for so long at least.
  package mutating func wait(_ pause: Duration, from now: Timestamp) {
    guard pause > .zero else { return }
    let nanoseconds = pause.inMilliseconds * 1_000_000
    longest = max(longest, nanoseconds)
    due = max(due ?? now, Timestamp(nanoseconds: now.nanoseconds + nanoseconds))
  }

  /// Its first task is handed out, or a later one.
  package mutating func begins(at now: Timestamp) { begun = begun ?? now }

  /// Whether it follows upon another revision, and did not begin yet.
  package var isDue: Bool { begun == nil && due != nil }

  /// Whether it is to wait a little longer. A clock that was set back holds up nothing.
  package func isWaiting(at now: Timestamp) -> Bool {
    guard begun == nil, let due else { return false }
    return now < due && due.nanoseconds - now.nanoseconds <= longest
  }
}
