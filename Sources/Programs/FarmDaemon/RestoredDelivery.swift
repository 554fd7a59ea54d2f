import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// What was delivered comes back where it is missing; what lies there stays as it is.
struct RestoredDelivery {
  let from: FilePath
  let to: FilePath

  init(_ from: FilePath, to: FilePath) { (self.from, self.to) = (from, to) }

  /// - Returns: what lies in the way, and is left alone.
  func place() throws(FileFailure) -> [FilePath] {
    guard try FileStatus(at: from) != nil else { return [] }
    var kept: [FilePath] = []
    if try FileStatus(at: to) == nil {
      // A folder, which may lie on another file system: then its files are copied one by one.
      do throws(FileFailure) {
        try Placement.rename(from, to: to)
        try Durable.syncFolder(to.removingLastComponent())
        return []
      } catch {
        guard error.errno == EXDEV else { throw error }
      }
    }
    try place(FilePath(""), &kept)
    try Placement.removeTree(from, opens: true)
    return kept
  }

  private func place(_ below: FilePath, _ kept: inout [FilePath]) throws(FileFailure) {
    try SharedFolder.make(to.pushing(below), below: to.removingLastComponent())
    for name in try FolderListing.names(in: from.pushing(below)) {
      let (path, target) = (from.pushing(below).appending(name), to.pushing(below).appending(name))
      if try FileStatus(at: path)?.kind == .folder, try FileStatus(at: target)?.kind ?? .folder == .folder {
        try place(below.appending(name), &kept)
      } else if try FileStatus(at: target) != nil {
        kept.append(target)
      } else {
        try put(path, at: target)
      }
    }
    try Durable.syncFolder(to.pushing(below))
  }

  /// Links too, which are not copied to another file system but made anew.
  private func put(_ path: FilePath, at target: FilePath) throws(FileFailure) {
    guard try FileStatus(at: path)?.kind == .link else {
      try Placement.move(path, to: target, ifOccupied: .refuse)
      return
    }
    let leads = try LinkTarget.read(path)
    let isMade = target.withPlatformString { name in leads.withPlatformString { symlink($0, name) } } == 0
    guard isMade else { throw FileFailure("make", target) }
    Placement.remove(path)
  }
}
