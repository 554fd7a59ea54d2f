import FarmModel
import SystemPackage
import VolumeFiles

/// Looks for files that artists may take for drops, where only names need to be read: the root, `quick/` and folders in
/// it, `releases/` and the folders of releases. A value that remembers each folder by its stamp: a folder in which no
/// name came or went costs one `stat`.
package struct OverlookedLook: Sendable {
  /// How many files are told of one part of the volume.
  private static let filesMax = 200

  /// How far folders are followed: what lies deeper, or is more, is passed over.
  private struct Reach {
    var depth: Int
    var folders: Int
  }

  /// A folder as it was listed last.
  private struct Folder {
    let fingerprint: Fingerprint
    /// Whether it was the same in two listings: a change within one tick of the file system's clock has the same stamp.
    let isSure: Bool
    let files: [OverlookedFile]
    let folders: [FileName]
  }

  private let volume: Volume
  private let rule: OverlookedRule
  private var known: [FilePath: Folder] = [:]
  private var seen: [FilePath: Folder] = [:]
  private var foldersLeft = 0

  package init(_ volume: Volume, ignore: IgnoreRules) {
    self.volume = volume
    rule = OverlookedRule(root: volume.root, ignore: ignore)
  }

  /// What lies in the root, `quick/`, and the folders in it. Blocks as long as the file system does.
  /// - Parameter isUsed: whether jobs use files in a folder or below it: then it holds assets, and nothing is told.
  package mutating func top(isUsed: (FilePath) -> Bool) -> [OverlookedFile] {
    let reach = Reach(depth: 3, folders: 500)
    begin(reach)
    var found = list(volume.root, .root).files
    let quick = list(volume.quick, .drops)
    found += quick.files
    found += below(volume.quick, quick.folders, .belowQuick, besides: ["out"], depth: reach.depth, isUsed: isUsed)
    found += list(volume.releases, .releases).files
    return Array(found.prefix(Self.filesMax))
  }

  /// What lies in a release's folder, its `store/`, and other folders in it.
  package mutating func release(_ name: String, isUsed: (FilePath) -> Bool) -> [OverlookedFile] {
    let reach = Reach(depth: 1, folders: 50)
    begin(reach)
    let folder = volume.release(name)
    let top = list(folder, .release(name))
    var found = top.files + list(volume.store(of: name), .drops).files
    found += below(
      folder, top.folders, .belowRelease(name), besides: ["store", "out"], depth: reach.depth, isUsed: isUsed)
    return Array(found.prefix(Self.filesMax))
  }

  private mutating func begin(_ reach: Reach) {
    (known, seen) = (seen, [:])
    foldersLeft = reach.folders
  }

  private mutating func below(
    _ folder: FilePath, _ names: [FileName], _ place: OverlookedRule.Place, besides ours: Set<String>, depth: Int,
    isUsed: (FilePath) -> Bool
  ) -> [OverlookedFile] {
    var found: [OverlookedFile] = []
    for name in names.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
      guard found.count < Self.filesMax, foldersLeft > 0 else { break }
      guard !name.hasPrefix("."), !ours.contains(name.string), !Volume.isOfSystem(name.string),
        !name.hasPrefix("blendcache_")
      else { continue }
      foldersLeft -= 1
      let inner = folder.appending(name)
      let listed = list(inner, place)
      if !listed.files.isEmpty, !isUsed(inner) { found += listed.files }
      if depth > 1 { found += below(inner, listed.folders, place, besides: [], depth: depth - 1, isUsed: isUsed) }
    }
    return found
  }

  private mutating func list(
    _ path: FilePath, _ place: OverlookedRule.Place
  ) -> (files: [OverlookedFile], folders: [FileName]) {
    // Not to be looked at: the watch says so of all folders that matter.
    guard let status = try? FileStatus(at: path), status.kind == .folder else { return ([], []) }
    let now = status.fingerprint
    let before = known[path].flatMap { $0.fingerprint == now ? $0 : nil }
    let folder = before?.isSure == true ? before : listed(path, place, isSure: before != nil)
    seen[path] = folder
    return (folder?.files ?? [], folder?.folders ?? [])
  }

  private func listed(_ path: FilePath, _ place: OverlookedRule.Place, isSure: Bool) -> Folder? {
    do throws(FileFailure) {
      guard let listing = try FolderListing(of: path) else { return nil }
      var files: [OverlookedFile] = []
      var folders: [FileName] = []
      try listing.each { name, hint throws(FileFailure) in
        let file = rule.look(at: name, in: path, place)
        var kind = hint
        if kind == nil { kind = try listing.status(of: name)?.kind }
        if kind == .folder { folders.append(name) }
        if let file, kind == .regular, files.count < Self.filesMax { files.append(file) }
      }
      return Folder(fingerprint: listing.status.fingerprint, isSure: isSure, files: files, folders: folders)
    } catch {
      return nil
    }
  }
}
