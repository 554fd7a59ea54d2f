import CLinux
import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// Unpacks an archive into a new folder, and nowhere else: each name is resolved beneath that folder without following
/// a link (`openat2`).
package struct Unpacker: Sendable {
  private let archive: FilePath
  private let format: ArchiveFormat
  private let folder: FilePath
  private let progress: ArchiveProgress
  /// Bytes that stay free on the disk.
  private let floorBytes: Int64
  /// Where the release's delivery lies; nil: all of it is unpacked.
  private let delivered: FilePath?

  /// - Parameters:
  ///   - folder: that is not there yet.
  ///   - delivered: the release's folder in `dist/`; a file that lies there as it was is not written once more. Nil:
  ///     all of them are.
  package init(
    _ archive: FilePath, format: ArchiveFormat, into folder: FilePath, progress: ArchiveProgress, floorBytes: Int64,
    delivered: FilePath? = nil
  ) {
    (self.archive, self.format, self.folder, self.progress) = (archive, format, folder, progress)
    (self.floorBytes, self.delivered) = (floorBytes, delivered)
  }

  /// What is done to what was unpacked once everything is there.
  private struct Left {
    var folders: [TarReader.Entry] = []
    /// Of files and their further names.
    var files: [FilePath: Known] = [:]
    var unchecked: Int64 = 0
    /// How many belonged to somebody to whom we may not give them.
    var adopted = 0
  }

  /// A file that has been in the archive so far.
  private struct Known {
    let size: Int64
    let mtimeNanoseconds: Int64
    /// Where it was found in the delivery, and left.
    let passed: FilePath?
  }

  /// Unpacks everything, compares every checksum, and has it on the disk when it returns; when it fails, the folder is
  /// removed.
  /// - Returns: what was in it; and how many files and folders belonged to somebody else and are the daemon's now, for
  ///   only root can give files away. Their group may do with them what their owner could.
  package func unpack() throws(ArchiveFailure) -> (manifest: ArchiveManifest, adopted: Int) {
    do throws(FileFailure) {
      let bytes = try FileStatus(at: archive)?.fingerprint.size ?? 0
      progress.begin(.unpacking, allBytes: bytes)
      try SharedFolder.make(folder, below: folder.removingLastComponent())
    } catch { throw .files(error) }
    do throws(ArchiveFailure) {
      let root: FileDescriptor
      do throws(FileFailure) { root = try OpenFile.folder(folder) } catch { throw .files(error) }
      defer { OpenFile.close(root) }
      var left = Left()
      let manifest = try Archiver(format, lanes: 1, progress: progress).read(archive) {
        (tar, entry) throws(ArchiveFailure) in try take(tar, entry, beneath: root, &left)
      }
      for entry in left.folders.reversed() { try set(entry, beneath: root, &left) }
      if let facts = manifest.head.folder {
        // Whoever may not write in it could not be moved to its place.
        let rights = Facts(
          owner: uid_t(truncatingIfNeeded: facts.owner), group: gid_t(truncatingIfNeeded: facts.group),
          mode: mode_t(truncatingIfNeeded: facts.mode) & 0o7777 | 0o700, time: facts.mtimeNanoseconds)
        guard set(rights, on: ".", in: root.rawValue, &left) else {
          throw .files(FileFailure("set the time of", folder))
        }
      }
      guard linux_sync_file_system(root.rawValue) == 0 else { throw .files(FileFailure("sync", folder)) }
      return (manifest, left.adopted)
    } catch {
      // What cannot be removed is removed at the next start.
      try? Placement.removeTree(folder, opens: true)
      throw error
    }
  }

  private func take(
    _ tar: TarReader, _ entry: TarReader.Entry, beneath root: FileDescriptor, _ left: inout Left
  ) throws(ArchiveFailure) -> Digest? {
    let path = entry.path.path
    // Names take room too.
    left.unchecked += Self.entryBytes
    switch entry.kind {
    case .folder:
      try make(entry, beneath: root) { parent, name in mkdirat(parent, name, 0o700) }
      left.folders.append(entry)
      return nil
    case .link(let target):
      try make(entry, beneath: root) { parent, name in target.withPlatformString { symlinkat($0, parent, name) } }
      try set(entry, beneath: root, &left)
      return nil
    case .hardLink(let first):
      guard let known = left.files[first.path] else { throw refuse(entry, "is a hard link to no file of it") }
      let there = place(of: path, like: known.size, known.mtimeNanoseconds)
      left.files[path] = Known(size: known.size, mtimeNanoseconds: known.mtimeNanoseconds, passed: there)
      if there == nil { try link(first.path, known, as: entry, beneath: root, &left) }
      return nil
    case .file:
      let there = place(of: path, like: entry.size, entry.mtimeNanoseconds)
      left.files[path] = Known(size: entry.size, mtimeNanoseconds: entry.mtimeNanoseconds, passed: there)
      guard there != nil else { return try write(tar, entry, beneath: root, &left) }
      var digest = FileDigest()
      try tar.read { digest.update($0) }
      return digest.finish()
    }
  }

  /// Where a file lies in the delivery as it was; nil: it does not.
  private func place(of path: FilePath, like size: Int64, _ mtimeNanoseconds: Int64) -> FilePath? {
    var below = path
    guard let delivered, below.removePrefix(FilePath(ReleaseTree.delivered)) else { return nil }
    let place = delivered.pushing(below)
    // Unreadable: it is unpacked, and then found in the way.
    guard let there = try? FileStatus(at: place), there.kind == .regular, there.fingerprint.size == size,
      there.fingerprint.mtimeNanoseconds == mtimeNanoseconds
    else { return nil }
    return place
  }

  private static let entryBytes: Int64 = 4096

  private func refuse(_ entry: TarReader.Entry, _ why: String) -> ArchiveFailure {
    .forged(archive, entry: entry.path.path.string, why: why)
  }

  /// Opens the folder in which an entry lies, which stands before it in every archive of ours.
  private func parent(of path: FilePath, beneath root: FileDescriptor) throws(ArchiveFailure) -> FileDescriptor {
    let above = path.removingLastComponent()
    let name = above.isEmpty ? FilePath(".") : above
    let number = name.withPlatformString {
      linux_open_beneath(root.rawValue, $0, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)
    }
    guard number >= 0 else {
      guard [ENOENT, ENOTDIR, ELOOP, EXDEV].contains(errno) else {
        throw .files(FileFailure("open", folder.pushing(above)))
      }
      throw .forged(archive, entry: path.string, why: "lies in no folder of the archive")
    }
    return FileDescriptor(rawValue: number)
  }

  /// Makes a new name; one that is there already is refused.
  private func make(
    _ entry: TarReader.Entry, beneath root: FileDescriptor, _ act: (Int32, UnsafePointer<CChar>) -> Int32
  ) throws(ArchiveFailure) {
    let path = entry.path.path
    let parent = try parent(of: path, beneath: root)
    defer { OpenFile.close(parent) }
    guard let name = path.lastName else { throw refuse(entry, "has no name") }
    let made = FilePath(bytes: name.bytes).withPlatformString { act(parent.rawValue, $0) }
    guard made >= 0 else {
      if errno == EEXIST { throw refuse(entry, "stands in it twice") }
      throw .files(FileFailure("make", folder.pushing(path)))
    }
  }

  private func link(
    _ first: FilePath, _ known: Known, as entry: TarReader.Entry, beneath root: FileDescriptor, _ left: inout Left
  ) throws(ArchiveFailure) {
    if let there = known.passed { return try copy(there, as: entry, beneath: root, &left) }
    let from = try parent(of: first, beneath: root)
    defer { OpenFile.close(from) }
    guard let old = first.lastName else { throw refuse(entry, "is a hard link to no file of it") }
    try make(entry, beneath: root) { parent, name in
      FilePath(bytes: old.bytes).withPlatformString { linkat(from.rawValue, $0, parent, name, 0) }
    }
  }

  /// A further name of a file that was found in the delivery is a file of its own: that one may lie on another disk.
  private func copy(
    _ there: FilePath, as entry: TarReader.Entry, beneath root: FileDescriptor, _ left: inout Left
  ) throws(ArchiveFailure) {
    let place = folder.pushing(entry.path.path)
    let file = try makeFile(entry, beneath: root)
    defer { OpenFile.close(file) }
    do throws(FileFailure) {
      let source = try OpenFile.reading(there)
      defer { OpenFile.close(source) }
      try FileBytes.read(source, path: there) { (piece) throws(FileFailure) in
        try FileBytes.write(piece, to: file, path: place)
      }
    } catch { throw .files(error) }
    try set(entry, beneath: root, &left)
  }

  private func makeFile(_ entry: TarReader.Entry, beneath root: FileDescriptor) throws(ArchiveFailure) -> FileDescriptor
  {
    var file = FileDescriptor(rawValue: -1)
    try make(entry, beneath: root) { parent, name in
      file = FileDescriptor(rawValue: linux_open_new_at(parent, name, 0o600))
      return file.rawValue
    }
    return file
  }

  private static let lookEveryBytes: Int64 = 64 << 20

  private func write(
    _ tar: TarReader, _ entry: TarReader.Entry, beneath root: FileDescriptor, _ left: inout Left
  ) throws(ArchiveFailure) -> Digest {
    let place = folder.pushing(entry.path.path)
    let file = try makeFile(entry, beneath: root)
    defer { OpenFile.close(file) }
    var digest = FileDigest()
    var end: Int64 = 0
    try tar.read { (bytes) throws(ArchiveFailure) in
      digest.update(bytes)
      left.unchecked += Int64(bytes.count)
      if left.unchecked >= Self.lookEveryBytes {
        left.unchecked = 0
        if let free = DiskSpace.freeBytes(at: folder), free < floorBytes { throw .tooLarge(archive) }
      }
      do throws(FileFailure) { try SparseFile.write(bytes, to: file, at: end, path: place) } catch {
        throw .files(error)
      }
      end += Int64(bytes.count)
      try progress.advance(0)
    }
    guard end == entry.size else { throw .damaged(archive, "\(entry.path.path.string) is cut off") }
    guard ftruncate(file.rawValue, off_t(end)) == 0 else { throw .files(FileFailure("write", place)) }
    try set(entry, beneath: root, &left)
    return digest.finish()
  }

  private struct Facts {
    let owner: uid_t
    let group: gid_t
    /// Nil: of a link, which has none.
    let mode: mode_t?
    /// Nanoseconds since 1970.
    let time: Int64
  }

  /// Of folders after everything lies in them.
  private func set(
    _ entry: TarReader.Entry, beneath root: FileDescriptor, _ left: inout Left
  ) throws(ArchiveFailure) {
    let path = entry.path.path
    let parent = try parent(of: path, beneath: root)
    defer { OpenFile.close(parent) }
    guard let name = path.lastName else { throw refuse(entry, "has no name") }
    let mode: mode_t? =
      switch entry.kind {
      case .link: nil
      case .folder: entry.mode
      // No file of a release runs with its owner's rights.
      case .file, .hardLink: entry.mode & 0o777
      }
    let facts = Facts(owner: entry.owner, group: entry.group, mode: mode, time: entry.mtimeNanoseconds)
    guard set(facts, on: FilePath(bytes: name.bytes), in: parent.rawValue, &left) else {
      throw .files(FileFailure("set the time of", folder.pushing(path)))
    }
  }

  /// Owner and group as far as we may, then rights, then times.
  private func set(_ facts: Facts, on name: FilePath, in parent: Int32, _ left: inout Left) -> Bool {
    let time = Timestamp(nanoseconds: facts.time).forSystem
    return name.withPlatformString { name in
      var shared: mode_t = 0
      if fchownat(parent, name, facts.owner, facts.group, AT_SYMLINK_NOFOLLOW) != 0 {
        _ = fchownat(parent, name, uid_t.max, facts.group, AT_SYMLINK_NOFOLLOW)
        if facts.owner != geteuid() {
          left.adopted += 1
          shared = ((facts.mode ?? 0) & 0o700) >> 3
        }
      }
      if let mode = facts.mode { _ = fchmodat(parent, name, mode | shared, 0) }
      return utimensat(parent, name, [time, time], AT_SYMLINK_NOFOLLOW) == 0
    }
  }
}
