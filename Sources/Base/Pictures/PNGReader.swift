import CZlib
import FarmModel

/// Checks a PNG to its last byte: signature, the checksum of every chunk, `IEND` as the last one.
///
/// A PNG whose writer was killed has the right signature and size and no `IEND` (measured with Blender 3.4).
enum PNGReader {
  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  static func size(of bytes: [UInt8]) throws(PictureFailure) -> PixelSize {
    var walk = ByteWalk(bytes)
    guard try walk.take(signature.count, while: "its signature").elementsEqual(signature) else {
      throw .wrongFormat(.png)
    }
    var size: PixelSize?
    var hasPixels = false
    while true {
      let start = walk.offset
      let length = try walk.bigEndian(4, while: "a chunk's length")
      let body = try walk.take(length + 4, while: "a chunk")
      let type = String(decoding: body.prefix(4), as: UTF8.self)
      guard try walk.bigEndian(4, while: "a chunk's checksum") == checksum(body) else {
        throw .damaged(atByte: start, what: "the checksum of chunk \(type) is wrong")
      }
      switch type {
      case "IHDR": size = try imageSize(body.dropFirst(4))
      case "IDAT": hasPixels = true
      case "IEND":
        guard let size, hasPixels else { throw .damaged(atByte: start, what: "it ends without a picture") }
        guard walk.isAtEnd else { throw .damaged(atByte: walk.offset, what: "bytes follow its end") }
        return size
      default: break
      }
    }
  }

  private static func imageSize(_ header: ArraySlice<UInt8>) throws(PictureFailure) -> PixelSize {
    guard header.count == 13 else { throw .damaged(atByte: 8, what: "its header is not 13 bytes long") }
    var walk = ByteWalk(Array(header))
    let width = try walk.bigEndian(4, while: "its width")
    return PixelSize(width: width, height: try walk.bigEndian(4, while: "its height"))
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.withUnsafeBufferPointer { Int(crc32_z(0, $0.baseAddress, $0.count)) }
  }
}
