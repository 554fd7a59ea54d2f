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
    let isCompleted: Bool
    let doneCount: Int
  }

  /// The older one under the new name, unless the newer one has more pictures.
  static func keepsOlder(_ older: Progress, _ newer: Progress) -> Bool {
    guard !newer.isCompleted else { return false }
    return older.isCompleted || older.doneCount >= newer.doneCount
  }
}
