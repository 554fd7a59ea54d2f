import CInotifyTools
import Glibc
import Synchronization
import SystemPackage
import VolumeFiles

/// One event of the kernel about a watched folder.
struct InotifyEvent: Hashable, Sendable {
  /// The watch it belongs to; -1 for an overflow.
  let watch: Int32
  let mask: UInt32
  /// The name in the folder; nil when the folder itself is meant.
  let name: FileName?

  func has(_ bit: Int32) -> Bool { mask & UInt32(bitPattern: bit) != 0 }
  func has(_ bit: UInt32) -> Bool { mask & bit != 0 }
}

/// The process's one inotify instance, by libinotifytools, which keeps all its state in globals: every call has to come
/// from the thread that made it. Owns the instance.
final class Inotify {
  /// A narrow mask: no IN_MODIFY, which comes hundreds of times a file.
  private static let mask =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB
    | Int32(bitPattern: UInt32(IN_ONLYDIR) | UInt32(IN_DONT_FOLLOW) | UInt32(IN_EXCL_UNLINK))

  /// Becomes readable when there are events.
  let descriptor: Int32
  private var numbers = WatchNumbers()

  /// - Throws: ``WatchFailure/instanceLimit`` when the kernel gives no instance.
  init() throws(WatchFailure) {
    let before = Self.descriptors()
    guard inotifytools_initialize() == 1, let descriptor = Self.descriptors().subtracting(before).first else {
      throw .instanceLimit
    }
    self.descriptor = descriptor
    // The library leaves the descriptor open over exec.
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  deinit { inotifytools_cleanup() }

  /// The next event that is there already; nil when there is none.
  func next() -> InotifyEvent? {
    // A time-out of 0 and one event at a time is the library's only true non-blocking read.
    guard let event = inotifytools_next_events(0, 1) else { return nil }
    var name: FileName?
    if event.pointee.len > 0 {
      let bytes = UnsafeRawPointer(event).advanced(by: MemoryLayout<inotify_event>.size)
      name = FileName(bytes.assumingMemoryBound(to: CChar.self))
    }
    return InotifyEvent(watch: event.pointee.wd, mask: event.pointee.mask, name: name)
  }

  /// Watches a folder; the answer is the kernel's number for it.
  func watch(_ folder: FilePath) -> Result<Int32, WatchFailure> { numbers.add(folder, mask: Self.mask) }

  func unwatch(_ watch: Int32) { numbers.remove(watch) }

  /// The library does not tell its descriptor, but /proc does.
  private static func descriptors() -> Set<Int32> {
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

  mutating func add(_ folder: FilePath, mask: Int32) -> Result<Int32, WatchFailure> {
    // The library takes texts; `String` would mend a name that is no UTF-8, so it gets the bytes.
    let isWatched = folder.withPlatformString { inotifytools_watch_file($0, mask) == 1 }
    guard isWatched else {
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
    let number = inotifytools_wd_from_filename(folder.string + "/")
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
