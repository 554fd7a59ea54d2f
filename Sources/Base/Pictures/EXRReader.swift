import FarmModel

/// Checks an OpenEXR file: headers, the table of chunk offsets, and that the chunks are where the table says, those
/// that are no tiles with the lines that it says, and fill the file. Their pixels are not unpacked.
///
/// The table is written when the file is closed: in a file whose writer died it is all zeros, while header and size
/// look right (measured with Blender 3.4). Layout from the OpenEXR file layout document.
enum EXRReader {
  private static let magic: UInt64 = 0x0131_2F76
  private static let partsMax = 4096

  static func shape(of bytes: [UInt8]) throws(PictureFailure) -> PictureShape {
    var walk = ByteWalk(bytes)
    guard try walk.littleEndian(4, while: "its magic number") == magic else { throw .wrongFormat(.openEXR) }
    let flags = try walk.littleEndian(4, while: "its version")
    let isMultiPart = flags & 0x1000 != 0
    let parts = try headers(&walk, isMultiPart: isMultiPart, isTiled: flags & 0x200 != 0)
    guard let first = parts.first else { throw .damaged(atByte: walk.offset, what: "it has no header") }
    var (ends, filled) = (walk.offset, 0)
    for part in parts {
      for number in 0..<part.chunkCount {
        let offset = try walk.littleEndian(8, while: "its table of chunks")
        guard offset != 0 else { throw .truncated(atByte: bytes.count, while: "its table of chunks was never written") }
        let chunk = try chunk(number, of: part, bytes, at: offset, isMultiPart: isMultiPart)
        ends = max(ends, chunk.upperBound)
        filled += chunk.count
      }
    }
    guard ends == bytes.count else { throw .damaged(atByte: ends, what: "bytes follow its last chunk") }
    guard walk.offset + filled == bytes.count else {
      throw .damaged(atByte: walk.offset, what: "its chunks do not fill it")
    }
    return PictureShape(size: first.size, channels: first.channels)
  }

  private static func headers(
    _ walk: inout ByteWalk, isMultiPart: Bool, isTiled: Bool
  ) throws(PictureFailure) -> [EXRPart] {
    var parts = [try EXRPart(&walk, isTiled: isTiled)]
    while isMultiPart, walk.offset < walk.bytes.count, walk.bytes[walk.offset] != 0 {
      guard parts.count < partsMax else { throw .damaged(atByte: walk.offset, what: "it has too many parts") }
      parts.append(try EXRPart(&walk, isTiled: isTiled))
    }
    if isMultiPart { _ = try walk.take(1, while: "the end of its headers") }
    return parts
  }

  /// Where the chunk at `offset` lies; its own header tells its length, and of which lines it is.
  private static func chunk(
    _ number: Int, of part: EXRPart, _ bytes: [UInt8], at offset: UInt64, isMultiPart: Bool
  ) throws(PictureFailure) -> Range<Int> {
    guard let place = Int(exactly: offset) else { throw .damaged(atByte: 0, what: "a chunk lies outside the file") }
    var chunk = ByteWalk(bytes)
    try chunk.seek(to: place, while: "a chunk lies behind its end")
    if isMultiPart { _ = try chunk.take(4, while: "a chunk's header") }
    let isWhere: Bool
    if part.isTiled {
      _ = try chunk.take(16, while: "a chunk's header")
      isWhere = true
    } else {
      let line = Int32(truncatingIfNeeded: try chunk.littleEndian(4, while: "a chunk's header"))
      isWhere = Int(line) == part.firstLine + number * part.linesPerChunk
    }
    let length = try chunk.littleEndian(4, while: "a chunk's length")
    guard isWhere, length > 0 else { throw .damaged(atByte: place, what: "a chunk is not what the table says") }
    _ = try chunk.take(Int(length), while: "a chunk")
    return place..<chunk.offset
  }
}

/// One part's header: what is needed to count its chunks.
private struct EXRPart {
  let size: PixelSize
  let chunkCount: Int
  /// How many of R, G, B and A it has, of no layer; nil for one that has only others.
  let channels: Int?
  let isTiled: Bool
  /// Where its lines begin, and how many of them are in a chunk that is no tile.
  let firstLine: Int
  let linesPerChunk: Int

  /// Lines in a chunk by compression: none, RLE, ZIPS, ZIP, PIZ, PXR24, B44, B44A, DWAA, DWAB.
  private static let linesPerChunk = [1, 1, 1, 16, 32, 16, 32, 32, 32, 256]

  init(_ walk: inout ByteWalk, isTiled: Bool) throws(PictureFailure) {
    var attributes: [String: [UInt8]] = [:]
    while true {
      let name = try walk.text(while: "a header")
      if name.isEmpty { break }
      _ = try walk.text(while: "a header")
      let length = try walk.littleEndian(4, while: "a header")
      attributes[name] = Array(try walk.take(Int(length), while: "a header"))
    }
    let at = walk.offset
    guard let data = Self.box(attributes["dataWindow"]), let display = Self.box(attributes["displayWindow"]),
      let compression = attributes["compression"]?.first, Self.linesPerChunk.indices.contains(Int(compression))
    else { throw .damaged(atByte: at, what: "its header lacks the windows or the compression") }
    let isTiledPart = isTiled || attributes["type"].map { String(decoding: $0, as: UTF8.self) } == "tiledimage"
    self.isTiled = isTiledPart
    size = display
    firstLine = Int(Self.int32(attributes["dataWindow"] ?? [], 4))
    linesPerChunk = Self.linesPerChunk[Int(compression)]
    channels = Self.plainChannels(attributes["channels"] ?? [])
    if let count = attributes["chunkCount"], count.count == 4 {
      chunkCount = Int(Self.int32(count, 0))
    } else if isTiledPart {
      guard let tiles = attributes["tiles"], tiles.count == 9, tiles[8] & 0x0F == 0, Self.int32(tiles, 0) > 0,
        Self.int32(tiles, 4) > 0
      else { throw .damaged(atByte: at, what: "it has tiles of several levels, which cannot be counted") }
      let columns = Self.count(data.width, by: Int(Self.int32(tiles, 0)))
      let (count, isTooMany) = columns.multipliedReportingOverflow(
        by: Self.count(data.height, by: Int(Self.int32(tiles, 4))))
      chunkCount = isTooMany ? Int.max : count
    } else {
      chunkCount = Self.count(data.height, by: linesPerChunk)
    }
    guard (0...walk.bytes.count).contains(chunkCount) else {
      throw .damaged(atByte: at, what: "it promises too many chunks")
    }
  }

  /// Each channel is its name, a zero, and 16 bytes about its numbers; an empty name ends the list.
  private static func plainChannels(_ list: [UInt8]) -> Int? {
    let plain: Set = ["R", "G", "B", "A"]
    var (rest, count) = (list[...], 0)
    while let end = rest.firstIndex(of: 0), end > rest.startIndex {
      if plain.contains(String(decoding: rest[..<end], as: UTF8.self)) { count += 1 }
      rest = rest[(end + 1)...].dropFirst(16)
    }
    return count == 0 ? nil : count
  }

  /// {int32 xMin, yMin, xMax, yMax}, both ends included.
  private static func box(_ bytes: [UInt8]?) -> PixelSize? {
    guard let bytes, bytes.count == 16 else { return nil }
    let width = Int(int32(bytes, 8)) - Int(int32(bytes, 0)) + 1
    let height = Int(int32(bytes, 12)) - Int(int32(bytes, 4)) + 1
    return width > 0 && height > 0 ? PixelSize(width: width, height: height) : nil
  }

  private static func int32(_ bytes: [UInt8], _ at: Int) -> Int32 {
    Int32(truncatingIfNeeded: bytes[at..<at + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
  }

  private static func count(_ whole: Int, by part: Int) -> Int { (whole + part - 1) / part }
}
