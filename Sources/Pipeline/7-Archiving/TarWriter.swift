import CArchive
import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// Writes pax entries one after the other. Owns libarchive's handle; used by one thread.
final class TarWriter {
  private let archive: OpaquePointer
  private let sink: Sink
  private let path: FilePath

  /// Where the tar's bytes go; libarchive calls back with it.
  private final class Sink {
    let gzip: GzipFile?
    let file: FileDescriptor
    let path: FilePath
    var failure: FileFailure?

    init(gzip: GzipFile?, file: FileDescriptor, path: FilePath) {
      (self.gzip, self.file, self.path) = (gzip, file, path)
    }

    func take(_ bytes: UnsafeRawBufferPointer) -> Int {
      do throws(FileFailure) {
        if let gzip { try gzip.write(bytes) } else { try FileBytes.write(bytes, to: file, path: path) }
        return bytes.count
      } catch {
        failure = failure ?? error
        return -1
      }
    }
  }

  /// - Parameters:
  ///   - file: open for writing, empty.
  ///   - lanes: how many threads pack.
  init(_ file: FileDescriptor, path: FilePath, format: ArchiveFormat, lanes: Int) throws(ArchiveFailure) {
    guard let archive = archive_write_new() else { throw .files(FileFailure("write", path, errno: ENOMEM)) }
    self.archive = archive
    self.path = path
    do throws(FileFailure) {
      sink = Sink(
        gzip: format == .gz ? try GzipFile(file, path: path, lanes: lanes) : nil, file: file, path: path)
    } catch { throw .files(error) }
    archive_write_set_format_pax(archive)
    if format == .zst {
      archive_write_add_filter_zstd(archive)
      archive_write_set_filter_option(archive, "zstd", "compression-level", "3")
      // One that cannot use threads packs all the same.
      archive_write_set_filter_option(archive, "zstd", "threads", "\(lanes)")
    }
    archive_write_set_bytes_per_block(archive, 0)
    let opened = archive_write_open(
      archive, Unmanaged.passUnretained(sink).toOpaque(), nil,
      { _, sink, bytes, count in
        guard let sink else { return -1 }
        return Unmanaged<Sink>.fromOpaque(sink).takeUnretainedValue()
          .take(UnsafeRawBufferPointer(start: bytes, count: count))
      }, nil)
    guard opened == ARCHIVE_OK else { throw failure() }
  }

  deinit {
    // Freed without a close it would write the end of an archive that failed.
    archive_write_fail(archive)
    archive_write_free(archive)
    sink.gzip?.wait()
  }

  /// Writes the head of an entry; of a file `write` its bytes afterwards.
  func begin(_ path: FilePath, _ status: FileStatus, link: FilePath?, firstName: FilePath?) throws(ArchiveFailure) {
    guard let entry = archive_entry_new() else { throw .files(FileFailure("write", self.path, errno: ENOMEM)) }
    defer { archive_entry_free(entry) }
    path.withPlatformString { archive_entry_set_pathname(entry, $0) }
    let isFile = status.kind == .regular && firstName == nil
    archive_entry_set_filetype(entry, Self.type(of: status.kind))
    archive_entry_set_perm(entry, status.mode)
    archive_entry_set_size(entry, isFile ? status.fingerprint.size : 0)
    let time = Timestamp(nanoseconds: status.fingerprint.mtimeNanoseconds).forSystem
    archive_entry_set_mtime(entry, time.tv_sec, time.tv_nsec)
    archive_entry_set_uid(entry, la_int64_t(status.owner))
    archive_entry_set_gid(entry, la_int64_t(status.group))
    if let link { link.withPlatformString { archive_entry_set_symlink(entry, $0) } }
    if let firstName { firstName.withPlatformString { archive_entry_set_hardlink(entry, $0) } }
    // A warning is a name that is no text: it is written as the bytes that it is.
    guard [ARCHIVE_OK, ARCHIVE_WARN].contains(archive_write_header(archive, entry)) else { throw failure() }
  }

  private static func type(of kind: FileStatus.Kind) -> UInt32 {
    switch kind {
    case .folder: TarKind.folder
    case .link: TarKind.link
    case .regular, .other: TarKind.file
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(ArchiveFailure) {
    guard archive_write_data(archive, bytes.baseAddress, bytes.count) == bytes.count else { throw failure() }
  }

  /// Writes the end; everything is with the kernel when it returns.
  func finish() throws(ArchiveFailure) {
    guard archive_write_close(archive) == ARCHIVE_OK else { throw failure() }
    do throws(FileFailure) { try sink.gzip?.finish() } catch { throw .files(error) }
  }

  private func failure() -> ArchiveFailure {
    if let failure = sink.failure { return .files(failure) }
    let reason = archive_error_string(archive).map { String(cString: $0) } ?? "no reason is known"
    return .notStorable(path, what: reason)
  }
}
