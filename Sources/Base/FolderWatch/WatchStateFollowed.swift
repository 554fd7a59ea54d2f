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

  mutating func follow(_ change: FollowedFiles.Change) -> [WatchAction] {
    var actions: [WatchAction] = []
    for path in followed.take(change) {
      guard let folder = folders[path] else { continue }
      if folder.tree == .nothing, path != root, !followed.need(path) {
        actions += forget(path)
      } else if folder.isHere {
        actions += list(path)
      }
    }
    for path in change.dropped {
      guard let name = path.lastName else { continue }
      let folder = path.removingLastComponent()
      guard nameCheck(of: folder)?(folder, name) != true else { continue }
      folders[folder]?.known[name] = nil
      candidates[FileKey(folder: folder, name: name)] = nil
    }
    for path in change.added {
      guard let name = path.lastName else { continue }
      let folder = path.removingLastComponent()
      if let known = folders[folder] {
        if known.isHere { actions += noticed(folder, name, .other) }
      } else if followed.outside.contains(folder) {
        actions += enter(folder, .nothing)
      }
    }
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
