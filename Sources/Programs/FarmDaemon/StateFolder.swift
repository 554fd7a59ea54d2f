import FarmModel
import SystemPackage
import VolumeFiles

/// Where ledger, socket and logs lie: on the volume, or elsewhere when it is a network share or `state:` says so.
struct StateFolder: Hashable {
  let folder: FilePath
  let socket: String

  /// Longest path of a Unix socket on Linux, without its NUL.
  private static let socketBytesMax = 107

  init(volume: Volume, configured: String?) throws(DaemonFailure) {
    folder = Self.folder(of: volume, configured: configured)
    let near = folder.appending("socket").string
    let short = "/run/farm-\(Self.name(of: volume)).socket"
    socket = near.utf8.count <= Self.socketBytesMax ? near : short
    guard socket.utf8.count <= Self.socketBytesMax else { throw .tooLongSocket(socket) }
    do { try SharedFolder.make(folder.appending("logs")) } catch { throw .files(error) }
  }

  private static func folder(of volume: Volume, configured: String?) -> FilePath {
    if let configured { return FilePath(configured) }
    // SQLite's locks and shared memory do not work on network file systems.
    return MountTable.mount(at: volume.root).isBlind
      ? FilePath("/var/lib/farm").appending(name(of: volume)) : volume.own.appending("state")
  }

  /// Where the ledger of a volume lies, without making its folder.
  static func ledger(of volume: Volume, configured: String?) -> FilePath {
    folder(of: volume, configured: configured).appending("ledger.sqlite")
  }

  var ledger: FilePath { folder.appending("ledger.sqlite") }
  /// What the engine's programs need for a moment.
  var temporary: FilePath { folder.appending("tmp") }
  /// For copies of pictures that a revision needs and that may not be whole.
  func doubts(of revision: Int64) -> FilePath { folder.appending("doubts").appending("\(revision)") }
  /// Logs of tasks, by release and job; and small pictures of their outputs.
  var logFolder: FilePath { folder.appending("logs") }
  var thumbnails: FilePath { folder.appending("thumbs") }
  /// Copies of the ledger.
  var backups: FilePath { folder.appending("backups") }

  /// Where the logs of a job's tasks lie.
  func logs(of job: JobName) -> FilePath { logFolder.appending(job.release).appending(job.job) }

  /// A volume's name on this machine: a digest of where it lies.
  private static func name(of volume: Volume) -> String {
    FileDigest.of(Array(volume.root.string.utf8)).short
  }
}
