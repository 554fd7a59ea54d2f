import FarmAPI
import FarmModel
import FoundationEssentials
import Glibc
import Supervisor
import SystemPackage
import VolumeFiles

/// One daemon a volume: holds `.farm/lock` as long as it lives. Owns the open, locked file.
final class VolumeLock: Sendable {
  private let file: FileDescriptor
  private let path: FilePath
  /// When a daemon was alive last that was not stopped before the machine was: its last writings may be lost. Nil when
  /// none was.
  let powerCut: Timestamp?
  /// A holder on another host that renewed its lock later than this ago is alive.
  static let renewEvery = Duration.seconds(20)
  private static let deadAfterSeconds: Int64 = 90

  /// Takes the lock.
  /// - Throws: ``DaemonFailure/held`` naming the daemon that has it.
  init(_ volume: Volume, socket: String) throws(DaemonFailure) {
    path = volume.lock
    let number = path.withPlatformString { open($0, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644) }
    guard number >= 0 else { throw .files(FileFailure("open", path)) }
    file = FileDescriptor(rawValue: number)
    let me = LockHolder(host: Self.host, pid: getpid(), bootID: ProcessTable.bootID, socket: socket)
    let before = Self.holder(at: path)
    guard flock(number, LOCK_EX | LOCK_NB) == 0 else {
      close(number)
      throw .held(volume.root, host: before?.host ?? Self.host, pid: before?.pid ?? 0)
    }
    // A lock of another host may be invisible here; its file is not.
    if let before, before.host != me.host, Self.isFresh(path) {
      close(number)
      throw .held(volume.root, host: before.host, pid: before.pid)
    }
    let wasCut = before.map { $0.bootID != me.bootID } ?? false
    // Unreadable: then the time is not known, and everything is looked at.
    let renewed = ((try? FileStatus(at: path)) ?? nil)?.fingerprint.mtimeNanoseconds
    powerCut = wasCut ? Timestamp(nanoseconds: renewed ?? 0) : nil
    do {
      let bytes = try Array(JSONEncoder().encode(me)) + [10]
      ftruncate(number, 0)
      try FileBytes.write(bytes, to: file, path: path)
    } catch {
      close(number)
      throw .files(error as? FileFailure ?? FileFailure("write", path, errno: EIO))
    }
  }

  /// Shows daemons of other hosts that this one lives.
  func renew() {
    futimens(file.rawValue, nil)
  }

  /// Lets go; the emptied file tells clients that nobody is there.
  func release() {
    ftruncate(file.rawValue, 0)
    close(file.rawValue)
  }

  private static func holder(at path: FilePath) -> LockHolder? {
    // Empty or half-written: nobody holds it.
    guard let bytes = try? FileBytes.all(of: path) else { return nil }
    return try? JSONDecoder().decode(LockHolder.self, from: Data(bytes))
  }

  private static func isFresh(_ path: FilePath) -> Bool {
    guard let status = (try? FileStatus(at: path)) ?? nil else { return false }  // Unreadable: cannot be fresh.
    return Int64(time(nil)) - status.fingerprint.mtimeNanoseconds / 1_000_000_000 < deadAfterSeconds
  }

  private static var host: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { name in
      guard let start = name.baseAddress, gethostname(start, 255) == 0 else { return "unknown" }
      start[255] = 0
      return String(cString: start)
    }
  }
}

/// Why the daemon does not start, or had to end.
package enum DaemonFailure: Failure, Equatable {
  case notAVolume(FilePath)
  case held(FilePath, host: String, pid: Int32)
  case files(FileFailure)
  case tooLongSocket(String)

  package var description: String {
    switch self {
    case .notAVolume(let root): "\(root.string.escapedForTerminal) is not a farm volume"
    case .held(let root, let host, let pid):
      "the volume \(root.string.escapedForTerminal) is held by the daemon with pid \(pid) on host \(host)"
    case .files(let failure): failure.description
    case .tooLongSocket(let path): "the socket's path is longer than 107 bytes: \(path.escapedForTerminal)"
    }
  }

  package var remedy: String {
    switch self {
    case .notAVolume(let root): "Make it one: `farm init \(root.string.escapedForTerminal)`."
    case .held(_, let host, let pid): "Stop that one first: `kill \(pid)` on \(host)."
    case .files(let failure): failure.remedy
    case .tooLongSocket: "Set `state:` in farm.yaml to a folder with a shorter path."
    }
  }

  package var kind: FailureKind {
    switch self {
    case .notAVolume: .notFound
    case .held: .conflict
    case .files, .tooLongSocket: .failed
    }
  }
}
