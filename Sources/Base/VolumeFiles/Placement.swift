import CLinux
import FarmModel
import Glibc
import SystemPackage

/// Puts whole files in their places: by rename, or by copy, sync and rename where the place is on another file system.
package enum Placement {
  /// What to do when the new name is taken.
  package enum Occupied: Sendable {
    /// Fail with EEXIST when the name is taken.
    case refuse
    /// Take the place of what is there.
    case replace
    /// Take the place of this or its copy, if that is there; of anything else fail with EEXIST.
    case replaceOnly(FileIdentity)
  }

  /// Moves a file. After it returns the new name is there and the old one is gone; the folder is not synced.
  /// - Returns: what was put there, as it was just before it had the new name: what somebody writes into it from then
  ///   on is not ours. On another file system it is another file.
  @discardableResult
  package static func move(
    _ from: FilePath, to: FilePath, ifOccupied: Occupied
  ) throws(FileFailure) -> FileIdentity {
    let action = "move \(from.string.escapedForTerminal) to"
    guard let moved = try FileStatus(at: from) else { throw FileFailure(action, to, errno: ENOENT) }
    if rename(from, to, ifOccupied) { return moved.identity }
    guard errno == EXDEV else { throw FileFailure(action, to) }
    return try copyAcross(from, to: to, ifOccupied: ifOccupied)
  }

  /// Gives a file or folder another name on its file system, which must be free.
  package static func rename(_ from: FilePath, to: FilePath) throws(FileFailure) {
    guard rename(from, to, .refuse) else { throw FileFailure("move \(from.string.escapedForTerminal) to", to) }
  }

  private static func rename(_ from: FilePath, _ to: FilePath, _ occupied: Occupied) -> Bool {
    switch occupied {
    case .refuse: renameNew(from, to)
    case .replace: call(Glibc.rename, from, to)
    case .replaceOnly(let ours): renameNew(from, to) || (errno == EEXIST && exchange(from, to, for: ours))
    }
  }

  private static func call(
    _ function: (UnsafePointer<CChar>, UnsafePointer<CChar>) -> Int32, _ from: FilePath, _ to: FilePath
  ) -> Bool {
    from.withPlatformString { old in to.withPlatformString { new in function(old, new) == 0 } }
  }

  /// Where a file system cannot refuse in the same step, it is looked at just before.
  private static func renameNew(_ from: FilePath, _ to: FilePath) -> Bool {
    if call(linux_rename_new, from, to) { return true }
    guard isNotKnown(errno) else { return false }
    var status = stat()
    guard to.withPlatformString({ lstat($0, &status) }) == 0 else {
      return errno == ENOENT && call(Glibc.rename, from, to)
    }
    errno = EEXIST
    return false
  }

  /// What lay there is looked at once more when it is out of its place: what came there meanwhile is put back.
  private static func exchange(_ from: FilePath, _ to: FilePath, for ours: FileIdentity) -> Bool {
    // Unreadable: not ours.
    let isOurs = { (path: FilePath) in (try? FileStatus(at: path))??.identity.isCopy(of: ours) == true }
    if isOurs(to) {
      guard call(linux_rename_exchange, from, to) else { return isNotKnown(errno) && call(Glibc.rename, from, to) }
      if isOurs(from) {
        remove(from)
        return true
      }
      _ = call(linux_rename_exchange, from, to)
    }
    errno = EEXIST
    return false
  }

  /// Network file systems and some of FUSE know no such renames.
  private static func isNotKnown(_ code: Int32) -> Bool { code == EINVAL || code == ENOSYS }

  private static func copyAcross(
    _ from: FilePath, to: FilePath, ifOccupied: Occupied
  ) throws(FileFailure) -> FileIdentity {
    let part = to.removingLastComponent().appending(".farm-part-\(to.lastComponent?.string ?? "file")")
    remove(part)
    let digest = try FileCopy.copy(from, to: part)
    try keepTime(of: from, on: part)
    try Durable.sync(part)
    guard try FileDigest.of(part) == digest, let copied = try FileStatus(at: part) else {
      throw FileFailure("verify", part, errno: EIO)
    }
    guard rename(part, to, ifOccupied) else {
      let code = errno
      remove(part)
      throw FileFailure("move into place", to, errno: code)
    }
    remove(from)
    return copied.identity
  }

  /// The copy keeps the modification time, by which it is known again.
  private static func keepTime(of from: FilePath, on copy: FilePath) throws(FileFailure) {
    guard let status = try FileStatus(at: from) else { return }
    try setTime(of: copy, like: status)
  }

  /// Gives a file or folder of ours the modification time of another one.
  package static func setTime(of copy: FilePath, like status: FileStatus) throws(FileFailure) {
    let time = Timestamp(nanoseconds: status.fingerprint.mtimeNanoseconds).forSystem
    let times = [time, time]
    guard copy.withPlatformString({ utimensat(AT_FDCWD, $0, times, 0) }) == 0 else {
      throw FileFailure("set the time of", copy)
    }
  }

  /// Removes a file of ours; that it is gone already is what was wanted.
  package static func remove(_ path: FilePath) {
    _ = path.withPlatformString { unlink($0) }
  }

  /// Removes a folder of ours with all that lies in it, never following a link.
  /// - Parameter opens: whether folders that are closed to us are opened first: of what we have just unpacked.
  package static func removeTree(_ folder: FilePath, opens: Bool = false) throws(FileFailure) {
    guard let status = try FileStatus(at: folder) else { return }
    guard status.kind == .folder else {
      remove(folder)
      return
    }
    if opens { _ = folder.withPlatformString { chmod($0, 0o700) } }
    for name in try FolderListing.names(in: folder) { try removeTree(folder.appending(name), opens: opens) }
    guard folder.withPlatformString({ rmdir($0) }) == 0 || errno == ENOENT else { throw FileFailure("remove", folder) }
  }

  /// Removes a folder when it is empty; says whether it is gone.
  @discardableResult
  package static func removeIfEmpty(_ folder: FilePath) -> Bool {
    folder.withPlatformString { rmdir($0) } == 0
  }
}

/// Copies files and digests them in the same pass.
package enum FileCopy {
  /// Copies `from` to the new file `to` with the folder's group and rights; shares blocks where the disk can.
  /// - Returns: the digest of what was copied.
  @discardableResult
  package static func copy(_ from: FilePath, to: FilePath) throws(FileFailure) -> Digest {
    let source = try OpenFile.reading(from)
    defer { OpenFile.close(source) }
    return try copy(source, from: from, to: to)
  }

  /// The same from a file that is open already.
  package static func copy(_ source: FileDescriptor, from: FilePath, to: FilePath) throws(FileFailure) -> Digest {
    let target = try OpenFile.making(to, mode: 0o644)
    defer { OpenFile.close(target) }
    var digest = FileDigest()
    do throws(FileFailure) {
      let isCloned = linux_clone_file(target.rawValue, source.rawValue) == 0
      let readFrom = isCloned ? try OpenFile.reading(to) : source
      defer { if isCloned { OpenFile.close(readFrom) } }
      try FileBytes.read(readFrom, path: from) { (piece) throws(FileFailure) in
        digest.update(piece)
        if !isCloned { try FileBytes.write(piece, to: target, path: to) }
      }
    } catch {
      Placement.remove(to)
      throw error
    }
    try SharedFolder.adopt(to)
    return digest.finish()
  }
}

/// How much room a file system has.
package enum DiskSpace {
  /// Bytes that we may still write where `path` lies; nil when nobody can say.
  package static func freeBytes(at path: FilePath) -> Int64? {
    bytes(at: path) { $0.f_bavail }
  }

  /// How large the file system is on which `path` lies, in bytes; nil when nobody can say.
  package static func sizeBytes(at path: FilePath) -> Int64? {
    bytes(at: path) { $0.f_blocks }
  }

  private static func bytes(at path: FilePath, _ blocks: (statvfs) -> fsblkcnt_t) -> Int64? {
    var s = statvfs()
    guard path.withPlatformString({ statvfs($0, &s) }) == 0 else { return nil }
    return Int64(clamping: UInt64(blocks(s)) * UInt64(s.f_frsize))
  }
}

/// How much memory programs may still take.
package enum MemorySpace {
  /// Bytes, by what the kernel calls MemAvailable; nil when nobody can say.
  package static func availableBytes() -> Int64? {
    guard let text = try? FileBytes.all(of: "/proc/meminfo"),  // Nobody can say.
      let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first(where: {
        $0.hasPrefix("MemAvailable:")
      }),
      let kilobytes = Int64(line.filter(\.isNumber))
    else { return nil }
    return kilobytes * 1024
  }
}

/// Makes what was written survive a power cut.
package enum Durable {
  /// Waits until a file's data is on the disk.
  package static func sync(_ file: FilePath) throws(FileFailure) {
    try RefusedWrites.check("sync", file)
    let descriptor = try OpenFile.descriptor(file, O_RDONLY | O_NOFOLLOW)
    defer { OpenFile.close(descriptor) }
    guard fdatasync(descriptor.rawValue) == 0 else { throw FileFailure("sync", file) }
  }

  /// Waits until a folder's names are on the disk.
  package static func syncFolder(_ folder: FilePath) throws(FileFailure) {
    let descriptor = try OpenFile.descriptor(folder, O_RDONLY | O_DIRECTORY)
    defer { OpenFile.close(descriptor) }
    guard fsync(descriptor.rawValue) == 0 || errno == EINVAL else { throw FileFailure("sync", folder) }
  }

  /// Writes a small file whole or not at all: beside it, synced, renamed over.
  package static func write(_ bytes: [UInt8], to path: FilePath) throws(FileFailure) {
    let part = path.removingLastComponent().appending(".\(path.lastComponent?.string ?? "file").part")
    Placement.remove(part)
    let file = try OpenFile.making(part, mode: 0o644)
    defer { OpenFile.close(file) }
    do throws(FileFailure) {
      try FileBytes.write(bytes, to: file, path: part)
      guard fdatasync(file.rawValue) == 0 else { throw FileFailure("sync", part) }
      try SharedFolder.adopt(part)
      try Placement.move(part, to: path, ifOccupied: .replace)
    } catch {
      Placement.remove(part)
      throw error
    }
  }
}
