import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// A folder of the tree, as the watch remembers it; it stays remembered when it is gone.
struct WatchedFolder {
  let tree: WatchTree
  var mount: MountTable.Mount
  /// The folders in it that are or were watched.
  var below: Set<FileName> = []
  /// The kernel's number; nil where the kernel tells nothing, and the folder is polled.
  var watch: Int32?
  /// Whether it lies at its place, as far as was seen.
  var isHere = false
  /// As of the last listing.
  var stamp: FolderStamp?
  /// What is known of its files: what was told, and what the memory says once it was asked.
  var known: [FileName: Fingerprint] = [:]
  var isRecalled: Bool
  /// Only the answer to the last look counts, and only the last entry in the agenda.
  var turn = 0
  /// Its watch was asked for; it is looked into next.
  var isEntering = false
  var isLooking = false
  /// Something happened while a look was under way.
  var isStirred = false
  var isHung = false
  /// Something was wrong with it and was told.
  var isTroubled = false
  var listedAt: ContinuousClock.Instant?
  /// When it is tried again to watch it by events.
  var watchDue: ContinuousClock.Instant
}

/// Folders that come, go, and come back.
extension WatchState {
  /// Watch first, list second: what comes in between is seen twice rather than never.
  mutating func enter(_ path: FilePath, _ tree: WatchTree) -> [WatchAction] {
    let takesFiles = tree.nameCheck(drops: accepts) != nil
    var folder = folders[path] ?? WatchedFolder(tree: tree, mount: .unknown, isRecalled: !takesFiles, watchDue: now)
    folder.mount = mounts.mount(of: path)
    folder.isEntering = !folder.mount.isBlind
    folders[path] = folder
    if !isAnchor(path), let name = path.lastName { folders[path.removingLastComponent()]?.below.insert(name) }
    return folder.mount.isBlind ? forget(watchOf: path) + list(path) : [.watch(path)]
  }

  mutating func watched(_ path: FilePath, _ answer: Result<Int32, WatchFailure>) -> [WatchAction] {
    folders[path]?.isEntering = false
    switch answer {
    case .success(let watch):
      var actions: [WatchAction] = []
      if folders[path]?.watch != watch { actions += forget(watchOf: path) }
      // A renamed folder keeps its number. Its old path must not end the watch when it is left.
      if let old = paths[watch], old != path, folders[old]?.watch == watch { folders[old]?.watch = nil }
      folders[path]?.watch = watch
      paths[watch] = path
      return actions + list(path)
    case .failure(.notWatched(_, ENOENT)), .failure(.notWatched(_, ENOTDIR)), .failure(.notWatched(_, ELOOP)):
      let actions = leave(path, isMoved: true)
      // Of other folders the one above tells when they are back.
      if isAnchor(path) { plan(path) }
      return actions
    case .failure(let failure):
      let next = now + periods.stamp
      folders[path]?.watchDue = next
      return trouble(path, failure) + list(path)
    }
  }

  /// Asks for the watch that a folder could not get, now and then.
  private func watchAgain(_ path: FilePath) -> [WatchAction] {
    guard let folder = folders[path], folder.watch == nil, !folder.mount.isBlind, now >= folder.watchDue,
      folder.isHere || folder.isTroubled || isAnchor(path)
    else { return [] }
    return [.watch(path)]
  }

  private mutating func forget(watchOf path: FilePath) -> [WatchAction] {
    guard let watch = folders[path]?.watch else { return [] }
    folders[path]?.watch = nil
    paths[watch] = nil
    return [.unwatch(watch)]
  }

  /// A folder, and all below it, is gone from its place; what is known of the files stays known.
  /// - Parameter isMoved: it may live on elsewhere, so the kernel still watches it; a deleted folder's watch is gone by
  ///   itself, and the library would complain about its removal.
  mutating func leave(_ path: FilePath, isMoved: Bool) -> [WatchAction] {
    var actions: [WatchAction] = []
    for (below, folder) in subtree(of: path) {
      if let watch = folder.watch {
        paths[watch] = nil
        if isMoved { actions.append(.unwatch(watch)) }
      }
      folders[below]?.watch = nil
      folders[below]?.isTroubled = false
      if folder.isHere { actions.append(.tell(.folderGone(below))) }
      folders[below]?.isHere = false
      // An answer that is still to come speaks of what was there.
      folders[below]?.isLooking = false
      folders[below]?.isStirred = false
      folders[below]?.turn += 1
    }
    barriers.giveUp(below: path)
    return actions + barriersReached()
  }

  /// A folder and all below it, the folder first; empty when it never was watched.
  func subtree(of path: FilePath) -> [(FilePath, WatchedFolder)] {
    guard let folder = folders[path] else { return [] }
    return [(path, folder)] + folder.below.flatMap { subtree(of: path.appending($0)) }
  }

  /// Tells once that something is wrong with a folder; it is tried again with each look.
  private mutating func trouble(_ path: FilePath, _ failure: WatchFailure) -> [WatchAction] {
    guard folders[path]?.isTroubled == false else { return [] }
    folders[path]?.isTroubled = true
    return [.tell(.troubled(path, failure))]
  }

  // MARK: - Looking into folders

  /// Looks into a folder, once more when a look is under way.
  /// - Parameter unless: not when this is still its stamp.
  mutating func list(_ path: FilePath, unless: FolderStamp? = nil) -> [WatchAction] {
    guard let folder = folders[path] else { return [] }
    guard !folder.isLooking else {
      folders[path]?.isStirred = true
      return []
    }
    folders[path]?.isLooking = true
    return folder.isRecalled ? [lookInto(path, unless: unless)] : [.recall(path)]
  }

  mutating func recalled(_ path: FilePath, _ known: [FileName: Fingerprint]) -> [WatchAction] {
    guard folders[path]?.isLooking == true else { return [] }
    folders[path]?.isRecalled = true
    // What was told meanwhile is newer.
    folders[path]?.known.merge(known) { told, _ in told }
    return [lookInto(path, unless: nil)]
  }

  /// The next look into each of the folders asks the memory first.
  mutating func forget(filesOf path: FilePath) -> [WatchAction] {
    for (below, folder) in subtree(of: path) where folder.tree.nameCheck(drops: accepts) != nil {
      folders[below]?.known = [:]
      folders[below]?.isRecalled = false
    }
    return []
  }

  private mutating func lookInto(_ path: FilePath, unless: FolderStamp?) -> WatchAction {
    let turn = (folders[path]?.turn ?? 0) + 1
    folders[path]?.turn = turn
    agenda.add(.hung(path, turn: turn), at: now + periods.hang)
    return .lookAtFolder(path, turn: turn, known: folders[path]?.known ?? [:], unless: unless)
  }

  mutating func folderLooked(_ path: FilePath, turn: Int, _ look: FolderLook) -> [WatchAction] {
    guard let folder = folders[path], folder.turn == turn, folder.isLooking else { return [] }
    folders[path]?.isLooking = false
    folders[path]?.isHung = false
    var actions: [WatchAction] = []
    var found: [Barriers.Item] = []
    switch look {
    // It came back while the look was under way: only the next look answers for the folder that is there now.
    case .gone where folder.isStirred: break
    case .gone: actions += leave(path, isMoved: true)
    case .refused(let failure): actions += trouble(path, WatchFailure(failure))
    case .same: actions += isHere(path)
    case .listed(let stamp, let names, let files):
      actions += isHere(path)
      let (entered, listing) = listed(path, stamp, names, files)
      actions += listing
      let noticed = files.all.map { FileKey(folder: path, name: $0) }.filter { candidates[$0] != nil }
      found = entered.map { .folder($0) } + noticed.map { .file($0) }
    }
    let isStirred = folder.isStirred
    folders[path]?.isStirred = false
    barriers.looked(.folder(path), found: found + (isStirred ? [.folder(path)] : []))
    let next = isStirred ? list(path) : watchAgain(path)
    if next.isEmpty { plan(path) }
    actions += next
    return actions + barriersReached()
  }

  /// It answered: whatever was wrong is over.
  private mutating func isHere(_ path: FilePath) -> [WatchAction] {
    guard let folder = folders[path] else { return [] }
    // A folder without a watch where others have one is troubled until it gets it.
    let lacksWatch = folder.watch == nil && !folder.mount.isBlind
    guard !folder.isHere || (folder.isTroubled && !lacksWatch) else { return [] }
    folders[path]?.isHere = true
    if !lacksWatch { folders[path]?.isTroubled = false }
    return [.tell(.folderFound(path))]
  }

  /// - Returns: the folders below that were entered, and what is to be done.
  private mutating func listed(
    _ path: FilePath, _ stamp: FolderStamp, _ names: [FileName], _ files: Reconciler.Differences
  ) -> ([FilePath], [WatchAction]) {
    guard let folder = folders[path] else { return ([], []) }
    counts.listings += 1
    let isExchanged = folder.stamp.map { !$0.isSameFolder(as: stamp) } ?? isElsewhere(folder, stamp, files)
    folders[path]?.stamp = stamp
    let moment = now
    folders[path]?.listedAt = moment
    var actions: [WatchAction] = []
    var entered: [FilePath] = []
    for name in names {
      guard let tree = tree(of: name, in: path) else { continue }
      let below = path.appending(name)
      guard folders[below]?.isHere != true else { continue }
      actions += enter(below, tree)
      entered.append(below)
    }
    for name in folder.below.subtracting(names) {
      let below = path.appending(name)
      if folders[below]?.isHere == true { actions += leave(below, isMoved: true) }
    }
    for name in files.new + files.changed { actions += noticed(path, name, .other) }
    for name in files.gone {
      // With its folder exchanged, nobody deleted the file.
      if isExchanged {
        folders[path]?.known[name] = nil
        actions.append(.tell(.lost(path.appending(name))))
      } else {
        actions += noticed(path, name, .other)
      }
    }
    return (entered, actions)
  }

  /// Whether a folder that is seen for the first time is not the one in which its known files lay: another disk is
  /// mounted there, or none.
  private func isElsewhere(
    _ folder: WatchedFolder, _ stamp: FolderStamp, _ files: Reconciler.Differences
  ) -> Bool {
    guard !folder.known.isEmpty, files.gone.count == folder.known.count else { return false }
    return folder.known.values.allSatisfy { $0.device != stamp.device }
  }

  // MARK: - Without a reason

  /// Enters the next look into the agenda.
  private mutating func plan(_ path: FilePath) {
    guard let folder = folders[path], folder.isHere || folder.isTroubled || isAnchor(path) else { return }
    let isPolled = folder.watch == nil && (folder.isHere || path != root)
    let pause = isPolled ? periods.poll : periods.stamp
    agenda.add(.folder(path, turn: folder.turn), at: now + pause)
  }

  mutating func folderIsDue(_ path: FilePath, _ turn: Int) -> [WatchAction] {
    guard let folder = folders[path], folder.turn == turn, !folder.isLooking else { return [] }
    let again = watchAgain(path)
    guard again.isEmpty else { return again }
    let isPolled = folder.watch == nil
    let isListDue = folder.listedAt.map { now - $0 >= periods.list } ?? true
    return list(path, unless: isPolled || isListDue ? nil : folder.stamp)
  }

  mutating func mayHang(_ path: FilePath, _ turn: Int) -> [WatchAction] {
    guard let folder = folders[path], folder.turn == turn, folder.isLooking, !folder.isHung else { return [] }
    folders[path]?.isHung = true
    barriers.giveUp(below: path)
    return trouble(path, .hung(path, type: folder.mount.type)) + barriersReached()
  }

  /// Lists every folder, whatever its stamp.
  mutating func listEverything() -> [WatchAction] {
    folders.filter { $0.value.isHere }.keys.flatMap { list($0) }
  }

  /// Something was mounted or unmounted: what lies at a path may be another folder now.
  mutating func mountsChanged(_ table: MountTable) -> [WatchAction] {
    mounts = table
    let moved = folders.filter { table.mount(of: $0.key).id != $0.value.mount.id }
    return moved.keys.sorted { $0.length < $1.length }.flatMap { path in
      folders[path].map { enter(path, $0.tree) } ?? []
    }
  }
}
