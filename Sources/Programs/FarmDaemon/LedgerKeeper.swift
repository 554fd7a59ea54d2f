import FarmModel
import FarmStore
import Logging
import SystemPackage
import VolumeFiles

/// Opens the ledger; one that is lost or damaged is made again from the manifests, and what is left of it put aside.
struct LedgerKeeper {
  let volume: Volume
  let state: StateFolder
  let clock: WallClock
  let log: Logger

  private static let parts = ["", "-wal", "-shm"]

  func open() async throws -> Ledger {
    guard try FileStatus(at: state.ledger) != nil else { return try await lost() }
    do {
      let ledger = try Ledger(at: state.ledger, clock: clock)
      // Cut to nothing it opens as a new one.
      guard try await ledger.isEmpty(), try hasManifests() else { return ledger }
      try ledger.close()
      return try await damaged("it is empty, and there are manifests")
    } catch StoreFailure.damaged(_, let verdict) {
      return try await damaged(verdict)
    }
  }

  /// Makes it anew from the manifests, whatever it is like now.
  /// - Parameter copy: an earlier copy of it, which they are put into: it knows what people did and wanted.
  func rebuild(from copy: FilePath? = nil) async throws -> Ledger {
    try await damaged("it is to be rebuilt", from: copy)
  }

  private func hasManifests() throws(FileFailure) -> Bool { try !ManifestFolder(volume).readAll().manifests.isEmpty }

  private func lost() async throws -> Ledger {
    // The log of a ledger that is gone must not be taken for that of the next one.
    try putAside()
    guard try hasManifests() else { return try Ledger(at: state.ledger, clock: clock) }
    log.warning("there is no ledger; it is made again from the manifests")
    return try place(try await made(from: nil))
  }

  /// Moves what there is of the ledger out of the way, the database before its log.
  @discardableResult
  private func putAside() throws(FileFailure) -> FilePath {
    let aside = state.folder.appending("ledger-\(clock.now().fileName).damaged")
    for part in Self.parts {
      let file = FilePath(state.ledger.string + part)
      guard try FileStatus(at: file) != nil else { continue }
      try Placement.move(file, to: FilePath(aside.string + part), ifOccupied: .refuse)
    }
    return aside
  }

  private func damaged(_ verdict: String, from copy: FilePath? = nil) async throws -> Ledger {
    let part = try await made(from: copy)
    let aside = try putAside()
    log.critical(
      "the ledger was put aside and is made again from the manifests",
      metadata: ["reason": "\(verdict)", "old": "\(aside)", "remedy": "Look at `farm list jobs` and `farm doctor`."])
    return try place(part)
  }

  /// Beside its place first: killed meanwhile, it begins again.
  private func made(from copy: FilePath?) async throws -> FilePath {
    let part = FilePath(state.ledger.string + ".new")
    removeParts(of: part)
    let (all, unreadable) = try ManifestFolder(volume).readAll()
    let archived = try archivedReleases(
      besides: Set(all.filter { $0.problem?.problemClass != .adopted }.map(\.release)))
    let manifests = all.filter { !archived.contains($0.release) }
    for file in unreadable { log.warning("a manifest cannot be read", metadata: ["file": "\(file)"]) }
    if let copy { try take(copy, as: part) }
    let ledger = try opened(part, as: copy)
    try await ledger.rebuild(from: manifests, archived: archived)
    // Their logs lie there, and people remember them.
    try await ledger.goOn(after: Ledger.numbers(at: state.ledger))
    for record in try await ledger.archives() where [.stored, .emptying].contains(record.state) {
      // It came back since.
      if try FileStatus(at: volume.release(record.release)) != nil {
        try await ledger.setArchive(record.id, state: .kept)
      }
    }
    // Before anything is delivered it must be known again what is wanted.
    for name in Set(manifests.map(\.release)) { try await plan(name, in: ledger) }
    ledger.foldLog()
    try ledger.close()
    for end in Self.parts.dropFirst() { Placement.remove(FilePath(part.string + end)) }
    try Durable.sync(part)
    log.notice("the ledger was made again", metadata: ["jobs": "\(manifests.count)"])
    return part
  }

  /// With the log beside it, should it be no copy but a ledger that was put aside.
  private func take(_ copy: FilePath, as part: FilePath) throws {
    for end in ["", "-wal"] {
      let file = FilePath(copy.string + end)
      if try end.isEmpty || FileStatus(at: file) != nil { try FileCopy.copy(file, to: FilePath(part.string + end)) }
    }
    guard let mistake = Ledger.mistake(at: part) else { return }
    removeParts(of: part)
    throw BadLedgerCopy(path: copy, verdict: mistake)
  }

  private func opened(_ part: FilePath, as copy: FilePath?) throws -> Ledger {
    do { return try Ledger(at: part, clock: clock) } catch {
      removeParts(of: part)
      guard let copy else { throw error }
      throw BadLedgerCopy(path: copy, verdict: error.description)
    }
  }

  private func removeParts(of ledger: FilePath) {
    for end in Self.parts { Placement.remove(FilePath(ledger.string + end)) }
  }

  private func place(_ part: FilePath) throws -> Ledger {
    try Placement.move(part, to: state.ledger, ifOccupied: .replace)
    return try Ledger(at: state.ledger, clock: clock)
  }
}

extension LedgerKeeper {
  /// Releases of which an archive is there and no folder: what manifests say of them is over.
  /// - Parameter proven: of which there are manifests: as those are removed when a release is archived, its folder only
  ///   is away, unless it was being removed just then.
  private func archivedReleases(besides proven: Set<String>) throws(FileFailure) -> Set<String> {
    var archived: Set<String> = []
    for name in try FolderListing.names(in: volume.archives) {
      guard let (release, _) = ArchiveFormat.parse(fileName: name.string),
        try FileStatus(at: volume.release(release)) == nil
      else { continue }
      guard !proven.contains(release) else {
        if try isBeingRemoved(release) { archived.insert(release) }
        continue
      }
      archived.insert(release)
    }
    return archived
  }

  private func isBeingRemoved(_ release: String) throws(FileFailure) -> Bool {
    for place in [volume.own.appending("archived-\(release)"), volume.releases.appending(".farm-archived-\(release)")] {
      if try FileStatus(at: place) != nil { return true }
    }
    return false
  }

  private func plan(_ name: String, in ledger: Ledger) async throws {
    do {
      guard let order = try ReleasePlan.read(in: volume.release(name)) else { return }
      try await ledger.setOrder(of: name, order)
    } catch let failure as ConfigFailure {
      // Told again when it is read by the watch; nothing is delivered until it is mended.
      log.warning("\(failure.description)", metadata: ["remedy": "\(failure.remedy)"])
      let problem = Problem(.badRelease, cause: failure.description, remedy: failure.remedy)
      if let release = try await ledger.release(named: name) {
        try await ledger.setRelease(release.id, problem: problem)
      }
    }
  }
}

/// What should be a copy of a ledger is none.
struct BadLedgerCopy: Failure, Equatable {
  let path: FilePath
  let verdict: String

  var description: String { "\(path.string.escapedForTerminal) is no whole copy of a ledger: \(verdict)" }
  var remedy: String { "Take an older copy, or none: `farm ledger rebuild`. The ledger is as it was." }
}
