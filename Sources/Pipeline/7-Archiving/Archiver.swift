import CLinux
import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// Writes a release into an archive, and reads archives back. Changes nothing in the release.
package struct Archiver: Sendable {
  private let format: ArchiveFormat
  private let lanes: Int
  private let progress: ArchiveProgress
  private let floorBytes: Int64
  private static let lookEveryBytes: Int64 = 64 << 20

  /// - Parameters:
  ///   - lanes: how many threads pack at once.
  ///   - floorBytes: how many bytes stay free on the disk of the archives.
  package init(_ format: ArchiveFormat, lanes: Int, progress: ArchiveProgress, floorBytes: Int64 = 0) {
    (self.format, self.lanes, self.progress, self.floorBytes) = (format, lanes, progress, floorBytes)
  }

  /// Writes everything to a new file, and the manifest last; the file is on the disk when it returns.
  /// - Parameters:
  ///   - file: that is not there yet; when it fails it is removed again.
  ///   - manifest: without its files.
  ///   - owner: the job and revision to which a file belongs, by its path in the archive.
  /// - Returns: what stands in the archive now.
  package func write(
    _ tree: ReleaseTree, to file: FilePath, manifest: ArchiveManifest,
    owner: (FilePath) -> (job: String, revision: Int)?
  ) throws(ArchiveFailure) -> ArchiveManifest {
    progress.begin(.packing, allBytes: tree.bytes)
    try checkRoom(for: file)
    let target: FileDescriptor
    do throws(FileFailure) { target = try OpenFile.making(file, mode: 0o644) } catch { throw .files(error) }
    defer { OpenFile.close(target) }
    do throws(ArchiveFailure) {
      let written = try TarText.inUTF8 { () throws(ArchiveFailure) in
        try write(tree, target, file, manifest, owner)
      }
      guard fdatasync(target.rawValue) == 0 else { throw .files(FileFailure("sync", file)) }
      try? SharedFolder.adopt(file)  // A refusal leaves what the umask gave, which still works.
      return written
    } catch {
      Placement.remove(file)
      throw error
    }
  }

  private func write(
    _ tree: ReleaseTree, _ target: FileDescriptor, _ file: FilePath, _ manifest: ArchiveManifest,
    _ owner: (FilePath) -> (job: String, revision: Int)?
  ) throws(ArchiveFailure) -> ArchiveManifest {
    let tar = try TarWriter(target, path: file, format: format, lanes: lanes)
    var manifest = manifest
    manifest.head.folder = ArchiveManifest.Head.Folder(tree.folder)
    var unchecked: Int64 = 0
    manifest.files.reserveCapacity(tree.entries.count)
    for entry in tree.entries {
      if unchecked >= Self.lookEveryBytes {
        unchecked = 0
        try checkRoom(for: file)
      }
      unchecked += entry.isFile ? entry.status.fingerprint.size : 0
      try tar.begin(entry.path, entry.status, link: entry.link, firstName: entry.firstName)
      let digest = entry.isFile ? try write(entry, to: tar) : nil
      manifest.files.append(ArchiveManifest.File(entry, sha256: digest, owner: owner(entry.path)))
    }
    let text: [UInt8]
    do { text = try manifest.text() } catch { throw .notStorable(file, what: "\(error)") }
    let ours = tree.folder.ofFile(size: Int64(text.count))
    try tar.begin(FilePath(ReleaseTree.manifestName), ours, link: nil, firstName: nil)
    for start in stride(from: 0, to: text.count, by: Self.pieceBytes) {
      let piece = text[start..<min(start + Self.pieceBytes, text.count)]
      let written = piece.withUnsafeBytes { bytes in Result { () throws(ArchiveFailure) in try tar.write(bytes) } }
      try written.get()
    }
    try tar.finish()
    return manifest
  }

  private static let pieceBytes = 1 << 20

  /// A disk that is filled to its end stops renders and the ledger too.
  private func checkRoom(for file: FilePath) throws(ArchiveFailure) {
    let free = DiskSpace.freeBytes(at: file.removingLastComponent())
    if let free, free < floorBytes { throw .noRoom(file, freeBytes: free) }
  }

  /// - Returns: the digest of its bytes.
  private func write(_ entry: ReleaseTree.Entry, to tar: TarWriter) throws(ArchiveFailure) -> Digest {
    let file: FileDescriptor
    do throws(FileFailure) { file = try OpenFile.reading(entry.place) } catch {
      throw error.errno == ENOENT ? .changed(entry.place) : .files(error)
    }
    defer { OpenFile.close(file) }
    var digest = FileDigest()
    var left = entry.status.fingerprint.size
    try SparseFile.read(file, to: left, path: entry.place) { (bytes) throws(ArchiveFailure) in
      left -= Int64(bytes.count)
      digest.update(bytes)
      try tar.write(bytes)
      try progress.advance(bytes.count)
    }
    let now: FileStatus
    do throws(FileFailure) { now = try FileStatus(of: file, path: entry.place) } catch { throw .files(error) }
    guard left == 0, now.fingerprint == entry.status.fingerprint else { throw .changed(entry.place) }
    return digest.finish()
  }

  // MARK: - Reading back

  /// Reads an archive to its last byte, and compares each file in it with what its manifest says.
  /// - Parameter expected: what it must be, when that is known.
  /// - Returns: its manifest.
  package func check(
    _ file: FilePath, expected: ArchiveManifest? = nil
  ) throws(ArchiveFailure) -> ArchiveManifest {
    do throws(FileFailure) {
      guard let size = try FileStatus(at: file)?.fingerprint.size else {
        throw FileFailure("open", file, errno: ENOENT)
      }
      progress.begin(.checking, allBytes: size)
    } catch { throw .files(error) }
    return try read(file, expected: expected) { (tar, entry) throws(ArchiveFailure) in
      guard entry.kind == .file else { return nil }
      var digest = FileDigest()
      try tar.read { (bytes) throws(ArchiveFailure) in
        digest.update(bytes)
        try progress.advance(0)
      }
      return digest.finish()
    }
  }

  /// Reads all entries, has each taken in, and compares the digests of their bytes with the manifest.
  /// - Parameter take: reads the entry's bytes and gives back their digest; nil when it is no file.
  func read(
    _ file: FilePath, expected: ArchiveManifest? = nil,
    take: (TarReader, TarReader.Entry) throws(ArchiveFailure) -> Digest?
  ) throws(ArchiveFailure) -> ArchiveManifest {
    let progress = progress
    let canceled = { () throws(ArchiveFailure) in try progress.advance(0) }
    return try TarText.asBytes { () throws(ArchiveFailure) in
      let tar = try TarReader(file, format: format) { count in try? progress.advance(count) }  // Told below.
      var found: [ArchiveManifest.File] = []
      var outline = ArchiveOutline(of: file)
      while let entry = try tar.next() {
        try canceled()
        if entry.path.path.string == ReleaseTree.manifestName {
          return try compare(found, with: try manifest(tar, entry, file), in: file, expected, tar)
        }
        try outline.take(entry)
        found.append(ArchiveManifest.File(entry, sha256: try take(tar, entry)))
      }
      throw .damaged(file, "it has no \(ReleaseTree.manifestName), so it is none of the farm's or was cut off")
    }
  }

  private static let manifestBytesMax: Int64 = 1 << 28

  private func manifest(
    _ tar: TarReader, _ entry: TarReader.Entry, _ file: FilePath
  ) throws(ArchiveFailure) -> ArchiveManifest {
    guard entry.kind == .file, entry.size <= Self.manifestBytesMax else {
      throw .forged(file, entry: ReleaseTree.manifestName, why: "is not what the farm writes")
    }
    var text: [UInt8] = []
    try tar.read { text.append(contentsOf: $0) }
    guard let manifest = ArchiveManifest(parsing: text) else {
      throw .damaged(file, "its \(ReleaseTree.manifestName) is not what the farm writes")
    }
    return manifest
  }

  private func compare(
    _ found: [ArchiveManifest.File], with manifest: ArchiveManifest, in file: FilePath, _ expected: ArchiveManifest?,
    _ tar: TarReader
  ) throws(ArchiveFailure) -> ArchiveManifest {
    if let after = try tar.next() {
      throw .forged(file, entry: after.path.path.string, why: "stands behind the manifest")
    }
    for (there, owed) in zip(found, manifest.files) where !there.isSame(as: owed) {
      throw .damaged(file, "\(owed.path.escapedForTerminal) is not what was put into it")
    }
    guard found.count == manifest.files.count else {
      throw .damaged(file, "it has \(found.count) entries, and \(manifest.files.count) were put into it")
    }
    if let expected, !expected.isSame(as: manifest) {
      throw .damaged(file, "its \(ReleaseTree.manifestName) is not what was put into it")
    }
    return manifest
  }
}

extension ArchiveManifest {
  /// Whether it says the same of everything, also whose each file is.
  fileprivate func isSame(as other: Self) -> Bool {
    head == other.head && files.count == other.files.count
      && zip(files, other.files).allSatisfy { a, b in
        a.isSame(as: b) && a.mode == b.mode && a.job == b.job && a.revision == b.revision
      }
  }
}

extension ArchiveManifest.File {
  /// As an archive shows it.
  init(_ entry: TarReader.Entry, sha256: Digest?) {
    let (kind, target): (Kind, FilePath?) =
      switch entry.kind {
      case .file: (.file, nil)
      case .folder: (.folder, nil)
      case .link(let leads): (.link, leads)
      case .hardLink(let first): (.hardLink, first.path)
      }
    self.init(entry.path.path, kind, to: target, mode: Int(entry.mode), mtimeNanoseconds: entry.mtimeNanoseconds)
    if kind == .file { (size, self.sha256) = (entry.size, sha256) }
  }

  /// Whether it is the same thing, whoever's it is. Names are compared as bytes: two texts that say the same in letters
  /// and accents may be two names.
  func isSame(as other: Self) -> Bool {
    path.utf8.elementsEqual(other.path.utf8) && pathBytes == other.pathBytes && kind == other.kind
      && (target ?? "").utf8.elementsEqual((other.target ?? "").utf8) && targetBytes == other.targetBytes
      && size == other.size && sha256 == other.sha256 && mtimeNanoseconds == other.mtimeNanoseconds
  }
}

extension ArchiveManifest.Head.Folder {
  init(_ status: FileStatus) {
    (mode, mtimeNanoseconds) = (Int(status.mode), status.fingerprint.mtimeNanoseconds)
    (owner, group) = (Int(status.owner), Int(status.group))
  }
}

extension FileStatus {
  /// Of a file of ours beside this one.
  fileprivate func ofFile(size: Int64) -> FileStatus {
    FileStatus(like: self, kind: .regular, size: size, mode: mode & 0o666)
  }
}

/// Names of other letters than ASCII: libarchive asks the locale how they are written.
enum TarText {
  /// Runs something on this thread with names in UTF-8, as they are written into archives.
  static func inUTF8<Value>(_ body: () throws(ArchiveFailure) -> Value) throws(ArchiveFailure) -> Value {
    try within("C.UTF-8", body)
  }

  /// Runs something on this thread with names as the bytes that they are. What knows UTF-8 puts letters and accents
  /// together when it reads, which makes other names of those that a Mac wrote.
  static func asBytes<Value>(_ body: () throws(ArchiveFailure) -> Value) throws(ArchiveFailure) -> Value {
    try within("C", body)
  }

  private static func within<Value>(
    _ name: String, _ body: () throws(ArchiveFailure) -> Value
  ) throws(ArchiveFailure) -> Value {
    let locale = newlocale(LC_CTYPE_MASK, name, nil)
    let before = locale.map { uselocale($0) } ?? nil
    defer {
      if let before { uselocale(before) }
      if let locale { freelocale(locale) }
    }
    return try body()
  }
}
