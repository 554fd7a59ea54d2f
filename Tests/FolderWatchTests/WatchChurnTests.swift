import FarmModel
import FarmTesting
import SystemPackage
import Testing
import VolumeFiles

@testable import FolderWatch

/// Random programs at work on a disk in memory, with every look and event as late as it likes; then quiet. What was
/// told has to be what lies there.
@Suite("The watch, whatever happens in whatever order,")
struct WatchChurnTests {
  /// What a run may contain.
  struct Kind: Hashable, CustomTestStringConvertible {
    let name: String
    var movesFolders = false
    var watchesMax = Int.max
    var isBlind = false
    /// Files outside the tree count too, now these, now those.
    var follows = false
    /// No event is lost and nothing changes without one, so that nobody has to wait for a timer.
    var hasAllEvents = false

    var testDescription: String { name }
  }

  static let kinds = [
    Kind(name: "files"), Kind(name: "files, by events alone", hasAllEvents: true),
    Kind(name: "files and folders", movesFolders: true),
    Kind(name: "followed files", movesFolders: true, follows: true),
    Kind(name: "followed files on a blind disk", isBlind: true, follows: true),
    Kind(name: "three watches", movesFolders: true, watchesMax: 3), Kind(name: "a blind disk", isBlind: true),
  ]
  private static let seeds: UInt64 = Needs.patience ? 1000 : 10
  private static let steps = 120

  @Test(arguments: kinds)
  func `tells each whole file once, and none that is not whole`(kind: Kind) {
    for seed in 0..<Self.seeds {
      guard Churn(kind, seed).failure(after: Self.steps) != nil else { continue }
      // The shortest run that fails is the one to look into.
      let shortest = (0...Self.steps).first { Churn(kind, seed).failure(after: $0) != nil } ?? Self.steps
      let churn = Churn(kind, seed)
      let failure = churn.failure(after: shortest) ?? ""
      Issue.record("seed \(seed) after \(shortest) steps: \(failure)\n\(churn.diary.joined(separator: "\n"))")
      return
    }
  }
}

/// One run: a disk, a watch, and what is under way between the two.
private final class Churn {
  private let kind: WatchChurnTests.Kind
  private var random: SeededGenerator
  private var disk = FakeDisk()
  private var state: WatchState
  private var now = ContinuousClock.now
  private var looks: [WatchAction] = []
  /// What looks saw, on its way.
  private var seen: [WatchSignal] = []
  private var writing: [FakeDisk.Node] = []
  private var told: [FilePath: FolderChange] = [:]
  private var settledCounts: [FilePath: [Fingerprint: Int]] = [:]
  private var reached: Set<Int> = []
  /// The whole files that lay there when a barrier was asked for, by its number.
  private var promised: [Int: [FilePath: Fingerprint]] = [:]
  private var barrierCount = 0
  private(set) var diary: [String] = []
  private var early: String?
  private var followed: Set<FilePath> = []

  private static let stores: [FilePath] = ["/v/quick", "/v/releases/r/store", "/v/releases/s/store"]
  private static let names = ["a.blend", "b.blend", "c.blend", ".tmp"].map { FileName(bytes: Array($0.utf8)) }
  private static let folders: [FilePath] = [
    "/v/releases/r", "/v/releases/s", "/v/releases/r/store", "/v/quick", "/v/away",
  ]

  /// Where followed files lie: below drops, in a release, outside the volume.
  private static let libraries: [FilePath] = ["/v/quick/lib", "/v/releases/r/store/lib/deep", "/o"]
  private static let allFollowed = Set(libraries.flatMap { folder in names.prefix(2).map { folder.appending($0) } })

  init(_ kind: WatchChurnTests.Kind, _ seed: UInt64) {
    self.kind = kind
    random = SeededGenerator(seed: seed)
    for folder in ["/v", "/v/cookies", "/v/quick", "/v/releases", "/v/releases/r", "/v/releases/r/store"] {
      disk.makeFolder(FilePath(folder))
    }
    disk.watchesMax = kind.watchesMax
    if kind.hasAllEvents { disk.queueMax = .max }
    let tree = WatchTree.named(["quick": .drops, "releases": .every(.named(["store": .drops]))])
    let setup = FolderWatcher.Setup(
      root: "/v", tree: tree, cookieFolder: "/v/cookies", mark: "m", known: NothingKnown(), rules: SettleRules(),
      now: { ContinuousClock.now }, accepts: { $1.string.hasSuffix(".blend") }, isWhole: { _ in .whole })
    let type = kind.isBlind ? "nfs" : "ext4"
    state = WatchState(setup, mounts: MountTable(parsing: "1 0 0:1 / / rw - \(type) x rw"), at: now)
    perform(state.start())
  }

  /// Runs so many steps, then lets everything come to rest.
  /// - Returns: what is wrong then.
  func failure(after steps: Int) -> String? {
    for _ in 0..<steps { step() }
    while let node = writing.popLast() {
      disk.write(node, whole: true)
      disk.close(node)
    }
    if kind.follows { follow(Self.allFollowed) }
    let barrier = 1_000_000
    disk.make(FilePath("/v/cookies/m-\(barrier)"))
    perform(state.take(.barrier(barrier), at: now))
    // What no event tells, the slow timers find.
    let pauses: [Duration] = kind.hasAllEvents ? [.zero] : [.zero, .seconds(61), .seconds(901), .seconds(61)]
    for pause in pauses {
      pass(pause)
      for _ in 0..<2000 where !isAtRest {
        if looks.isEmpty && seen.isEmpty && disk.queue.isEmpty { pass(.milliseconds(500)) }
        deliver(disk.queue.count)
        answer()
      }
    }
    return early ?? (reached.contains(barrier) ? nil : "the barrier was not reached") ?? difference
  }

  private var isAtRest: Bool { looks.isEmpty && seen.isEmpty && disk.queue.isEmpty && state.candidates.isEmpty }

  private var difference: String? {
    for store in Self.stores + (kind.follows ? Self.libraries : []) {
      let there =
        disk.node(store)?.children.filter { name, _ in
          name.string.hasSuffix(".blend")
            && (Self.stores.contains(store) || Self.allFollowed.contains(store.appending(name)))
        } ?? [:]
      for (name, node) in there {
        let path = store.appending(name)
        if node.isFolder { continue }
        let known = state.folders[store]?.known[name]
        guard known == node.fingerprint else {
          let candidate = state.candidates[FileKey(folder: store, name: name)].map { "\($0)" } ?? "no candidate"
          return "\(path) is \(node.fingerprint), known as \(known as Any); \(candidate)"
        }
        guard settledCounts[path]?[node.fingerprint] != nil else { return "\(path) was never told" }
        if !kind.movesFolders, !kind.follows, let count = settledCounts[path]?[node.fingerprint], count > 1 {
          return "\(path) was told \(count) times"
        }
        if case .vanished? = told[path] { return "\(path) is said to be gone" }
      }
      for (path, change) in told where path.removingLastComponent() == store && !kind.movesFolders {
        guard let name = path.lastName, there[name] == nil, case .settled = change else { continue }
        return "\(path) is gone, and nobody said so"
      }
    }
    return nil
  }

  // MARK: - Steps

  private func step() {
    if Int.random(in: 0..<20, using: &random) == 0 { askForBarrier() }
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<4: change()
    case 4..<6: deliver(Int.random(in: 1...8, using: &random))
    case 6..<9: answer()
    default: pass(.milliseconds(Int.random(in: 1...1500, using: &random)))
    }
  }

  private var anyFile: FilePath {
    let store = Self.stores.randomElement(using: &random) ?? "/v/quick"
    return store.appending(Self.names.randomElement(using: &random) ?? Self.names[0])
  }

  private func note(_ words: String) { diary.append(words) }

  private func follow(_ files: Set<FilePath>) {
    let change = FollowedFiles.Change(added: files.subtracting(followed), dropped: followed.subtracting(files))
    followed = files
    perform(state.take(.follow(change), at: now))
  }

  private func changeFollowed() {
    let library = Self.libraries.randomElement(using: &random) ?? "/o"
    let other = Self.libraries.randomElement(using: &random) ?? "/o"
    let file = library.appending(Self.names[Int.random(in: 0..<2, using: &random)])
    switch Int.random(in: 0..<6, using: &random) {
    case 0:
      let some = Self.allFollowed.sorted { $0.string < $1.string }.filter { _ in Bool.random(using: &random) }
      note("follow \(some)")
      follow(Set(some))
    case 1:
      note("make \(library)")
      for folder in [library.removingLastComponent(), library] where disk.node(folder) == nil {
        disk.makeFolder(folder)
      }
    case 2 where kind.movesFolders:
      note("move \(library) \(other)")
      disk.move(library, other)
    case 3:
      note("remove \(file)")
      disk.remove(file)
    default:
      guard let node = disk.node(file) ?? disk.make(file), !node.isFolder else { return }
      note("write \(file)")
      node.writers += 1
      disk.write(node, whole: true)
      disk.close(node)
    }
  }

  private func change() {
    if kind.follows, Bool.random(using: &random) { return changeFollowed() }
    let (a, b) = (anyFile, anyFile)
    let (f, g) = (
      Self.folders.randomElement(using: &random) ?? "/v", Self.folders.randomElement(using: &random) ?? "/v"
    )
    switch Int.random(in: 0..<(kind.movesFolders ? 13 : 9), using: &random) {
    case 0, 1, 2:
      guard let node = disk.make(a) else { return }
      note("create \(a)")
      node.writers = 1
      disk.write(node, whole: Bool.random(using: &random))
      writing.append(node)
    case 3, 4:
      guard let index = writing.indices.randomElement(using: &random) else { return }
      let node = writing.remove(at: index)
      note("finish inode \(node.inode)")
      disk.write(node, whole: true)
      disk.close(node)
    case 5:
      guard let node = disk.node(a), !node.isFolder else { return }
      note("write again \(a)")
      node.writers += 1
      disk.write(node, whole: false)
      writing.append(node)
    case 6:
      note("move \(a) \(b)")
      breakPromises(below: a, b)
      disk.move(a, b)
    case 7:
      note("link \(a) \(b); touch \(b)")
      // The other name of the file changes too, and no event tells it.
      if !kind.hasAllEvents { disk.hardLink(a, b) }
      disk.touch(b)
    case 8:
      note("exchange \(a) \(b) or remove")
      breakPromises(below: a, b)
      if Bool.random(using: &random) { disk.exchange(a, b) } else { disk.remove(a) }
    case 9:
      note("move \(f) \(g)")
      breakPromises(below: f, g)
      disk.move(f, g)
    case 10:
      note("exchange \(f) \(g)")
      breakPromises(below: f, g)
      disk.exchange(f, g)
    case 11:
      note("remove \(f)")
      breakPromises(below: f)
      disk.remove(f)
    default:
      note("make \(f)")
      for folder in [f, f.appending("store")] where disk.node(folder) == nil { disk.makeFolder(folder) }
    }
  }

  private func askForBarrier() {
    barrierCount += 1
    note("ask for barrier \(barrierCount)")
    promised[barrierCount] = [:]
    for store in Self.stores {
      for (name, node) in disk.node(store)?.children ?? [:]
      where name.string.hasSuffix(".blend") && !node.isFolder && node.isWhole && node.writers == 0 {
        promised[barrierCount]?[store.appending(name)] = node.fingerprint
      }
    }
    disk.make(FilePath("/v/cookies/m-\(barrierCount)"))
    perform(state.take(.barrier(barrierCount), at: now))
  }

  /// What lay there when the barrier was asked for, and lies there still, was told.
  private func check(barrier number: Int) {
    for (path, promise) in promised.removeValue(forKey: number) ?? [:] {
      guard let node = disk.node(path), node.isWhole, node.writers == 0, isSame(node.fingerprint, promise) else {
        continue
      }
      let isTold = settledCounts[path]?.keys.contains { isSame($0, promise) } == true
      if !isTold { early = early ?? "barrier \(number) was reached before \(path) was told: \(promise)" }
    }
  }

  /// What is taken away is promised no more, though it may come back.
  private func breakPromises(below paths: FilePath...) {
    for number in Array(promised.keys) {
      promised[number] = promised[number]?.filter { file, _ in !paths.contains { file.starts(with: $0) } }
    }
  }

  /// A link to a file changes its ctime, and no event tells that of its other name.
  private func isSame(_ a: Fingerprint, _ b: Fingerprint) -> Bool {
    a.inode == b.inode && a.size == b.size && a.mtimeNanoseconds == b.mtimeNanoseconds
  }

  private func deliver(_ count: Int) {
    let events = disk.takeEvents(count)
    if !events.isEmpty { perform(state.take(.events(events), at: now)) }
  }

  private func pass(_ time: Duration) {
    now += time
    perform(state.passed(to: now))
  }

  /// Lets one look see what there is to see, or lets what one saw before arrive.
  private func answer() {
    if let index = seen.indices.randomElement(using: &random), looks.isEmpty || Bool.random(using: &random) {
      return perform(state.take(seen.remove(at: index), at: now))
    }
    guard let index = looks.indices.randomElement(using: &random) else { return }
    switch looks.remove(at: index) {
    case .lookAtFolder(let folder, let turn, let known, let unless):
      let question = FolderLook.Question(
        folder: folder, known: known, unless: unless, accepts: state.nameCheck(of: folder))
      seen.append(.folderLooked(folder, turn: turn, disk.look(into: question)))
    case .look(let file, let turn, let deep):
      seen.append(.looked(file, turn: turn, disk.look(at: file.path, deep: deep)))
    case .recall(let folder): seen.append(.recalled(folder, [:]))
    case .tell, .watch, .unwatch, .removeCookie: return
    }
  }

  private func perform(_ actions: [WatchAction]) {
    var left = actions[...]
    var begun: [(path: FilePath, action: WatchAction)] = []
    while let action = left.popFirst() {
      switch action {
      case .tell(let change): hear(change)
      case .watch(let folder): left = (state.take(.watched(folder, disk.watch(folder)), at: now) + left)[...]
      case .unwatch(let watch): disk.unwatch(watch)
      case .removeCookie: continue
      case .lookAtFolder(let path, _, _, _), .recall(let path): begun.append((path, action))
      case .look(let file, _, _): begun.append((file.path, action))
      }
    }
    // Dictionaries have another order in each run.
    looks += begun.sorted { $0.path.string < $1.path.string }.map(\.action)
  }

  private func hear(_ change: FolderChange) {
    switch change {
    case .settled(let path, let fingerprint):
      told[path] = change
      settledCounts[path, default: [:]][fingerprint, default: 0] += 1
      // Unless it changed since the look, it has to be whole and let go of.
      if let node = disk.node(path), node.fingerprint == fingerprint, !node.isWhole || node.writers > 0 {
        early = early ?? "\(path) was told early"
      }
    case .vanished(let path), .lost(let path): told[path] = change
    case .barrier(let number):
      reached.insert(number)
      check(barrier: number)
    // Nothing is promised of a file system that does not answer.
    case .troubled(_, .hung): promised = [:]
    case .unsettled, .unchanged, .refused, .stalled, .folderFound, .folderGone, .troubled: return
    }
  }
}

private struct NothingKnown: KnownFiles {
  func knownFiles(in folder: FilePath) async -> [FileName: Fingerprint] { [:] }
}
