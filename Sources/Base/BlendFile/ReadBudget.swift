/// How much a file may have read of it, over and over: addresses may lead anywhere, from everywhere, and a file of a
/// few kilobytes could keep a reader busy for days.
struct ReadBudget {
  /// Real files stay below twice their size.
  private static let timesMax: Int64 = 64
  private static let spareBytes: Int64 = 1 << 30
  /// What a read costs besides its bytes.
  private static let costBytes: Int64 = 1 << 10

  private var left: Int64

  init(fileBytes: Int64) {
    left = Self.spareBytes + min(fileBytes, Int64.max / (2 * Self.timesMax)) * Self.timesMax
  }

  /// - Throws: ``BlendFailure/damaged`` when it is used up.
  mutating func spend(_ bytes: Int64, at offset: Int64) throws(BlendFailure) {
    left -= bytes + Self.costBytes
    guard left >= 0 else { throw .damaged(atByte: offset, what: "too many of its blocks lead to the same ones") }
  }
}
