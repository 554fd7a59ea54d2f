/// Where an OpenEXR ends: its table of chunks is written when it is closed, and the last chunk lies in the file.
///
/// The chunks are not counted: the table ends where the first one begins. So tiles of many levels, deep pictures and
/// several parts need nothing of their own. Layout from the OpenEXR file layout document.
enum EXREnd {
  private static let chunksMax = 50_000_000

  static func check(_ file: PictureFile) throws(PictureDoubt) {
    let flags = try file.number(at: 4, 4, isBig: false)
    let isMultiPart = flags & 0x1000 != 0
    var (at, kinds) = (8, [String]())
    var isMore = true
    while isMore {
      kinds.append(try header(file, &at) ?? (flags & 0x200 != 0 ? "tiledimage" : "scanlineimage"))
      isMore = isMultiPart
      if isMultiPart { isMore = try file.byte(at: at) != 0 }
    }
    if isMultiPart { at += 1 }
    var (first, last) = (Int.max, 0)
    while at < first {
      let chunk = try file.number(at: at, 8, isBig: false)
      guard chunk != 0 else { throw PictureDoubt(why: "was never finished", decider: .decoding) }
      guard chunk > at, (at - 8) / 8 < chunksMax else { throw .odd("has a damaged table") }
      (first, last) = (min(first, chunk), max(last, chunk))
      at += 8
    }
    try checkChunk(file, at: last, kinds, isMultiPart: isMultiPart)
  }

  /// Passes over a header.
  /// - Returns: the type of its part, where it says one.
  private static func header(_ file: PictureFile, _ at: inout Int) throws(PictureDoubt) -> String? {
    var kind: String?
    while true {
      let name = try text(file, &at)
      if name.isEmpty { return kind }
      _ = try text(file, &at)
      let length = try file.number(at: at, 4, isBig: false)
      try file.holds(length + 4, from: at)
      if name == "type" { kind = String(decoding: try file.bytes(at: at + 4, length), as: UTF8.self) }
      at += 4 + length
    }
  }

  private static func text(_ file: PictureFile, _ at: inout Int) throws(PictureDoubt) -> String {
    var bytes: [UInt8] = []
    while true {
      let byte = try file.byte(at: at)
      at += 1
      if byte == 0 { return String(decoding: bytes, as: UTF8.self) }
      guard bytes.count < 256 else { throw .odd("has a damaged header") }
      bytes.append(byte)
    }
  }

  private static func checkChunk(
    _ file: PictureFile, at place: Int, _ kinds: [String], isMultiPart: Bool
  ) throws(PictureDoubt) {
    var (at, part) = (place, 0)
    if isMultiPart {
      part = try file.number(at: at, 4, isBig: false)
      at += 4
    }
    let kind = kinds.indices.contains(part) ? kinds[part] : ""
    at += kind.hasSuffix("tile") || kind == "tiledimage" ? 16 : 4
    if kind.hasPrefix("deep") {
      // Its table of samples, its samples, and how many those are unpacked.
      let (table, samples) = (
        try file.number(at: at, 8, isBig: false), try file.number(at: at + 8, 8, isBig: false)
      )
      try file.holds(table, from: at + 24)
      try file.holds(samples, from: at + 24 + table)
    } else {
      try file.holds(try file.number(at: at, 4, isBig: false), from: at + 4)
    }
  }
}
