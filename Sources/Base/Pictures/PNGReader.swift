import CDeflate
import FarmModel

/// Checks a PNG to its last byte: signature, the checksum of every chunk, pixels that unpack to just as many as its
/// size asks for, `IEND` as the last chunk.
///
/// A PNG whose writer was killed has the right signature and size and no `IEND` (measured with Blender 3.4).
enum PNGReader {
  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  static func shape(of bytes: [UInt8]) throws(PictureFailure) -> PictureShape {
    var walk = ByteWalk(bytes)
    guard try walk.take(signature.count, while: "its signature").elementsEqual(signature) else {
      throw .wrongFormat(.png)
    }
    var header: PNGHeader?
    var packed: [UInt8] = []
    while true {
      let start = walk.offset
      let length = try walk.bigEndian(4, while: "a chunk's length")
      let body = try walk.take(length + 4, while: "a chunk")
      let type = String(decoding: body.prefix(4), as: UTF8.self)
      guard try walk.bigEndian(4, while: "a chunk's checksum") == checksum(body) else {
        throw .damaged(atByte: start, what: "the checksum of chunk \(type) is wrong")
      }
      switch type {
      case "IHDR": header = try PNGHeader(body.dropFirst(4))
      case "IDAT":
        guard header != nil else { throw .damaged(atByte: start, what: "pixels come before its header") }
        packed += body.dropFirst(4)
      case "IEND":
        guard let header else { throw .damaged(atByte: start, what: "it ends without a picture") }
        let looksDark = try unpack(packed, header, atByte: start)
        guard walk.isAtEnd else { throw .damaged(atByte: walk.offset, what: "bytes follow its end") }
        return PictureShape(size: header.size, channels: header.channels, looksDark: looksDark)
      default: break
      }
    }
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.withUnsafeBytes { Int(libdeflate_crc32(0, $0.baseAddress, $0.count)) }
  }

  /// Deflate packs at most so many bytes into one.
  private static let ratioMax = 1032

  /// Unpacks the pixels, looks at them and throws them away: just as many as the picture's size asks for have to come.
  /// - Returns: whether they may show nothing.
  private static func unpack(
    _ packed: [UInt8], _ header: PNGHeader, atByte place: Int
  ) throws(PictureFailure) -> Bool {
    let count = header.pixelBytes
    guard count / ratioMax <= packed.count else {
      throw .truncated(atByte: place, while: "its pixels: \(packed.count) bytes cannot hold \(count)")
    }
    guard let unpacker = libdeflate_alloc_decompressor() else { throw .unreadable("out of memory") }
    defer { libdeflate_free_decompressor(unpacker) }
    let pixels = UnsafeMutableRawPointer.allocate(byteCount: max(1, count), alignment: 16)
    defer { pixels.deallocate() }
    var unpacked = 0
    let result = packed.withUnsafeBytes {
      libdeflate_zlib_decompress(unpacker, $0.baseAddress, $0.count, pixels, count, &unpacked)
    }
    switch result {
    case LIBDEFLATE_SUCCESS where unpacked == count:
      // The lines of an interlaced one are of many lengths.
      guard let bytesPerLine = header.bytesPerLine else { return false }
      let lines = PNGLines(bytes: UnsafeRawBufferPointer(start: pixels, count: count), bytesPerLine: bytesPerLine)
      guard lines.areFiltersKnown else {
        throw .damaged(atByte: place, what: "a line of its pixels is filtered in a way that there is not")
      }
      return header.samples.map(lines.mayBeDark) ?? false
    case LIBDEFLATE_SUCCESS:
      throw .truncated(atByte: place, while: "its pixels: \(unpacked) of \(count) bytes are there")
    case LIBDEFLATE_INSUFFICIENT_SPACE:
      throw .damaged(atByte: place, what: "it has more pixels than its size says")
    default: throw .damaged(atByte: place, what: "its pixels cannot be unpacked")
    }
  }
}

/// What stands in `IHDR`.
private struct PNGHeader {
  let size: PixelSize
  let channels: Int
  /// Nil: they cannot be told by their bytes.
  let samples: PNGLines.Samples?
  private let bitsPerPixel: Int
  private let isInterlaced: Bool

  /// Channels by type of colour: grey, RGB, palette, grey and alpha, RGB and alpha.
  private static let channelsOfType = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4]
  private static let palette = 3

  init(_ body: ArraySlice<UInt8>) throws(PictureFailure) {
    guard body.count == 13 else { throw .damaged(atByte: 8, what: "its header is not 13 bytes long") }
    var walk = ByteWalk(Array(body))
    let width = try walk.bigEndian(4, while: "its width")
    size = PixelSize(width: width, height: try walk.bigEndian(4, while: "its height"))
    let depth = try walk.bigEndian(1, while: "its depth")
    let type = try walk.bigEndian(1, while: "its type of colour")
    _ = try walk.take(2, while: "its header")
    isInterlaced = try walk.bigEndian(1, while: "its header") != 0
    let sideMax = 1 << 24
    guard (1...sideMax).contains(width), (1...sideMax).contains(size.height), [1, 2, 4, 8, 16].contains(depth),
      let perPixel = Self.channelsOfType[type]
    else { throw .damaged(atByte: 16, what: "its header claims what no PNG has") }
    bitsPerPixel = perPixel * depth
    channels = type == Self.palette ? 3 : perPixel
    samples = type == Self.palette || depth < 8 ? nil : PNGLines.Samples(channels: perPixel, bytes: depth / 8)
  }

  /// Without the byte that says how it is filtered; nil of an interlaced one.
  var bytesPerLine: Int? { isInterlaced ? nil : Self.bytes(size.width, 1, bitsPerPixel) - 1 }

  /// Of the unpacked pixels, each line with the byte that says how it is filtered.
  var pixelBytes: Int {
    guard isInterlaced else { return Self.bytes(size.width, size.height, bitsPerPixel) }
    // The seven passes of Adam7: first column and line, and the steps.
    let passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    return passes.reduce(0) { sum, pass in
      let (columns, lines) = (
        (size.width - pass.0 + pass.2 - 1) / pass.2, (size.height - pass.1 + pass.3 - 1) / pass.3
      )
      return columns > 0 && lines > 0 ? sum + Self.bytes(columns, lines, bitsPerPixel) : sum
    }
  }

  private static func bytes(_ columns: Int, _ lines: Int, _ bitsPerPixel: Int) -> Int {
    lines * (1 + (columns * bitsPerPixel + 7) / 8)
  }
}
