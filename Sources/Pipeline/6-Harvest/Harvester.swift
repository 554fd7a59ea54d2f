import FarmModel
import Glibc
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
    package let file: FileIdentity
  }

  /// Moves the file, wherever a crash left it.
  /// - Parameter ours: what we delivered under this name before, as it was then; only that is replaced.
  /// - Throws: ``HarvestFailure/lost`` when it is nowhere, ``HarvestFailure/notMoved`` when it cannot be moved.
  package func move(
    _ file: FileIdentity, from source: String, to target: String, ours: FileIdentity?
  ) throws(HarvestFailure) -> Landing {
    let from = volume.root.appending(source)
    let wanted = volume.root.appending(target)
    return try moving(target) { () throws(FileFailure) in
      guard let there = try FileStatus(at: from)?.identity, there.isCopy(of: file) else {
        let landing = try landed(file, as: wanted)
        try removeReplaced(from, ours: landing == nil ? nil : ours)
        return landing
      }
      if try FileStatus(at: wanted) != nil, let copy = try landed(file, as: wanted) {
        // An earlier try copied it to the other file system, and died before it removed what it had copied.
        Placement.remove(from)
        return copy
      }
      // When dist/ is gone it was moved or unmounted: one made in its place would hide what was delivered.
      try SharedFolder.make(wanted.removingLastComponent(), below: volume.dist)
      return try place(from, as: wanted, ours: ours)
    }.orThrow(HarvestFailure.lost(source))
  }

  private static let triesMax = 100

  /// Puts it under its name, or the next free one; also when somebody takes that name while it is copied.
  private func place(_ file: FilePath, as wanted: FilePath, ours: FileIdentity?) throws(FileFailure) -> Landing {
    for _ in 1...Self.triesMax {
      let free = try freeName(wanted, ours: ours)
      do throws(FileFailure) {
        let moved = try Placement.move(file, to: free, ifOccupied: ours.map { .replaceOnly($0) } ?? .refuse)
        try SharedFolder.adopt(free)
        return landing(free, moved)
      } catch {
        guard error.errno == EEXIST else { throw error }
      }
    }
    throw FileFailure("find a free name for", wanted, errno: EEXIST)
  }

  /// What changed places with the new file, when an earlier try died before it removed it.
  private func removeReplaced(_ file: FilePath, ours: FileIdentity?) throws(FileFailure) {
    guard let ours, try FileStatus(at: file)?.identity.isCopy(of: ours) == true else { return }
    Placement.remove(file)
  }

  /// Where an earlier try put the file: under its name or the next free one.
  private func landed(_ file: FileIdentity, as wanted: FilePath) throws(FileFailure) -> Landing? {
    for name in names(like: wanted) {
      guard let there = try FileStatus(at: name) else { continue }
      if there.identity.isCopy(of: file) { return landing(name, there.identity) }
    }
    return nil
  }

  /// Makes the moves of a whole folder survive a power cut.
  package func sync(_ release: String) throws(HarvestFailure) {
    do { try Durable.syncFolder(volume.dist(of: release)) } catch {
      throw .notMoved(release, reason: error.description, remedy: error.remedy)
    }
  }

  /// Removes a delivery that is no longer owed, if its bytes are still ours.
  package func removeDelivery(_ path: String, ours: FileIdentity) {
    let file = volume.root.appending(path)
    // Unreadable: left alone.
    if (try? FileStatus(at: file))??.identity.isCopy(of: ours) == true { Placement.remove(file) }
  }

  /// Takes a delivery back to where it came from, to be delivered under another name; a file that a person has
  /// changed or removed stays as it is.
  /// - Returns: the file as it is there now, also when an earlier try took it; nil when it is not ours any more.
  package func takeBack(_ path: String, ours: FileIdentity, to source: FilePath) throws(HarvestFailure) -> FileIdentity?
  {
    try moving(path) { () throws(FileFailure) in
      if let there = try FileStatus(at: source)?.identity, there.isCopy(of: ours) { return there }
      let delivered = volume.root.appending(path)
      guard try FileStatus(at: delivered)?.identity.isCopy(of: ours) == true else { return nil }
      try SharedFolder.make(source.removingLastComponent(), below: volume.root)
      let moved = try Placement.move(delivered, to: source, ifOccupied: .replace)
      Placement.removeIfEmpty(delivered.removingLastComponent())
      return moved
    }
  }

  private func landing(_ path: FilePath, _ file: FileIdentity) -> Landing {
    Landing(path: volume.relative(path), file: file)
  }

  /// The name itself when it is free or holds our own delivery; else `name.new.ext`, `name.new2.ext`, …
  private func freeName(_ wanted: FilePath, ours: FileIdentity?) throws(FileFailure) -> FilePath {
    guard let there = try FileStatus(at: wanted) else { return wanted }
    if let ours, there.identity.isCopy(of: ours) { return wanted }
    for name in names(like: wanted).dropFirst() where try FileStatus(at: name) == nil { return name }
    throw FileFailure("find a free name for", wanted, errno: EEXIST)
  }

  private func names(like wanted: FilePath) -> [FilePath] {
    let newNamesMax = 99
    let stem = wanted.stem ?? ""
    let ending = wanted.extension.map { ".\($0)" } ?? ""
    return [wanted]
      + (1...newNamesMax).map {
        wanted.removingLastComponent().appending("\(stem).new\($0 == 1 ? "" : "\($0)")\(ending)")
      }
  }

  private func moving<Value>(_ target: String, _ body: () throws(FileFailure) -> Value) throws(HarvestFailure) -> Value
  {
    do { return try body() } catch {
      throw .notMoved(target, reason: error.description, remedy: error.remedy)
    }
  }
}

extension Optional {
  fileprivate func orThrow<Failure: Error>(_ failure: Failure) throws(Failure) -> Wrapped {
    guard let value = self else { throw failure }
    return value
  }
}
