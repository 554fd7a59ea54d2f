import FarmModel
import Glibc
import SystemPackage

/// What one look at a path shows; links are not followed.
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

  /// Looks at a path; nil when nothing is there.
  /// - Throws: ``FileFailure`` when the look itself is refused.
  package init?(at path: FilePath) throws(FileFailure) {
    var s = stat()
    guard path.withPlatformString({ lstat($0, &s) }) == 0 else {
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

  private init(_ s: stat) {
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
  }

  private static func nanoseconds(_ t: timespec) -> Int64 { Int64(t.tv_sec) * 1_000_000_000 + Int64(t.tv_nsec) }

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

/// Lists a folder.
package enum FolderListing {
  /// The names in a folder, unsorted, without `.` and `..`; names are bytes, so they come as path components.
  package static func names(in folder: FilePath) throws(FileFailure) -> [FilePath.Component] {
    guard let stream = folder.withPlatformString({ opendir($0) }) else { throw FileFailure("list", folder) }
    defer { closedir(stream) }
    var names: [FilePath.Component] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else { break }
      let component = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { FilePath.Component(platformString: $0) }
      }
      if let component, component.kind == .regular { names.append(component) }
    }
    guard errno == 0 else { throw FileFailure("list", folder) }
    return names
  }
}
