/// Where a Radiance HDR ends.
enum HDREnd {
  private static let headMax = 1 << 16
  private static let ahead = 1 << 18

  /// - Returns: false when it is packed in the old way, whose end cannot be told.
  static func check(_ file: PictureFile) throws(PictureDoubt) -> Bool {
    let head = try file.bytes(at: 0, min(headMax, file.sizeBytes))
    // Each byte a scalar, whatever comments are written in.
    let text = String(String.UnicodeScalarView(head.map { Unicode.Scalar($0) }))
    guard let size = text.firstMatch(of: /\n([-+])[YX] +(\d+) +([-+])[YX] +(\d+)\n/), let lines = Int(size.2),
      let width = Int(size.4), lines < 1 << 20, width < 1 << 20
    else { throw .cut }
    var at = text.unicodeScalars[..<size.range.upperBound].count
    let new: [UInt8] = [2, 2, UInt8(truncatingIfNeeded: width >> 8), UInt8(truncatingIfNeeded: width)]
    for _ in 0..<lines {
      guard (8..<32_768).contains(width), try file.bytes(at: at, 4, ahead: ahead).elementsEqual(new) else {
        return false
      }
      at += 4
      var left = 4 * width
      while left > 0 {
        let run = Int(try file.byte(at: at, ahead: ahead))
        guard run != 0 else { throw .odd("is damaged") }
        at += run > 128 ? 2 : 1 + run
        left -= run > 128 ? run - 128 : run
      }
    }
    try file.holds(0, from: at)
    return true
  }
}
