import FarmModel
import Glibc
import SystemPackage

/// What one look at a path shows; links are not followed unless that is asked for.
package struct FileStatus: Hashable, Sendable {
  /// What kind of thing lies at a path.
  package enum Kind: Hashable, Sendable {
    case regular, folder, link, other
  }

  package let kind: Kind
  package let fingerprint: Fingerprint
  package let owner: uid_t
  package let group: gid_t
  /// The permission bits alone.
  package let mode: mode_t
  /// Whether it has further names, as hard links are.
  package let hasOtherNames: Bool

  /// Looks at a path; nil when nothing is there.
  /// - Parameter followsLinks: whether it is what the path leads to, as Blender sees it.
  /// - Throws: ``FileFailure`` when the look itself is refused.
  package init?(at path: FilePath, followsLinks: Bool = false) throws(FileFailure) {
    var s = stat()
    let flags = followsLinks ? 0 : AT_SYMLINK_NOFOLLOW
    guard path.withPlatformString({ fstatat(AT_FDCWD, $0, &s, flags) }) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw FileFailure("look at", path)
    }
    self.init(s)
  }

  /// Looks at what an open descriptor leads to.
  package init(of descriptor: FileDescriptor, path: FilePath) throws(FileFailure) {
    var s = stat()
    guard fstat(descriptor.rawValue, &s) == 0 else { throw FileFailure("look at", path) }
    self.init(s)
  }

  /// Of a file that is not there yet, and will belong to whom this one does.
  package init(like other: FileStatus, kind: Kind, size: Int64, mode: mode_t) {
    let now = other.fingerprint
    self.kind = kind
    fingerprint = Fingerprint(
      device: now.device, inode: 0, size: size, mtimeNanoseconds: now.mtimeNanoseconds, ctimeNanoseconds: 0)
    (owner, group, self.mode, hasOtherNames) = (other.owner, other.group, mode, false)
  }

  fileprivate init(_ s: stat) {
    switch s.st_mode & S_IFMT {
    case S_IFREG: kind = .regular
    case S_IFDIR: kind = .folder
    case S_IFLNK: kind = .link
    default: kind = .other
    }
    fingerprint = Fingerprint(
      device: Int64(bitPattern: UInt64(s.st_dev)), inode: Int64(bitPattern: UInt64(s.st_ino)), size: Int64(s.st_size),
      mtimeNanoseconds: Self.nanoseconds(s.st_mtim), ctimeNanoseconds: Self.nanoseconds(s.st_ctim))
    owner = s.st_uid
    group = s.st_gid
    mode = s.st_mode & 0o7777
    hasOtherNames = s.st_nlink > 1
  }

  /// Of a time that no clock shows, the nearest that does: it may be the work of whoever made a file.
  private static func nanoseconds(_ t: timespec) -> Int64 {
    let (product, isTooFar) = Int64(t.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isFarther) = product.addingReportingOverflow(Int64(t.tv_nsec))
    return isTooFar || isFarther ? (t.tv_sec < 0 ? .min : .max) : sum
  }

  package var identity: FileIdentity {
    FileIdentity(
      inode: fingerprint.inode, size: fingerprint.size, mtimeNanoseconds: fingerprint.mtimeNanoseconds)
  }

  /// The name of the owning user; the number when the system knows no name.
  package var ownerName: String {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
      guard let names = buffer.baseAddress, getpwuid_r(owner, &entry, names, buffer.count, &found) == 0, found != nil
      else { return "\(owner)" }
      return String(cString: entry.pw_name)
    }
  }
}

extension Timestamp {
  /// As system calls take it.
  package var forSystem: timespec { timespec(tv_sec: Int(parts.seconds), tv_nsec: Int(parts.nanoseconds)) }
}

/// An open folder that is listed once. Owns the stream.
package final class FolderListing {
  private let folder: FilePath
  private let stream: OpaquePointer
  /// Of the folder itself, before the first name was read.
  package let status: FileStatus

  /// Opens a folder without following a link in the last name; nil when no folder is there.
  package init?(of folder: FilePath) throws(FileFailure) {
    self.folder = folder
    let file: FileDescriptor
    do throws(FileFailure) { file = try OpenFile.descriptor(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) } catch {
      if error.errno == ENOENT || error.errno == ENOTDIR || error.errno == ELOOP { return nil }
      throw FileFailure("list", folder, errno: error.errno)
    }
    do throws(FileFailure) { status = try FileStatus(of: file, path: folder) } catch {
      OpenFile.close(file)
      throw error
    }
    guard let stream = fdopendir(file.rawValue) else {
      OpenFile.close(file)
      throw FileFailure("list", folder)
    }
    self.stream = stream
  }

  deinit { closedir(stream) }

  /// The names in it, unsorted, without `.` and `..`, with the kind where the file system says it by itself.
  package func each(
    _ body: (FileName, FileStatus.Kind?) throws(FileFailure) -> Void
  ) throws(FileFailure) {
    while true {
      errno = 0
      guard let entry = readdir(stream) else { break }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { FileName($0) }
      }
      guard let name else { continue }
      try body(name, FileStatus.Kind(directoryType: entry.pointee.d_type))
    }
    guard errno == 0 else { throw FileFailure("list", folder) }
  }

  /// Looks at one name in it; nil when it is gone meanwhile.
  package func status(of name: FileName) throws(FileFailure) -> FileStatus? {
    var s = stat()
    let isThere = (name.bytes + [0]).withUnsafeBytes { bytes in
      bytes.withMemoryRebound(to: CChar.self) { text in
        text.baseAddress.map { fstatat(dirfd(stream), $0, &s, AT_SYMLINK_NOFOLLOW) } == 0
      }
    }
    guard isThere else {
      if errno == ENOENT { return nil }
      throw FileFailure("look at", folder.appending(name))
    }
    return FileStatus(s)
  }

  /// The names in a folder, unsorted; names are bytes, so they come as path components.
  package static func names(in folder: FilePath) throws(FileFailure) -> [FilePath.Component] {
    guard let listing = try FolderListing(of: folder) else { throw FileFailure("list", folder, errno: ENOENT) }
    var names: [FilePath.Component] = []
    try listing.each { name, _ in folder.appending(name).lastComponent.map { names.append($0) } }
    return names
  }
}

extension FileStatus.Kind {
  /// By what a folder says of its entry; nil when it says nothing.
  fileprivate init?(directoryType: UInt8) {
    switch Int32(directoryType) {
    case Int32(DT_UNKNOWN): return nil
    case Int32(DT_REG): self = .regular
    case Int32(DT_DIR): self = .folder
    case Int32(DT_LNK): self = .link
    default: self = .other
    }
  }
}
