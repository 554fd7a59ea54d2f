import CArchive
import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// Reads an archive's entries one after the other. Owns libarchive's handle and the open file; used by one thread.
///
/// What stands in it is believed by nobody: each path is looked at before it is handed on.
final class TarReader {
  private let archive: OpaquePointer
  private let source: Source
  private let path: FilePath
  /// What the entry that is being read says of its length.
  private var size: Int64 = 0
  private var count = 0
  /// A gigabyte of gzip may hold a thousand million of them.
  private static let entriesMax = 10_000_000

  /// What an entry says of itself.
  struct Entry {
    enum Kind: Hashable {
      case file, folder
      case link(FilePath)
      /// A further name of an earlier entry.
      case hardLink(ArchivePath)
    }

    let path: ArchivePath
    let kind: Kind
    let size: Int64
    let mode: mode_t
    let mtimeNanoseconds: Int64
    let owner: uid_t
    let group: gid_t
  }

  private final class Source {
    let gzip: GunzippedFile
    var failure: ArchiveFailure?
    init(_ gzip: GunzippedFile) { self.gzip = gzip }
  }

  /// Opens an archive.
  /// - Parameter read: called with the number of bytes of the archive that were read.
  init(_ path: FilePath, format: ArchiveFormat, read: @escaping @Sendable (Int) -> Void) throws(ArchiveFailure) {
    self.path = path
    guard let archive = archive_read_new() else { throw .files(FileFailure("read", path, errno: ENOMEM)) }
    self.archive = archive
    do throws(FileFailure) {
      source = Source(try GunzippedFile(path, unpacks: format == .gz, read: read))
    } catch { throw .files(error) }
    archive_read_support_format_tar(archive)
    if format == .zst { archive_read_support_filter_zstd(archive) }
    let opened = archive_read_open(
      archive, Unmanaged.passUnretained(source).toOpaque(), nil,
      { archive, source, bytes in
        guard let source else { return -1 }
        let from = Unmanaged<Source>.fromOpaque(source).takeUnretainedValue()
        do throws(ArchiveFailure) {
          let piece = try from.gzip.next()
          bytes?.pointee = piece.baseAddress
          return piece.count
        } catch {
          from.failure = error
          return -1
        }
      }, nil)
    guard opened == ARCHIVE_OK else { throw failure() }
  }

  deinit {
    archive_read_free(archive)
    source.gzip.close()
  }

  /// The next entry; nil after the last one.
  func next() throws(ArchiveFailure) -> Entry? {
    var entry: OpaquePointer?
    switch archive_read_next_header(archive, &entry) {
    case ARCHIVE_OK, ARCHIVE_WARN: break
    case ARCHIVE_EOF:
      // The gzip stream's own checksum stands behind the tar's end.
      try drain()
      return nil
    default: throw failure()
    }
    guard let entry, let name = archive_entry_pathname(entry) else { throw failure() }
    let text = FilePath(platformString: name)
    count += 1
    guard count <= Self.entriesMax else { throw .forged(path, entry: text.string, why: "is one of too many") }
    let found = try ArchivePath(text, in: path)
    size = archive_entry_size(entry)
    let (seconds, rest) = (archive_entry_mtime(entry), archive_entry_mtime_nsec(entry))
    guard let time = Self.nanoseconds(Int64(seconds), Int64(rest)) else {
      throw .forged(path, entry: text.string, why: "has no time that a clock can show")
    }
    return Entry(
      path: found, kind: try kind(of: entry, text), size: archive_entry_size(entry),
      mode: archive_entry_perm(entry) & 0o7777, mtimeNanoseconds: time,
      owner: uid_t(truncatingIfNeeded: archive_entry_uid(entry)),
      group: gid_t(truncatingIfNeeded: archive_entry_gid(entry)))
  }

  private static func nanoseconds(_ seconds: Int64, _ rest: Int64) -> Int64? {
    let (product, isTooFar) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isFarther) = product.addingReportingOverflow(rest)
    return isTooFar || isFarther ? nil : sum
  }

  private func kind(of entry: OpaquePointer, _ name: FilePath) throws(ArchiveFailure) -> Entry.Kind {
    if let target = archive_entry_hardlink(entry) {
      do throws(ArchiveFailure) {
        return .hardLink(try ArchivePath(FilePath(platformString: target), in: path))
      } catch {
        throw .forged(path, entry: name.string, why: "is a hard link to something outside of it")
      }
    }
    switch UInt32(archive_entry_filetype(entry)) {
    case TarKind.file:
      guard archive_entry_size(entry) >= 0 else { throw .forged(path, entry: name.string, why: "has no size") }
      return .file
    case TarKind.folder: return .folder
    case TarKind.link:
      guard let target = archive_entry_symlink(entry) else {
        throw .forged(path, entry: name.string, why: "is a link that leads nowhere")
      }
      return .link(FilePath(platformString: target))
    default: throw .forged(path, entry: name.string, why: "is no file, folder or link but a device or a pipe")
    }
  }

  /// Hands out the bytes of the entry; holes as runs of zeros.
  func read(_ body: (UnsafeRawBufferPointer) throws(ArchiveFailure) -> Void) throws(ArchiveFailure) {
    var end: Int64 = 0
    while true {
      var (start, count, offset): (UnsafeRawPointer?, Int, Int64) = (nil, 0, 0)
      switch archive_read_data_block(archive, &start, &count, &offset) {
      case ARCHIVE_OK, ARCHIVE_WARN: break
      case ARCHIVE_EOF:
        guard end == size else { throw .damaged(path, "a file in it is not as long as it says") }
        return
      default: throw failure()
      }
      // Ours have none.
      guard offset == end else { throw .damaged(path, "it has files with holes, as the farm does not write them") }
      end = offset + Int64(count)
      try body(UnsafeRawBufferPointer(start: start, count: count))
    }
  }

  private func drain() throws(ArchiveFailure) {
    while try !source.gzip.next().isEmpty {}
  }

  private func failure() -> ArchiveFailure {
    if let failure = source.failure { return failure }
    return .damaged(path, archive_error_string(archive).map { String(cString: $0) } ?? "it is no tar file")
  }
}

/// What libarchive calls kinds of entries, which are those of the kernel; Glibc and libarchive both name them.
enum TarKind {
  static let file: UInt32 = 0o100_000
  static let folder: UInt32 = 0o040_000
  static let link: UInt32 = 0o120_000
}

/// A path in an archive that leads nowhere but below the folder into which it is unpacked.
struct ArchivePath: Hashable {
  /// Of folders without the slash at the end.
  let path: FilePath

  static let bytesMax = 3500
  private static let nameBytesMax = 255
  private static let depthMax = 128

  /// - Throws: ``ArchiveFailure/forged`` for any other path.
  init(_ text: FilePath, in archive: FilePath) throws(ArchiveFailure) {
    func refuse(_ why: String) -> ArchiveFailure {
      .forged(archive, entry: String(text.string.prefix(100)), why: why)
    }
    guard !text.isAbsolute else { throw refuse("has an absolute path") }
    let bytes = text.rawBytes
    guard !bytes.isEmpty, bytes.count <= Self.bytesMax else { throw refuse("has no path that a disk can hold") }
    let names = bytes.split(separator: 47)
    guard !names.contains(where: { $0.elementsEqual("..".utf8) }) else { throw refuse("leads out of it") }
    guard !names.isEmpty, names.count <= Self.depthMax, names.allSatisfy({ $0.count <= Self.nameBytesMax }),
      !names.contains(where: { $0.elementsEqual(".".utf8) })
    else { throw refuse("has no path that a disk can hold") }
    path = FilePath(bytes: Array(names.joined(separator: [47])))
  }
}
