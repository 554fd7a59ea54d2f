import SystemPackage
import VolumeFiles

/// Files that count wherever they lie, besides those of the tree: what pictures are made of. A value.
///
/// One below the root is found also when folders on the way to it come and go; of another, only its own folder is
/// watched.
struct FollowedFiles: Hashable, Sendable {
  /// Some that come to be followed, and some that no longer are.
  struct Change: Hashable, Sendable {
    var added: Set<FilePath> = []
    var dropped: Set<FilePath> = []
  }

  private let root: FilePath
  /// By folder.
  private var files: [FilePath: Set<FileName>] = [:]
  /// Folders below the root on the way to them, with the names that lead on, and to how many folders of files.
  private var ways: [FilePath: [FileName: Int]] = [:]
  /// Their folders that do not lie below the root.
  private(set) var outside: Set<FilePath> = []

  init(root: FilePath) { self.root = root }

  /// The names that count in a folder.
  func names(in folder: FilePath) -> Set<FileName> { files[folder] ?? [] }

  /// Whether a folder of this name is on the way to one.
  func lead(from folder: FilePath, to name: FileName) -> Bool { ways[folder]?[name] != nil }

  /// Whether a folder is looked into for their sake.
  func need(_ folder: FilePath) -> Bool { files[folder] != nil || ways[folder] != nil }

  /// - Returns: the folders that nobody needs any more, or from which others lead on than before; those above first.
  mutating func take(_ change: Change) -> [FilePath] {
    var changed: Set<FilePath> = []
    for path in change.added { add(path, &changed) }
    for path in change.dropped { drop(path, &changed) }
    return changed.sorted { $0.length < $1.length }
  }

  private mutating func add(_ path: FilePath, _ changed: inout Set<FilePath>) {
    guard let name = path.lastName else { return }
    let folder = path.removingLastComponent()
    guard files[folder, default: []].insert(name).inserted, files[folder]?.count == 1 else { return }
    guard folder.starts(with: root) else {
      outside.insert(folder)
      return
    }
    for (above, name) in steps(to: folder) {
      ways[above, default: [:]][name, default: 0] += 1
      if ways[above]?[name] == 1 { changed.insert(above) }
    }
  }

  private mutating func drop(_ path: FilePath, _ changed: inout Set<FilePath>) {
    guard let name = path.lastName else { return }
    let folder = path.removingLastComponent()
    guard files[folder]?.remove(name) != nil, files[folder]?.isEmpty == true else { return }
    files[folder] = nil
    changed.insert(folder)
    guard outside.remove(folder) == nil else { return }
    for (above, name) in steps(to: folder) {
      ways[above]?[name, default: 1] -= 1
      guard ways[above]?[name] == 0 else { continue }
      ways[above]?[name] = nil
      if ways[above]?.isEmpty == true { ways[above] = nil }
      changed.insert(above)
    }
  }

  /// Each folder from the root to `folder`, with the name that leads on; the last first.
  private func steps(to folder: FilePath) -> [(FilePath, FileName)] {
    var (folder, steps) = (folder, [(FilePath, FileName)]())
    while folder != root, let name = folder.lastName {
      folder = folder.removingLastComponent()
      steps.append((folder, name))
    }
    return steps
  }
}
