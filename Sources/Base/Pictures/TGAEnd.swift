/// Where a TGA ends: after its last pixel; what follows, a footer too, is of no consequence.
enum TGAEnd {
  private static let ahead = 1 << 18

  /// - Returns: false when it does not look like one.
  static func check(_ file: PictureFile) throws(PictureDoubt) -> Bool {
    let head = Array(try file.bytes(at: 0, 18)).map(Int.init)
    let (width, height, bits) = (head[12] | head[13] << 8, head[14] | head[15] << 8, head[16])
    let isPacked = head[2] >= 8
    guard head[1] <= 1, [1, 2, 3, 9, 10, 11].contains(head[2]), [8, 15, 16, 24, 32].contains(bits), width > 0,
      height > 0
    else { return false }
    let palette = (head[5] | head[6] << 8) * ((head[7] + 7) / 8)
    let (start, pixelBytes) = (18 + head[0] + palette, (bits + 7) / 8)
    guard isPacked else {
      try file.holds(width * height * pixelBytes, from: start)
      return true
    }
    var (at, left) = (start, width * height)
    while left > 0 {
      let packet = Int(try file.byte(at: at, ahead: ahead))
      let count = packet & 0x7F + 1
      at += 1 + pixelBytes * (packet & 0x80 != 0 ? 1 : count)
      left -= count
    }
    try file.holds(0, from: at)
    return true
  }
}
