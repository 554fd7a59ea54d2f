/// What frames of a job took to render, as far as it is worth remembering: the latest ones.
package struct FrameTimes: Hashable, Sendable {
  private static let keptMax = 200

  /// Milliseconds, in the order in which they came.
  private var kept: [Int64] = []
  private var next = 0
  /// How many were measured in all.
  package private(set) var count = 0
  /// The sum of all.
  package private(set) var total = Duration.zero

  package init() {}

  /// A frame is done.
  package mutating func add(milliseconds: Int64) {
    count += 1
    total += .milliseconds(milliseconds)
    if kept.count < Self.keptMax { return kept.append(milliseconds) }
    kept[next] = milliseconds
    next = (next + 1) % Self.keptMax
  }

  /// Half of the frames took less; nil while none was measured.
  package var median: Duration? { quantile(0.5) }
  package var longest: Duration? { kept.max().map { .milliseconds($0) } }

  /// So much of the frames (0 to 1) took less.
  package func quantile(_ part: Double) -> Duration? {
    let sorted = kept.sorted()
    guard !sorted.isEmpty else { return nil }
    return .milliseconds(sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))])
  }
}
