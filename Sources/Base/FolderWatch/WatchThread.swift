import CInotifyTools
import DequeModule
import Dispatch
import Glibc
import Synchronization
import SystemPackage
import VolumeFiles

/// The one thread of the watch: takes in what happens, lets ``WatchState`` decide, and does what it says. Owns the
/// inotify instance. Where a file server may have to be waited for it touches nothing: looks run on other threads, a
/// few at a time for each mount. Only a small file on a local disk that comes alone is looked at on the spot.
final class WatchThread: Sendable {
  private enum Message {
    case signal(WatchSignal)
    /// What a look on this mount saw.
    case saw(WatchSignal, mount: Int)
    case counts(CheckedContinuation<WatchCounts, Never>)
    case stop
  }

  /// The messages that wait; those that come before the start too.
  private struct Inbox {
    var messages: [Message] = []
    var isRunning = false
    var isOver = false
  }

  private static let isTaken = Mutex(false)
  /// Between tries to get an inotify instance.
  private static let instanceRetry = Duration.seconds(60)
  /// Bytes of a file that is looked at on the spot: waking another thread would take longer.
  private static let smallMax: Int64 = 1 << 20

  private let setup: FolderWatcher.Setup
  private let changes: ChangeQueue
  private let recall: @Sendable (FilePath) -> Void
  private let inbox = Mutex(Inbox())
  private let wakeUp: Int32

  init(_ setup: FolderWatcher.Setup, changes: ChangeQueue, recall: @escaping @Sendable (FilePath) -> Void) {
    self.setup = setup
    self.changes = changes
    self.recall = recall
    let closeOnExecAndNonBlocking: Int32 = 0o2000000 | O_NONBLOCK
    wakeUp = eventfd(0, closeOnExecAndNonBlocking)
  }

  deinit { close(wakeUp) }

  /// - Throws: ``WatchFailure/alreadyRunning``.
  func start() throws(WatchFailure) {
    let isFree = Self.isTaken.withLock { taken in
      defer { taken = true }
      return !taken
    }
    guard isFree else { throw .alreadyRunning }
    inbox.withLock { $0.isRunning = true }
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<WatchThread>.fromOpaque(argument).takeRetainedValue().main()
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    pthread_detach(thread)
  }

  func stop() { post(.stop) }

  func post(_ signal: WatchSignal) { post(.signal(signal)) }

  /// All zero when it does not run.
  func counts() async -> WatchCounts {
    await withCheckedContinuation { asker in
      let isAsked = inbox.withLock { inbox in
        if inbox.isRunning { inbox.messages.append(.counts(asker)) }
        return inbox.isRunning
      }
      if isAsked { eventfd_write(wakeUp, 1) } else { asker.resume(returning: WatchCounts()) }
    }
  }

  private func post(_ message: Message) {
    inbox.withLock { if !$0.isOver { $0.messages.append(message) } }
    eventfd_write(wakeUp, 1)
  }

  // MARK: - On the thread

  private func main() {
    var run = Run(setup, self)
    run.begin()
    while run.goOn(
      inbox.withLock { inbox in
        defer { inbox.messages = [] }
        return inbox.messages
      })
    {
      run.wait(wakeUp)
    }
    let left = inbox.withLock { inbox in
      inbox.isRunning = false
      inbox.isOver = true
      return inbox.messages
    }
    for case .counts(let asker) in left { asker.resume(returning: WatchCounts()) }
    Self.isTaken.withLock { $0 = false }
  }

  /// What the thread holds while it runs.
  private struct Run {
    private let setup: FolderWatcher.Setup
    private let thread: WatchThread
    private var state: WatchState
    private var lanes = Lanes()
    private var inotify: Inotify?
    private var inotifyDue: ContinuousClock.Instant
    private let mounts = open(MountTable.file.string, O_RDONLY | O_CLOEXEC)
    private var haveMountsChanged = false

    init(_ setup: FolderWatcher.Setup, _ thread: WatchThread) {
      self.setup = setup
      self.thread = thread
      inotifyDue = setup.now()
      state = WatchState(setup, mounts: .ofThisProcess, at: setup.now())
    }

    /// Waits until something happens or is due.
    mutating func wait(_ wakeUp: Int32) {
      var waits = [
        pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0),
        pollfd(fd: inotify?.descriptor ?? -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: mounts, events: Int16(POLLPRI), revents: 0),
      ]
      let left = state.nextDue.map { ($0 - setup.now()) / .milliseconds(1) }
      poll(&waits, nfds_t(waits.count), left.map { Int32(max(0, min($0.rounded(.up), 60_000))) } ?? -1)
      var count: eventfd_t = 0
      eventfd_read(wakeUp, &count)
      haveMountsChanged = waits[2].revents != 0
    }

    mutating func begin() {
      perform(state.start())
      // Unreadable: its watch says so.
      let names = (try? FolderListing.names(in: setup.cookieFolder)) ?? []
      perform(state.take(.cookies(names.map { FileName($0) }), at: setup.now()))
    }

    /// - Returns: false when the thread is to end.
    mutating func goOn(_ messages: [Message]) -> Bool {
      // Events first: what was asked for next must not overtake what happened before.
      takeEvents()
      takeMounts()
      var isOver = false
      // To the last, also when one of them ends it: somebody waits for his counts.
      for message in messages {
        switch message {
        case .signal(let signal): perform(state.take(signal, at: setup.now()))
        case .saw(let signal, let mount):
          perform(state.take(signal, at: setup.now()))
          lanes.freed(mount)
        case .counts(let asker): asker.resume(returning: counted())
        case .stop: isOver = true
        }
      }
      if isOver {
        if mounts >= 0 { close(mounts) }
        return false
      }
      perform(state.passed(to: setup.now()))
      return true
    }

    private mutating func takeEvents() {
      var batch: [InotifyEvent] = []
      while let event = inotify?.next() { batch.append(event) }
      if !batch.isEmpty { perform(state.take(.events(batch), at: setup.now())) }
    }

    private mutating func takeMounts() {
      guard haveMountsChanged else { return }
      haveMountsChanged = false
      perform(state.take(.mounts(.ofThisProcess), at: setup.now()))
    }

    private func counted() -> WatchCounts {
      var counts = state.counted(at: setup.now())
      // Unreadable: nobody knows.
      let limit = (try? FileBytes.all(of: "/proc/sys/fs/inotify/max_user_watches")) ?? []
      counts.watchesAllowed = Int(String(decoding: limit, as: UTF8.self).filter(\.isNumber))
      return counts
    }

    private mutating func perform(_ actions: [WatchAction]) {
      var left = actions[...]
      while let action = left.popFirst() {
        switch action {
        case .tell(let change): thread.changes.add(change)
        case .watch(let folder):
          left = (state.take(.watched(folder, watch(folder)), at: setup.now()) + left)[...]
        case .unwatch(let watch): inotify?.unwatch(watch)
        case .recall(let folder): thread.recall(folder)
        case .removeCookie(let name): Placement.remove(setup.cookieFolder.appending(name))
        case .lookAtFolder(let folder, let turn, let known, let unless):
          let question = FolderLook.Question(
            folder: folder, known: known, unless: unless, accepts: state.nameCheck(of: folder))
          start(on: folder) { .folderLooked(folder, turn: turn, FolderLook(question)) }
        case .look(let file, let turn, let deep):
          let isLocal = !state.mount(ofKnown: file.folder).isBlind
          let isWhole = deep ? setup.isWhole : nil
          let look: @Sendable () -> WatchSignal = {
            .looked(file, turn: turn, Look(at: file.path, asksLease: isLocal, isWhole: isWhole))
          }
          if isLocal && actions.count == 1 && isSmall(file) {
            left = state.take(look(), at: setup.now())[...] + left
          } else {
            start(on: file.folder, look)
          }
        }
      }
    }

    private func isSmall(_ file: FileKey) -> Bool {
      // Unreadable: whoever looks will say so.
      (try? FileStatus(at: file.path))??.fingerprint.size ?? 0 <= WatchThread.smallMax
    }

    private mutating func watch(_ folder: FilePath) -> Result<Int32, WatchFailure> {
      if inotify == nil && setup.now() >= inotifyDue {
        inotifyDue = setup.now() + WatchThread.instanceRetry
        inotify = try? Inotify()  // The limit of instances: told below.
      }
      return inotify?.watch(folder) ?? .failure(.instanceLimit)
    }

    /// Looks on another thread, as soon as the folder's mount has room.
    private mutating func start(on folder: FilePath, _ look: @escaping @Sendable () -> WatchSignal) {
      let mount = state.mount(ofKnown: folder).id
      lanes.add(mount) { [thread] in
        DispatchQueue.global().async { thread.post(.saw(look(), mount: mount)) }
      }
    }
  }
}

/// Lets a few looks run at a time on each mount: one that hangs keeps up only its own.
private struct Lanes {
  private static let atOnceMax = 4

  private struct Lane {
    var running = 0
    var waiting: Deque<() -> Void> = []
  }

  private var lanes: [Int: Lane] = [:]

  mutating func add(_ mount: Int, _ begin: @escaping () -> Void) {
    lanes[mount, default: Lane()].waiting.append(begin)
    beginNext(mount)
  }

  mutating func freed(_ mount: Int) {
    lanes[mount]?.running -= 1
    beginNext(mount)
  }

  private mutating func beginNext(_ mount: Int) {
    guard let running = lanes[mount]?.running, running < Self.atOnceMax,
      let begin = lanes[mount]?.waiting.popFirst()
    else { return }
    lanes[mount]?.running += 1
    begin()
  }
}
