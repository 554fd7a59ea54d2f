import FarmModel
import SystemPackage
import VolumeFiles

/// Everything that belongs to a release, as it was at one look: what lies in its folder, and what was delivered.
package struct ReleaseTree: Hashable, Sendable {
  /// One thing in it.
  package struct Entry: Hashable, Sendable {
    /// In the archive: `store/shot.blend`, `dist/shot_0001.png`; bytes, not always UTF-8.
    package let path: FilePath
    /// Where it lies.
    package let place: FilePath
    package let status: FileStatus
    /// Of a symbolic link: where it leads.
    package let link: FilePath?
    /// Of a further name of a file that came before: that one's path.
    package let firstName: FilePath?
  }

  /// The release's folder.
  package let folder: FileStatus
  /// Folders before what lies in them; by the bytes of their names.
  package let entries: [Entry]

  /// Bytes of all files together.
  package var bytes: Int64 { entries.reduce(0) { $0.adding($1.isFile ? $1.status.fingerprint.size : 0) } }
  /// When something in the release's own folder was made, written or renamed last; what was delivered does not count.
  package var changedAt: Timestamp? {
    entries.filter { $0.path.components.first?.string != Self.delivered }.map(\.status.fingerprint.ctimeNanoseconds)
      .max().map { Timestamp(nanoseconds: $0) }
  }
  package var fileCount: Int { entries.count { $0.isFile } }

  /// Names in the archive that are not those of files in the release's folder.
  package static let delivered = "dist"
  package static let manifestName = "MANIFEST.json"

  /// Looks at everything.
  /// - Parameters:
  ///   - folder: the release's; what lies in it stands at the top of the archive.
  ///   - dist: what was delivered, which stands under `dist/`; passed over when it is not there.
  package init(of folder: FilePath, dist: FilePath) throws(ArchiveFailure) {
    guard let status = try Self.status(at: folder), status.kind == .folder else {
      throw .files(FileFailure("list", folder, errno: 2))
    }
    self.folder = status
    var look = Look(device: status.fingerprint.device)
    try look.list(folder, as: FilePath(""))
    if let top = look.entries.first(where: { [Self.delivered, Self.manifestName].contains($0.path.string) }) {
      throw .notStorable(top.place, what: "the archive needs that name for itself")
    }
    if let status = try Self.status(at: dist) {
      guard status.kind == .folder else { throw .deliveredElsewhere(dist) }
      look.device = status.fingerprint.device
      look.entries.append(
        Entry(path: FilePath(Self.delivered), place: dist, status: status, link: nil, firstName: nil))
      try look.list(dist, as: FilePath(Self.delivered))
    }
    entries = look.entries
  }

  private static func status(at path: FilePath) throws(ArchiveFailure) -> FileStatus? {
    do throws(FileFailure) { return try FileStatus(at: path) } catch { throw .files(error) }
  }

  /// The first thing that is not as it was; nil when nothing changed. Times of folders do not count, for moving a
  /// folder changes them; what lies in them does.
  package func difference(to later: ReleaseTree) -> FilePath? {
    for (was, now) in zip(entries, later.entries) {
      guard was.path == now.path, was.link == now.link, was.status.kind == now.status.kind else {
        return min(was.path.string, now.path.string) == was.path.string ? was.place : now.place
      }
      if was.status.kind != .folder, was.status.fingerprint != now.status.fingerprint { return now.place }
    }
    guard entries.count != later.entries.count else { return nil }
    let (longer, count) =
      entries.count > later.entries.count ? (entries, later.entries.count) : (later.entries, entries.count)
    return longer[count].place
  }
}

extension ReleaseTree.Entry {
  /// Whether its bytes stand in the archive.
  package var isFile: Bool { status.kind == .regular && firstName == nil }
}

/// A look at a tree, depth first.
private struct Look {
  var device: Int64?
  var entries: [ReleaseTree.Entry] = []
  /// The first names of files with several, by device and inode.
  private var names: [[Int64]: FilePath] = [:]
  private static let depthMax = 100

  init(device: Int64?) { self.device = device }

  mutating func list(_ folder: FilePath, as path: FilePath, depth: Int = 0) throws(ArchiveFailure) {
    guard depth < Self.depthMax else { throw .notStorable(folder, what: "its folders are nested too deep") }
    for (name, status) in try contents(of: folder) {
      let place = folder.appending(name)
      let entry = try entry(path.isEmpty ? FilePath(bytes: name.bytes) : path.appending(name), place, status)
      entries.append(entry)
      if status.kind == .folder { try list(place, as: entry.path, depth: depth + 1) }
    }
  }

  private func contents(of folder: FilePath) throws(ArchiveFailure) -> [(FileName, FileStatus)] {
    do throws(FileFailure) {
      guard let listing = try FolderListing(of: folder) else { throw FileFailure("list", folder, errno: 2) }
      var found: [(FileName, FileStatus)] = []
      try listing.each { (name, _) throws(FileFailure) in
        if let status = try listing.status(of: name) { found.append((name, status)) }
      }
      return found.sorted { $0.0.bytes.lexicographicallyPrecedes($1.0.bytes) }
    } catch { throw .files(error) }
  }

  private mutating func entry(
    _ path: FilePath, _ place: FilePath, _ status: FileStatus
  ) throws(ArchiveFailure) -> ReleaseTree.Entry {
    guard path.length <= ArchivePath.bytesMax else {
      throw .notStorable(place, what: "its path is longer than \(ArchivePath.bytesMax) bytes")
    }
    var link: FilePath?
    var first: FilePath?
    switch status.kind {
    case .other: throw .notStorable(place, what: "it is no file but a pipe, a socket or a device")
    case .folder:
      guard status.fingerprint.device == device else {
        throw .notStorable(place, what: "another file system is mounted there")
      }
    case .link:
      do throws(FileFailure) { link = try LinkTarget.read(place) } catch { throw .files(error) }
    case .regular where status.hasOtherNames:
      let file = [status.fingerprint.device, status.fingerprint.inode]
      first = names[file]
      if first == nil { names[file] = path }
    case .regular: break
    }
    return ReleaseTree.Entry(path: path, place: place, status: status, link: link, firstName: first)
  }
}
