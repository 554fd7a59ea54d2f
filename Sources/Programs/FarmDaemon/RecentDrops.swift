import DequeModule
import FarmModel

/// Which jobs came lately, by the digest of their files. A value: knows neither ledger nor disk.
///
/// Some programs rename by a copy under the new name and a deletion of the old one. When a file is deleted, a job of
/// the same content that came within ``window`` is its successor.
struct RecentDrops {
  /// Longer than a sync program takes between the copy of a large file and the deletion.
  static let window = Duration.seconds(600)

  private struct Arrival {
    let name: JobName
    let digest: Digest
    let at: Timestamp
  }

  private var arrivals: Deque<Arrival> = []
  private var names: [Digest: [JobName]] = [:]

  mutating func add(_ name: JobName, _ digest: Digest, at now: Timestamp) {
    forget(before: now)
    arrivals.append(Arrival(name: name, digest: digest, at: now))
    names[digest, default: []].append(name)
  }

  /// The jobs of this content that came lately, the latest last.
  mutating func names(of digest: Digest, at now: Timestamp) -> [JobName] {
    forget(before: now)
    return names[digest] ?? []
  }

  private mutating func forget(before now: Timestamp) {
    while let first = arrivals.first, now.since(first.at) > Self.window {
      arrivals.removeFirst()
      names[first.digest]?.removeFirst()
      if names[first.digest]?.isEmpty == true { names[first.digest] = nil }
    }
  }
}

/// Which of two jobs of the same content goes on when the file of the older one was deleted.
enum CopyRule {
  /// How far a job is.
  struct Progress: Hashable {
    let state: JobState
    let doneCount: Int
  }

  /// The older one goes on under the new name when it is completed, or when it renders and has as many pictures as the
  /// newer one. An older one that renders nothing never replaces the newer one, whose file nobody deleted.
  static func keepsOlder(_ older: Progress, _ newer: Progress) -> Bool {
    guard newer.state != .completed else { return false }
    switch older.state {
    case .completed: return true
    // A person who kills the copy wants nothing of it rendered.
    case .queued, .active, .assembling: return newer.state != .canceled && older.doneCount >= newer.doneCount
    case .settling, .blocked, .rejected, .failed, .canceled, .superseded, .removed: return false
    }
  }
}
