import CNettle
import FarmModel
import Glibc
import SystemPackage

/// SHA-256 by libnettle, fed piece by piece.
package struct FileDigest: ~Copyable {
  private var context = sha256_ctx()

  package init() {
    nettle_sha256_init(&context)
  }

  /// Takes in the next bytes.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    nettle_sha256_update(&context, bytes.count, bytes.assumingMemoryBound(to: UInt8.self).baseAddress)
  }

  package consuming func finish() -> Digest {
    let bytes = [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
      nettle_sha256_digest(&context, 32, buffer.baseAddress)
      count = 32
    }
    return Digest(bytes: bytes)
  }

  /// The digest of a whole file, read in pieces of 1 MiB; ends early when the task is cancelled.
  package static func of(_ path: FilePath) throws(FileFailure) -> Digest {
    var digest = FileDigest()
    try FileBytes.read(path) { digest.update($0) }
    return digest.finish()
  }

  /// The digest of some bytes.
  package static func of(_ bytes: [UInt8]) -> Digest {
    var digest = FileDigest()
    bytes.withUnsafeBytes { digest.update($0) }
    return digest.finish()
  }
}

/// Reads files in bounded pieces.
package enum FileBytes {
  private static let pieceBytes = 1 << 20

  /// Hands the file's bytes to `body`, piece by piece.
  package static func read(
    _ path: FilePath, _ body: (UnsafeRawBufferPointer) throws(FileFailure) -> Void
  ) throws(FileFailure) {
    let file = try OpenFile.reading(path)
    defer { OpenFile.close(file) }
    try read(file, path: path, body)
  }

  /// The same from an open file's current position to its end.
  package static func read(
    _ file: FileDescriptor, path: FilePath, _ body: (UnsafeRawBufferPointer) throws(FileFailure) -> Void
  ) throws(FileFailure) {
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: 16)
    defer { piece.deallocate() }
    while true {
      let count = Glibc.read(file.rawValue, piece.baseAddress, piece.count)
      if count == 0 { return }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileFailure("read", path)
      }
      if Task.isCancelled { throw FileFailure("read", path, errno: ECANCELED) }
      try body(UnsafeRawBufferPointer(rebasing: piece[..<count]))
    }
  }

  /// The whole of a small file.
  /// - Parameter limitBytes: a larger file is refused with EFBIG.
  package static func all(of path: FilePath, limitBytes: Int = 16 << 20) throws(FileFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    try read(path) { (piece) throws(FileFailure) in
      bytes.append(contentsOf: piece)
      if bytes.count > limitBytes { throw FileFailure("read", path, errno: EFBIG) }
    }
    return bytes
  }

  /// A file's bytes from a place on to its end.
  package static func part(of path: FilePath, from start: Int) throws(FileFailure) -> [UInt8] {
    let file = try OpenFile.reading(path)
    defer { OpenFile.close(file) }
    guard lseek(file.rawValue, off_t(start), SEEK_SET) >= 0 else { throw FileFailure("read", path) }
    var bytes: [UInt8] = []
    try read(file, path: path) { bytes.append(contentsOf: $0) }
    return bytes
  }

  /// Writes everything to an open file.
  package static func write(
    _ bytes: UnsafeRawBufferPointer, to file: FileDescriptor, path: FilePath
  ) throws(FileFailure) {
    try RefusedWrites.check("write", path)
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(file.rawValue, rest.baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw FileFailure("write", path)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  /// The same from an array.
  package static func write(_ bytes: [UInt8], to file: FileDescriptor, path: FilePath) throws(FileFailure) {
    let written = bytes.withUnsafeBytes { all in
      Result { () throws(FileFailure) in try write(all, to: file, path: path) }
    }
    try written.get()
  }
}
