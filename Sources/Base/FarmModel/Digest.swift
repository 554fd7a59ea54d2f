/// A SHA-256 digest, 32 bytes.
package struct Digest: Hashable, Sendable, CustomStringConvertible {
  package let bytes: [UInt8]

  package init(bytes: [UInt8]) {
    precondition(bytes.count == 32, "a SHA-256 digest has 32 bytes")
    self.bytes = bytes
  }

  /// 64 hexadecimal digits.
  package var description: String { bytes.hexadecimal }

  /// The first 12 hexadecimal digits, as file names carry it.
  package var short: String { String(description.prefix(12)) }
}

extension Sequence<UInt8> {
  /// Two hexadecimal digits for each.
  package var hexadecimal: String {
    map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

extension Digest: Codable {
  package init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    let digits = Array(text)
    let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
      UInt8(String(digits[$0...$0 + 1]), radix: 16)
    }
    guard digits.count == 64, bytes.count == 32 else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "a digest is 64 hexadecimal digits"))
    }
    self.init(bytes: bytes)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// What `stat` says of a file, enough to notice that it is another one or was written.
package struct Fingerprint: Codable, Hashable, Sendable {
  package let device: Int64
  package let inode: Int64
  /// Bytes.
  package let size: Int64
  package let mtimeNanoseconds: Int64
  package let ctimeNanoseconds: Int64

  package init(device: Int64, inode: Int64, size: Int64, mtimeNanoseconds: Int64, ctimeNanoseconds: Int64) {
    self.device = device
    self.inode = inode
    self.size = size
    self.mtimeNanoseconds = mtimeNanoseconds
    self.ctimeNanoseconds = ctimeNanoseconds
  }

  /// The same file with a size that no file has: known like this, it is settled again at the next start.
  package var undecided: Fingerprint {
    Fingerprint(
      device: device, inode: inode, size: -1, mtimeNanoseconds: mtimeNanoseconds, ctimeNanoseconds: ctimeNanoseconds)
  }

  /// Whether it is the same file on the disk, whatever was written to it.
  package func isSameFile(as other: Fingerprint) -> Bool { device == other.device && inode == other.inode }
}
