import CLinux
import FarmModel
import Glibc
import SystemPackage

/// Opens files the careful way: never blocking on a FIFO, never following a link in the last name.
package enum OpenFile {
  /// Opens a regular file for reading; anything else is refused with EINVAL.
  package static func reading(_ path: FilePath) throws(FileFailure) -> FileDescriptor {
    let file = try descriptor(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
    guard try FileStatus(of: file, path: path).kind == .regular else {
      close(file)
      throw FileFailure("open", path, errno: EINVAL)
    }
    return file
  }

  /// Makes a new file for writing; fails with EEXIST when the name is taken.
  package static func making(_ path: FilePath, mode: mode_t) throws(FileFailure) -> FileDescriptor {
    try descriptor(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
  }

  /// Opens a file that is there, for writing at its end.
  package static func appending(_ path: FilePath) throws(FileFailure) -> FileDescriptor {
    try descriptor(path, O_WRONLY | O_APPEND | O_NOFOLLOW)
  }

  /// Opens a folder, for what is done beneath it.
  package static func folder(_ path: FilePath) throws(FileFailure) -> FileDescriptor {
    try descriptor(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  }

  /// Opens a drop below the volume's root so that no link on the way leads outside (`openat2`).
  package static func beneath(_ root: FilePath, _ path: FilePath) throws(FileFailure) -> FileDescriptor {
    var below = path
    guard below.removePrefix(root) else { throw FileFailure("open", path, errno: EXDEV) }
    let folder = try descriptor(root, O_PATH | O_DIRECTORY)
    defer { close(folder) }
    let flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC
    let number = below.withPlatformString { linux_open_beneath(folder.rawValue, $0, flags, 0) }
    guard number >= 0 else { throw FileFailure("open", path) }
    return FileDescriptor(rawValue: number)
  }

  /// Closes; a failing close of a file that was read or synced says nothing that could be acted on.
  package static func close(_ file: FileDescriptor) {
    Glibc.close(file.rawValue)
  }

  static func descriptor(_ path: FilePath, _ flags: Int32, mode: mode_t = 0) throws(FileFailure) -> FileDescriptor {
    if flags & O_ACCMODE != O_RDONLY { try RefusedWrites.check("open", path) }
    let number = path.withPlatformString { Glibc.open($0, flags | O_CLOEXEC, mode) }
    guard number >= 0 else { throw FileFailure("open", path) }
    return FileDescriptor(rawValue: number)
  }
}

/// Asks whether any process of this host has a file open for writing, by trying to take a read lease.
///
/// Limits: it needs the file's owner or CAP_LEASE; it sees nothing of other hosts and of the far side of a FUSE mount,
/// so on such file systems nobody should ask. 11 µs a probe on ext4.
package enum LeaseProbe {
  /// What the kernel says of a file's writers.
  package enum Answer: Hashable, Sendable {
    case noWriter, writer
    /// No right to ask, or the file system knows no leases.
    case unknown
  }

  /// Whoever opens the file for writing while we hold the lease makes the kernel send SIGIO, which would end us.
  private static let ignoresLeaseBreaks: Bool = {
    signal(SIGIO, SIG_IGN)
    return true
  }()

  /// Asks about the file at a path; an unreadable one is unknown.
  package static func ask(_ path: FilePath) -> Answer {
    _ = ignoresLeaseBreaks
    guard let file = try? OpenFile.reading(path) else { return .unknown }  // The caller's own look says what is wrong.
    defer { OpenFile.close(file) }
    if linux_take_read_lease(file.rawValue) == 0 {
      _ = linux_drop_lease(file.rawValue)
      return .noWriter
    }
    return errno == EAGAIN ? .writer : .unknown
  }
}
