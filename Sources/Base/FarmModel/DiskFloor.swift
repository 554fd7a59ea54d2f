/// How much of a disk stays free: nothing new is rendered onto one that has less.
package enum DiskFloor: Hashable, Sendable {
  case percent(Double)
  case bytes(Int64)

  /// Below this nothing can be written in order any more.
  private static let leastBytes: Int64 = 16 << 20

  /// Reads `5%`, `500MB`, `20GB`; nil for anything else.
  package init?(_ text: String) {
    if text.hasSuffix("%"), let percent = Double(text.dropLast()), (0...50).contains(percent) {
      self = .percent(percent)
      return
    }
    for (unit, bytes) in [("MB", Int64(1_000_000)), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000)] {
      guard text.hasSuffix(unit), let count = Int64(text.dropLast(2)), (0...9999).contains(count) else { continue }
      self = .bytes(count * bytes)
      return
    }
    return nil
  }

  /// In bytes, of a disk of this size.
  package func bytes(ofDisk size: Int64) -> Int64 {
    switch self {
    case .percent(let percent): max(Self.leastBytes, Int64(Double(size) / 100 * percent))
    case .bytes(let bytes): max(Self.leastBytes, bytes)
    }
  }
}
