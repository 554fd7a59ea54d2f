import FarmModel
import VolumeFiles

/// Compares what lies in a folder with what is known of it, name by name. A value: touches no file.
struct Reconciler {
  /// What differs, and has to be looked at.
  struct Differences: Hashable, Sendable {
    var new: [FileName] = []
    var changed: [FileName] = []
    var gone: [FileName] = []

    var isEmpty: Bool { new.isEmpty && changed.isEmpty && gone.isEmpty }
    var all: [FileName] { new + changed + gone }
  }

  private let known: [FileName: Fingerprint]
  private var differences = Differences()
  private var seen: Set<FileName> = []
  private var sameCount = 0

  init(known: [FileName: Fingerprint]) {
    self.known = known
  }

  mutating func saw(_ name: FileName, _ fingerprint: Fingerprint) {
    switch known[name] {
    case fingerprint: sameCount += 1
    case nil:
      differences.new.append(name)
      return
    default: differences.changed.append(name)
    }
    // Only when names are missing is it asked which.
    seen.insert(name)
  }

  /// The differences, once everything was seen.
  func finish() -> Differences {
    guard seen.count < known.count else { return differences }
    var differences = differences
    differences.gone = known.keys.filter { !seen.contains($0) }
    return differences
  }
}
