/// Where a Photoshop file ends: after the picture of all its layers.
enum PSDEnd {
  /// - Returns: false when it is packed in a way whose end cannot be told.
  static func check(_ file: PictureFile) throws(PictureDoubt) -> Bool {
    let isLarge = try file.number(at: 4, 2, isBig: true) == 2
    let channels = try file.number(at: 12, 2, isBig: true)
    let (lines, width) = (try file.number(at: 14, 4, isBig: true), try file.number(at: 18, 4, isBig: true))
    let bits = try file.number(at: 22, 2, isBig: true)
    guard lines < 1 << 20, width < 1 << 20, bits <= 32 else { throw .odd("has a damaged header") }
    var at = 26
    // Colours, resources and layers, each with its length.
    for bytes in [4, 4, isLarge ? 8 : 4] {
      let length = try file.number(at: at, bytes, isBig: true)
      try file.holds(length, from: at + bytes)
      at += bytes + length
    }
    let packing = try file.number(at: at, 2, isBig: true)
    at += 2
    switch packing {
    case 0: try file.holds(channels * lines * ((width * bits + 7) / 8), from: at)
    case 1:
      let bytes = isLarge ? 4 : 2
      var length = 0
      for line in 0..<channels * lines { length += try file.number(at: at + line * bytes, bytes, isBig: true) }
      try file.holds(length, from: at + channels * lines * bytes)
    default: return false
    }
    return true
  }
}
