/// Revisions whose files may be others than those from which they are rendered, while that is looked into. A value.
struct RevisionLooks: Hashable, Sendable {
  /// By revision: whether another inspection is asked for while one runs.
  private var inspecting: [Int64: Bool] = [:]
  private var doubted: Set<Int64> = []
  private var outdated: Set<Int64> = []

  /// An inspection is to begin.
  /// - Returns: false when one runs; it is repeated then, because it may have read what lay there before.
  mutating func begin(_ revision: Int64) -> Bool {
    let isFirst = inspecting[revision] == nil
    inspecting[revision] = !isFirst
    return isFirst
  }

  /// An inspection is over.
  /// - Returns: whether it is to be repeated.
  mutating func end(_ revision: Int64) -> Bool {
    guard inspecting[revision] == true else {
      inspecting[revision] = nil
      doubted.remove(revision)
      return false
    }
    inspecting[revision] = false
    return true
  }

  /// It may have been inspected with another version of a file than Blender opened: it is not completed before that is
  /// known.
  mutating func doubt(_ revision: Int64) { doubted.insert(revision) }

  /// Another revision comes in its place: no further frame of it counts.
  /// - Returns: false when that was known.
  mutating func outdate(_ revision: Int64) -> Bool { outdated.insert(revision).inserted }

  /// The revision has ended, or is not outdated after all.
  mutating func forget(_ revision: Int64) {
    doubted.remove(revision)
    outdated.remove(revision)
  }

  func isOutdated(_ revision: Int64) -> Bool { outdated.contains(revision) }
  func isDoubted(_ revision: Int64) -> Bool { doubted.contains(revision) || outdated.contains(revision) }
}
