import FarmModel
import SystemPackage
import VolumeFiles

/// Which names in a folder are files that an artist may take for drops, and why they are none. Pure.
///
/// What programs put there by themselves is not among them: Blender's `x.blend1` and `x.blend@`, our own snapshots and
/// notes, hidden halves of copies.
package struct OverlookedRule: Hashable, Sendable {
  /// What kind of folder the names lie in.
  package enum Place: Hashable, Sendable {
    /// The volume's root.
    case root
    /// `quick/` or a release's `store/`.
    case drops
    /// `releases/` itself.
    case releases
    /// A release's folder, beside its `store/`.
    case release(String)
    /// A folder below `quick/` that is none of ours.
    case belowQuick
    /// A folder of a release that is neither its `store/` nor its `out/`.
    case belowRelease(String)
  }

  private let root: FilePath
  private let ignore: IgnoreRules

  package init(root: FilePath, ignore: IgnoreRules) {
    self.root = root
    self.ignore = ignore
  }

  /// What is to be told of a file; nil for a drop, and for what nobody takes for one.
  package func look(at name: FileName, in folder: FilePath, _ place: Place) -> OverlookedFile? {
    guard let (why, remedy) = reason(name, folder, place) else { return nil }
    return OverlookedFile(path: below(folder.appending(name)).string, why: why, remedy: remedy)
  }

  private func reason(_ name: FileName, _ folder: FilePath, _ place: Place) -> (why: String, remedy: String)? {
    guard !Self.isOfPrograms(name) else { return nil }
    if SyncConflictName.matches(name) {
      return (
        "a sync program made it as a conflict copy",
        "Keep one of the two versions: delete this file, or rename it if it is to be rendered too."
      )
    }
    if let ending = Self.packed(name) {
      return ("it is packed (\(ending))", "Unpack it and put the .blend into \(target(place, folder)).")
    }
    guard DropPlace.isBlend(name) else { return nil }
    if DropPlace.isPrivate(name) {
      let start = name.hasPrefix(".") ? "a dot" : "~"
      return (
        "names that begin with \(start) are those of hidden or temporary files",
        "Rename it, and put it into \(target(place, folder))."
      )
    }
    switch place {
    case .drops:
      guard ignore.ignores(below(folder.appending(name))) else { return nil }
      return ("a pattern under `ignore:` in farm.yaml leaves it out", "Rename it, or change the pattern.")
    case .root: return ("it lies beside quick/, not in it", "Move it into \(target(place, folder)).")
    case .releases:
      return ("it lies in releases/, not in the store/ of a release", "Move it into \(target(place, folder)).")
    case .release(let release):
      return ("it lies beside releases/\(release)/store/, not in it", "Move it into \(target(place, folder)).")
    case .belowQuick:
      return (
        "only files directly in quick/ are jobs, and no job uses this one", "Move it into \(target(place, folder))."
      )
    case .belowRelease(let release):
      return ("only files directly in releases/\(release)/store/ are jobs", "Move it into \(target(place, folder)).")
    }
  }

  private func below(_ path: FilePath) -> FilePath {
    var below = path
    _ = below.removePrefix(root)
    return below
  }

  private func target(_ place: Place, _ folder: FilePath) -> String {
    switch place {
    case .root, .belowQuick: "quick/"
    case .drops: below(folder).string + "/"
    case .releases: "releases/<release>/store/"
    case .release(let release), .belowRelease(let release): "releases/\(release)/store/"
    }
  }

  // MARK: - Names

  /// Hidden files with these beginnings are made by programs: `.farm-` by farm, `._` by macOS, `.~` and `.tmp` by
  /// editors and copiers, the others by the programs and file systems that they are called after.
  private static let made: [StaticString] = [
    ".farm-", "._", ".~", ".tmp", ".temp", ".part", ".upload", ".syncthing.", ".sync", ".nfs", ".fuse_hidden",
    ".smbdelete", ".goutputstream-", ".#",
  ]

  private static func isOfPrograms(_ name: FileName) -> Bool {
    made.contains { name.hasPrefix($0) } || Volume.isOfSystem(name.string)
  }

  /// The ending of a name of an archive, or of a .blend that another program has compressed.
  private static func packed(_ name: FileName) -> String? {
    guard !name.hasPrefix("."), !name.hasPrefix("~") else { return nil }
    let archives: [StaticString] = [
      ".zip", ".7z", ".rar", ".tar", ".tgz", ".tar.gz", ".tar.zst", ".tar.xz", ".tar.bz2", ".txz", ".tbz2", ".tzst",
      ".blend.gz", ".blend.zst", ".blend.xz", ".blend.bz2", ".blend.lz4", ".blend.lzma",
    ]
    return archives.filter { name.hasSuffix(caseless: $0) }.map { "\($0)" }.max { $0.utf8.count < $1.utf8.count }
  }
}
