import FarmAPI
import FarmModel
import FoundationEssentials
import Glibc
import Supervisor
import Synchronization
import SystemPackage
import VolumeFiles

/// One daemon a volume: holds `.farm/lock` as long as it lives. Owns the open, locked file.
///
/// The kernel's lock alone decides. The text in the file tells clients where to find the daemon; it is written in
/// place, over blocks that the file has already, so that a full disk refuses it only in a file that never had one.
final class VolumeLock: Sendable {
  private let file: FileDescriptor
  /// Why the file cannot be written, where it is open for reading alone.
  private let refusal: Int32?
  private let path: FilePath
  private let holder: LockHolder
  private let unwritten: Mutex<FileFailure?>
  /// When a daemon was alive last that was not stopped before the machine was: its last writings may be lost. Nil when
  /// none was.
  let powerCut: Timestamp?
  /// A holder on another host that renewed its lock later than this ago is alive.
  static let renewEvery = Duration.seconds(5)
  private static let deadAfterSeconds: Int64 = 90
  /// The text is filled up with blanks to this size.
  private static let sizeBytes = 4096

  /// Takes the lock.
  /// - Throws: ``DaemonFailure/held(_:host:pid:)`` naming the daemon that has it; ``DaemonFailure/files(_:)`` when the
  ///   file cannot be opened.
  init(_ volume: Volume, socket: String) throws(DaemonFailure) {
    path = volume.lock
    do throws(FileFailure) { (file, refusal) = try Self.open(path) } catch { throw .files(error) }
    let me = LockHolder(host: Self.host, pid: getpid(), bootID: ProcessTable.bootID, socket: socket)
    let before = LockHolder.of(volume)
    guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
      close(file.rawValue)
      throw .held(volume.root, host: before?.host ?? Self.host, pid: before?.pid ?? 0)
    }
    // A lock of another host may be invisible here; its file is not.
    if let before, before.host != me.host, Self.isFresh(path) {
      close(file.rawValue)
      throw .held(volume.root, host: before.host, pid: before.pid)
    }
    let wasCut = before.map { $0.bootID != me.bootID } ?? false
    // Unreadable: then the time is not known, and everything is looked at.
    let renewed = ((try? FileStatus(at: path)) ?? nil)?.fingerprint.mtimeNanoseconds
    powerCut = wasCut ? Timestamp(nanoseconds: renewed ?? 0) : nil
    holder = me
    unwritten = Mutex(nil)
    write(Self.text(me))
  }

  /// On a file system that became read-only the file can still be locked.
  /// - Returns: also why it is not open for writing.
  private static func open(_ path: FilePath) throws(FileFailure) -> (FileDescriptor, Int32?) {
    let flags = O_CLOEXEC | O_NOFOLLOW
    var number = path.withPlatformString { Glibc.open($0, O_RDWR | O_CREAT | flags, 0o644) }
    var refusal: Int32?
    if number < 0, errno != ENOENT {
      let code = errno
      refusal = code
      number = path.withPlatformString { Glibc.open($0, O_RDONLY | flags) }
      if number < 0 { errno = code }
    }
    guard number >= 0 else { throw FileFailure("open", path) }
    return (FileDescriptor(rawValue: number), refusal)
  }

  /// Why clients cannot find the daemon, or find another socket than its own; nil when they can.
  var trouble: FileFailure? { unwritten.withLock { $0 } }

  /// Shows daemons of other hosts that this one lives.
  /// - Throws: ``DaemonFailure/lockLost(_:)`` when another file, or none, is in the lock's place.
  func renew() throws(DaemonFailure) {
    if isReplaced { throw .lockLost(path) }
    if trouble != nil { write(Self.text(holder)) }
    futimens(file.rawValue, nil)
  }

  private var isReplaced: Bool {
    var own = stat()
    // A file system that cannot be asked says nothing of the lock.
    guard fstat(file.rawValue, &own) == 0 else { return false }
    do throws(FileFailure) {
      return try FileStatus(at: path)?.fingerprint.inode != Int64(bitPattern: UInt64(own.st_ino))
    } catch {
      return false
    }
  }

  /// Lets go; the blank file tells clients that no daemon is there. Its blocks stay, for the next one.
  func release() {
    write([])
    close(file.rawValue)
  }

  /// Lets go for a new start of the same process.
  /// - Parameter reason: why it cannot serve now, with the remedy; clients say it.
  func release(waitingBecause reason: String?) {
    var waiting = holder
    waiting.waits = reason
    write(Self.text(waiting))
    close(file.rawValue)
  }

  private static func text(_ holder: LockHolder) -> [UInt8] {
    // A holder always encodes.
    let bytes = (try? JSONEncoder().encode(holder)).map { Array($0) } ?? []
    guard bytes.count >= sizeBytes else { return bytes }
    var short = holder
    short.waits = short.waits.map { String($0.prefix(sizeBytes / 16)) }
    return (try? JSONEncoder().encode(short)).map { Array($0) } ?? []
  }

  /// Never cuts the file before it writes: a full disk would keep both the old and the new text from clients.
  private func write(_ text: [UInt8]) {
    let blanks = [UInt8](repeating: 32, count: max(0, Self.sizeBytes - 1 - text.count))
    let bytes = text + blanks + [10]
    // Unreadable: written again.
    let isThere = (try? FileBytes.all(of: path)) == bytes
    let refusal = refusal ?? RefusedWrites.errno(of: path)
    let count = isThere ? bytes.count : refusal == nil ? pwrite(file.rawValue, bytes, bytes.count, 0) : -1
    let code = refusal ?? (count < 0 ? errno : ENOSPC)
    let failure = count == bytes.count ? nil : FileFailure("write", path, errno: code)
    if failure == nil, !isThere { ftruncate(file.rawValue, off_t(bytes.count)) }
    unwritten.withLock { $0 = failure }
  }

  private static func isFresh(_ path: FilePath) -> Bool {
    guard let status = (try? FileStatus(at: path)) ?? nil else { return false }  // Unreadable: cannot be fresh.
    return Int64(time(nil)) - status.fingerprint.mtimeNanoseconds / 1_000_000_000 < deadAfterSeconds
  }

  private static var host: String { LockHolder.thisHost }
}

/// Why the daemon does not start, or had to end.
package enum DaemonFailure: Failure, Equatable {
  case notAVolume(FilePath)
  case held(FilePath, host: String, pid: Int32)
  /// The lock's file was removed or replaced while the daemon held it.
  case lockLost(FilePath)
  /// The state folder belongs to another volume.
  case foreignState(FilePath, of: FilePath)
  case files(FileFailure)
  case tooLongSocket(String)
  /// A service returned that nothing had asked to.
  case serviceEnded(String)
  /// A service failed with an error of a library.
  case serviceFailed(String, reason: String)

  package var description: String {
    switch self {
    case .notAVolume(let root): "\(root.string.escapedForTerminal) is not a farm volume"
    case .held(let root, let host, let pid):
      "the volume \(root.string.escapedForTerminal) is held by the daemon with pid \(pid) on host \(host)"
    case .lockLost(let lock):
      "the lock \(lock.string.escapedForTerminal) was removed, so that another daemon could take the volume"
    case .foreignState(let state, let root):
      "the state folder \(state.string.escapedForTerminal) belongs to the volume \(root.string.escapedForTerminal)"
    case .files(let failure): failure.description
    case .tooLongSocket(let path): "the socket's path is longer than 107 bytes: \(path.escapedForTerminal)"
    case .serviceEnded(let name): "the daemon's service \"\(name)\" ended by itself"
    case .serviceFailed(let name, let reason): "the daemon's service \"\(name)\" failed: \(reason)"
    }
  }

  package var remedy: String {
    switch self {
    case .notAVolume(let root):
      "Make it one: `farm init \(root.string.escapedForTerminal)`. If it was one, put back what was moved or unmounted."
    case .held(_, let host, let pid): "Stop that one first: `kill \(pid)` on \(host)."
    case .lockLost(let lock):
      "Put back \(lock.removingLastComponent().string.escapedForTerminal) if it was moved; farmd starts anew by itself."
    case .foreignState(let state, _):
      "Set `state:` in this volume's farm.yaml (`--config`) to a folder of its own. If both are one volume, stop its"
        + " other daemon and remove \(state.appending("volume").string.escapedForTerminal)."
    case .files(let failure): failure.remedy
    case .tooLongSocket: "Set `state:` in farm.yaml to a folder with a shorter path."
    case .serviceEnded: "Report this with the lines of the log before it; `farm doctor` looks at the machine."
    case .serviceFailed:
      "Look at the folder of the socket: `df -h`, `ls -ld`; `farm doctor` looks at the rest of the machine."
    }
  }

  package var kind: FailureKind {
    switch self {
    case .notAVolume: .notFound
    case .held, .foreignState: .conflict
    case .lockLost, .files, .tooLongSocket, .serviceEnded, .serviceFailed: .failed
    }
  }
}
