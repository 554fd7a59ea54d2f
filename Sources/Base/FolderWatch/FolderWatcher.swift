import FarmModel
import Synchronization
import SystemPackage
import VolumeFiles

/// Watches a tree of folders and tells which files in it have settled; loses nothing, tells nothing early.
///
/// Owns the process's one inotify instance. Events only say where to look; what is told comes from looking. Listing
/// runs at the start, after an overflow, when a folder appears, and on a timer.
package final class FolderWatcher: Sendable {
  /// What the file's format says; called off Swift's threads.
  package typealias WholeCheck = @Sendable (FilePath) -> Wholeness

  /// What the watcher needs to know of its world.
  package struct Setup: Sendable {
    let root: FilePath
    let tree: WatchTree
    let cookieFolder: FilePath
    let cookies: Cookies
    let known: any KnownFiles
    let rules: SettleRules
    let now: @Sendable () -> ContinuousClock.Instant
    let accepts: @Sendable (FilePath.Component) -> Bool
    let isWhole: WholeCheck

    /// - Parameters:
    ///   - root: the folder of which `tree` speaks.
    ///   - cookieFolder: a folder of ours in which barriers are made.
    ///   - mark: names this run; no earlier one had it.
    ///   - accepts: whether a file of this name counts.
    package init(
      root: FilePath, tree: WatchTree, cookieFolder: FilePath, mark: String, known: any KnownFiles, rules: SettleRules,
      now: @escaping @Sendable () -> ContinuousClock.Instant,
      accepts: @escaping @Sendable (FilePath.Component) -> Bool, isWhole: @escaping WholeCheck
    ) {
      self.root = root
      self.tree = tree
      self.cookieFolder = cookieFolder
      cookies = Cookies(mark: mark)
      self.known = known
      self.rules = rules
      self.now = now
      self.accepts = accepts
      self.isWhole = isWhole
    }
  }

  /// Things that happened; the run loop takes them one by one.
  enum Signal: Sendable {
    case events([InotifyEvent])
    case looked(FilePath, WatchState.Turn, Look)
    case listed(FolderList)
    case rescan(blindOnly: Bool)
  }

  /// Batches of events that may wait; more are made up for by listing.
  private static let batchesWaitingMax = 256
  private static let rescanEvery = Duration.seconds(900)
  private static let blindRescanEvery = Duration.seconds(2)

  /// The changes, in order. One reader; at most one change a file and state waits.
  package let changes: AsyncStream<FolderChange>
  private let tell: AsyncStream<FolderChange>.Continuation
  private let signals: AsyncStream<Signal>
  private let signal: AsyncStream<Signal>.Continuation
  private let setup: Setup
  private let batchesWaiting = Mutex(0)
  private let barriers = Mutex(0)

  package init(_ setup: Setup) {
    self.setup = setup
    (changes, tell) = AsyncStream.makeStream()
    (signals, signal) = AsyncStream.makeStream()
  }

  /// Asks for a ``FolderChange/barrier(_:)`` after everything that is there now; answers its number.
  ///
  /// The event of a file made in our own folder comes after all earlier events of this host.
  package func barrier() throws(FileFailure) -> Int {
    let number = barriers.withLock { count in
      count += 1
      return count
    }
    try Durable.write([], to: setup.cookieFolder.appending(setup.cookies.name(number)))
    return number
  }

  /// Watches until the task is cancelled.
  /// - Throws: ``WatchFailure`` when there is no inotify instance to be had.
  package func run() async throws(WatchFailure) {
    let thread = try InotifyThread { [self] batch in
      guard
        batchesWaiting.withLock({ count in
          guard count < Self.batchesWaitingMax else { return false }
          count += 1
          return true
        })
      else { return false }
      signal.yield(.events(batch))
      return true
    }
    await withTaskCancellationHandler {
      await loop(thread)
    } onCancel: {
      signal.finish()
    }
    thread.stop()
    tell.finish()
  }

  private func loop(_ thread: InotifyThread) async {
    var state = WatchState(setup: setup, thread: thread)
    await withDiscardingTaskGroup { group in
      group.addTask { await self.signal(.rescan(blindOnly: true), every: Self.blindRescanEvery) }
      group.addTask { await self.signal(.rescan(blindOnly: false), every: Self.rescanEvery) }
      perform(await state.start(), in: &group)
      for await signal in signals {
        if case .events = signal { batchesWaiting.withLock { $0 -= 1 } }
        perform(await state.take(signal), in: &group)
      }
      group.cancelAll()
    }
  }

  private func signal(_ signal: Signal, every period: Duration) async {
    // Cancelled: the watch is over.
    while (try? await Task.sleep(for: period)) != nil { self.signal.yield(signal) }
  }

  private func perform(_ actions: [WatchState.Action], in group: inout DiscardingTaskGroup) {
    for action in actions {
      switch action {
      case .tell(let change): tell.yield(change)
      case .look(let path, let turn, let delay, let deep):
        group.addTask { [signal, setup] in
          // Cancelled: the watch is over.
          if delay > .zero, (try? await Task.sleep(for: delay)) == nil { return }
          let isWhole = deep ? setup.isWhole : nil
          signal.yield(.looked(path, turn, await BlockingWork.run { Self.look(at: path, isWhole: isWhole) }))
        }
      case .list(let folder, let watch):
        group.addTask { [signal, setup] in
          let known = await setup.known.knownFiles(in: folder)
          signal.yield(.listed(await BlockingWork.run { FolderList(folder, watch: watch, known: known) }))
        }
      }
    }
  }

  /// Looks at a file; a deep look asks whether it is whole, and looks again whether it stayed the same meanwhile.
  static func look(at path: FilePath, isWhole: WholeCheck?) -> Look {
    do throws(FileFailure) {
      guard let before = try FileStatus(at: path) else { return .gone }
      switch before.kind {
      case .regular: break
      case .folder: return .notAFile("a folder")
      case .link: return .notAFile("a symbolic link")
      case .other: return .notAFile("a device, pipe or socket")
      }
      let writer = LeaseProbe.isBlind(path) ? .unknown : LeaseProbe.ask(path)
      guard let isWhole, writer != .writer else { return .file(before.fingerprint, writer: writer, wholeness: nil) }
      let wholeness = isWhole(path)
      guard let after = try FileStatus(at: path) else { return .gone }
      let hasChanged = after.fingerprint != before.fingerprint
      return .file(after.fingerprint, writer: writer, wholeness: hasChanged ? nil : wholeness)
    } catch {
      return .refused(error.description)
    }
  }
}

/// What a listing of a folder saw, beside what was known of it.
struct FolderList: Sendable {
  let folder: FilePath
  /// The watch under which it was listed.
  let watch: Int32
  /// Nil when the folder could not be listed.
  let names: [(name: FilePath.Component, status: FileStatus)]?
  let failure: FileFailure?
  let known: [FilePath: Fingerprint]

  init(_ folder: FilePath, watch: Int32, known: [FilePath: Fingerprint]) {
    self.folder = folder
    self.watch = watch
    self.known = known
    do throws(FileFailure) {
      var found: [(name: FilePath.Component, status: FileStatus)] = []
      for name in try FolderListing.names(in: folder) {
        if let status = try FileStatus(at: folder.appending(name)) { found.append((name, status)) }
      }
      names = found
      failure = nil
    } catch {
      names = nil
      failure = error
    }
  }
}

/// The names of barriers' files; the run's own mark in them tells ours from those that an earlier daemon left.
struct Cookies: Sendable {
  let mark: String

  func name(_ number: Int) -> String { "\(mark)-\(number)" }

  /// A file of ours that has not its final name yet.
  func isBeingMade(_ name: FilePath.Component) -> Bool { name.string.hasPrefix(".\(mark)-") }

  func number(_ name: FilePath.Component) -> Int? {
    name.string.hasPrefix("\(mark)-") ? Int(name.string.dropFirst(mark.count + 1)) : nil
  }
}
