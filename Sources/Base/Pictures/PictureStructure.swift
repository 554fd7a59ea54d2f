import FarmModel
import SystemPackage
import VolumeFiles

/// Whether a picture that others write, a texture, is whole: everything that its structure promises is in the file.
///
/// Not as strict as ``Picture``, which checks what is delivered: bytes may follow the end, pixels are not unpacked. Few
/// small pieces are read of most formats, so that ten thousand pictures of a sequence are looked at in a second.
package enum PictureStructure {
  /// What a look at a file shows.
  package enum Look: Hashable, Sendable {
    case whole
    case doubtful(PictureDoubt)
    /// Its format is not known here, or does not say where it ends.
    case untold
  }

  /// Looks at a file.
  /// - Throws: ``FileFailure`` when it cannot be read.
  package static func look(at path: FilePath) throws(FileFailure) -> Look {
    let file = try PictureFile(path)
    let look = Self.look(at: file, named: path.lastComponent?.string ?? "")
    if let failure = file.failure { throw failure }
    return look
  }

  private static func look(at file: PictureFile, named name: String) -> Look {
    guard file.sizeBytes > 0 else { return .doubtful(PictureDoubt(why: "is empty", decider: .nothing)) }
    do throws(PictureDoubt) {
      let first = try file.bytes(at: 0, min(32, file.sizeBytes))
      // A file that was given its full size first.
      if first.allSatisfy({ $0 == 0 }) { throw PictureDoubt(why: "begins with zeros", decider: .nothing) }
      return try checked(file, named: name) ? .whole : .untold
    } catch {
      return .doubtful(error)
    }
  }

  /// - Returns: false when its end cannot be told.
  private static func checked(_ file: PictureFile, named name: String) throws(PictureDoubt) -> Bool {
    let magic = Array(try file.bytes(at: 0, min(4, file.sizeBytes)))
    switch magic {
    case [0x89, 0x50, 0x4E, 0x47]: try checkPNG(file)
    case _ where magic.starts(with: [0xFF, 0xD8, 0xFF]): try checkJPEG(file)
    case [0x76, 0x2F, 0x31, 0x01]: try EXREnd.check(file)
    case Array("II*\0".utf8), Array("II+\0".utf8): try TIFFEnd.check(file, isBig: false)
    case Array("MM\0*".utf8), Array("MM\0+".utf8): try TIFFEnd.check(file, isBig: true)
    case Array("RIFF".utf8): return try checkWEBP(file)
    case Array("SDPX".utf8): return try checkDPX(file, isBig: true)
    case Array("XPDS".utf8): return try checkDPX(file, isBig: false)
    case Array("8BPS".utf8): return try PSDEnd.check(file)
    case Array("#?RA".utf8), Array("#?RG".utf8): return try HDREnd.check(file)
    case _ where magic.starts(with: Array("BM".utf8)): return try checkBMP(file)
    // It has no signature.
    default:
      let endings: Set = ["tga", "icb", "vda", "vst"]
      guard endings.contains(name.split(separator: ".").last?.lowercased() ?? "") else { return false }
      return try TGAEnd.check(file)
    }
    return true
  }

  private static func checkPNG(_ file: PictureFile) throws(PictureDoubt) {
    let end: [UInt8] = [0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82]
    if file.sizeBytes > 45, try file.bytes(at: file.sizeBytes - end.count, end.count).elementsEqual(end) { return }
    var (at, hasPixels) = (8, false)
    while true {
      let length = try file.number(at: at, 4, isBig: true)
      let type = try file.bytes(at: at + 4, 4)
      guard type.allSatisfy({ (65...90).contains($0) || (97...122).contains($0) }) else {
        throw .odd("has no chunk where one should be")
      }
      try file.holds(12 + length, from: at)
      if type.elementsEqual("IDAT".utf8) { hasPixels = true }
      if type.elementsEqual("IEND".utf8) {
        guard hasPixels else { throw .odd("ends without a picture") }
        return
      }
      at += 12 + length
    }
  }

  /// Once its pixels began, no byte but of the end marker is FF D9.
  private static func checkJPEG(_ file: PictureFile) throws(PictureDoubt) {
    let hasEnd = try file.bytes(at: file.sizeBytes - 2, 2).elementsEqual([0xFF, 0xD9])
    var (at, isProgressive, hasPixels) = (2, false, false)
    do throws(PictureDoubt) {
      while true {
        guard try file.byte(at: at) == 0xFF else { throw .odd("has no marker where one should be") }
        while try file.byte(at: at + 1) == 0xFF { at += 1 }
        let marker = try file.byte(at: at + 1)
        at += 2
        if marker == 0xD9 {
          guard hasPixels else { throw .odd("ends without a picture") }
          return
        }
        if marker == 0x01 || (0xD0...0xD7).contains(marker) { continue }
        if marker == 0xC2 || marker == 0xC6 { isProgressive = true }
        let length = try file.number(at: at, 2, isBig: true)
        guard length >= 2 else { throw .odd("has a damaged segment") }
        try file.holds(length, from: at)
        at += length
        guard marker == 0xDA else { continue }
        hasPixels = true
        if hasEnd { return }
        at = try nextMarker(file, from: at)
      }
    } catch {
      guard hasPixels, error == .cut else { throw error }
      // Without its last passes a progressive one is a picture too, and not the right one.
      throw PictureDoubt(why: error.why, decider: isProgressive ? .nothing : .decodingWithMore)
    }
  }

  private static func nextMarker(_ file: PictureFile, from start: Int) throws(PictureDoubt) -> Int {
    let ahead = 1 << 18
    var at = start
    while true {
      let count = min(ahead, file.sizeBytes - at)
      guard count >= 2 else { throw .cut }
      let bytes = try file.bytes(at: at, count, ahead: ahead)
      let found = bytes.withUnsafeBufferPointer { bytes -> Int? in
        (0..<count - 1).first { place in
          bytes[place] == 0xFF && bytes[place + 1] != 0 && !(0xD0...0xD7).contains(bytes[place + 1])
            && bytes[place + 1] != 0xFF
        }
      }
      if let found { return at + found }
      at += count - 1
    }
  }

  private static func checkWEBP(_ file: PictureFile) throws(PictureDoubt) -> Bool {
    guard file.begins(with: "WEBP", at: 8) else { return false }
    let end = 8 + (try file.number(at: 4, 4, isBig: false))
    var at = 12
    while at < end {
      let length = try file.number(at: at + 4, 4, isBig: false)
      try file.holds(length, from: at + 8)
      // Chunks begin at even places; some writers leave out the last byte.
      at += 8 + length + length % 2
    }
    return true
  }

  /// Says how long it is, but for writers that do not fill that in.
  private static func checkDPX(_ file: PictureFile, isBig: Bool) throws(PictureDoubt) -> Bool {
    let length = try file.number(at: 16, 4, isBig: isBig)
    guard length > 0, length < 0xFFFF_FFFF else { return false }
    try file.holds(length)
    return true
  }

  private static func checkBMP(_ file: PictureFile) throws(PictureDoubt) -> Bool {
    let (start, head) = (try file.number(at: 10, 4, isBig: false), try file.number(at: 14, 4, isBig: false))
    guard head >= 40, start >= 14 + head else { return false }
    let width = try file.number(at: 18, 4, isBig: false)
    let lines = Int(Int32(truncatingIfNeeded: try file.number(at: 22, 4, isBig: false)).magnitude)
    let bits = try file.number(at: 28, 2, isBig: false)
    let packing = try file.number(at: 30, 4, isBig: false)
    guard width < 1 << 20, lines < 1 << 20, bits <= 64, packing == 0 || packing == 3 else { return false }
    try file.holds((width * bits + 31) / 32 * 4 * lines, from: start)
    return true
  }
}
