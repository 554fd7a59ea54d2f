import CDeflate
import CZlib
import Glibc
import Synchronization

/// A piece of a gzip stream that was made apart from the pieces beside it: it ends at a whole byte, so that pieces can
/// be put one after the other, as pigz does. Raw deflate, without a final block.
struct DeflatedBlock: Sendable {
  /// What is written, and whether as it is: then ``StoredRuns`` says how.
  let piece: MemoryPiece
  let isStored: Bool
  /// CRC-32 of what was packed, and its length in bytes.
  let checksum: UInt32
  let length: Int
}

/// Makes blocks, several at once. Owns zlib's states and pieces of memory, which are used again.
final class BlockPacker: Sendable {
  private struct Pool {
    var deflaters: [Packing: [Deflater]] = [:]
    var pieces: [MemoryPiece] = []
  }
  private let pool = Mutex(Pool())
  /// Caches of simulations and images of disks have gigabytes of zeros.
  private let zeros: DeflatedBlock?

  init() {
    let raw = MemoryPiece()
    raw.fill(with: 0)
    let window = UnsafeRawBufferPointer(rebasing: raw.bytes[..<GzipFile.windowBytes])
    let (deflater, packed) = (Deflater(.packed), MemoryPiece())
    guard let deflater, deflater.pack(raw.bytes, before: window, into: packed) else {
      zeros = nil
      return
    }
    zeros = DeflatedBlock(
      piece: packed, isStored: false, checksum: libdeflate_crc32(0, raw.bytes.baseAddress, raw.count), length: raw.count
    )
  }

  /// A piece of memory to fill.
  func piece() -> MemoryPiece {
    guard let piece = pool.withLock({ $0.pieces.popLast() }) else { return MemoryPiece() }
    piece.count = 0
    return piece
  }

  /// Gives a piece back that nobody needs any more.
  func reuse(_ piece: MemoryPiece) {
    guard piece !== zeros?.piece else { return }
    pool.withLock { $0.pieces.append(piece) }
  }

  /// Packs bytes so well as they are worth; what looks like noise is stored as it is.
  /// - Parameters:
  ///   - raw: given away; it comes back in the block, or is used again.
  ///   - before: the last bytes of what comes before it, 32 KiB at most; the packer refers to them.
  func pack(_ raw: MemoryPiece, before: UnsafeRawBufferPointer) -> DeflatedBlock {
    if let zeros, zeros.length == raw.count, raw.bytes.isZero, before.isZero {
      reuse(raw)
      return zeros
    }
    let (checksum, length) = (libdeflate_crc32(0, raw.bytes.baseAddress, raw.count), raw.count)
    let packing = packing(for: raw.bytes)
    if packing != .stored, let packed = packed(raw.bytes, before: before, packing) {
      reuse(raw)
      return DeflatedBlock(piece: packed, isStored: false, checksum: checksum, length: length)
    }
    return DeflatedBlock(piece: raw, isStored: true, checksum: checksum, length: length)
  }

  /// How bytes are packed.
  func packing(for bytes: UnsafeRawBufferPointer) -> Packing { Packing(for: bytes) { size(of: $0, $1) } }

  /// Nil when it does not become shorter.
  private func packed(
    _ raw: UnsafeRawBufferPointer, before: UnsafeRawBufferPointer?, _ packing: Packing
  ) -> MemoryPiece? {
    guard let deflater = pool.withLock({ $0.deflaters[packing]?.popLast() }) ?? Deflater(packing) else { return nil }
    defer { pool.withLock { $0.deflaters[packing, default: []].append(deflater) } }
    let target = piece()
    if deflater.pack(raw, before: before, into: target), target.count < raw.count { return target }
    reuse(target)
    return nil
  }

  /// How many bytes a sample takes when it is packed so; as many as it has where it does not become shorter.
  private func size(of sample: UnsafeRawBufferPointer, _ packing: Packing) -> Int {
    guard let piece = packed(sample, before: nil, packing) else { return sample.count }
    defer { reuse(piece) }
    return piece.count
  }
}

/// One of zlib's states, used for block after block. Owns it; used by one thread at a time.
private final class Deflater: @unchecked Sendable {  // Whoever took it out of the pool has it alone.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private static let maxMemoryLevel: Int32 = 9

  /// Nil when zlib has no memory.
  init?(_ packing: Packing) {
    stream.initialize(to: z_stream())
    let begun = deflateInit2_(
      stream, packing.level, Z_DEFLATED, -MAX_WBITS, Self.maxMemoryLevel, packing.strategy, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard begun == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// - Returns: false when it does not fit.
  func pack(_ raw: UnsafeRawBufferPointer, before: UnsafeRawBufferPointer?, into piece: MemoryPiece) -> Bool {
    deflateReset(stream)
    if let before, !before.isEmpty {
      deflateSetDictionary(stream, before.assumingMemoryBound(to: UInt8.self).baseAddress, uInt(before.count))
    }
    let room = piece.room
    stream.pointee.next_in = UnsafeMutablePointer(mutating: raw.assumingMemoryBound(to: UInt8.self).baseAddress)
    stream.pointee.avail_in = uInt(raw.count)
    stream.pointee.next_out = room.assumingMemoryBound(to: UInt8.self).baseAddress
    stream.pointee.avail_out = uInt(room.count)
    let isDone = deflate(stream, Z_SYNC_FLUSH) == Z_OK
    // Without room left something may be pending.
    guard isDone, stream.pointee.avail_in == 0, stream.pointee.avail_out > 0 else { return false }
    piece.count += room.count - Int(stream.pointee.avail_out)
    return true
  }
}

/// Stored blocks of deflate: each run of bytes with a head of five before it (RFC 1951, 3.2.4).
enum StoredRuns {
  private static let bytesMax = 65_535

  /// Hands out heads and runs, in order.
  static func each<Failure: Error>(
    of raw: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    for start in stride(from: 0, to: raw.count, by: bytesMax) {
      let run = UnsafeRawBufferPointer(rebasing: raw[start..<min(start + bytesMax, raw.count)])
      let (low, high) = (UInt8(run.count & 255), UInt8(run.count >> 8))
      let head = [0, low, high, ~low, ~high]
      let written = head.withUnsafeBytes { bytes in Result { () throws(Failure) in try body(bytes) } }
      try written.get()
      try body(run)
    }
  }
}
