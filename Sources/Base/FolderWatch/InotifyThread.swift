import CInotifyTools
import Glibc
import Synchronization
import SystemPackage

/// One event of the kernel about a watched folder.
struct InotifyEvent: Sendable {
  /// The watch it belongs to; -1 for an overflow.
  let watch: Int32
  let mask: UInt32
  /// The name in the folder; nil when the folder itself is meant.
  let name: FilePath.Component?

  static let overflow = InotifyEvent(watch: -1, mask: UInt32(IN_Q_OVERFLOW), name: nil)

  func has(_ bit: Int32) -> Bool { mask & UInt32(bitPattern: bit) != 0 }
  func has(_ bit: UInt32) -> Bool { mask & bit != 0 }
}

/// The one thread that calls libinotifytools, which keeps all its state in globals; owns the inotify instance.
///
/// Events come in batches through `deliver`. When that says that it has no room, the loss is made up by an overflow
/// event: events are hints, the directory is the truth.
final class InotifyThread: Sendable {
  private enum Request {
    case watch(FilePath, CheckedContinuation<Result<Int32, WatchFailure>, Never>)
    case unwatch(Int32)
    case stop
  }

  /// A narrow mask: no IN_MODIFY, which comes hundreds of times a file.
  static let mask =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB
    | Int32(bitPattern: UInt32(IN_ONLYDIR) | UInt32(IN_DONT_FOLLOW) | UInt32(IN_EXCL_UNLINK))

  private static let isTaken = Mutex(false)
  private static let batchMax = 1024

  private let requests = Mutex<[Request]>([])
  private let wakeUp: Int32
  private let deliver: @Sendable ([InotifyEvent]) -> Bool

  /// Starts the thread.
  /// - Throws: ``WatchFailure/alreadyRunning`` or ``WatchFailure/instanceLimit``.
  init(deliver: @escaping @Sendable ([InotifyEvent]) -> Bool) throws(WatchFailure) {
    guard
      Self.isTaken.withLock({ taken in
        taken
          ? false
          : {
            taken = true; return true
          }()
      })
    else {
      throw .alreadyRunning
    }
    let before = Self.inotifyDescriptors()
    guard inotifytools_initialize() == 1, let descriptor = Self.inotifyDescriptors().subtracting(before).first else {
      Self.isTaken.withLock { $0 = false }
      throw .instanceLimit
    }
    // The library leaves the descriptor open over exec.
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    let closeOnExecAndNonBlocking: Int32 = 0o2000000 | O_NONBLOCK
    wakeUp = eventfd(0, closeOnExecAndNonBlocking)
    self.deliver = deliver
    start(reading: descriptor)
  }

  /// Watches a folder; the answer is the kernel's number for it.
  func watch(_ folder: FilePath) async throws(WatchFailure) -> Int32 {
    let result = await withCheckedContinuation { ask(.watch(folder, $0)) }
    return try result.get()
  }

  func unwatch(_ watch: Int32) { ask(.unwatch(watch)) }

  /// Ends the thread and closes the instance.
  func stop() { ask(.stop) }

  private func ask(_ request: Request) {
    requests.withLock { $0.append(request) }
    eventfd_write(wakeUp, 1)
  }

  private func start(reading descriptor: Int32) {
    final class Start: Sendable {
      let thread: InotifyThread
      let descriptor: Int32
      init(_ thread: InotifyThread, _ descriptor: Int32) {
        self.thread = thread
        self.descriptor = descriptor
      }
    }
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(Start(self, descriptor)).toOpaque()
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        start.thread.loop(reading: start.descriptor)
        return nil
      }, argument)
    pthread_detach(thread)
  }

  // MARK: - On the thread

  private func loop(reading descriptor: Int32) {
    var book = WatchNumbers()
    var hasLost = false
    while true {
      var waits = [
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0),
      ]
      poll(&waits, 2, hasLost ? 100 : -1)
      var count: eventfd_t = 0
      eventfd_read(wakeUp, &count)
      // Events first: what was asked for next must not overtake what happened before.
      hasLost = !deliverAll(hasLost: hasLost)
      guard
        serve(
          requests.withLock { all in
            defer { all = [] }; return all
          }, &book)
      else { break }
    }
    inotifytools_cleanup()
    close(wakeUp)
    Self.isTaken.withLock { $0 = false }
  }

  /// Reads what is there and hands it on; false when something could not be handed on.
  private func deliverAll(hasLost: Bool) -> Bool {
    var isComplete = true
    var batch: [InotifyEvent] = hasLost ? [.overflow] : []
    // A time-out of 0 and one event at a time is the library's only true non-blocking read.
    while let event = inotifytools_next_events(0, 1) {
      batch.append(Self.copy(event))
      if batch.count == Self.batchMax {
        isComplete = deliver(batch) && isComplete
        batch = []
      }
    }
    if !batch.isEmpty { isComplete = deliver(batch) && isComplete }
    return isComplete
  }

  private func serve(_ asked: [Request], _ book: inout WatchNumbers) -> Bool {
    for request in asked {
      switch request {
      case .watch(let folder, let answer): answer.resume(returning: book.add(folder))
      case .unwatch(let number): book.remove(number)
      case .stop: return false
      }
    }
    return true
  }

  private static func copy(_ event: UnsafeMutablePointer<inotify_event>) -> InotifyEvent {
    var name: FilePath.Component?
    if event.pointee.len > 0 {
      let bytes = UnsafeRawPointer(event).advanced(by: MemoryLayout<inotify_event>.size)
      name = FilePath.Component(platformString: bytes.assumingMemoryBound(to: CChar.self))
    }
    return InotifyEvent(watch: event.pointee.wd, mask: event.pointee.mask, name: name)
  }

  /// The library does not tell its descriptor, but /proc does.
  private static func inotifyDescriptors() -> Set<Int32> {
    guard let folder = opendir("/proc/self/fd") else { return [] }
    defer { closedir(folder) }
    var found: Set<Int32> = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      var target = [CChar](repeating: 0, count: 64)
      guard let number = Int32(name), readlink("/proc/self/fd/\(name)", &target, target.count - 1) > 0 else { continue }
      if strstr(target, "inotify") != nil { found.insert(number) }
    }
    return found
  }
}

/// Finds out which number the kernel gave to a watch, for the library cannot be asked reliably.
///
/// After a folder was deleted and made again, `inotifytools_wd_from_filename` answers the old number (seen in 3.22.6).
/// The kernel counts numbers up, so the new one is the next that the library knows a name for.
private struct WatchNumbers {
  private var highest: Int32 = 0
  /// Failed attempts use numbers up too.
  private var failures: Int32 = 0

  mutating func add(_ folder: FilePath) -> Result<Int32, WatchFailure> {
    let path = folder.string
    guard inotifytools_watch_file(path, InotifyThread.mask) == 1 else {
      failures += 1
      let code = inotifytools_error()
      return .failure(code == ENOSPC ? .watchLimit(folder) : .notWatched(folder, errno: code))
    }
    for number in (highest + 1)...(highest + 1 + failures + 64) where isNamed(number) {
      highest = number
      failures = 0
      return .success(number)
    }
    // The same folder was watched already: the kernel gave its old number again. The library ends folders with a slash.
    let number = inotifytools_wd_from_filename(path + "/")
    return number > 0 ? .success(number) : .failure(.notWatched(folder, errno: EEXIST))
  }

  func remove(_ number: Int32) {
    if isNamed(number) { inotifytools_remove_watch_by_wd(number) }
  }

  /// The library names unknown numbers with an empty text.
  private func isNamed(_ number: Int32) -> Bool {
    guard let name = inotifytools_filename_from_wd(number) else { return false }
    return name.pointee != 0
  }
}
