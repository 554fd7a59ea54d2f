import FarmModel

/// Checks a WebP: the RIFF container as long as it says, every chunk inside it.
///
/// Blender 3.4 and 4.2 report success for a WebP that the full disk cut short. Layout from the WebP container
/// specification; damage inside a chunk is not seen.
enum WEBPReader {
  static func size(of bytes: [UInt8]) throws(PictureFailure) -> PixelSize {
    var walk = ByteWalk(bytes)
    guard try walk.take(4, while: "its signature").elementsEqual("RIFF".utf8) else { throw .wrongFormat(.webp) }
    let length = try walk.littleEndian(4, while: "its length")
    guard try walk.take(4, while: "its signature").elementsEqual("WEBP".utf8) else { throw .wrongFormat(.webp) }
    guard length + 8 <= UInt64(bytes.count) else { throw .truncated(atByte: bytes.count, while: "its container") }
    guard length + 8 == UInt64(bytes.count) else {
      throw .damaged(atByte: Int(length) + 8, what: "bytes follow its end")
    }
    var size: PixelSize?
    var hasPixels = false
    while !walk.isAtEnd {
      let type = String(decoding: try walk.take(4, while: "a chunk"), as: UTF8.self)
      let count = Int(try walk.littleEndian(4, while: "a chunk's length"))
      let body = try walk.take(count, while: "a chunk")
      // Chunks begin at even places.
      if count % 2 == 1 { _ = try walk.take(1, while: "a chunk's end") }
      if type == "VP8 " || type == "VP8L" || type == "ANMF" { hasPixels = true }
      if size == nil { size = Self.size(of: Array(body.prefix(10)), type) }
    }
    guard let size, hasPixels else { throw .damaged(atByte: bytes.count, what: "it ends without a picture") }
    return size
  }

  private static func size(of head: [UInt8], _ type: String) -> PixelSize? {
    func number(_ at: Int, _ count: Int) -> Int { head[at..<at + count].reversed().reduce(0) { $0 << 8 | Int($1) } }
    switch type {
    case "VP8X" where head.count == 10: return PixelSize(width: number(4, 3) + 1, height: number(7, 3) + 1)
    case "VP8 " where head.count == 10: return PixelSize(width: number(6, 2) & 0x3FFF, height: number(8, 2) & 0x3FFF)
    case "VP8L" where head.count >= 5 && head[0] == 0x2F:
      let bits = number(1, 4)
      return PixelSize(width: bits & 0x3FFF + 1, height: bits >> 14 & 0x3FFF + 1)
    default: return nil
    }
  }
}
