import FarmModel
import Glibc
import Synchronization
import SystemPackage
import VolumeFiles

/// Watches a tree of folders and tells which files in it have settled; loses nothing, tells nothing early.
///
/// Owns the process's one inotify instance. Events only say where to look; what is told comes from looking. Folders
/// are listed at the start, after lost events, when they appear, and on a timer; every 2 s where the kernel tells
/// nothing.
package final class FolderWatcher: Sendable {
  /// What the file's format says; called off Swift's threads.
  package typealias WholeCheck = @Sendable (FilePath) -> Wholeness
  /// Whether a file of this name in this folder counts.
  package typealias NameCheck = @Sendable (FilePath, FileName) -> Bool

  /// What the watcher needs to know of its world.
  package struct Setup: Sendable {
    let root: FilePath
    let tree: WatchTree
    let cookieFolder: FilePath
    let cookies: Cookies
    let known: any KnownFiles
    let rules: SettleRules
    let periods: WatchPeriods
    let now: @Sendable () -> ContinuousClock.Instant
    let accepts: NameCheck
    let isWhole: WholeCheck

    /// - Parameters:
    ///   - root: the folder of which `tree` speaks; no link leads to it.
    ///   - cookieFolder: a folder of ours in which barriers are made.
    ///   - mark: names this run; no earlier one had it.
    package init(
      root: FilePath, tree: WatchTree, cookieFolder: FilePath, mark: String, known: any KnownFiles, rules: SettleRules,
      periods: WatchPeriods = WatchPeriods(), now: @escaping @Sendable () -> ContinuousClock.Instant,
      accepts: @escaping NameCheck, isWhole: @escaping WholeCheck
    ) {
      self.root = root
      self.tree = tree
      self.cookieFolder = cookieFolder
      cookies = Cookies(mark: mark)
      self.known = known
      self.rules = rules
      self.periods = periods
      self.now = now
      self.accepts = accepts
      self.isWhole = isWhole
    }
  }

  /// The changes, in order. One reader.
  package let changes = ChangeQueue()
  private let setup: Setup
  private let thread: WatchThread
  private let recalls: AsyncStream<FilePath>
  private let barriers = Mutex(0)

  package init(_ setup: Setup) {
    self.setup = setup
    let (recalls, recall) = AsyncStream<FilePath>.makeStream()
    self.recalls = recalls
    thread = WatchThread(setup, changes: changes) { recall.yield($0) }
  }

  /// Asks for a ``FolderChange/barrier(_:)`` after everything that is there now; answers its number.
  ///
  /// The event of a file made in our own folder comes after all earlier events of this host. Where the file cannot be
  /// made, as on a full or read-only disk, its event is missed, and every folder is listed instead.
  package func barrier() -> Int {
    let number = barriers.withLock { count in
      count += 1
      // In the lock: the numbers' order is that of the events. Not made: see above.
      if let file = try? OpenFile.making(setup.cookieFolder.appending(setup.cookies.name(count)), mode: 0o600) {
        OpenFile.close(file)
      }
      return count
    }
    thread.post(.barrier(number))
    return number
  }

  /// Tells from now on of these files too, wherever they lie, besides those of the tree.
  ///
  /// No link leads to them. Each of them is told once, and then when it changes; nothing of them is remembered.
  package func follow(_ files: Set<FilePath>) { thread.post(.follow(FollowedFiles.Change(added: files))) }

  /// Tells of these files no more, but for those of the tree.
  package func unfollow(_ files: Set<FilePath>) { thread.post(.follow(FollowedFiles.Change(dropped: files))) }

  /// Forgets what is known of a folder's files and of those below it, because the memory has changed by itself: it is
  /// asked again when the folder is looked into next.
  package func forget(filesOf folder: FilePath) { thread.post(.forget(folder)) }

  /// How the watch stands.
  package func counts() async -> WatchCounts { await thread.counts() }

  /// Watches until the task is cancelled.
  /// - Throws: ``WatchFailure/alreadyRunning`` when another watcher of this process runs.
  package func run() async throws(WatchFailure) {
    try thread.start()
    await withTaskCancellationHandler {
      for await folder in recalls {
        thread.post(.recalled(folder, await setup.known.knownFiles(in: folder)))
      }
    } onCancel: {
      // Ends the loop above too: a cancelled stream is over.
      thread.stop()
    }
    changes.finish()
  }
}

/// The names of barriers' files; the run's own mark in them tells ours from those that an earlier daemon left.
struct Cookies: Sendable {
  let mark: String

  func name(_ number: Int) -> String { "\(mark)-\(number)" }

  func number(_ name: FileName) -> Int? {
    name.string.dropping(bytePrefix: "\(mark)-").flatMap { Int($0) }
  }
}
