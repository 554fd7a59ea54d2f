import SystemPackage
import VolumeFiles

/// Files that count wherever they lie, besides those of the tree: what pictures are made of. A value.
///
/// One below the root is found also when folders on the way to it come and go; of another, only its own folder is
/// watched.
struct FollowedFiles: Hashable, Sendable {
  /// By folder.
  private let files: [FilePath: Set<FileName>]
  /// Folders below the root on the way to them, with the names that lead on.
  private let ways: [FilePath: Set<FileName>]
  /// Their folders that do not lie below the root.
  let outside: Set<FilePath>

  init(_ paths: Set<FilePath> = [], root: FilePath) {
    var (files, ways, outside) = ([FilePath: Set<FileName>](), [FilePath: Set<FileName>](), Set<FilePath>())
    for path in paths {
      guard let name = path.lastName else { continue }
      var folder = path.removingLastComponent()
      guard files[folder, default: []].insert(name).inserted, files[folder]?.count == 1, folder != root else {
        continue
      }
      guard folder.starts(with: root) else {
        outside.insert(folder)
        continue
      }
      while folder != root, let name = folder.lastName {
        folder = folder.removingLastComponent()
        guard ways[folder, default: []].insert(name).inserted else { break }
      }
    }
    self.files = files
    self.ways = ways
    self.outside = outside
  }

  /// The names that count in a folder.
  func names(in folder: FilePath) -> Set<FileName> { files[folder] ?? [] }

  /// Whether a folder of this name is on the way to one.
  func lead(from folder: FilePath, to name: FileName) -> Bool { ways[folder]?.contains(name) == true }

  /// Whether a folder is looked into for their sake.
  func need(_ folder: FilePath) -> Bool { files[folder] != nil || ways[folder] != nil }

  /// The folders in which others count than in these, or from which others lead on; those above first.
  func differences(from before: FollowedFiles) -> [FilePath] {
    let folders = Set(files.keys).union(ways.keys).union(before.files.keys).union(before.ways.keys)
    return folders.filter { files[$0] != before.files[$0] || ways[$0] != before.ways[$0] }
      .sorted { $0.length < $1.length }
  }
}
