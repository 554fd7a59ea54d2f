import CZlib
import FarmModel

/// Small files of the real formats, made byte by byte.
package enum TestFiles {
  /// A whole black PNG in grey, or one in colours with these unpacked pixels, right or wrong.
  package static func png(
    width: Int = 4, height: Int = 3, pixels: [UInt8]? = nil, isInterlaced: Bool = false
  ) -> [UInt8] {
    let rows = pixels ?? [UInt8](repeating: 0, count: (width + 1) * height)
    var packed = [UInt8](repeating: 0, count: Int(compressBound(uLong(rows.count))))
    var length = uLong(packed.count)
    compress(&packed, &length, rows, uLong(rows.count))
    let header =
      bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [8, pixels == nil ? 0 : 2, 0, 0, isInterlaced ? 1 : 0]
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
      + chunk("IDAT", Array(packed[..<Int(length)])) + chunk("IEND", [])
  }

  private static func chunk(_ type: String, _ body: [UInt8]) -> [UInt8] {
    let checked = Array(type.utf8) + body
    return bigEndian(UInt32(body.count)) + checked + bigEndian(UInt32(crc32(0, checked, uInt(checked.count))))
  }

  /// A `.blend` of blocks without meaning but for `REND`, in the header form of the version.
  /// - Parameter padding: bytes of its longest block.
  package static func blend(
    version: BlenderVersion = BlenderVersion(major: 3, minor: 4), scenes: [(name: String, start: Int32, end: Int32)],
    padding: Int = 100
  ) -> [UInt8] {
    let isNew = version.major >= 5
    let digits = "\(version.major * 100 + version.minor)"
    var bytes = Array((isNew ? "BLENDER17-01v0\(digits)" : "BLENDER-v\(digits)").utf8)
    let rend = scenes.flatMap { scene -> [UInt8] in
      let name = Array(scene.name.utf8)
      return littleEndian(scene.start) + littleEndian(scene.end) + name
        + [UInt8](repeating: 0, count: (isNew ? 256 : 64) - name.count)
    }
    bytes += block("REND", rend, isNew: isNew)
    bytes += block("SC", [UInt8](repeating: 7, count: padding), isNew: isNew)
    bytes += block("DNA1", [UInt8](repeating: 1, count: 50), isNew: isNew)
    return bytes + block("ENDB", [], isNew: isNew)
  }

  private static func block(_ code: String, _ body: [UInt8], isNew: Bool) -> [UInt8] {
    let letters = Array(code.utf8) + [UInt8](repeating: 0, count: 4 - code.utf8.count)
    let length = littleEndian(Int32(body.count))
    let pointer = [UInt8](repeating: 9, count: 8)
    let header =
      isNew
      ? letters + littleEndian(1) + pointer + length + [0, 0, 0, 0] + littleEndian(1) + [0, 0, 0, 0]
      : letters + length + pointer + littleEndian(1) + littleEndian(1)
    return header + body
  }

  private static func littleEndian(_ number: Int32) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian, Array.init)
  }

  private static func bigEndian(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian, Array.init) }

  /// Bytes of which some are others now, or gone.
  package static func damaged(_ whole: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = whole
    for _ in 0..<Int.random(in: 1...8, using: &random) where !bytes.isEmpty {
      let at = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes[at] = UInt8.random(in: .min ... .max, using: &random)
      case 1: bytes[at] = 0xFF
      case 2:
        // A number where lengths and counts may stand.
        let word = (at & ~3)..<min(bytes.count, (at & ~3) + 4)
        bytes.replaceSubrange(word, with: [0xFF, 0xFF, 0xFF, 0x7F].prefix(word.count))
      default: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...64, using: &random)))
      }
    }
    return bytes
  }
}
