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

  /// How often a folder may be exchanged while it is being watched.
  private static let triesMax = 8

  /// Becomes readable when there are events.
  let descriptor: Int32

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

  /// Watches a folder; the answer is the kernel's number for it, the same again for a folder that is watched already.
  ///
  /// The library does not report the number. `inotifytools_wd_from_filename` answers the old one after a folder was
  /// deleted and made again (seen in 3.22.6). Asking the kernel a second time changes nothing and answers the number.
  func watch(_ folder: FilePath) -> Result<Int32, WatchFailure> {
    // The library takes texts; `String` would mend a name that is no UTF-8, so it gets the bytes.
    folder.withPlatformString { name in
      for _ in 1...Self.triesMax {
        guard inotifytools_watch_file(name, Self.mask) == 1 else {
          let code = inotifytools_error()
          return .failure(code == ENOSPC ? .watchLimit(folder) : .notWatched(folder, errno: code))
        }
        let number = inotify_add_watch(descriptor, name, UInt32(bitPattern: Self.mask))
        guard number > 0 else { return .failure(.notWatched(folder, errno: errno)) }
        if isNamed(number) { return .success(number) }
        // Another folder took its place between the two calls: the library does not know that one yet.
      }
      return .failure(.notWatched(folder, errno: ENOENT))
    }
  }

  func unwatch(_ watch: Int32) {
    if isNamed(watch) { inotifytools_remove_watch_by_wd(watch) }
  }

  /// The library names unknown numbers with an empty text.
  private func isNamed(_ number: Int32) -> Bool {
    guard let name = inotifytools_filename_from_wd(number) else { return false }
    return name.pointee != 0
  }

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
