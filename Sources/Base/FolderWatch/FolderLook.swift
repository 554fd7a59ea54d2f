import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// What a folder is like, by its own status: names that came or went change it.
struct FolderStamp: Hashable, Sendable {
  let device: Int64
  let inode: Int64
  let mtimeNanoseconds: Int64
  let ctimeNanoseconds: Int64

  /// Whether it is the same folder, whatever came and went in it.
  func isSameFolder(as other: FolderStamp) -> Bool { device == other.device && inode == other.inode }
}

/// What one look into a folder saw.
enum FolderLook: Sendable {
  /// Nothing is there, or no folder.
  case gone
  case refused(FileFailure)
  /// No name came or went since the stamp that was given.
  case same
  case listed(FolderStamp, folders: [FileName], files: Reconciler.Differences)

  /// What is asked for.
  struct Question: Sendable {
    let folder: FilePath
    let known: [FileName: Fingerprint]
    /// Not to be listed when this is still its stamp.
    let unless: FolderStamp?
    /// Which files count; nil when none does.
    let accepts: FolderWatcher.NameCheck?
  }

  /// Opens and lists; never follows a link. Blocks for as long as the file system does.
  init(_ question: Question) {
    do throws(FileFailure) {
      guard let listing = try FolderListing(of: question.folder) else {
        self = .gone
        return
      }
      let stamp = FolderStamp(listing.status.fingerprint)
      guard stamp != question.unless else {
        self = .same
        return
      }
      var folders: [FileName] = []
      var files = Reconciler(known: question.known)
      try listing.each { name, hint throws(FileFailure) in
        // What the folder itself says of the kind spares a look at every picture and texture.
        if hint == .folder { folders.append(name) }
        guard question.accepts?(question.folder, name) == true else {
          if hint == nil, try listing.status(of: name)?.kind == .folder { folders.append(name) }
          return
        }
        if let status = try listing.status(of: name) { files.saw(name, status.fingerprint) }
      }
      self = .listed(stamp, folders: folders, files: files.finish())
    } catch {
      self = .refused(error)
    }
  }
}

extension FolderStamp {
  init(_ fingerprint: Fingerprint) {
    self.init(
      device: fingerprint.device, inode: fingerprint.inode, mtimeNanoseconds: fingerprint.mtimeNanoseconds,
      ctimeNanoseconds: fingerprint.ctimeNanoseconds)
  }
}

extension Look {
  /// Looks at a file; a deep look asks whether it is whole, and looks again whether it stayed the same meanwhile.
  /// - Parameter asksLease: whether a lease tells the truth there; without it nobody knows who writes.
  init(at path: FilePath, asksLease: Bool, isWhole: FolderWatcher.WholeCheck?) {
    do throws(FileFailure) {
      guard let before = try FileStatus(at: path) else {
        self = .gone
        return
      }
      if let kind = before.kind.otherThanFile {
        self = .notAFile(kind, before.fingerprint)
        return
      }
      let writer = asksLease ? LeaseProbe.ask(path) : .unknown
      guard let isWhole, writer != .writer else {
        self = .file(before.fingerprint, writer: writer, wholeness: nil)
        return
      }
      let wholeness = isWhole(path)
      guard let after = try FileStatus(at: path) else {
        self = .gone
        return
      }
      let hasChanged = after.fingerprint != before.fingerprint
      self = .file(after.fingerprint, writer: writer, wholeness: hasChanged ? nil : wholeness)
    } catch {
      self = .refused(error.description)
    }
  }
}

extension FileStatus.Kind {
  /// What it is when it is no file.
  fileprivate var otherThanFile: String? {
    switch self {
    case .regular: nil
    case .folder: "a folder"
    case .link: "a symbolic link"
    case .other: "a device, pipe or socket"
    }
  }
}
