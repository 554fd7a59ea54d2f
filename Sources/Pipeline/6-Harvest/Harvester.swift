import FarmModel
import SystemPackage
import VolumeFiles

/// Moves one journaled file from `out/` to `dist/`; doing it again after a crash changes nothing.
package struct Harvester: Hashable, Sendable {
  private let volume: Volume

  package init(_ volume: Volume) {
    self.volume = volume
  }

  /// Where a file ended up.
  package struct Landing: Hashable, Sendable {
    /// Below the volume's root; another name than asked for when the name was taken by something not ours.
    package let path: String
    package let fingerprint: Fingerprint
  }

  /// Moves the file, wherever a crash left it.
  /// - Parameter ours: what we delivered under this name before, as it was then; only that is replaced.
  package func move(
    _ file: FileIdentity, from source: String, to target: String, ours: Fingerprint?
  ) throws(HarvestFailure) -> Landing {
    do throws(FileFailure) {
      let from = volume.root.appending(source)
      let wanted = volume.root.appending(target)
      if let there = try FileStatus(at: wanted), there.identity == file { return landing(wanted, there) }
      guard let found = try FileStatus(at: from), found.identity == file else {
        // Across file systems the inode changes; the journal then knows only the name.
        if let there = try FileStatus(at: wanted), there.fingerprint.device != file.device {
          return landing(wanted, there)
        }
        throw FileFailure("find", from, errno: 0)
      }
      try SharedFolder.make(wanted.removingLastComponent())
      let free = try freeName(wanted, ours: ours)
      try Placement.move(from, to: free, ifOccupied: free == wanted ? .replace : .refuse)
      try SharedFolder.adopt(free)
      guard let moved = try FileStatus(at: free) else { throw FileFailure("find", free, errno: 0) }
      return landing(free, moved)
    } catch {
      if error.errno == 0 { throw .lost(volume.relative(error.path)) }
      throw .notMoved(target, reason: error.description, remedy: error.remedy)
    }
  }

  /// Makes the moves of a whole folder survive a power cut.
  package func sync(_ release: String) throws(HarvestFailure) {
    do { try Durable.syncFolder(volume.dist(of: release)) } catch {
      throw .notMoved(release, reason: error.description, remedy: error.remedy)
    }
  }

  /// Removes a delivery that is no longer owed, if its bytes are still ours.
  package func removeDelivery(_ path: String, ours: Fingerprint) {
    let file = volume.root.appending(path)
    // Unreadable: left alone.
    guard let there = (try? FileStatus(at: file)) ?? nil, isOurs(there, ours) else { return }
    Placement.remove(file)
  }

  private func landing(_ path: FilePath, _ status: FileStatus) -> Landing {
    Landing(path: volume.relative(path), fingerprint: status.fingerprint)
  }

  /// The name itself when it is free or holds our own delivery; else `name.new.ext`, `name.new2.ext`, …
  private func freeName(_ wanted: FilePath, ours: Fingerprint?) throws(FileFailure) -> FilePath {
    guard let there = try FileStatus(at: wanted) else { return wanted }
    if let ours, isOurs(there, ours) { return wanted }
    let stem = wanted.stem ?? ""
    let ending = wanted.extension.map { ".\($0)" } ?? ""
    for number in 1...999 {
      let name = wanted.removingLastComponent().appending("\(stem).new\(number == 1 ? "" : "\(number)")\(ending)")
      if try FileStatus(at: name) == nil { return name }
    }
    throw FileFailure("find a free name for", wanted, errno: 17)
  }

  /// A rename keeps inode, size and mtime; a person's edit changes one of them.
  private func isOurs(_ there: FileStatus, _ ours: Fingerprint) -> Bool {
    there.fingerprint.isSameFile(as: ours) && there.fingerprint.size == ours.size
      && there.fingerprint.mtimeNanoseconds == ours.mtimeNanoseconds
  }
}
