import Archiving
import FarmAPI
import FarmModel
import FarmStore
import Foundation
import Logging
import SystemPackage
import VolumeFiles

/// From an archive back to the release as it was.
extension JobFlow {
  func restore(_ request: ArchivedRequest, by person: String) async throws -> ArchiveAnswer {
    let name = request.release
    _ = try await archive(of: name)
    let progress = try await beginArchiving(name)
    defer { endArchiving(progress) }
    // It may have been another's turn.
    let found = try await archive(of: name)
    let place = found.place
    try await refuseToOverwrite(name)
    if let record = found.record, record.state == .emptying {
      let removal = ReleaseRemoval(of: name, in: setup.volume, prunesDist: record.prunesDist)
      if let why = await empty(removal, record) {
        throw ArchiveFailure.notRestored(name, .init(why, remedy: "Ask again when it is gone."))
      }
    }
    let folder = try await staging(name)
    let known: ArchiveRecord
    let adopted: Int
    do {
      let manifest: ArchiveManifest
      (manifest, adopted) = try await unpack(place, found.format, of: name, into: folder, progress)
      let jobs = try RestoredJobs(manifest, of: name, archive: place, now: setup.clock.now())
      let files = try await knownFiles(of: jobs.manifests, in: folder, release: name)
      setup.stepped("archive unpacked")
      known = try await self.known(found, manifest, isReleaseThere: false)
      // Unpacking may have taken hours.
      try await refuseToOverwrite(name)
      try progress.commit()
      let line = HistoryLine(
        at: setup.clock.now().rfc3339, who: person, what: Act.Deed.restored.rawValue, release: name,
        detail: known.path)
      try await setup.ledger.restore(
        name, order: jobs.order, isPaused: manifest.head.isPaused, from: jobs.manifests,
        history: jobs.history + [line], files: files, archive: known.id)
    } catch {
      await remember(error, of: found)
      await clearStaging(folder)
      throw error
    }
    let kept = try await finishOrUndoRestoring(known)
    let restored = try await setup.ledger.archives().last { $0.id == known.id } ?? known
    let notes =
      adopted == 0
      ? []
      : [
        "\(adopted) files and folders belonged to others and are the daemon's now, with the same rights for their "
          + "group: only root can give files away"
      ]
    return ArchiveAnswer(line(restored, isReleaseThere: true), notes: kept + notes)
  }

  /// What cannot be put in its place is forgotten again: then it is in its archive as before.
  private func finishOrUndoRestoring(_ record: ArchiveRecord) async throws -> [String] {
    do { return try await finishRestoring(record) } catch {
      let folder = try await staging(record.release)
      guard try await fileStatus(at: folder) != nil else { throw error }
      guard try await setup.ledger.undoRestoring(record.release, archive: record.id) else { throw error }
      await clearStaging(folder)
      throw error
    }
  }

  private func refuseToOverwrite(_ name: String) async throws {
    if let why = NameRule.refusal(ofRelease: name) {
      throw CommandFailure.badName(name, why: why)
    }
    let folder = setup.volume.release(name)
    if await isThereOrHangs(folder) { throw ArchiveFailure.inTheWay(name, folder) }
    let states = try await setup.ledger.jobStates(in: name).values.filter { $0 != .removed }
    guard states.isEmpty else {
      throw ArchiveFailure.notRestored(
        name,
        .init(
          "jobs of a release of that name are known and wait for their folder",
          remedy:
            "Put that folder back, or let its jobs go: `farm kill \(name.quotedForShell).jobs '*'`; then ask again."))
    }
  }

  private func staging(_ name: String) async throws(FileFailure) -> FilePath {
    let volume = setup.volume
    return try await BlockingWork.run(at: volume.releases) { () throws(FileFailure) in
      try volume.aside("restoring-\(name)", near: volume.releases)
    }
  }

  private func clearStaging(_ folder: FilePath) async {
    await BlockingWork.run { try? Placement.removeTree(folder, opens: true) }  // Removed at the next start else.
  }

  private func unpack(
    _ archive: FilePath, _ format: ArchiveFormat, of name: String, into folder: FilePath, _ progress: ArchiveProgress
  ) async throws -> (manifest: ArchiveManifest, adopted: Int) {
    let (dist, floor) = (setup.volume.dist(of: name), await floorBytes(at: setup.volume.releases))
    let unpacker = Unpacker(
      archive, format: format, into: folder, progress: progress, floorBytes: floor, delivered: dist)
    return try await BlockingWork.run { () throws(ArchiveFailure) in
      do throws(FileFailure) { try Placement.removeTree(folder, opens: true) } catch { throw .files(error) }
      return try unpacker.unpack()
    }
  }

  /// How the drops, their sidecars and the plan lie there: known, so that nothing of them is taken for new.
  private func knownFiles(
    of jobs: [Manifest], in folder: FilePath, release: String
  ) async throws(FileFailure) -> [(path: KnownPath, fingerprint: Fingerprint)] {
    var files: [(KnownPath, Fingerprint)] = []
    let drops = jobs.compactMap { FilePath($0.path).lastComponent?.string }
    let stems = drops.map { ($0 as NSString).deletingPathExtension + Volume.sidecarEnding }
    let store = FilePath("store")
    for below in [FilePath(Volume.planName)] + (drops + stems).map({ store.appending($0) }) {
      guard let status = try await fileStatus(at: folder.pushing(below)), status.kind == .regular else { continue }
      files.append((KnownPath(self.below(setup.volume.release(release).pushing(below))), status.fingerprint))
    }
    return files
  }

  /// Puts what was unpacked into its place; after a crash it is called again.
  /// - Returns: what lay in `dist/` and is left as it is, in words.
  private func finishRestoring(_ record: ArchiveRecord) async throws -> [String] {
    let (name, volume) = (record.release, setup.volume)
    let folder = try await staging(name)
    let kept = try await BlockingWork.run { () throws(FileFailure) in
      guard let status = try FileStatus(at: folder) else { return [FilePath]() }
      let kept = try RestoredDelivery(folder.appending(ReleaseTree.delivered), to: volume.dist(of: name)).place()
      // What was delivered has left it.
      try Placement.setTime(of: folder, like: status)
      try Placement.rename(folder, to: volume.release(name))
      try Durable.syncFolder(volume.releases)
      return kept
    }
    setup.stepped("release restored")
    try await setup.ledger.setArchive(record.id, state: .kept)
    troubles[setup.volume.root.appending(record.path)] = nil
    takenAway.remove(name)
    try await rememberNames()
    setup.log.notice("release.restored", metadata: ["release": "\(name)", "archive": "\(record.path)"])
    setup.events.tell(FarmEvent(at: setup.clock.now(), event: "release.restored", release: name))
    errand.yield(.followAll)
    askForReview(of: name)
    return kept.map { "\(volume.relative($0)) was changed since and is left as it is" }
  }

  // MARK: - What an earlier life left

  /// Ends what was under way with archives when the daemon died. What does not work is told, and keeps nothing else
  /// from going on.
  func recoverArchives() async {
    await recovered()
    do {
      try await lookForLostArchives()
      for candidate in try await setup.ledger.archiveCandidates() {
        if let problem = candidate.problem { tellNotArchived(candidate.release, problem) }
      }
      let busy = try await setup.ledger.archives().filter { $0.state == .restoring || $0.state == .emptying }
      let inUse = lanes.recovering.union(busy.map(\.release))
      try await removeParts()
      for release in try await releasesOnTheWay().subtracting(inUse) { try await clearAwayLeftOvers(of: release) }
    } catch {
      complain(error, while: "looking what is left of archives")
    }
    areArchivesRecovered = true
    whenArchived.resume()
  }

  /// The same for one release.
  func recoverArchives(of release: String) async throws(StoreFailure) {
    let records = try await setup.ledger.archives().filter { $0.release == release }
    for record in records {
      do { try await recover(record) } catch {
        complain(error, while: "going on with the archive of \(record.release)")
      }
    }
    // As they are now: what could not be finished still needs its folders.
    let left = records.isEmpty ? [] : try await setup.ledger.archives().filter { $0.release == release }
    guard release != NameRule.quick, !left.contains(where: { $0.state == .restoring || $0.state == .emptying })
    else { return }
    do { try await clearAwayLeftOvers(of: release) } catch {
      complain(error, while: "looking what is left of archives of \(release)")
    }
  }

  private func recover(_ record: ArchiveRecord) async throws {
    let removal = ReleaseRemoval(of: record.release, in: setup.volume, prunesDist: record.prunesDist)
    switch record.state {
    case .packed, .removing:
      let metadata: Logger.Metadata = ["release": "\(record.release)"]
      setup.log.notice("an archive was not finished; the release is as it was", metadata: metadata)
      try await undo(removal, record)
    case .emptying:
      let place = setup.volume.root.appending(record.path)
      guard try await fileStatus(at: place)?.identity.isCopy(of: record.file) == true else {
        throw ArchiveFailure.damaged(place, "it is not where the farm put it, so what is left of its release stays")
      }
      takenAway.insert(record.release)
      _ = await empty(removal, record)
    case .restoring: _ = try await finishOrUndoRestoring(record)
    case .stored: takenAway.insert(record.release)
    case .kept: break
    }
  }

  /// Removes archives that were not finished. No other is written yet.
  private func removeParts() async throws(FileFailure) {
    let archives = setup.volume.archives
    try await BlockingWork.run(at: archives) { () throws(FileFailure) in
      for name in try FolderListing.names(in: archives) where name.string.hasBytePrefix(Self.partPrefix) {
        Placement.remove(archives.appending(name))
      }
    }
  }

  /// Where what is on its way into an archive or out of it may lie, with what begins the names there.
  private static func stagings(_ volume: Volume) -> [(folder: FilePath, prefix: String)] {
    [(volume.own, ""), (volume.releases, ".farm-"), (volume.dist, ".farm-")]
  }

  private static let stagingWords = ["restoring-", "archived-", "pruned-"]

  /// The releases of which something was left on its way, also those that the ledger does not know.
  private func releasesOnTheWay() async throws(FileFailure) -> Set<String> {
    let volume = setup.volume
    return try await BlockingWork.run { () throws(FileFailure) in
      var releases: Set<String> = []
      for (folder, prefix) in Self.stagings(volume) {
        for name in try FolderListing.names(in: folder).map(\.string) {
          releases.formUnion(Self.stagingWords.compactMap { name.dropping(bytePrefix: prefix + $0) })
        }
      }
      return releases
    }
  }

  /// Removes what was unpacked of a release, and tells what else is left of it.
  private func clearAwayLeftOvers(of release: String) async throws(FileFailure) {
    let volume = setup.volume
    let left = try await BlockingWork.run { () throws(FileFailure) in
      var left: [FilePath] = []
      for (folder, prefix) in Self.stagings(volume) {
        for word in Self.stagingWords {
          let place = folder.appending(prefix + word + release)
          guard try FileStatus(at: place) != nil else { continue }
          if word == "restoring-" { try Placement.removeTree(place, opens: true) } else { left.append(place) }
        }
      }
      return left
    }
    for path in left { tellLeftOver(path) }
  }
}
