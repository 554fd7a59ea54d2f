import Archiving
import FarmAPI
import FarmModel
import FarmStore
import Glibc
import SystemPackage
import VolumeFiles

/// How a release is archived.
struct ArchiveOrder: Hashable {
  var format = ArchiveFormat.gz
  var prunesDist = false
  var keepsRelease = false
  /// Whether it does not matter that something changed lately.
  var isForced = false
}

/// From a release that is over to its archive: packed, read back, and only then taken away.
///
/// Whatever dies on the way: before the ledger forgot the release it is as it was, and what was packed is removed;
/// after that the archive is whole and in its place, and the rest of the release is deleted at the next start.
extension JobFlow {
  func archive(_ request: ArchiveRequest, by person: String) async throws -> ArchiveAnswer {
    let order = ArchiveOrder(
      format: request.format ?? setup.config.archive?.format ?? .gz, prunesDist: request.prunesDist,
      keepsRelease: request.keepsRelease, isForced: request.isForced)
    return try await archive(request.release, order, by: person)
  }

  func archive(_ name: String, _ order: ArchiveOrder, by person: String) async throws -> ArchiveAnswer {
    guard try await setup.ledger.release(named: name) != nil else { throw try await unknown(release: name) }
    let progress = try await beginArchiving(name)
    defer { endArchiving(progress) }
    // It may have been another's turn.
    guard let release = try await setup.ledger.release(named: name) else { throw try await unknown(release: name) }
    await flush(name)
    await beginHarvesting(name)
    defer { endHarvesting(name) }
    let packed = try await pack(release, order, progress, by: person)
    let record = try await place(packed, order)
    troubles[setup.volume.archives.appending(name)] = nil
    guard !order.keepsRelease else {
      try await setup.ledger.setArchive(record.id, state: .kept)
      try await setup.ledger.remember([packed.line], of: name)
      return ArchiveAnswer(line(record, isReleaseThere: true))
    }
    let removal = ReleaseRemoval(of: name, in: setup.volume, prunesDist: order.prunesDist)
    let unknown = try await takeAway(removal, packed, record)
    let note = await empty(removal, record)
    let blind =
      "of \(unknown) files the daemon cannot know whether a program still had them open for writing: they are another "
      + "user's, and it has no CAP_LEASE, or another machine's"
    return ArchiveAnswer(
      line(record, isReleaseThere: false), notes: [note, unknown > 0 ? blind : nil].compactMap { $0 })
  }

  // MARK: - Packing

  /// An archive that was read back, and what it was made of.
  private struct Packed {
    let tree: ReleaseTree
    let manifest: ArchiveManifest
    let part: FilePath
    let release: String
    let jobs: Int
    let at: Timestamp
    /// Who archived it.
    let line: HistoryLine
  }

  private func pack(
    _ release: Release, _ order: ArchiveOrder, _ progress: ArchiveProgress, by person: String
  ) async throws -> Packed {
    let (name, volume) = (release.name, setup.volume)
    let look = { @Sendable () throws(ArchiveFailure) in
      try ReleaseTree(of: volume.release(name), dist: volume.dist(of: name))
    }
    guard try await fileStatus(at: volume.archives)?.kind == .folder else {
      throw FileFailure("list", volume.archives, errno: ENOTDIR)
    }
    let isThere = await isThereOrHangs(volume.release(name))
    let tree = name != NameRule.quick && isThere ? try await BlockingWork.run(throwing: look) : nil
    let reasons = try await reasonsAgainst(archiving: release, tree, order)
    guard let tree, reasons.isEmpty else { throw ArchiveFailure.refused(name, reasons: reasons) }
    let manifests = try await setup.ledger.manifests(of: name)
    let now = setup.clock.now()
    let place = volume.archives.appending(order.format.fileName(of: name))
    let line = HistoryLine(
      at: now.rfc3339, who: person, what: Act.Deed.archived.rawValue, release: name, detail: volume.relative(place))
    let manifest = try await self.manifest(of: release, manifests, endingWith: line, now: now)
    do throws(ArchiveFailure) {
      _ = try RestoredJobs(manifest, of: name, archive: volume.archives, now: now)
    } catch {
      let why = "it could not be restored: \(error.description)"
      throw ArchiveFailure.refused(name, reasons: [.init(why, remedy: "Report this; nothing was removed.")])
    }
    let owners = FileOwners(manifests, of: name)
    let part = volume.archives.appending(Self.partPrefix + order.format.fileName(of: name))
    let archiver = Archiver(
      order.format, lanes: setup.lanes, progress: progress, floorBytes: await floorBytes(at: volume.archives))
    let written = try await BlockingWork.run { () throws(ArchiveFailure) in
      Placement.remove(part)
      let written = try archiver.write(tree, to: part, manifest: manifest) { owners.owner(of: $0) }
      do throws(ArchiveFailure) {
        _ = try archiver.check(part, expected: written)
        if let changed = tree.difference(to: try look()) { throw .changed(changed) }
        try progress.commit()
      } catch {
        Placement.remove(part)
        throw error
      }
      return written
    }
    setup.stepped("archive packed")
    return Packed(tree: tree, manifest: written, part: part, release: name, jobs: manifests.count, at: now, line: line)
  }

  static let partPrefix = ".farm-part-"

  private func manifest(
    of release: Release, _ manifests: [Manifest], endingWith line: HistoryLine, now: Timestamp
  ) async throws -> ArchiveManifest {
    let name = release.name
    let history = try await setup.ledger.history(limit: Self.historyMax) { $0.release == name }
    return ArchiveManifest(
      head: ArchiveManifest.Head(
        release: name, archivedAt: now, farm: setup.version, order: release.order,
        isPaused: release.isPaused),
      jobs: manifests.map { ManifestFolder.text(of: $0).dropLast() }, history: history.reversed() + [line])
  }

  private static let historyMax = 100_000

  /// What has to stay free on the disk of a folder, in bytes.
  func floorBytes(at folder: FilePath) async -> Int64 {
    let floor = setup.config.diskFloor
    return await BlockingWork.run { DiskSpace.sizeBytes(at: folder).map { floor.bytes(ofDisk: $0) } ?? 0 }
  }

  // MARK: - Into its place

  /// Gives the archive its name; an older one of the same release is kept in `.older/`.
  private func place(_ packed: Packed, _ order: ArchiveOrder) async throws -> ArchiveRecord {
    let (volume, part) = (setup.volume, packed.part)
    let place = volume.archives.appending(order.format.fileName(of: packed.release))
    guard let file = try await fileStatus(at: part)?.identity else { throw ArchiveFailure.changed(part) }
    let record = ArchiveRecord(
      release: packed.release, path: volume.relative(place), state: .packed, file: file,
      contentBytes: packed.tree.bytes, files: packed.tree.fileCount, jobs: packed.jobs, prunesDist: order.prunesDist,
      archivedAt: packed.at, verifiedAt: setup.clock.now())
    let id = try await setup.ledger.record(record)
    do {
      try await putAsideOlder(of: packed.release, setup.clock.now())
      try await BlockingWork.run { () throws(FileFailure) in
        try Placement.move(part, to: place, ifOccupied: .refuse)
        try Durable.syncFolder(place.removingLastComponent())
      }
    } catch {
      await BlockingWork.run { Placement.remove(part) }
      try await setup.ledger.forgetArchive(id)
      try await bringBackOlder(of: packed.release)
      throw error
    }
    setup.stepped("archive placed")
    try await setup.ledger.forgetArchives(at: record.path, besides: id)
    troubles[place] = nil
    return record.numbered(id)
  }

  static let olderName = ".older"

  private func putAsideOlder(of release: String, _ now: Timestamp) async throws {
    let volume = setup.volume
    for format in ArchiveFormat.allCases {
      let name = format.fileName(of: release)
      let (old, folder) = (
        volume.archives.appending(name), volume.archives.appending(Self.olderName).appending(now.fileName)
      )
      guard try await fileStatus(at: old) != nil else { continue }
      for record in try await setup.ledger.archives()
      where record.path == volume.relative(old) && record.state != .packed {
        try await setup.ledger.setArchive(record.id, path: volume.relative(folder.appending(name)))
      }
      try await BlockingWork.run { () throws(FileFailure) in
        try SharedFolder.make(folder)
        try Placement.move(old, to: folder.appending(name), ifOccupied: .refuse)
        try Durable.syncFolder(folder)
        try Durable.syncFolder(folder.removingLastComponent())
      }
    }
  }

  /// The newest older archive has its place again when nothing came into it.
  private func bringBackOlder(of release: String) async throws {
    let volume = setup.volume
    let older = try await setup.ledger.archives().last { record in
      record.release == release && isOlder(record.path) && record.state != .packed
    }
    guard let older, let name = FilePath(older.path).lastComponent else { return }
    let (from, to) = (volume.root.appending(older.path), volume.archives.appending(name))
    let isBack = try await BlockingWork.run { () throws(FileFailure) in
      // It may have died before it was moved.
      if try FileStatus(at: from) == nil { return try FileStatus(at: to)?.identity.isCopy(of: older.file) == true }
      guard try FileStatus(at: to) == nil else { return false }
      try Placement.move(from, to: to, ifOccupied: .refuse)
      Placement.removeIfEmpty(from.removingLastComponent())
      return true
    }
    if isBack { try await setup.ledger.setArchive(older.id, path: volume.relative(to)) }
  }

  // MARK: - Out of the way

  /// Takes the release out of its place, looks whether it still is what was packed, and has the ledger forget it.
  /// - Returns: of how many files nobody could say whether somebody writes into them.
  private func takeAway(_ removal: ReleaseRemoval, _ packed: Packed, _ record: ArchiveRecord) async throws -> Int {
    let tree = packed.tree
    let name = record.release
    try await setup.ledger.setArchive(record.id, state: .removing)
    takenAway.insert(name)
    let unknown: Int
    do {
      try await BlockingWork.run { () throws(ArchiveFailure) in try removal.takeAway() }
      setup.stepped("release taken away")
      // Who still had a file open first: what is closed by then is seen by the look after it.
      let (open, taken) = try await BlockingWork.run { () throws(ArchiveFailure) in
        let open = try removal.openFiles(of: tree)
        return (open, try removal.takenTree())
      }
      if let reason = open.first { throw ArchiveFailure.refused(name, reasons: [reason]) }
      if let changed = tree.difference(to: taken) { throw ArchiveFailure.changed(try removal.original(of: changed)) }
      unknown = open.unknown
      let needed = try await dependents(on: name, prunesDist: record.prunesDist)
      guard needed.isEmpty, try await setup.ledger.forget(archived: name, archive: record.id, telling: packed.line)
      else {
        let why = "something of it, or that needs it, began while it was packed"
        throw ArchiveFailure.refused(name, reasons: [.init(why, remedy: "Ask again; nothing was removed.")])
      }
    } catch {
      try await undo(removal, record)
      throw error
    }
    forget(release: name)
    setup.watcher.forget(filesOf: setup.volume.release(name))
    setup.log.notice("release.archived", metadata: ["release": "\(name)", "archive": "\(record.path)"])
    setup.events.tell(FarmEvent(at: setup.clock.now(), event: "release.archived", release: name))
    return unknown
  }

  /// The release is as it was, and of the archive nothing is left; where the release is not in its place, the archive
  /// is what is left.
  func undo(_ removal: ReleaseRemoval, _ record: ArchiveRecord) async throws {
    let folder = setup.volume.release(record.release)
    let left = try await BlockingWork.run { () throws(ArchiveFailure) in try removal.putBack() }
    takenAway.remove(record.release)
    guard left.isEmpty, await isThereOrHangs(folder) else {
      try await setup.ledger.setArchive(record.id, state: .kept)
      for path in left { tellLeftOver(path) }
      if left.isEmpty {
        setup.log.error(
          "a release is gone that was to be archived; its archive is whole",
          metadata: ["archive": "\(record.path)", "remedy": "Look for its folder; else unpack the archive by hand."])
      }
      return
    }
    await removeArchive(record)
    try await setup.ledger.forgetArchive(record.id)
    try await bringBackOlder(of: record.release)
  }

  /// What was taken away and cannot be put back, because something new has its place.
  func tellLeftOver(_ path: FilePath) {
    let text =
      "\(setup.volume.relative(path)) holds a release as it was before it was to be archived, and something new has "
      + "its place. Look at both, put them together, and remove it."
    if troubles.updateValue(text, forKey: path) != text { setup.log.error("\(text)") }
  }

  private func removeArchive(_ record: ArchiveRecord) async {
    let place = setup.volume.root.appending(record.path)
    await BlockingWork.run {
      // Unreadable, or another one: left alone.
      if (try? FileStatus(at: place))??.identity.isCopy(of: record.file) == true { Placement.remove(place) }
    }
  }

  /// Deletes what was taken away.
  /// - Returns: what could not be deleted, in words.
  func empty(_ removal: ReleaseRemoval, _ record: ArchiveRecord) async -> String? {
    archivings.first { $0.release == record.release }?.progress.begin(.removing, allBytes: 0)
    let manifests = ManifestFolder(setup.volume)
    do {
      // Those of new jobs of that name stay.
      let hasJobs = try await !setup.ledger.jobStates(in: record.release).isEmpty
      try await BlockingWork.run { () throws(ArchiveFailure) in
        if !hasJobs { manifests.remove(release: record.release) }
        try removal.delete()
      }
      setup.stepped("release deleted")
      try await setup.ledger.setArchive(record.id, state: .stored)
      return nil
    } catch {
      complain(error, while: "deleting what was archived of \(record.release)")
      return "what is left of it in .farm/ is deleted at the next start: \(error)"
    }
  }

  /// Nothing is remembered of it in this run either.
  private func forget(release name: String) {
    let store = setup.volume.store(of: name)
    for (job, path) in namesTaken where path.removingLastComponent() == store { namesTaken[job] = nil }
    unsettled = unsettled.filter { $0.key.release != name }
    rejected = rejected.filter { $0.key.removingLastComponent() != store }
    badSidecars = badSidecars.filter { $0.key.removingLastComponent() != store }
    refreshPaces = refreshPaces.filter { $0.key.release != name }
    harvestFailures.forget(in: name)
    held.remove(name)
    badPlans.remove(name)
    mustHarvest.remove(name)
    troubles[store] = nil
    errand.yield(.followAll)
  }
}

/// Which job's each file of an archive is, and which revision's, by its path there.
private struct FileOwners: Sendable {
  private var owners: [ExactText: (job: String, revision: Int)] = [:]

  init(_ manifests: [Manifest], of release: String) {
    for manifest in manifests {
      let owner = (manifest.job, manifest.revision)
      if let path = manifest.path.dropping(bytePrefix: "releases/\(release)/") { owners[ExactText(path)] = owner }
      for picture in manifest.outputs {
        owners[ExactText("out/\(manifest.job)/\(picture.path)")] = owner
        if let delivered = picture.delivered?.dropping(bytePrefix: "dist/\(release)/") {
          owners[ExactText("dist/" + delivered)] = owner
        }
      }
    }
  }

  func owner(of path: FilePath) -> (job: String, revision: Int)? { owners[ExactText(path.string)] }
}
