import CInotifyTools
import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// What is watched and what is settling; takes signals in, gives actions out. Lives in the watcher's one run loop.
struct WatchState {
  enum Action {
    case tell(FolderChange)
    case look(FilePath, Turn, after: Duration, deep: Bool)
    case list(FilePath, watch: Int32)
  }

  private struct Folder {
    let path: FilePath
    let tree: WatchTree
    let fingerprint: Fingerprint
    let isBlind: Bool
  }

  /// Which look at a file it is; only the answer to the last one counts.
  typealias Turn = Int

  /// A file on its way to being settled.
  private struct Candidate {
    var window: SettleWindow
    var turn: Turn = 0
    /// The next look is waited for, not under way.
    var isWaiting = false
    /// Something happened while a look was under way.
    var isStirred = false
    var isTold = false
    /// Barriers that wait for one more look at it.
    var barriers: Set<Int> = []
  }

  private let setup: FolderWatcher.Setup
  private let thread: InotifyThread
  private var folders: [Int32: Folder] = [:]
  private var watches: [FilePath: Int32] = [:]
  private var candidates: [FilePath: Candidate] = [:]
  /// What is known, or was handed on and will be known as soon as the reader has committed it.
  private var known: [FilePath: Fingerprint] = [:]
  private var cookieWatch: Int32 = -1
  /// Listings under way that a barrier waits for.
  private var listings = 0
  private var barriersAfterListing: Set<Int> = []
  private var openBarriers: Set<Int> = []
  private var cookiesSeen: Set<Int> = []

  init(setup: FolderWatcher.Setup, thread: InotifyThread) {
    self.setup = setup
    self.thread = thread
  }

  mutating func start() async -> [Action] {
    var actions: [Action] = []
    do throws(WatchFailure) { cookieWatch = try await thread.watch(setup.cookieFolder) } catch {
      actions.append(.tell(.troubled(setup.cookieFolder, error)))
    }
    actions += await enter(setup.root, setup.tree)
    actions += cookies()
    return actions
  }

  mutating func take(_ signal: FolderWatcher.Signal) async -> [Action] {
    switch signal {
    case .events(let events):
      var actions: [Action] = []
      for event in events { actions += await take(event) }
      return actions
    case .looked(let path, let turn, let look): return looked(path, turn, look)
    case .listed(let list): return await listed(list)
    case .rescan(let blindOnly):
      return rescan { !blindOnly || $0.isBlind } + (blindOnly ? oldCookies() : cookies())
    }
  }

  // MARK: - Events

  private mutating func take(_ event: InotifyEvent) async -> [Action] {
    if event.has(IN_Q_OVERFLOW) { return rescan { _ in true } + cookies() }
    if event.watch == cookieWatch { return cookie(event) }
    guard let folder = folders[event.watch] else { return [] }
    guard let name = event.name else {
      if event.has(IN_DELETE_SELF) || event.has(IN_MOVE_SELF) || event.has(IN_IGNORED) || event.has(IN_UNMOUNT) {
        return leave(folder.path, isMoved: event.has(IN_MOVE_SELF))
      }
      return []
    }
    let path = folder.path.appending(name)
    if event.has(IN_ISDIR) {
      guard let tree = folder.tree.below(name) else { return folder.tree.takesFiles ? noticed(path, name, .other) : [] }
      if event.has(IN_DELETE) || event.has(IN_MOVED_FROM) {
        return leave(path, isMoved: event.has(IN_MOVED_FROM))
      }
      return await enter(path, tree)
    }
    guard folder.tree.takesFiles else { return [] }
    return noticed(path, name, event.has(IN_MOVED_TO) ? .renamed : .other)
  }

  private mutating func noticed(
    _ path: FilePath, _ name: FilePath.Component, _ arrival: SettleWindow.Arrival
  ) -> [Action] {
    guard setup.accepts(name) else { return [] }
    if candidates[path] != nil {
      candidates[path]?.window.noticed(arrival)
      return lookNow(path)
    }
    candidates[path] = Candidate(
      window: SettleWindow(known: known[path], arrival: arrival, rules: setup.rules, at: setup.now()))
    return [look(path, after: .zero, deep: arrival == .renamed)]
  }

  /// Does not wait for a look that is due later: something has happened.
  private mutating func lookNow(_ path: FilePath) -> [Action] {
    guard candidates[path]?.isWaiting == true else {
      candidates[path]?.isStirred = true
      return []
    }
    return [look(path, after: .zero, deep: false)]
  }

  private mutating func look(_ path: FilePath, after delay: Duration, deep: Bool) -> Action {
    let turn = (candidates[path]?.turn ?? 0) + 1
    candidates[path]?.turn = turn
    candidates[path]?.isWaiting = delay > .zero
    return .look(path, turn, after: delay, deep: deep)
  }

  // MARK: - Folders

  /// Watch first, list second: what comes in between is seen twice rather than never.
  private mutating func enter(_ path: FilePath, _ tree: WatchTree) async -> [Action] {
    do throws(WatchFailure) {
      // Unreadable: the watch says why.
      guard let status = (try? FileStatus(at: path)) ?? nil, status.kind == .folder else { return [] }
      if let watch = watches[path], folders[watch]?.fingerprint.isSameFile(as: status.fingerprint) == true {
        return list(path, watch)
      }
      let watch = try await thread.watch(path)
      if let before = watches[path], before != watch { folders[before] = nil }
      folders[watch] = Folder(
        path: path, tree: tree, fingerprint: status.fingerprint, isBlind: LeaseProbe.isBlind(path))
      watches[path] = watch
      return [.tell(.folderFound(path))] + list(path, watch)
    } catch {
      if case .notWatched(_, ENOENT) = error { return [] }
      return [.tell(.troubled(path, error))]
    }
  }

  private mutating func list(_ path: FilePath, _ watch: Int32) -> [Action] {
    listings += 1
    return [.list(path, watch: watch)]
  }

  /// A folder is gone from its place; what is known of its files stays known.
  /// - Parameter isMoved: it lives on elsewhere, so the kernel still watches it; a deleted folder's watch is gone by
  ///   itself, and the library would complain about its removal.
  private mutating func leave(_ path: FilePath, isMoved: Bool) -> [Action] {
    var actions: [Action] = []
    for (below, watch) in watches where below.starts(with: path) {
      watches[below] = nil
      folders[watch] = nil
      if isMoved { thread.unwatch(watch) }
      actions.append(.tell(.folderGone(below)))
    }
    return actions
  }

  private mutating func rescan(_ isWanted: (Folder) -> Bool) -> [Action] {
    let wanted = folders.filter { isWanted($0.value) }
    listings += wanted.count
    return wanted.map { .list($0.value.path, watch: $0.key) }
  }

  private mutating func listed(_ list: FolderList) async -> [Action] {
    listings -= 1
    guard let folder = folders[list.watch] else { return barriersReached() }
    guard let names = list.names else {
      let failure = list.failure.map { WatchFailure.FileFailureText(description: $0.description, remedy: $0.remedy) }
      return (failure.map { [.tell(.troubled(list.folder, .notListed($0)))] } ?? []) + barriersReached()
    }
    var actions: [Action] = []
    for (name, status) in names where status.kind == .folder {
      guard let tree = folder.tree.below(name), watches[folder.path.appending(name)] == nil else { continue }
      actions += await enter(folder.path.appending(name), tree)
    }
    if folder.tree.takesFiles { actions += compared(names, folder, list.known) }
    return actions + barriersReached()
  }

  /// The directory is the truth: whatever differs from what is known is looked at.
  private mutating func compared(
    _ names: [(name: FilePath.Component, status: FileStatus)], _ folder: Folder, _ ledger: [FilePath: Fingerprint]
  ) -> [Action] {
    for (path, fingerprint) in ledger where known[path] == nil { known[path] = fingerprint }
    var actions: [Action] = []
    var there: Set<FilePath> = []
    for (name, status) in names {
      let path = folder.path.appending(name)
      there.insert(path)
      if status.fingerprint != known[path] { actions += noticed(path, name, .other) }
    }
    for path in known.keys where path.removingLastComponent() == folder.path && !there.contains(path) {
      if let name = path.lastComponent { actions += noticed(path, name, .other) }
    }
    return actions
  }

  // MARK: - Looks

  private mutating func looked(_ path: FilePath, _ turn: Turn, _ seen: Look) -> [Action] {
    guard var candidate = candidates[path], candidate.turn == turn else { return [] }
    let action = candidate.window.looked(seen, at: setup.now())
    let barriers = candidate.barriers
    let isStirred = candidate.isStirred
    candidate.barriers = []
    candidate.isStirred = false
    candidates[path] = candidate
    var actions: [Action] = []
    switch action {
    case .look(let delay, let deep):
      if !candidate.isTold, seen != .gone {
        candidates[path]?.isTold = true
        actions.append(.tell(.unsettled(path)))
      }
      actions.append(look(path, after: isStirred ? .zero : delay, deep: deep))
      // A quiet time is short: a barrier waits for its end, but not for a writer to finish.
      var isQuietTime = false
      if case .file(_, writer: .noWriter, wholeness: nil) = seen { isQuietTime = true }
      if isQuietTime || isStirred { candidates[path]?.barriers = barriers }
    case .stalled(let reason, let delay):
      actions.append(.tell(.stalled(path, reason: reason)))
      actions.append(look(path, after: isStirred ? .zero : delay, deep: false))
    case .settled(let fingerprint):
      known[path] = fingerprint
      actions += ended(path, .settled(path, fingerprint), stirred: isStirred)
    case .unchanged: actions += ended(path, candidate.isTold ? .unchanged(path) : nil, stirred: isStirred)
    case .refused(let reason): actions += ended(path, .refused(path, reason: reason), stirred: isStirred)
    case .vanished:
      known[path] = nil
      actions += ended(path, .vanished(path), stirred: isStirred)
    }
    return actions + barriersReached()
  }

  /// The file is done with; what happened during the last look begins anew.
  private mutating func ended(_ path: FilePath, _ change: FolderChange?, stirred: Bool) -> [Action] {
    let barriers = candidates.removeValue(forKey: path)?.barriers ?? []
    var actions: [Action] = change.map { [.tell($0)] } ?? []
    if stirred, let name = path.lastComponent {
      actions += noticed(path, name, .other)
      candidates[path]?.barriers = barriers
    }
    return actions
  }

  // MARK: - Barriers

  /// The event of a barrier's file: all that happened before it was seen; now it is to be decided.
  private mutating func cookie(_ event: InotifyEvent) -> [Action] {
    guard event.has(IN_MOVED_TO), let name = event.name, let number = setup.cookies.number(name) else { return [] }
    Placement.remove(setup.cookieFolder.appending(name))
    return opened(barrier: number)
  }

  /// The barriers whose files are there while every folder is being listed anew: at the start, after lost events.
  private mutating func cookies() -> [Action] {
    let names = cookieNames
    for name in names where !setup.cookies.isBeingMade(name) { Placement.remove(setup.cookieFolder.appending(name)) }
    return names.compactMap(setup.cookies.number).sorted().flatMap { opened(barrier: $0) }
  }

  /// Barriers whose event never came: their files were there the last time already, so events from before are over.
  private mutating func oldCookies() -> [Action] {
    let there = Set(cookieNames.compactMap(setup.cookies.number))
    let old = there.intersection(cookiesSeen).sorted()
    cookiesSeen = there
    for number in old { Placement.remove(setup.cookieFolder.appending(setup.cookies.name(number))) }
    return old.flatMap { opened(barrier: $0) }
  }

  private var cookieNames: [FilePath.Component] {
    // Unreadable: told as trouble when the folder was to be watched.
    (try? FolderListing.names(in: setup.cookieFolder)) ?? []
  }

  private mutating func opened(barrier number: Int) -> [Action] {
    openBarriers.insert(number)
    var actions = rescan { $0.isBlind }
    for path in candidates.keys {
      candidates[path]?.barriers.insert(number)
      if candidates[path]?.isWaiting == true { actions += lookNow(path) }
    }
    if listings > 0 { barriersAfterListing.insert(number) }
    return actions + barriersReached()
  }

  /// Barriers for which every file that was there has been looked at.
  private mutating func barriersReached() -> [Action] {
    guard !openBarriers.isEmpty else { return [] }
    if listings == 0 {
      for path in candidates.keys { candidates[path]?.barriers.formUnion(barriersAfterListing) }
      barriersAfterListing = []
    }
    let waiting = candidates.values.reduce(into: barriersAfterListing) { $0.formUnion($1.barriers) }
    let reached = openBarriers.subtracting(waiting).sorted()
    openBarriers.subtract(reached)
    return reached.map { .tell(.barrier($0)) }
  }
}
