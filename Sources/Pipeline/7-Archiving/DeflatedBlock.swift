import CDeflate
import CZlib
import Glibc

/// A piece of a gzip stream that was made apart from the pieces beside it: it ends at a whole byte, so that pieces can
/// be put one after the other, as pigz does.
struct DeflatedBlock {
  /// Raw deflate, without a final block.
  private(set) var bytes: [UInt8]
  /// CRC-32 of what was packed, and its length in bytes.
  let checksum: UInt32
  let length: Int

  /// Packs bytes so well as they can be packed: what looks like noise is stored as it is.
  /// - Parameters:
  ///   - raw: what is to be packed, at most 4 GiB.
  ///   - before: the last bytes of what comes before it, 32 KiB at most; the packer refers to them.
  init(_ raw: UnsafeRawBufferPointer, before: UnsafeRawBufferPointer) {
    if raw.count == GzipFile.blockBytes, raw.isZero, before.isZero {
      self = Self.zeros
      return
    }
    self.init(packing: raw, before: before)
  }

  private init(packing raw: UnsafeRawBufferPointer, before: UnsafeRawBufferPointer) {
    length = raw.count
    checksum = libdeflate_crc32(0, raw.baseAddress, raw.count)
    bytes = []
    if let level = PackingLevel(for: raw).level, let packed = Self.deflate(raw, before: before, level: level),
      packed.count < raw.count
    {
      bytes = packed
    } else {
      bytes = Self.store(raw)
    }
  }

  /// Caches of simulations and images of disks have gigabytes of them.
  private static let zeros: DeflatedBlock = [UInt8](repeating: 0, count: GzipFile.blockBytes).withUnsafeBytes { raw in
    DeflatedBlock(packing: raw, before: UnsafeRawBufferPointer(rebasing: raw[..<GzipFile.windowBytes]))
  }

  /// The longest run of a stored block of deflate (RFC 1951, 3.2.4).
  private static let storedMax = 65_535
  private static let storedHeadBytes = 5

  private static func store(_ raw: UnsafeRawBufferPointer) -> [UInt8] {
    let pieces = (raw.count + storedMax - 1) / storedMax
    return [UInt8](unsafeUninitializedCapacity: raw.count + pieces * storedHeadBytes) { target, count in
      for start in stride(from: 0, to: raw.count, by: storedMax) {
        let piece = UnsafeRawBufferPointer(rebasing: raw[start..<min(start + storedMax, raw.count)])
        let (low, high) = (UInt8(piece.count & 255), UInt8(piece.count >> 8))
        for byte in [0, low, high, ~low, ~high] {
          target[count] = byte
          count += 1
        }
        UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(target)[count...]).copyMemory(from: piece)
        count += piece.count
      }
    }
  }

  /// Nil when zlib has no memory.
  private static func deflate(
    _ raw: UnsafeRawBufferPointer, before: UnsafeRawBufferPointer, level: Int32
  ) -> [UInt8]? {
    var stream = z_stream()
    let version = ZLIB_VERSION
    let begun = deflateInit2_(
      &stream, level, Z_DEFLATED, -MAX_WBITS, maxMemoryLevel, Z_DEFAULT_STRATEGY, version,
      Int32(MemoryLayout<z_stream>.size))
    guard begun == Z_OK else { return nil }
    defer { deflateEnd(&stream) }
    if !before.isEmpty {
      deflateSetDictionary(&stream, before.assumingMemoryBound(to: UInt8.self).baseAddress, uInt(before.count))
    }
    let most = Int(deflateBound(&stream, uLong(raw.count))) + flushBytes
    var isWhole = false
    let packed = [UInt8](unsafeUninitializedCapacity: most) { target, count in
      stream.next_in = UnsafeMutablePointer(mutating: raw.assumingMemoryBound(to: UInt8.self).baseAddress)
      stream.avail_in = uInt(raw.count)
      stream.next_out = target.baseAddress
      stream.avail_out = uInt(most)
      isWhole = CZlib.deflate(&stream, Z_SYNC_FLUSH) == Z_OK && stream.avail_in == 0 && stream.avail_out > 0
      count = most - Int(stream.avail_out)
    }
    return isWhole ? packed : nil
  }

  private static let maxMemoryLevel: Int32 = 9
  /// An empty stored block, which ends a piece at a whole byte, and what may be pending before it.
  private static let flushBytes = 16
}

/// How hard a block is worth to be packed, by how even its bytes are.
///
/// PNG, EXR and .blend files are packed already: their bytes are as even as dice, and packing them again takes all of
/// the time and gains next to nothing. In between, the lowest level gains as much as the highest: smooth PNGs of
/// Blender lose three of a hundred bytes at each.
struct PackingLevel: Hashable {
  /// 1 to 9; nil: not at all.
  let level: Int32?

  private static let windows = 8
  private static let windowBytes = 4096
  /// Bits a byte, of which dice have 7.95 in such a window: from here on less than one byte of a hundred is gained
  /// (PNGs of 1080p with noise: 7.92, and one of ten thousand; smooth ones of 180 lines: 7.71, and three of a hundred).
  private static let evenFrom = 7.85
  private static let nearlyEvenFrom = 7.4

  /// - Parameter bytes: of which some windows are looked at.
  init(for bytes: UnsafeRawBufferPointer) {
    let bits = Self.bitsPerByte(bytes)
    level = bits >= Self.evenFrom ? nil : bits >= Self.nearlyEvenFrom ? 1 : 6
  }

  /// The entropy of single bytes, the mean of windows spread over the whole.
  static func bitsPerByte(_ bytes: UnsafeRawBufferPointer) -> Double {
    let starts = Array(stride(from: 0, to: bytes.count, by: max(windowBytes, bytes.count / windows)))
    let sum = starts.reduce(0.0) { sum, start in
      sum + entropy(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + windowBytes, bytes.count)]))
    }
    return starts.isEmpty ? 0 : sum / Double(starts.count)
  }

  private static func entropy(_ bytes: UnsafeRawBufferPointer) -> Double {
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: 256) { counts in
      counts.initialize(repeating: 0)
      for place in 0..<bytes.count { counts[Int(bytes[place])] += 1 }
      return counts.reduce(0.0) { sum, count in
        guard count > 0 else { return sum }
        let share = Double(count) / Double(bytes.count)
        return sum - share * log2(share)
      }
    }
  }
}
