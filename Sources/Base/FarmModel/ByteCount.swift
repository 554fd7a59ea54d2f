extension Int64 {
  /// A number of bytes as people read it, in units of a thousand: `512 B`, `3.1 MB`, `12.0 GB`.
  package var asBytes: String {
    let units = ["kB", "MB", "GB", "TB", "PB", "EB"]
    guard self >= 1000 else { return "\(self) B" }
    var (tenths, unit) = ((self + 50) / 100, 0)
    while tenths >= 10_000, unit < units.count - 1 { (tenths, unit) = ((tenths + 500) / 1000, unit + 1) }
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }
}
