/// The table at the end of a zstd file as Blender writes it: many small frames, then their sizes in a skippable frame.
///
/// Measured (3.4, 4.2, 5.0): `5e 2a 4d 18`, its size, n × {u32 compressed, u32 uncompressed}, and as the last nine
/// bytes {u32 n, u8 flags, `b1 ea 92 8f`}. The compressed sizes and the table add up to the file's size exactly, so a
/// file that lost its end is found without decoding anything.
struct ZstdSeekTable {
  /// One part of the file that is decoded by itself.
  struct Frame {
    /// Where it lies in the file.
    let start: Int64
    let bytes: Int64
    /// Where its uncompressed bytes lie among all.
    let rawStart: Int64
    let rawBytes: Int64
  }

  let frames: [Frame]
  let uncompressedBytes: Int64

  static let footerBytes = 9
  private static let skippableMagic: Int64 = 0x184D_2A5E
  private static let footerMagic: Int64 = 0x8F92_EAB1

  /// How many bytes the whole table has; nil when the file's last nine bytes are not a table's end.
  static func sizeBytes(footer: [UInt8]) -> Int64? {
    guard footer.count == footerBytes, ByteOrder.integer(footer[5..<9], isBigEndian: false) == footerMagic else {
      return nil
    }
    return 8 + 8 * ByteOrder.integer(footer[0..<4], isBigEndian: false) + Int64(footerBytes)
  }

  /// Reads the table; nil when it does not describe a file of `fileBytes` bytes.
  init?(_ table: [UInt8], fileBytes: Int64) {
    guard table.count >= 8 + Self.footerBytes,
      ByteOrder.integer(table[0..<4], isBigEndian: false) == Self.skippableMagic
    else { return nil }
    var compressed: Int64 = 0
    var uncompressed: Int64 = 0
    var frames: [Frame] = []
    for at in stride(from: 8, to: table.count - Self.footerBytes, by: 8) {
      let bytes = ByteOrder.integer(table[at..<at + 4], isBigEndian: false)
      let rawBytes = ByteOrder.integer(table[at + 4..<at + 8], isBigEndian: false)
      frames.append(Frame(start: compressed, bytes: bytes, rawStart: uncompressed, rawBytes: rawBytes))
      compressed += bytes
      uncompressed += rawBytes
    }
    guard compressed + Int64(table.count) == fileBytes else { return nil }
    uncompressedBytes = uncompressed
    self.frames = frames
  }

  /// The number of the frame in which an uncompressed byte lies; nil beyond the end.
  func frame(at offset: Int64) -> Int? {
    var (low, high) = (0, frames.count)
    while low < high {
      let middle = (low + high) / 2
      if frames[middle].rawStart + frames[middle].rawBytes <= offset { low = middle + 1 } else { high = middle }
    }
    return low < frames.count ? low : nil
  }
}
