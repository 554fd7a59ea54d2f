import FarmModel

/// Checks a JPEG's structure: every segment up to the last scan, and the end marker as the last two bytes.
enum JPEGReader {
  static func shape(of bytes: [UInt8]) throws(PictureFailure) -> PictureShape {
    var walk = ByteWalk(bytes)
    guard try walk.bigEndian(2, while: "its first marker") == 0xFFD8 else { throw .wrongFormat(.jpeg) }
    var shape: PictureShape?
    while true {
      let start = walk.offset
      let marker = try walk.bigEndian(2, while: "a marker")
      guard marker & 0xFF00 == 0xFF00 else { throw .damaged(atByte: start, what: "a marker was expected") }
      if marker == 0xFFD9 {
        guard let shape else { throw .damaged(atByte: start, what: "it ends without a picture") }
        guard walk.isAtEnd else { throw .damaged(atByte: walk.offset, what: "bytes follow its end") }
        return shape
      }
      let length = try walk.bigEndian(2, while: "a segment's length")
      let segment = try walk.take(length - 2, while: "a segment")
      if isFrameHeader(marker), segment.count >= 6 {
        let numbers = Array(segment.prefix(6)).map(Int.init)
        let size = PixelSize(width: numbers[3] << 8 | numbers[4], height: numbers[1] << 8 | numbers[2])
        shape = PictureShape(size: size, channels: numbers[5])
      }
      if marker == 0xFFDA { try skipScan(&walk) }
    }
  }

  /// SOF0…SOF15 without DHT, JPG and DAC, which lie between them.
  private static func isFrameHeader(_ marker: Int) -> Bool {
    (0xFFC0...0xFFCF).contains(marker) && ![0xFFC4, 0xFFC8, 0xFFCC].contains(marker)
  }

  /// Passes over entropy-coded data to the next marker; `FF 00` is a byte of data, `FF D0…D7` a restart.
  private static func skipScan(_ walk: inout ByteWalk) throws(PictureFailure) {
    var at = walk.offset
    let bytes = walk.bytes
    while at + 1 < bytes.count {
      if bytes[at] == 0xFF, bytes[at + 1] != 0, !(0xD0...0xD7).contains(bytes[at + 1]) {
        return try walk.seek(to: at, while: "a scan")
      }
      at += 1
    }
    throw .truncated(atByte: bytes.count, while: "a scan has no end")
  }
}
