import CLinux
import CZlib
import FarmModel
import Foundation
import Synchronization
import SystemPackage
import VolumeFiles

/// Writes one gzip member whose blocks are packed side by side. Owns the open file and the blocks on their way.
///
/// Bytes come in one after the other from one thread. Blocks are packed on others, and written in order by whichever is
/// done with the next one. What is on its way at once is bounded: memory does not grow with the archive.
final class GzipFile: Sendable {
  static let blockBytes = MemoryPiece.bytesMax
  static let windowBytes = 1 << 15
  private static let blocksAtOnce = 32
  /// Magic, deflate, no name, no time, unknown system (RFC 1952).
  private static let head: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
  /// An empty final block of deflate.
  private static let end: [UInt8] = [3, 0]

  private let file: FileDescriptor
  private let path: FilePath
  private let packers: OperationQueue
  private let packer = BlockPacker()
  private let room: DispatchSemaphore
  private let lanes: Int

  /// Where the stream is.
  private struct Stream {
    var checksum: UInt32 = 0
    var length: UInt64 = 0
    /// The next block that is to be written, and those that are done before it is.
    var next = 0
    var done: [Int: DeflatedBlock] = [:]
    var isWriting = false
    var failure: FileFailure?
  }
  private let stream = Mutex(Stream())

  /// What comes in and is no whole block yet.
  private struct Filling {
    var piece: MemoryPiece?
    var before: [UInt8] = []
    var blocks = 0
  }
  private let filling = Mutex(Filling())

  /// - Parameters:
  ///   - file: open for writing, empty.
  ///   - path: what failures call it.
  ///   - lanes: how many blocks are packed at once.
  init(_ file: FileDescriptor, path: FilePath, lanes: Int) throws(FileFailure) {
    self.file = file
    self.path = path
    self.lanes = max(1, lanes)
    packers = OperationQueue()
    packers.name = "farm.gzip"
    packers.maxConcurrentOperationCount = self.lanes
    // One that is made with a value must have it again when it goes.
    room = DispatchSemaphore(value: 0)
    for _ in 0..<self.lanes * 3 { room.signal() }
    try FileBytes.write(Self.head, to: file, path: path)
  }

  /// Takes in the next bytes; waits while too much is on its way.
  /// - Throws: why an earlier block could not be written.
  func write(_ bytes: UnsafeRawBufferPointer) throws(FileFailure) {
    var rest = bytes
    while !rest.isEmpty {
      let block = filling.withLock { filling -> (Int, MemoryPiece, [UInt8])? in
        let piece = filling.piece ?? packer.piece()
        filling.piece = piece
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.take(rest)))
        return piece.room.isEmpty ? Self.take(&filling, piece) : nil
      }
      if let block { try pack(block) }
    }
  }

  /// Writes what is left, and the end.
  func finish() throws(FileFailure) {
    if let last = filling.withLock({ filling in filling.piece.map { Self.take(&filling, $0) } }) { try pack(last) }
    wait()
    let (failure, checksum, length) = stream.withLock { ($0.failure, $0.checksum, $0.length) }
    if let failure { throw failure }
    let trailer = Self.littleEndian(checksum) + Self.littleEndian(UInt32(truncatingIfNeeded: length))
    try FileBytes.write(Self.end + trailer, to: file, path: path)
  }

  /// Waits until nothing is on its way any more.
  func wait() { packers.waitUntilAllOperationsAreFinished() }

  private static func take(_ filling: inout Filling, _ piece: MemoryPiece) -> (Int, MemoryPiece, [UInt8]) {
    let block = (filling.blocks, piece, filling.before)
    filling.before = Array(UnsafeRawBufferPointer(rebasing: piece.bytes.suffix(windowBytes)))
    filling.piece = nil
    filling.blocks += 1
    return block
  }

  private func pack(_ block: (number: Int, piece: MemoryPiece, before: [UInt8])) throws(FileFailure) {
    room.wait()
    if let failure = stream.withLock({ $0.failure }) {
      room.signal()
      throw failure
    }
    packers.addOperation { [self] in
      let packed = block.before.withUnsafeBytes { packer.pack(block.piece, before: $0) }
      writeInOrder(packed, block.number)
    }
  }

  /// Whoever has the next block writes it and those after it that are done; all others only leave theirs.
  private func writeInOrder(_ block: DeflatedBlock, _ number: Int) {
    let mustWrite = stream.withLock { stream in
      stream.done[number] = block
      guard !stream.isWriting, stream.done[stream.next] != nil else { return false }
      stream.isWriting = true
      return true
    }
    guard mustWrite else { return }
    while let next = nextToWrite() {
      var failure: FileFailure?
      do throws(FileFailure) { try write(next) } catch { failure = error }
      packer.reuse(next.piece)
      stream.withLock { stream in
        stream.checksum = UInt32(
          truncatingIfNeeded: crc32_combine(uLong(stream.checksum), uLong(next.checksum), next.length))
        stream.length += UInt64(next.length)
        stream.failure = stream.failure ?? failure
      }
      room.signal()
    }
  }

  private func write(_ block: DeflatedBlock) throws(FileFailure) {
    if block.isStored {
      try StoredRuns.each(of: block.piece.bytes) { (bytes) throws(FileFailure) in
        try FileBytes.write(bytes, to: file, path: path)
      }
    } else {
      try FileBytes.write(block.piece.bytes, to: file, path: path)
    }
    // The disk begins early, so that little is left for the end; not at each block, for it may make us wait.
    if stream.withLock({ $0.next % Self.blocksAtOnce == 0 }) { linux_begin_writing(file.rawValue) }
  }

  /// After a failure nothing more is written, but everything is let go.
  private func nextToWrite() -> DeflatedBlock? {
    let (block, passed) = stream.withLock { stream -> (DeflatedBlock?, Int) in
      var passed = 0
      while stream.failure != nil, stream.done.removeValue(forKey: stream.next) != nil {
        stream.next += 1
        passed += 1
      }
      guard let block = stream.done.removeValue(forKey: stream.next) else {
        stream.isWriting = false
        return (nil, passed)
      }
      stream.next += 1
      return (block, passed)
    }
    for _ in 0..<passed { room.signal() }
    return block
  }

  private static func littleEndian(_ number: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
  }
}
