/// A number of bytes as people read it, in units of a thousand: `512 B`, `3.1 MB`, `12.0 GB`.
package struct ByteCount: Hashable, Sendable, CustomStringConvertible {
  private let bytes: Int64
  private static let units = ["kB", "MB", "GB", "TB", "PB", "EB"]

  package init(_ bytes: Int64) { self.bytes = bytes }

  package var description: String {
    guard bytes >= 1000 else { return "\(bytes) B" }
    var (tenths, unit) = (bytes / 100 + (bytes % 100 >= 50 ? 1 : 0), 0)
    while tenths >= 10_000, unit < Self.units.count - 1 { (tenths, unit) = ((tenths + 500) / 1000, unit + 1) }
    return "\(tenths / 10).\(tenths % 10) \(Self.units[unit])"
  }
}

extension Int64 {
  /// The sum, or the largest number where it is larger: files with holes may be as long as they like.
  package func adding(_ other: Int64) -> Int64 {
    let (sum, isTooLarge) = addingReportingOverflow(other)
    return isTooLarge ? .max : sum
  }

  /// As a ``ByteCount``.
  package var asBytes: String { ByteCount(self).description }
}
