import CInotifyTools
import FarmModel
import SystemPackage
import VolumeFiles

/// What is watched and what is settling: takes what happened in, gives what is to be done out. A value: touches no
/// file, knows no thread, and has its time from outside, so that every order of events can be tried.
///
/// Events are hints, the directory is the truth: an event only says where to look.
struct WatchState {
  typealias Instant = ContinuousClock.Instant

  let root: FilePath
  let cookieFolder: FilePath
  let cookies: Cookies
  let rules: SettleRules
  let periods: WatchPeriods
  let accepts: FolderWatcher.NameCheck
  var mounts: MountTable
  /// When what is being taken in happened.
  private(set) var now: Instant

  /// Every folder that is or was watched, by its path.
  var folders: [FilePath: WatchedFolder] = [:]
  /// The kernel's numbers of the folders that are watched by events.
  var paths: [Int32: FilePath] = [:]
  var candidates: [FileKey: Candidate] = [:]
  var barriers = Barriers()
  var agenda = Agenda()
  var counts = WatchCounts()
  var followed: FollowedFiles
  private let tree: WatchTree
  private var cookieWatch: Int32?

  init(_ setup: FolderWatcher.Setup, mounts: MountTable, at now: Instant) {
    self.now = now
    root = setup.root
    tree = setup.tree
    cookieFolder = setup.cookieFolder
    cookies = setup.cookies
    rules = setup.rules
    periods = setup.periods
    accepts = setup.accepts
    followed = FollowedFiles(root: setup.root)
    self.mounts = mounts
  }

  /// Of a folder that is or was watched.
  func mount(ofKnown folder: FilePath) -> MountTable.Mount { folders[folder]?.mount ?? .unknown }

  /// Which files of a folder count; nil when none does.
  func nameCheck(of folder: FilePath) -> FolderWatcher.NameCheck? {
    let drops = dropCheck(of: folder)
    let names = followed.names(in: folder)
    guard !names.isEmpty else { return drops }
    return { @Sendable folder, name in names.contains(name) || drops?(folder, name) == true }
  }

  /// The same without files that are followed.
  func dropCheck(of folder: FilePath) -> FolderWatcher.NameCheck? {
    folders[folder]?.tree.nameCheck(drops: accepts)
  }

  /// When something is due without anything happening; nil when nothing is.
  var nextDue: Instant? { agenda.next }

  func start() -> [WatchAction] { [.watch(cookieFolder)] }

  mutating func take(_ signal: WatchSignal, at now: Instant) -> [WatchAction] {
    self.now = now
    switch signal {
    case .events(let events): return events.flatMap { take($0) }
    case .watched(cookieFolder, let answer): return cookiesWatched(answer)
    case .watched(let path, let answer): return watched(path, answer)
    case .recalled(let path, let known): return recalled(path, known)
    case .forget(let path): return forget(filesOf: path)
    case .folderLooked(let path, let turn, let look): return folderLooked(path, turn: turn, look)
    case .looked(let file, let turn, let look): return looked(file, turn: turn, look)
    case .barrier(let number): return asked(barrier: number)
    case .cookies(let names):
      // Barriers are opened in the order in which they were asked for.
      return names.sorted { (cookies.number($0) ?? 0) < (cookies.number($1) ?? 0) }.flatMap { cookieFound($0) }
    case .mounts(let table): return mountsChanged(table)
    case .follow(let change): return follow(change)
    }
  }

  /// Takes in that time has passed.
  mutating func passed(to now: Instant) -> [WatchAction] {
    self.now = now
    var actions: [WatchAction] = []
    while let entry = agenda.take(dueAt: now) {
      switch entry {
      case .look(let file, let turn): actions += lookIsDue(file, turn)
      case .folder(let path, let turn): actions += folderIsDue(path, turn)
      case .hung(let path, let turn): actions += mayHang(path, turn)
      case .barrier(let number):
        // Its event was lost: everything is listed instead.
        guard barriers.awaited.contains(number) else { continue }
        actions += listEverything() + open(barrier: number)
      }
    }
    return actions
  }

  /// How things stand, for people.
  func counted(at now: Instant) -> WatchCounts {
    var counts = counts
    counts.watches = paths.count
    counts.polledFolders = folders.values.count { $0.isHere && $0.watch == nil }
    counts.unsettled = candidates.count
    counts.oldestUnsettled = candidates.values.map { now - $0.begun }.max() ?? .zero
    return counts
  }

  // MARK: - Events

  private mutating func take(_ event: InotifyEvent) -> [WatchAction] {
    if event.has(IN_Q_OVERFLOW) { return overflowed() }
    if event.watch == cookieWatch { return cookieSeen(event) }
    guard let folder = paths[event.watch], let tree = folders[folder]?.tree else { return [] }
    guard let name = event.name else {
      let isGone =
        event.has(IN_DELETE_SELF) || event.has(IN_MOVE_SELF) || event.has(IN_IGNORED) || event.has(IN_UNMOUNT)
      guard isGone else { return [] }
      // What took its place, or where the mount was, is told by no event of its own when there is no folder above; and
      // of a folder that was just moved here, this event may come after its watch was set.
      let isMoved = event.has(IN_MOVE_SELF)
      return leave(folder, isMoved: isMoved) + (isAnchor(folder) || isMoved ? enter(folder, tree) : [])
    }
    guard event.has(IN_ISDIR) else { return noticed(folder, name, event.has(IN_MOVED_TO) ? .renamed : .other) }
    guard let below = self.tree(of: name, in: folder) else { return noticed(folder, name, .other) }
    let path = folder.appending(name)
    if event.has(IN_DELETE) || event.has(IN_MOVED_FROM) {
      return leave(path, isMoved: event.has(IN_MOVED_FROM))
    }
    // Rights of a folder that is watched already are no news, but may let us list what we could not.
    if event.has(IN_ATTRIB), folders[path]?.watch != nil, folders[path]?.isHere == true { return list(path) }
    return enter(path, below)
  }

  private mutating func overflowed() -> [WatchAction] {
    counts.overflows += 1
    return listEverything() + barriers.awaited.sorted().flatMap { open(barrier: $0) }
  }

  // MARK: - Barriers

  private mutating func cookiesWatched(_ answer: Result<Int32, WatchFailure>) -> [WatchAction] {
    var actions: [WatchAction] = []
    switch answer {
    case .success(let watch): cookieWatch = watch
    case .failure(let failure): actions.append(.tell(.troubled(cookieFolder, failure)))
    }
    return actions + enter(root, tree) + barriers.awaited.sorted().flatMap { open(barrier: $0) }
  }

  /// With events, the barrier's file will be seen after everything before it; without, everything is looked at now.
  private mutating func asked(barrier number: Int) -> [WatchAction] {
    guard barriers.ask(number) else { return [] }
    guard cookieWatch == nil else {
      agenda.add(.barrier(number), at: now + periods.cookie)
      return []
    }
    return open(barrier: number)
  }

  private mutating func cookieSeen(_ event: InotifyEvent) -> [WatchAction] {
    if event.has(IN_IGNORED) {
      cookieWatch = nil
      return [.watch(cookieFolder)]
    }
    return event.has(IN_CREATE) ? event.name.map { cookieFound($0) } ?? [] : []
  }

  /// An earlier run's is only cleared away; hidden files there are somebody else's, who tries whether one can write.
  private mutating func cookieFound(_ name: FileName) -> [WatchAction] {
    guard !name.hasPrefix(".") else { return [] }
    return [.removeCookie(name)] + (cookies.number(name).map { open(barrier: $0) } ?? [])
  }

  /// What was there when the barrier was asked for is known to be looked at from here on.
  private mutating func open(barrier number: Int) -> [WatchAction] {
    var waitsFor: Set<Barriers.Item> = []
    var actions: [WatchAction] = []
    for (path, folder) in folders where !folder.isHung {
      // Where nothing is told, only looking helps; and a look that is under way may have passed it already.
      if folder.watch == nil && (folder.isHere || folder.isLooking) { actions += list(path) }
      if folders[path]?.isLooking == true || folder.isEntering { waitsFor.insert(.folder(path)) }
    }
    for (file, candidate) in candidates where folders[file.folder]?.isHung != true {
      waitsFor.insert(.file(file))
      actions += candidate.isWaiting ? [look(file, deep: false)] : []
      if !candidate.isWaiting { candidates[file]?.isStirred = true }
    }
    barriers.open(number, waitsFor: waitsFor)
    return actions + barriersReached()
  }

  /// The barriers for which everything that was there has been looked at.
  mutating func barriersReached() -> [WatchAction] { barriers.takeReached().map { .tell(.barrier($0)) } }
}

/// Barriers on their way: first their file has to be seen, then what was there is looked at.
struct Barriers {
  /// What a barrier waits for.
  enum Item: Hashable {
    case folder(FilePath)
    case file(FileKey)

    var folder: FilePath {
      switch self {
      case .folder(let path): path
      case .file(let file): file.folder
      }
    }
  }

  /// Asked for, their event not seen.
  private(set) var awaited: Set<Int> = []
  /// Opened, with the files and folders that are still to be looked at.
  private var open: [Int: Set<Item>] = [:]
  private var highestOpened = 0

  /// - Returns: false when its event came before.
  mutating func ask(_ number: Int) -> Bool {
    guard number > highestOpened else { return false }
    awaited.insert(number)
    return true
  }

  mutating func open(_ number: Int, waitsFor: Set<Item>) {
    guard awaited.remove(number) != nil || number > highestOpened else { return }
    highestOpened = max(highestOpened, number)
    open[number] = waitsFor
  }

  /// A file or folder was looked at; what was found there has to be looked at too.
  mutating func looked(_ item: Item, found: [Item] = []) {
    // An array: whoever holds the keys holds the sets, and each change would copy a hundred thousand names.
    for number in Array(open.keys) where open[number]?.contains(item) == true {
      open[number]?.remove(item)
      open[number]?.formUnion(found)
    }
  }

  /// Everything below a folder is not waited for any longer.
  mutating func giveUp(below folder: FilePath) {
    for (number, waitsFor) in open { open[number] = waitsFor.filter { !$0.folder.starts(with: folder) } }
  }

  mutating func takeReached() -> [Int] {
    guard !open.isEmpty else { return [] }
    let reached = open.filter(\.value.isEmpty).keys.sorted()
    for number in reached { open[number] = nil }
    return reached
  }
}
