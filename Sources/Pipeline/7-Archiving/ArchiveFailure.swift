import FarmModel
import SystemPackage
import VolumeFiles

/// Why a release was not archived, or an archive not read.
package enum ArchiveFailure: Failure, Equatable {
  /// Of a release, with each reason.
  case refused(String, reasons: [ArchiveRefusal.Reason])
  case notRestored(String, ArchiveRefusal.Reason)
  /// It cannot stand in an archive: what it is, below the release's folder.
  case notStorable(FilePath, what: String)
  /// A link or a file lies where the folder of what was delivered should.
  case deliveredElsewhere(FilePath)
  /// It changed while it was read.
  case changed(FilePath)
  case files(FileFailure)
  /// What stands in it is not what was put into it.
  case damaged(FilePath, String)
  /// It is none of ours, or was made to do harm.
  case forged(FilePath, entry: String, why: String)
  /// The disk of the archive has so little left, in bytes, that nothing more is written.
  case noRoom(FilePath, freeBytes: Int64)
  /// Its contents are larger than what may still be written.
  case tooLarge(FilePath)
  case noArchive(String, nearest: String?)
  /// What the ledger knows of is not in its place.
  case lost(String, FilePath)
  /// What a restored release would take the place of.
  case inTheWay(String, FilePath)
  case canceled
  /// Nothing of it can be stopped, for nothing is done.
  case notUnderWay(String)
  /// It cannot be stopped any more.
  case tooLate(String)

  package var description: String {
    switch self {
    case .refused(let release, let reasons):
      "\(release) is not archived: \(reasons.map(\.text).joined(separator: "; "))"
    case .notRestored(let release, let reason): "\(release) is not restored: \(reason.text)"
    case .notStorable(let path, let what): "\(path.string.escapedForTerminal) cannot be archived: \(what)"
    case .deliveredElsewhere(let path):
      "\(path.string.escapedForTerminal) is no folder, so what was delivered cannot be archived"
    case .changed(let path): "\(path.string.escapedForTerminal) changed while it was archived"
    case .files(let failure): failure.description
    case .damaged(let path, let what): "the archive \(path.string.escapedForTerminal) is damaged: \(what)"
    case .forged(let path, let entry, let why):
      "the archive \(path.string.escapedForTerminal) is refused: its entry \"\(entry.escapedForTerminal)\" \(why)"
    case .noRoom(let path, let free):
      "cannot write \(path.string.escapedForTerminal): its disk has \(free.asBytes) left, "
        + "less than `disk_floor:` keeps free"
    case .tooLarge(let path):
      "the archive \(path.string.escapedForTerminal) does not fit: its contents are larger than the disk's free space"
    case .noArchive(let release, let nearest):
      "there is no archive of \"\(release.escapedForTerminal)\"" + (nearest.map { "; did you mean \"\($0)\"?" } ?? "")
    case .lost(let release, let path):
      "\(release) was archived in \(path.string.escapedForTerminal), which is not there"
    case .inTheWay(let release, let path):
      "\(release) is not restored: \(path.string.escapedForTerminal) is there already"
    case .canceled: "it was stopped before it was done"
    case .notUnderWay(let release): "nothing is done with an archive of \(release.escapedForTerminal)"
    case .tooLate(let release):
      "what is done with the archive of \(release.escapedForTerminal) cannot be stopped any more: all of it is written "
        + "and compared"
    }
  }

  package var remedy: String {
    switch self {
    case .refused(_, let reasons):
      // Several may have the same one.
      reasons.map(\.remedy).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }.joined(separator: " ")
    case .notRestored(_, let reason): reason.remedy
    case .notStorable: "Move it out of the release, or replace it by a file."
    case .deliveredElsewhere: "Move the folder itself back to that place, then ask again; nothing was removed."
    case .changed: "Wait until nobody writes there, then ask again; nothing was removed."
    case .files(let failure): failure.remedy
    case .damaged: "Take a copy of it from your backup; nothing was changed."
    case .forged: "Look at it with `tar tvf`; nothing was written outside of the farm's own folder."
    case .noRoom(let path, _):
      "Free space there (`df -h \(path.removingLastComponent().string.quotedForShell)`), then ask again; nothing was "
        + "removed."
    case .tooLarge: "Free space on the volume (`df -h`), then ask again."
    case .noArchive: "Look at `farm list archives`."
    case .lost: "Put it back, or take it from your backup."
    case .inTheWay: "Move it away, or give it another name; nothing is ever overwritten."
    case .canceled: "Ask again; nothing was removed."
    case .notUnderWay: "Look at `farm status`, which says what is packed, read or unpacked."
    case .tooLate:
      "Wait until it is done (`farm status`); `farm restore release` brings back what was archived."
    }
  }

  /// Whether the archive itself is not as it should be.
  package var isOfArchive: Bool {
    switch self {
    case .damaged, .forged: true
    case .refused, .notRestored, .notStorable, .deliveredElsewhere, .changed, .files, .noRoom, .tooLarge, .noArchive,
      .lost, .inTheWay, .canceled, .notUnderWay, .tooLate:
      false
    }
  }

  package var isTransient: Bool {
    switch self {
    case .changed, .canceled, .noRoom: true
    case .files(let failure): failure.isTransient
    case .refused, .notRestored, .notStorable, .deliveredElsewhere, .damaged, .forged, .tooLarge, .noArchive, .lost,
      .inTheWay, .notUnderWay, .tooLate:
      false
    }
  }

  package var kind: FailureKind {
    switch self {
    case .refused, .notRestored, .notStorable, .deliveredElsewhere, .changed, .inTheWay, .tooLate: .conflict
    case .files(let failure): failure.kind
    case .noArchive, .lost, .notUnderWay: .notFound
    case .damaged, .forged, .noRoom, .tooLarge, .canceled: .failed
    }
  }
}
