import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// What ``FolderWatcher`` tells, in the order in which it became true.
package enum FolderChange: Hashable, Sendable {
  /// A file is there that is new or was changed, and is not whole yet.
  case unsettled(FilePath)
  /// A file is whole and nobody writes it.
  case settled(FilePath, Fingerprint)
  /// An unsettled file turned out to be what is known already.
  case unchanged(FilePath)
  /// A file that more bytes cannot make whole, or that is none.
  case refused(FilePath, reason: String)
  /// A file did not become whole for the stall time; it is waited for on and on.
  case stalled(FilePath, reason: String)
  /// A known or unsettled file is gone for longer than a save takes.
  case vanished(FilePath)
  /// A known file is gone together with the folder in which it lay, and another folder is there: nobody deleted it.
  case lost(FilePath)
  case folderFound(FilePath)
  case folderGone(FilePath)
  /// Everything that was there when ``FolderWatcher/barrier()`` was called stands before this.
  case barrier(Int)
  /// A folder cannot be watched or listed; it is tried again with the next listing of the one above.
  case troubled(FilePath, WatchFailure)

  /// The file of which it speaks; nil when it speaks of a folder, or of none.
  package var file: FilePath? {
    switch self {
    case .unsettled(let path), .settled(let path, _), .unchanged(let path), .refused(let path, _),
      .stalled(let path, _), .vanished(let path), .lost(let path):
      path
    case .folderFound, .folderGone, .barrier, .troubled: nil
    }
  }
}

/// What the closure that knows the file format says of a file that nobody writes.
package enum Wholeness: Hashable, Sendable {
  case whole
  /// More bytes may still come.
  case notYet(String)
  /// More bytes cannot help.
  case never(String)
}

/// What was known before; the ledger answers.
package protocol KnownFiles: Sendable {
  /// The known files directly in a folder.
  func knownFiles(in folder: FilePath) async -> [FileName: Fingerprint]
}

/// Why a folder cannot be watched.
package enum WatchFailure: Failure, Hashable {
  case watchLimit(FilePath)
  case instanceLimit
  case alreadyRunning
  case notWatched(FilePath, errno: Int32)
  case notListed(FileFailureText)
  /// Its file system does not answer.
  case hung(FilePath, type: String)

  init(_ failure: FileFailure) {
    self = .notListed(FileFailureText(description: failure.description, remedy: failure.remedy))
  }

  /// A listing's failure, as text: the error of another target.
  package struct FileFailureText: Hashable, Sendable {
    package let description: String
    package let remedy: String
  }

  package var description: String {
    switch self {
    case .watchLimit(let folder): "cannot watch \(folder.string.escapedForTerminal): the inotify watch limit is reached"
    case .instanceLimit: "cannot watch folders: the limit of inotify instances is reached"
    case .alreadyRunning: "cannot watch folders twice in one process: libinotifytools keeps one state"
    case .notWatched(let folder, let code):
      "cannot watch \(folder.string.escapedForTerminal): \(String(cString: strerror(code)))"
    case .notListed(let failure): failure.description
    case .hung(let folder, let type):
      "cannot look into \(folder.string.escapedForTerminal): its file system (\(type)) does not answer"
    }
  }

  package var remedy: String {
    switch self {
    case .watchLimit: "Raise the limit: `sysctl fs.inotify.max_user_watches=1048576`."
    case .instanceLimit: "Raise the limit: `sysctl fs.inotify.max_user_instances=1024`."
    case .alreadyRunning: "Run one daemon a process."
    case .notWatched: "Give the daemon's user the right to read and enter the folder."
    case .notListed(let failure): failure.remedy
    case .hung(let folder, _):
      "Look at the file server; if it is gone for good: `umount -f -l \(folder.string.quotedForShell)`."
    }
  }

  package var isTransient: Bool {
    switch self {
    case .watchLimit, .instanceLimit, .notWatched, .notListed, .hung: true
    case .alreadyRunning: false
    }
  }
}

/// How the watch stands, for people and for those who supervise it.
package struct WatchCounts: Hashable, Sendable {
  /// Folders watched by events.
  package internal(set) var watches = 0
  /// Watches that the kernel allows a user; nil when it does not say.
  package internal(set) var watchesAllowed: Int?
  /// Folders that are looked at every 2 s, because nothing is told of them.
  package internal(set) var polledFolders = 0
  /// How often the kernel lost events and everything was listed.
  package internal(set) var overflows = 0
  /// Folders listed.
  package internal(set) var listings = 0
  /// Files on their way to being settled, and for how long the oldest has been.
  package internal(set) var unsettled = 0
  package internal(set) var oldestUnsettled = Duration.zero

  package init() {}
}
