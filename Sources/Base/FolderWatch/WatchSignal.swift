import FarmModel
import HeapModule
import SystemPackage
import VolumeFiles

/// A file by its folder and its name: paths are made of it only where they are needed.
struct FileKey: Hashable, Sendable {
  let folder: FilePath
  let name: FileName

  var path: FilePath { folder.appending(name) }
}

/// What happened, as ``WatchState`` is told it.
enum WatchSignal: Sendable {
  case events([InotifyEvent])
  /// The answer to ``WatchAction/watch(_:)``.
  case watched(FilePath, Result<Int32, WatchFailure>)
  /// What the memory knows of a folder's files.
  case recalled(FilePath, [FileName: Fingerprint])
  /// What was known of a folder's files, and of those below it, counts no more: the memory is asked again.
  case forget(FilePath)
  case folderLooked(FilePath, turn: Int, FolderLook)
  case looked(FileKey, turn: Int, Look)
  /// Somebody waits for everything that is there now.
  case barrier(Int)
  /// The barriers' files that lay there when the watch began, in any order.
  case cookies([FileName])
  case mounts(MountTable)
  /// Files that count from now on, wherever they lie, besides those of the tree, and some that no longer do.
  case follow(FollowedFiles.Change)
}

/// What is to be done; the watch's thread does it.
enum WatchAction: Sendable {
  case tell(FolderChange)
  /// To be answered at once.
  case watch(FilePath)
  case unwatch(Int32)
  case recall(FilePath)
  /// - Parameter unless: not to be listed while this is still its stamp.
  case lookAtFolder(FilePath, turn: Int, known: [FileName: Fingerprint], unless: FolderStamp?)
  case look(FileKey, turn: Int, deep: Bool)
  /// A barrier's file was seen.
  case removeCookie(FileName)
}

/// How often things are looked at without a reason.
package struct WatchPeriods: Hashable, Sendable {
  /// A folder's own stamp.
  package var stamp = Duration.seconds(60)
  /// A whole folder.
  package var list = Duration.seconds(900)
  /// A whole folder of which the kernel tells nothing.
  package var poll = Duration.seconds(2)
  /// How long a file system may take to answer before nobody waits for it any more.
  package var hang = Duration.seconds(30)
  /// How long the event of a barrier's file may take.
  package var cookie = Duration.seconds(2)

  package init() {}
}

/// Things that are due at some moment, the earliest first. Entries are not taken out when they are over: whoever takes
/// one sees whether it still means something.
struct Agenda {
  enum Entry: Hashable {
    case look(FileKey, turn: Int)
    case folder(FilePath, turn: Int)
    case hung(FilePath, turn: Int)
    case barrier(Int)
  }

  private struct Item: Comparable {
    let at: ContinuousClock.Instant
    let entry: Entry

    static func < (a: Item, b: Item) -> Bool { a.at < b.at }
  }

  private var items = Heap<Item>()

  /// When the next one is due.
  var next: ContinuousClock.Instant? { items.min?.at }

  mutating func add(_ entry: Entry, at instant: ContinuousClock.Instant) {
    items.insert(Item(at: instant, entry: entry))
  }

  /// Takes the earliest one that is due.
  mutating func take(dueAt now: ContinuousClock.Instant) -> Entry? {
    guard let first = items.min, first.at <= now else { return nil }
    return items.removeMin().entry
  }
}
