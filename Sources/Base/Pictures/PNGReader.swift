import CZlib
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
    let pixels = try Inflater()
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
        guard let header else { throw .damaged(atByte: start, what: "pixels come before its header") }
        try pixels.take(body.dropFirst(4), atMost: header.pixelBytes, atByte: start)
      case "IEND":
        guard let header else { throw .damaged(atByte: start, what: "it ends without a picture") }
        guard pixels.isAtEnd, pixels.count == header.pixelBytes else {
          throw .truncated(
            atByte: start, while: "its pixels: \(pixels.count) of \(header.pixelBytes) bytes are there")
        }
        guard walk.isAtEnd else { throw .damaged(atByte: walk.offset, what: "bytes follow its end") }
        return PictureShape(size: header.size, channels: header.channels)
      default: break
      }
    }
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.withUnsafeBufferPointer { Int(crc32_z(0, $0.baseAddress, $0.count)) }
  }
}

/// What stands in `IHDR`.
private struct PNGHeader {
  let size: PixelSize
  let channels: Int
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
      let samples = Self.channelsOfType[type]
    else { throw .damaged(atByte: 16, what: "its header claims what no PNG has") }
    bitsPerPixel = samples * depth
    channels = type == Self.palette ? 3 : samples
  }

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

/// Unpacks a zlib stream that comes in parts, and counts what comes out; keeps nothing of it. Owns zlib's state.
private final class Inflater {
  private static let windowBytes = 1 << 16

  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private let window = UnsafeMutablePointer<UInt8>.allocate(capacity: windowBytes)
  private(set) var count = 0
  private(set) var isAtEnd = false

  init() throws(PictureFailure) {
    stream.initialize(to: z_stream())
    guard inflateInit_(stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw .unreadable("out of memory")
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
    window.deallocate()
  }

  /// - Parameter limit: no more bytes may come out.
  func take(_ part: ArraySlice<UInt8>, atMost limit: Int, atByte offset: Int) throws(PictureFailure) {
    let result = part.withUnsafeBufferPointer { given in
      Result { () throws(PictureFailure) in try take(given, limit, offset) }
    }
    try result.get()
  }

  private func take(_ given: UnsafeBufferPointer<UInt8>, _ limit: Int, _ offset: Int) throws(PictureFailure) {
    stream.pointee.next_in = UnsafeMutablePointer(mutating: given.baseAddress)
    stream.pointee.avail_in = uInt(given.count)
    while !isAtEnd {
      stream.pointee.next_out = window
      stream.pointee.avail_out = uInt(Self.windowBytes)
      let code = inflate(stream, Z_NO_FLUSH)
      guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
        throw .damaged(atByte: offset, what: "its pixels cannot be unpacked")
      }
      count += Self.windowBytes - Int(stream.pointee.avail_out)
      guard count <= limit else { throw .damaged(atByte: offset, what: "it has more pixels than its size says") }
      isAtEnd = code == Z_STREAM_END
      // All of this part was taken, and all that came of it was fetched.
      if stream.pointee.avail_in == 0 && stream.pointee.avail_out > 0 { return }
    }
  }
}
