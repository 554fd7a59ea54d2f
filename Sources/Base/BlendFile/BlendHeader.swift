import FarmModel

/// The first bytes of an uncompressed `.blend`, which say how to read the rest.
///
/// Measured on files of Blender 3.4, 4.2 and 5.0. Old form, 12 bytes: `BLENDER-v304`: `-` 64-bit or `_` 32-bit
/// pointers, `v` little or `V` big endian, three digits. New form (5.0), 17 bytes: `BLENDER17-01v0500`.
package struct BlendHeader: Hashable, Sendable {
  package let version: BlenderVersion
  /// Bytes of the header itself; the first block follows.
  package let sizeBytes: Int
  package let pointerBytes: Int
  package let isBigEndian: Bool
  package let blockLayout: BlockLayout

  /// How a block's own header is laid out.
  package enum BlockLayout: Hashable, Sendable {
    /// code[4], int32 length, pointer, int32 SDNA, int32 count: 20 or 24 bytes.
    case short
    /// code[4], int32 SDNA, u64 pointer, int64 length, int64 count: 32 bytes.
    case long
  }

  package static let bytesMax = 17

  /// Reads the header from the file's first bytes.
  package init(_ bytes: [UInt8]) throws(BlendFailure) {
    guard !bytes.isEmpty else { throw .empty }
    let magic = Array("BLENDER".utf8)
    guard bytes.starts(with: magic) else {
      if magic.starts(with: bytes) { throw .truncated(atByte: Int64(bytes.count), while: "the header") }
      throw .notBlend(firstBytes: Array(bytes.prefix(12)))
    }
    guard bytes.count >= 12 else { throw .truncated(atByte: Int64(bytes.count), while: "the header") }
    let isNew = bytes.starts(with: Array("BLENDER17-".utf8))
    if isNew && bytes.count < Self.bytesMax { throw .truncated(atByte: Int64(bytes.count), while: "the header") }
    guard let header = isNew ? Self.new(bytes) : Self.old(bytes) else {
      throw .unknownHeader(String(decoding: bytes.prefix(Self.bytesMax), as: UTF8.self))
    }
    self = header
  }

  private init(
    _ version: BlenderVersion, sizeBytes: Int, pointerBytes: Int, isBigEndian: Bool, _ blockLayout: BlockLayout
  ) {
    self.version = version
    self.sizeBytes = sizeBytes
    self.pointerBytes = pointerBytes
    self.isBigEndian = isBigEndian
    self.blockLayout = blockLayout
  }

  private static func old(_ bytes: [UInt8]) -> BlendHeader? {
    let (pointer, order) = (UnicodeScalar(bytes[7]), UnicodeScalar(bytes[8]))
    guard "-_".unicodeScalars.contains(pointer), "vV".unicodeScalars.contains(order), let number = number(bytes[9..<12])
    else { return nil }
    return BlendHeader(
      BlenderVersion(headerNumber: number), sizeBytes: 12, pointerBytes: pointer == "-" ? 8 : 4,
      isBigEndian: order == "V", .short)
  }

  private static func new(_ bytes: [UInt8]) -> BlendHeader? {
    guard bytes.starts(with: Array("BLENDER17-01v".utf8)), let number = number(bytes[13..<17]) else { return nil }
    return BlendHeader(
      BlenderVersion(headerNumber: number), sizeBytes: 17, pointerBytes: 8, isBigEndian: false, .long)
  }

  /// Digits and nothing else.
  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    guard digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - 48) }
  }

  /// Bytes of each block's own header.
  package var blockHeaderBytes: Int {
    switch blockLayout {
    case .short: 16 + pointerBytes
    case .long: 32
    }
  }
}

/// One block's own header, and where its body begins.
struct BlockHeader: Hashable {
  let code: BlockCode
  let lengthBytes: Int64
  let bodyOffset: Int64
  /// Where it was in Blender's memory; other blocks name it so.
  let address: UInt64
  /// The number of its type in `DNA1`, and how many of them it holds.
  let structure: Int32
  let count: Int

  /// Reads it from exactly `header.blockHeaderBytes` bytes.
  init(_ bytes: UnsafeRawBufferPointer, _ header: BlendHeader, bodyOffset: Int64) {
    self.bodyOffset = bodyOffset
    code = BlockCode(bytes)
    switch header.blockLayout {
    case .short:
      let isBig = header.isBigEndian
      let number = { (at: Int) -> Int32 in
        let raw = bytes.loadUnaligned(fromByteOffset: at, as: Int32.self)
        return isBig ? Int32(bigEndian: raw) : Int32(littleEndian: raw)
      }
      lengthBytes = Int64(number(4))
      let end = 8 + header.pointerBytes
      if header.pointerBytes == 8 {
        let raw = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        address = isBig ? UInt64(bigEndian: raw) : UInt64(littleEndian: raw)
      } else {
        address = UInt64(UInt32(bitPattern: number(8)))
      }
      structure = number(end)
      count = Int(number(end + 4))
    case .long:
      structure = Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: Int32.self))
      address = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      lengthBytes = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: Int64.self))
      count = Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 24, as: Int64.self)))
    }
  }
}

/// The four letters that name a block; shorter ones end in NULs. A number, for each block of a file is asked for it.
struct BlockCode: Hashable, CustomStringConvertible {
  /// The first letter in the lowest byte.
  private let letters: UInt32

  // Computed, for a stored one is asked with each block whether it is there already.
  static var end: BlockCode { BlockCode("E", "N", "D", "B") }
  static var types: BlockCode { BlockCode("D", "N", "A", "1") }
  static var scenes: BlockCode { BlockCode("R", "E", "N", "D") }
  static var data: BlockCode { BlockCode("D", "A", "T", "A") }
  static var global: BlockCode { BlockCode("G", "L", "O", "B") }
  /// A datablock that lies in a library, of which only the name is here.
  static var linked: BlockCode { BlockCode("I", "D", "\0", "\0") }

  /// - Parameter bytes: at least four.
  init(_ bytes: UnsafeRawBufferPointer) { letters = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)) }

  private init(_ first: UnicodeScalar, _ second: UnicodeScalar, _ third: UnicodeScalar, _ fourth: UnicodeScalar) {
    letters = first.value | second.value << 8 | third.value << 16 | fourth.value << 24
  }

  /// Of a datablock, as its name begins: `IM`, `OB`.
  init(_ name: (UnicodeScalar, UnicodeScalar)) { self.init(name.0, name.1, "\0", "\0") }

  static var library: BlockCode { BlockCode(("L", "I")) }

  /// Whether it is that of a datablock: two letters.
  var isDatablock: Bool { letters >> 16 == 0 }

  /// Whether what follows is geometry, packed files or windows, of which nothing is asked.
  var isHeavy: Bool { Self.heavy.contains(letters) }

  private static let heavy = Set(
    [
      ("M", "E"), ("C", "V"), ("P", "T"), ("A", "C"), ("K", "E"), ("G", "D"), ("L", "T"), ("S", "R"), ("B", "R"),
      ("W", "M"), ("W", "S"),
    ].map { BlockCode($0).letters } + [BlockCode("T", "E", "S", "T").letters])

  private func letter(_ place: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: letters >> (8 * place)) }

  /// Whether it is two to four letters, digits or underscores, filled up with NULs.
  var isPlausible: Bool {
    var count: UInt32 = 0
    while count < 4, Self.isLetter(letter(count)) { count += 1 }
    return count >= 2 && (count == 4 || letters >> (8 * count) == 0)
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    switch byte {
    case 65...90, 97...122, 48...57, 95: true
    default: false
    }
  }

  var description: String {
    String(decoding: (0..<4).map { letter($0) }.filter { $0 != 0 }, as: UTF8.self)
  }
}

/// Integers from bytes in a stated order.
enum ByteOrder {
  static func integer(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) -> Int64 {
    let ordered = isBigEndian ? Array(bytes) : bytes.reversed()
    return Int64(bitPattern: ordered.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  static func int32(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) -> Int32 {
    Int32(truncatingIfNeeded: integer(bytes, isBigEndian: isBigEndian))
  }
}
