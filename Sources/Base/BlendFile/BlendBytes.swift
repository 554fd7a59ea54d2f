import CArchive
import Glibc
import SystemPackage

/// How the bytes of a `.blend` are wrapped on the disk.
package enum BlendWrapper: String, Codable, Hashable, Sendable {
  case none, gzip, zstd

  private static let gzipMagic: [UInt8] = [0x1f, 0x8b]
  private static let zstdMagic: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd]

  /// Whether these are all bytes of a file of which a wrapper's first ones may become.
  static func isBeginning(_ bytes: [UInt8]) -> Bool {
    [gzipMagic, zstdMagic].contains { bytes.count < $0.count && $0.starts(with: bytes) }
  }

  /// Tells the wrapper by the file's first bytes.
  init(firstBytes: [UInt8]) {
    if firstBytes.starts(with: Self.gzipMagic) {
      self = .gzip
    } else if firstBytes.starts(with: Self.zstdMagic) {
      self = .zstd
    } else {
      self = .none
    }
  }
}

/// The uncompressed bytes of a `.blend`, in order, with the parts nobody asks for skipped as cheaply as the wrapper
/// allows.
protocol BlendBytes: AnyObject {
  /// Lends the next bytes, fewer than asked only at the end.
  func withNext<Value>(
    _ count: Int, _ body: (UnsafeRawBufferPointer) throws(BlendFailure) -> Value
  ) throws(BlendFailure) -> Value
  /// Passes over bytes; throws ``BlendFailure/truncated`` when the file ends before.
  func skip(_ count: Int64, while doing: @autoclosure () -> String) throws(BlendFailure)
  /// How many bytes were passed so far.
  var offset: Int64 { get }
}

/// Bytes that can be read in any order.
protocol SeekableBytes: BlendBytes {
  /// Goes on reading from another place.
  func seek(to newOffset: Int64)
}

extension BlendBytes {
  /// The next bytes, fewer than asked only at the end.
  func next(_ count: Int) throws(BlendFailure) -> [UInt8] {
    try withNext(count) { bytes throws(BlendFailure) in Array(bytes) }
  }
}

/// An unwrapped file, read in place; owns its descriptor.
final class PlainBytes: SeekableBytes {
  private let file: Int32
  let sizeBytes: Int64
  private(set) var offset: Int64 = 0
  /// Bytes that were read ahead: most blocks are small, and a call for each header took most of the time. As many as
  /// stay in the processor's own memory while they are walked; four times as many took half as long again.
  private static let windowBytes = 32 << 10
  /// Allocated by the first read: a file that cannot be opened has no deinit to free it.
  private var window = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var windowStart: Int64 = 0
  private var windowCount = 0

  init(path: FilePath) throws(BlendFailure) {
    file = path.withPlatformString { open($0, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC) }
    guard file >= 0 else {
      throw .unreadable(errno == ELOOP ? "it is a link that leads nowhere" : String(cString: strerror(errno)))
    }
    var s = stat()
    guard fstat(file, &s) == 0, s.st_mode & S_IFMT == S_IFREG else {
      close(file)
      throw .unreadable("it is not a regular file")
    }
    sizeBytes = Int64(s.st_size)
  }

  /// Unpacks a whole stream into a file without a name, so that it can be read in any order.
  init(unpacking packed: WrappedBytes) throws(BlendFailure) {
    var name = Array("/tmp/farm-blend-XXXXXX".utf8CString)
    let file = mkstemp(&name)
    guard file >= 0 else { throw Self.notUnpacked }
    unlink(name)
    // A Blender that is started meanwhile must not hold it.
    _ = fcntl(file, F_SETFD, FD_CLOEXEC)
    self.file = file
    do { sizeBytes = try Self.unpack(packed, to: file) } catch {
      close(file)
      throw error
    }
  }

  /// How the file is wrapped; what is read next is its beginning again.
  func wrapper() throws(BlendFailure) -> BlendWrapper {
    let first = try next(BlendHeader.bytesMax)
    guard !first.isEmpty else { throw .empty }
    guard !BlendWrapper.isBeginning(first) else {
      throw .truncated(atByte: sizeBytes, while: "the header of its compression")
    }
    seek(to: 0)
    return BlendWrapper(firstBytes: first)
  }

  private static let unpackedBytesMax: Int64 = 16 << 30
  private static var notUnpacked: BlendFailure {
    .notUnpacked(String(cString: strerror(errno)))
  }

  private static func unpack(_ packed: WrappedBytes, to file: Int32) throws(BlendFailure) -> Int64 {
    var written: Int64 = 0
    while true {
      let count = try packed.withNext(1 << 20) { given throws(BlendFailure) in
        var left = given
        while !left.isEmpty {
          let taken = write(file, left.baseAddress, left.count)
          if taken < 0 && errno == EINTR { continue }
          guard taken > 0 else { throw notUnpacked }
          left = UnsafeRawBufferPointer(rebasing: left[taken...])
        }
        return given.count
      }
      if count == 0 { return written }
      written += Int64(count)
      guard written <= unpackedBytesMax else { throw .notSupported("unpacked it has more than 16 GB") }
    }
  }

  deinit {
    window.deallocate()
    close(file)
  }

  func withNext<Value>(
    _ count: Int, _ body: (UnsafeRawBufferPointer) throws(BlendFailure) -> Value
  ) throws(BlendFailure) -> Value {
    let ahead = Int(offset - windowStart)
    if ahead < 0 || ahead + count > windowCount { try fill(count) }
    let from = Int(offset - windowStart)
    let given = min(count, windowCount - from)
    offset += Int64(given)
    return try body(UnsafeRawBufferPointer(rebasing: window[from..<from + given]))
  }

  /// Reads ahead from where we are: so many bytes and as many more as the window holds, fewer only at the file's end.
  private func fill(_ count: Int) throws(BlendFailure) {
    let wanted = max(count, Self.windowBytes)
    if wanted > window.count {
      window.deallocate()
      window = .allocate(byteCount: wanted, alignment: 16)
    }
    windowStart = offset
    windowCount = 0
    // No more than that, also when a large body made the window large.
    while windowCount < min(wanted, max(count, Int(sizeBytes - offset))) {
      let target = window.baseAddress.map { $0 + windowCount }
      let got = pread(file, target, wanted - windowCount, off_t(offset) + off_t(windowCount))
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw .unreadable(String(cString: strerror(errno))) }
      if got == 0 { break }
      windowCount += got
    }
  }

  func seek(to newOffset: Int64) { offset = newOffset }

  func skip(_ count: Int64, while doing: @autoclosure () -> String) throws(BlendFailure) {
    guard count <= sizeBytes - offset else { throw .truncated(atByte: sizeBytes, while: doing()) }
    offset += count
  }
}

/// A gzip or zstd file, decoded by libarchive's raw format; owns the archive handle.
final class WrappedBytes: BlendBytes {
  private let archive: OpaquePointer
  private var piece = [UInt8](repeating: 0, count: 1 << 16)
  private var pieceStart = 0
  private var pieceEnd = 0
  private(set) var offset: Int64 = 0

  init(path: FilePath) throws(BlendFailure) {
    guard let archive = archive_read_new() else { throw .unreadable("out of memory") }
    self.archive = archive
    archive_read_support_filter_gzip(archive)
    archive_read_support_filter_zstd(archive)
    archive_read_support_format_raw(archive)
    var entry: OpaquePointer?
    guard path.withPlatformString({ archive_read_open_filename(archive, $0, 1 << 16) }) == ARCHIVE_OK,
      archive_read_next_header(archive, &entry) == ARCHIVE_OK
    else { throw .unreadable(Self.reason(archive)) }
    // Of a few bytes libarchive tells no compression, and would hand them on as they are.
    guard archive_filter_code(archive, 0) != ARCHIVE_FILTER_NONE else {
      throw .truncated(atByte: 0, while: "the header of its compression")
    }
  }

  deinit { archive_read_free(archive) }

  func withNext<Value>(
    _ count: Int, _ body: (UnsafeRawBufferPointer) throws(BlendFailure) -> Value
  ) throws(BlendFailure) -> Value {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(count, 1 << 16))
    while bytes.count < count, try fill() {
      let taken = min(count - bytes.count, pieceEnd - pieceStart)
      bytes.append(contentsOf: piece[pieceStart..<pieceStart + taken])
      pieceStart += taken
      offset += Int64(taken)
    }
    let result = bytes.withUnsafeBytes { given in Result { () throws(BlendFailure) in try body(given) } }
    return try result.get()
  }

  func skip(_ count: Int64, while doing: @autoclosure () -> String) throws(BlendFailure) {
    var left = count
    while left > 0 {
      guard try fill() else { throw .truncated(atByte: offset, while: doing()) }
      let taken = min(left, Int64(pieceEnd - pieceStart))
      pieceStart += Int(taken)
      offset += taken
      left -= taken
    }
  }

  /// Decodes on to the end of the stream, so that its checksum is seen.
  func drain() throws(BlendFailure) {
    while try fill() {
      offset += Int64(pieceEnd - pieceStart)
      pieceStart = pieceEnd
    }
  }

  /// Makes sure that decoded bytes are at hand; false at the stream's end.
  private func fill() throws(BlendFailure) -> Bool {
    guard pieceStart == pieceEnd else { return true }
    let count = piece.withUnsafeMutableBytes { archive_read_data(archive, $0.baseAddress, $0.count) }
    guard count >= 0 else { throw .damaged(atByte: offset, what: Self.reason(archive)) }
    pieceStart = 0
    pieceEnd = count
    return count > 0
  }

  static func reason(_ archive: OpaquePointer) -> String {
    archive_error_string(archive).map { String(cString: $0) } ?? "the compressed stream cannot be decoded"
  }
}
