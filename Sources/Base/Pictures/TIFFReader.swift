import FarmModel

/// Checks a TIFF: its directory, and every strip or tile of it inside the file.
///
/// The directory's offset is written when the file is closed, so a file whose writer died or ran out of disk has none
/// or one behind its end (the exit code of Blender 3.4 is 0 all the same). Layout from the TIFF 6.0 specification.
enum TIFFReader {
  private enum Tag {
    static let width: UInt64 = 256
    static let height: UInt64 = 257
    static let compression: UInt64 = 259
    static let stripOffsets: UInt64 = 273
    static let samples: UInt64 = 277
    static let stripCounts: UInt64 = 279
    static let tileOffsets: UInt64 = 324
    static let tileCounts: UInt64 = 325
  }

  static func shape(of bytes: [UInt8]) throws(PictureFailure) -> PictureShape {
    var walk = ByteWalk(bytes)
    let order = try walk.take(2, while: "its byte order")
    let isBig = order.elementsEqual("MM".utf8)
    guard isBig || order.elementsEqual("II".utf8), try walk.number(2, isBig: isBig, while: "its magic number") == 42
    else { throw .wrongFormat(.tiff) }
    let start = try walk.number(4, isBig: isBig, while: "the place of its directory")
    guard start != 0 else { throw .truncated(atByte: bytes.count, while: "its directory was never written") }
    try walk.seek(to: Int(start), while: "its directory")
    let fields = try directory(&walk, isBig: isBig)
    guard let width = fields[Tag.width]?.first, let height = fields[Tag.height]?.first, width > 0, height > 0 else {
      throw .damaged(atByte: Int(start), what: "it names no size")
    }
    let offsets = fields[Tag.stripOffsets] ?? fields[Tag.tileOffsets] ?? []
    let counts = fields[Tag.stripCounts] ?? fields[Tag.tileCounts] ?? []
    guard !offsets.isEmpty, offsets.count == counts.count else {
      throw .damaged(atByte: Int(start), what: "it names no pixels")
    }
    for (offset, count) in zip(offsets, counts) {
      guard offset > 0, count > 0 else { throw .truncated(atByte: bytes.count, while: "a strip was never written") }
      guard offset + count <= UInt64(bytes.count) else { throw .truncated(atByte: bytes.count, while: "a strip") }
      // No compressed strip is all zeros; a disk that lost power leaves such.
      let isPlain = fields[Tag.compression]?.first ?? 1 == 1
      guard isPlain || bytes[Int(offset)..<Int(offset + count)].contains(where: { $0 != 0 }) else {
        throw .damaged(atByte: Int(offset), what: "a strip is all zeros")
      }
    }
    let size = PixelSize(width: Int(width), height: Int(height))
    return PictureShape(size: size, channels: fields[Tag.samples]?.first.map { Int($0) } ?? 1)
  }

  /// The numbers of the fields that matter, by tag.
  private static func directory(_ walk: inout ByteWalk, isBig: Bool) throws(PictureFailure) -> [UInt64: [UInt64]] {
    let wanted: Set = [
      Tag.width, Tag.height, Tag.compression, Tag.samples, Tag.stripOffsets, Tag.stripCounts, Tag.tileOffsets,
      Tag.tileCounts,
    ]
    var fields: [UInt64: [UInt64]] = [:]
    let count = try walk.number(2, isBig: isBig, while: "its directory")
    for _ in 0..<count {
      let tag = try walk.number(2, isBig: isBig, while: "a field of its directory")
      let type = try walk.number(2, isBig: isBig, while: "a field of its directory")
      let values = try walk.number(4, isBig: isBig, while: "a field of its directory")
      let value = try walk.take(4, while: "a field of its directory")
      // SHORT and LONG; the fields that matter have no other type.
      guard wanted.contains(tag), type == 3 || type == 4 else { continue }
      fields[tag] = try numbers(walk, values, width: type == 3 ? 2 : 4, inline: value, isBig: isBig)
    }
    _ = try walk.take(4, while: "the end of its directory")
    return fields
  }

  /// Values of up to four bytes stand in the field itself, more of them elsewhere.
  private static func numbers(
    _ walk: ByteWalk, _ count: UInt64, width: Int, inline: ArraySlice<UInt8>, isBig: Bool
  ) throws(PictureFailure) -> [UInt64] {
    guard count <= UInt64(walk.bytes.count) else {
      throw .truncated(atByte: walk.bytes.count, while: "a list of strips")
    }
    var there = ByteWalk(Array(inline))
    if Int(count) * width > 4 {
      let place = try there.number(4, isBig: isBig, while: "a list of strips")
      there = walk
      try there.seek(to: Int(place), while: "a list of strips")
    }
    var numbers: [UInt64] = []
    for _ in 0..<count { numbers.append(try there.number(width, isBig: isBig, while: "a list of strips")) }
    return numbers
  }
}

extension ByteWalk {
  fileprivate mutating func number(_ count: Int, isBig: Bool, while doing: String) throws(PictureFailure) -> UInt64 {
    isBig ? UInt64(try bigEndian(count, while: doing)) : try littleEndian(count, while: doing)
  }
}
