import SystemPackage
import VolumeFiles

/// Files that count besides those of the tree.
extension WatchState {
  /// Whether no folder above tells when this one comes and goes.
  func isAnchor(_ folder: FilePath) -> Bool { folder == root || followed.outside.contains(folder) }

  /// How a folder of this name in another is watched; nil when it is none of ours.
  func tree(of name: FileName, in folder: FilePath) -> WatchTree? {
    folders[folder]?.tree.below(name) ?? (followed.lead(from: folder, to: name) ? .nothing : nil)
  }

  mutating func follow(_ files: Set<FilePath>) -> [WatchAction] {
    let before = followed
    followed = FollowedFiles(files, root: root)
    var actions: [WatchAction] = []
    for path in followed.differences(from: before) {
      guard let folder = folders[path] else { continue }
      if folder.tree == .nothing, path != root, !followed.need(path) {
        actions += forget(path)
        continue
      }
      let accepts = nameCheck(of: path)
      for name in before.names(in: path) where accepts?(path, name) != true {
        folders[path]?.known[name] = nil
        candidates[FileKey(folder: path, name: name)] = nil
      }
      if folder.isHere { actions += list(path) }
    }
    for path in followed.outside where folders[path] == nil { actions += enter(path, .nothing) }
    return actions
  }

  /// Nobody needs a folder any more, nor what lies below.
  private mutating func forget(_ path: FilePath) -> [WatchAction] {
    var actions: [WatchAction] = []
    for (below, folder) in subtree(of: path) {
      if let watch = folder.watch {
        paths[watch] = nil
        actions.append(.unwatch(watch))
      }
      folders[below] = nil
      for file in candidates.keys where file.folder == below { candidates[file] = nil }
    }
    if let name = path.lastName { folders[path.removingLastComponent()]?.below.remove(name) }
    barriers.giveUp(below: path)
    return actions + barriersReached()
  }
}
