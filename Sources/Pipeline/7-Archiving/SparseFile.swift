import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// Files with holes: what was never written takes no room, and is not read.
enum SparseFile {
  private static let pageBytes = 1 << 16
  private static let pieceBytes = 1 << 20
  /// SEEK_DATA and SEEK_HOLE of Linux, which Swift's Glibc module does not show.
  private static let (seekData, seekHole): (Int32, Int32) = (3, 4)

  /// Hands out a file's bytes up to a place; of holes zeros, which nobody reads from the disk.
  /// - Parameter end: how long it was when it was looked at.
  static func read(
    _ file: FileDescriptor, to end: Int64, path: FilePath,
    _ body: (UnsafeRawBufferPointer) throws(ArchiveFailure) -> Void
  ) throws(ArchiveFailure) {
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: 16)
    defer { piece.deallocate() }
    var place: Int64 = 0
    while place < end {
      let data = begin(of: seekData, file, from: place) ?? place
      if data > place { piece.initializeMemory(as: UInt8.self, repeating: 0) }
      while place < min(data, end) {
        let count = min(Int64(piece.count), min(data, end) - place)
        try body(UnsafeRawBufferPointer(rebasing: piece[..<Int(count)]))
        place += count
      }
      let hole = begin(of: seekHole, file, from: place) ?? end
      while place < min(hole, end) {
        let wanted = Int(min(Int64(piece.count), min(hole, end) - place))
        let count = pread(file.rawValue, piece.baseAddress, wanted, off_t(place))
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw .files(FileFailure("read", path)) }
        // Shorter than it was.
        if count == 0 { return }
        try body(UnsafeRawBufferPointer(rebasing: piece[..<count]))
        place += Int64(count)
      }
    }
  }

  /// Where the next data or hole begins; the end of the file when there are no more data. Nil where the file system
  /// does not say.
  private static func begin(of what: Int32, _ file: FileDescriptor, from place: Int64) -> Int64? {
    let found = lseek(file.rawValue, off_t(place), what)
    if found < 0, errno == ENXIO { return .max }
    return found < 0 ? nil : Int64(found)
  }

  /// Writes bytes at a place; pages of zeros are left as holes. The file's length is set by the caller at its end.
  static func write(
    _ bytes: UnsafeRawBufferPointer, to file: FileDescriptor, at place: Int64, path: FilePath
  ) throws(FileFailure) {
    var start = 0
    while start < bytes.count {
      let page = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + pageBytes, bytes.count)])
      if !page.isZero {
        guard lseek(file.rawValue, off_t(place) + off_t(start), SEEK_SET) >= 0 else { throw FileFailure("write", path) }
        try FileBytes.write(page, to: file, path: path)
      }
      start += page.count
    }
  }
}

extension UnsafeRawBufferPointer {
  /// Whether all bytes are zeros.
  var isZero: Bool {
    guard let first, first == 0, let start = baseAddress else { return isEmpty }
    // Each byte is that before it, and the first is none.
    return count == 1 || memcmp(start, start + 1, count - 1) == 0
  }
}
