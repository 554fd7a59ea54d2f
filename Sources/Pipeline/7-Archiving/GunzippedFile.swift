import CZlib
import FarmModel
import Foundation
import Glibc
import Synchronization
import SystemPackage
import VolumeFiles

/// Unpacks a gzip file on a thread of its own while another one looks at what it gave before. Owns the open file and
/// the pieces on their way, of which there are few.
///
/// The checksum and length at the end of each member are compared by zlib; libarchive's own filter does not look at
/// them (3.6.2).
final class GunzippedFile: Sendable {
  private static let inputBytes = 1 << 18
  /// Pieces that are unpacked ahead.
  private static let aheadMax = 4

  private let path: FilePath
  private let filled = DispatchSemaphore(value: 0)
  private let room = DispatchSemaphore(value: 0)

  private struct Queue {
    var pieces: [MemoryPiece] = []
    /// Those that may be filled again.
    var spare: [MemoryPiece] = []
    /// The one whose bytes were handed out last.
    var current: MemoryPiece?
    var isClosed = false
    var outcome: ArchiveFailure?
  }
  private let queue = Mutex(Queue())

  /// - Parameters:
  ///   - unpacks: whether it is a gzip file; else its bytes are handed on as they are.
  ///   - read: called with the number of the file's bytes that were read.
  init(_ path: FilePath, unpacks: Bool, read: @escaping @Sendable (Int) -> Void) throws(FileFailure) {
    self.path = path
    let file = try OpenFile.reading(path)
    // One that is made with a value must have it again when it goes.
    for _ in 0..<Self.aheadMax { room.signal() }
    Thread.detachNewThread { [self] in
      defer { OpenFile.close(file) }
      do throws(ArchiveFailure) {
        if unpacks { try unpack(file, read) } else { try copy(file, read) }
      } catch {
        queue.withLock { $0.outcome = error }
      }
      // An empty piece is the end.
      if let last = freePiece() { put(last, count: 0) }
    }
  }

  /// The next bytes, to be used until the next call; none at the end.
  /// - Throws: why there are no more.
  func next() throws(ArchiveFailure) -> UnsafeRawBufferPointer {
    let isAtEnd = queue.withLock { $0.current.map { $0.count == 0 } ?? false }
    guard !isAtEnd else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    filled.wait()
    let (piece, outcome, hadOne) = queue.withLock { queue in
      let piece = queue.pieces.removeFirst()
      let hadOne = queue.current != nil
      if let old = queue.current { queue.spare.append(old) }
      queue.current = piece
      return (piece, queue.outcome, hadOne)
    }
    if hadOne { room.signal() }
    if piece.count == 0, let outcome { throw outcome }
    return piece.bytes
  }

  /// Nothing is asked for any more.
  func close() {
    queue.withLock { $0.isClosed = true }
    room.signal()
  }

  /// Nil when nobody reads any more.
  private func freePiece() -> MemoryPiece? {
    room.wait()
    return queue.withLock { queue in
      guard !queue.isClosed else {
        // Whoever asks once more is told the same.
        room.signal()
        return nil
      }
      let piece = queue.spare.popLast() ?? MemoryPiece()
      piece.count = 0
      return piece
    }
  }

  private func put(_ piece: MemoryPiece, count: Int) {
    piece.count = count
    queue.withLock { $0.pieces.append(piece) }
    filled.signal()
  }

  private func read(_ file: FileDescriptor, into memory: UnsafeMutableRawBufferPointer) throws(ArchiveFailure) -> Int {
    while true {
      let count = Glibc.read(file.rawValue, memory.baseAddress, memory.count)
      if count >= 0 { return count }
      if errno != EINTR { throw .files(FileFailure("read", path)) }
    }
  }

  private func copy(_ file: FileDescriptor, _ told: (Int) -> Void) throws(ArchiveFailure) {
    while let piece = freePiece() {
      let count = try read(file, into: piece.room)
      told(count)
      // The end is told by whoever called.
      if count == 0 {
        room.signal()
        return
      }
      put(piece, count: count)
    }
  }

  private func unpack(_ file: FileDescriptor, _ told: (Int) -> Void) throws(ArchiveFailure) {
    var stream = z_stream()
    let begun = inflateInit2_(&stream, MAX_WBITS + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard begun == Z_OK else { throw .files(FileFailure("unpack", path, errno: ENOMEM)) }
    defer { inflateEnd(&stream) }
    let input = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.inputBytes, alignment: 16)
    defer { input.deallocate() }
    var isWhole = false
    while let piece = freePiece() {
      stream.next_out = piece.room.assumingMemoryBound(to: UInt8.self).baseAddress
      stream.avail_out = uInt(piece.room.count)
      while stream.avail_out > 0 {
        if stream.avail_in == 0 {
          let count = try read(file, into: input)
          told(count)
          guard count > 0 else {
            guard isWhole else { throw .damaged(path, "it ends in the middle") }
            let rest = piece.room.count - Int(stream.avail_out)
            if rest > 0 { put(piece, count: rest) } else { room.signal() }
            return
          }
          stream.next_in = input.assumingMemoryBound(to: UInt8.self).baseAddress
          stream.avail_in = uInt(count)
          if isWhole { inflateReset(&stream) }
        }
        isWhole = false
        switch inflate(&stream, Z_NO_FLUSH) {
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END:
          isWhole = true
          if stream.avail_in > 0 { inflateReset(&stream) }
        default: throw .damaged(path, stream.msg.map { "gzip: \(String(cString: $0))" } ?? "it is no gzip file")
        }
      }
      put(piece, count: piece.room.count)
    }
  }
}
