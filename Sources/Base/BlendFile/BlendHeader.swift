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
    let text = String(decoding: bytes.prefix(Self.bytesMax), as: UTF8.self)
    if let old = text.prefix(12).wholeMatch(of: /BLENDER([-_])([vV])(\d{3})/), let number = Int(old.3) {
      version = BlenderVersion(headerNumber: number)
      sizeBytes = 12
      pointerBytes = old.1 == "-" ? 8 : 4
      isBigEndian = old.2 == "V"
      blockLayout = .short
    } else if let new = text.wholeMatch(of: /BLENDER17-01v(\d{4})/), let number = Int(new.1) {
      version = BlenderVersion(headerNumber: number)
      sizeBytes = 17
      pointerBytes = 8
      isBigEndian = false
      blockLayout = .long
    } else if text.hasPrefix("BLENDER17-") && bytes.count < Self.bytesMax {
      throw .truncated(atByte: Int64(bytes.count), while: "the header")
    } else {
      throw .unknownHeader(text)
    }
  }

  /// Bytes of each block's own header.
  package var blockHeaderBytes: Int {
    switch blockLayout {
    case .short: 16 + pointerBytes
    case .long: 32
    }
  }
}

/// One block's own header.
struct BlockHeader: Hashable {
  /// Four letters, the first one in the lowest byte; shorter codes end in NULs.
  private let letters: UInt32
  let lengthBytes: Int64

  /// Reads it from exactly `header.blockHeaderBytes` bytes.
  init(_ bytes: [UInt8], _ header: BlendHeader) {
    letters = Self.letters(bytes)
    switch header.blockLayout {
    case .short:
      lengthBytes = Int64(Int32(truncatingIfNeeded: ByteOrder.integer(bytes[4..<8], isBigEndian: header.isBigEndian)))
    case .long:
      lengthBytes = ByteOrder.integer(bytes[16..<24], isBigEndian: false)
    }
  }
}

extension BlockHeader {
  /// The code as text.
  var code: String {
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: letters >> (8 * $0)) }
    return String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
  }

  /// Whether the block has this code; asked of every block, so no text is made for it.
  func isCalled(_ code: StaticString) -> Bool {
    code.withUTF8Buffer { Self.letters(Array($0)) } == letters
  }

  private static func letters(_ bytes: [UInt8]) -> UInt32 {
    bytes.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
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
