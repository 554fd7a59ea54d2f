import BlendFile
import FarmModel
import FarmStore
import Harvest
import Intake
import Preflight
import Rendering
import SystemPackage
import VolumeFiles

/// Jobs and releases that follow their files to another place: nothing is rendered for that again.
extension JobFlow {
  // MARK: - A file that was renamed or moved

  /// Gives the job of a moved file its new name, with everything that was made of it. A job that a person killed stays
  /// killed: a new name is no change of the file.
  /// - Returns: false when the drop is no known job's file, when its job ended without a person's will, or when what it
  ///   needs beside itself is another in its new place: then it is a new job, and the old one ends with its file.
  /// - Parameter isKilled: whether a person killed the drop while it was being copied.
  func follow(_ drop: Drop, isKilled: Bool) async throws -> Bool {
    guard try await setup.ledger.job(drop.name) == nil else { return false }
    var origin = try await origin(of: drop)
    if origin == nil, !isKilled { origin = try await original(of: drop) }
    guard let job = origin, let revision = try await setup.ledger.newestRevision(of: job.name),
      try await needsTheSame(drop, as: setup.volume.root.appending(job.path), revision)
    else { return false }
    let place = JobPlace(name: drop.name, path: drop.path, fingerprint: drop.fingerprint)
    guard try await move(job, revision, to: place) else { return false }
    try await renderPurged(of: revision, from: job.name.release, in: drop.name.release)
    return true
  }

  /// Of what renders nothing now it does not matter: what is blocked is inspected again in its new place.
  private func needsTheSame(
    _ drop: Drop, as old: FilePath, _ revision: Revision
  ) async throws(StoreFailure) -> Bool {
    guard revision.state != .blocked, revision.state != .canceled else { return true }
    let wishes = RenderWishes(onMissing: revision.settings.onMissing, wanted: revision.settings.wanted)
    guard let inspection = await inspected(drop, wishes).inspection else {
      // Of what is not understood in depth Blender has told which files it needs.
      if old.removingLastComponent() == drop.path.removingLastComponent() { return await !hasOwnCache(old) }
      return try await setup.ledger.dependencies(of: revision.id, areSeen: false).isEmpty
    }
    return inspection.needsTheSame(at: drop.path, as: old, BlendPaths(places: setup.places))
  }

  /// The purged pictures of a quick job are rendered again when it moves into a release, which is nothing without them.
  func renderPurged(of revision: Revision, from old: String, in new: String) async throws {
    guard old == NameRule.quick, new != NameRule.quick, revision.state == .completed else { return }
    _ = try await pickUp(of: try await setup.ledger.revision(revision.id)) { $0.state == .purged }
  }

  /// Where a job's file lies now.
  struct JobPlace: Hashable {
    let name: JobName
    let path: FilePath
    let fingerprint: Fingerprint
  }

  /// Gives a job another name and place, with everything that was made of it.
  /// - Parameter twin: the job of the same content that has the name so far; it is forgotten.
  func move(_ job: Job, _ revision: Revision, to new: JobPlace, insteadOf twin: Revision? = nil) async throws -> Bool {
    let old = setup.volume.root.appending(job.path)
    // In one order, so that two moves cannot wait for one another.
    let releases = twin == nil ? [job.name.release] : Set([job.name.release, new.name.release]).sorted()
    for release in releases {
      await flush(release)
      await beginHarvesting(release)
    }
    defer { for release in releases { endHarvesting(release) } }
    if let twin {
      guard try await isStillCopied(job, revision, twin) else { return false }
    }
    await stop([revision.id])
    guard try await mayMove(revision, insteadOf: twin) else {
      await goOn(try await setup.ledger.revision(revision.id))
      return false
    }
    if let twin {
      await end(twin)
      try await takeBackDeliveries(of: [(twin.job, twin.name)])
      await removeTree(setup.volume.out(of: twin.name))
    }
    let snapshot = try await snapshot(of: revision)
    await BlockingWork.run { snapshot.remove() }
    // The ledger last: after a crash before it everything is done again, which changes nothing.
    try await moveFrames(from: setup.volume.out(of: job.name), to: setup.volume.out(of: new.name))
    try await takeBackDeliveries(of: [(job.id, new.name)])
    let known = (old: KnownPath(below(old)), new: KnownPath(below(new.path)), fingerprint: new.fingerprint)
    let isRenamed = try await setup.ledger.rename(
      job, to: new.name, path: setup.volume.relative(new.path), known: known, insteadOf: twin?.job)
    if isRenamed {
      if undecided.remove(job.name) != nil { undecided.insert(new.name) }
      await freeName(of: old)
      settledIsOver(new.path)
      recentDrops.add(new.name, revision.digest, at: setup.clock.now())
      toldRename("job.renamed", new.name, from: "\(job.name)")
      for name in [job.name, new.name] { askForNames(in: name.release, of: name) }
    }
    for release in Set([job.name.release, new.name.release]) { askForReview(of: release) }
    await goOn(try await setup.ledger.revision(revision.id))
    return isRenamed
  }

  /// Whether a revision goes on under another name, by its state now. One that ended without a person's will does not:
  /// the file there is a new order.
  private func mayMove(_ revision: Revision, insteadOf twin: Revision?) async throws(StoreFailure) -> Bool {
    if let twin { return try await goesOn(revision, insteadOf: twin) }
    return try await !setup.ledger.revision(revision.id).state.isRevivedBySameBytes
  }

  /// The job whose file this was, if that is gone from its place.
  private func origin(of drop: Drop) async throws -> Job? {
    for job in try await setup.ledger.jobs(withFile: drop.fingerprint) where job.name != drop.name {
      let there = try await fileStatus(at: setup.volume.root.appending(job.path))
      guard there?.fingerprint.isSameFile(as: drop.fingerprint) != true,
        try await setup.ledger.newestRevision(of: job.name)?.digest == drop.digest
      else { continue }
      return job
    }
    return nil
  }

  /// Moves what was promoted; across file systems it is rendered again.
  private func moveFrames(from old: FilePath, to new: FilePath) async throws {
    let root = setup.volume.root
    do throws(FileFailure) {
      try await BlockingWork.run { () throws(FileFailure) in
        guard try FileStatus(at: old) != nil, try FileStatus(at: new) == nil else { return }
        try SharedFolder.make(new.removingLastComponent(), below: root)
        try Placement.move(old, to: new, ifOccupied: .refuse)
      }
    } catch {
      complain(error, while: "moving frames to \(setup.volume.relative(new))")
    }
  }

  // MARK: - A release's folder that was renamed

  /// Finds out whether a folder of drops is that of a release whose own is gone: then the release has a new name.
  func followRelease(to name: String) async {
    do {
      for release in try await setup.ledger.releases() where !release.name.isSameBytes(as: name) {
        guard !isWaitingForDisk(release.name), await !isThereOrHangs(setup.volume.release(release.name)),
          try await hasMoved(release.name, to: setup.volume.store(of: name))
        else { continue }
        return try await follow(release, to: name)
      }
    } catch {
      complain(error, while: "looking whether release \(name) had another name")
    }
  }

  /// Whether a file of the release lies in the new place.
  private func hasMoved(_ release: String, to store: FilePath) async throws -> Bool {
    for (path, fingerprint) in try await setup.ledger.knownFiles(ofRelease: release) {
      guard let file = FilePath(path).lastComponent else { continue }
      let there = try await fileStatus(at: store.appending(file))?.fingerprint
      if there?.isSameFile(as: fingerprint) == true { return true }
    }
    return false
  }

  private func follow(_ release: Release, to name: String) async throws {
    let oldStore = setup.volume.store(of: release.name)
    await beginHarvesting(release.name)
    defer { endHarvesting(release.name) }
    let before = try await setup.ledger.jobs(in: release.name, adopted: true)
    try await takeBackDeliveries(of: before.map { ($0.id, JobName(release: name, job: $0.name.job)) })
    guard
      try await setup.ledger.rename(
        release: release.name, to: name, store: setup.volume.relative(setup.volume.store(of: name)),
        oldStore: KnownFolder(below(oldStore)))
    else { return }
    rename(release.name, to: name, in: oldStore)
    toldRename("release.renamed", JobName(release: name, job: ""), from: release.name)
    for id in open.keys where open[id]?.revision.name.release == release.name {
      if let job = open[id]?.revision.name.job { open[id]?.revision.name = JobName(release: name, job: job) }
    }
    let revisions = try await setup.ledger.revisions(in: [.blocked, .queued, .active]).filter {
      $0.name.release == name
    }
    // Who waits with frames under the old name has to see the new one.
    whenHarvested.resume()
    await flush(release.name)
    // Blender loads what it needs when it needs it, from where the file was: what runs begins anew.
    await stop(Set(revisions.map(\.id)))
    for revision in revisions { await goOn(try await setup.ledger.revision(revision.id)) }
    // One file is enough to know the folder again; those of other jobs may not have come with it.
    await endJobsWithoutFiles(in: name)
    askForReview(of: name)
  }

  /// Takes the new name into what is remembered of a release in this run.
  private func rename(_ old: String, to new: String, in oldStore: FilePath) {
    held.remove(old)
    undecided = Set(undecided.map { $0.release == old ? JobName(release: new, job: $0.job) : $0 })
    troubles[oldStore] = nil
    if badPlans.remove(old) != nil { badPlans.insert(new) }
    for name in [old, new] { askForNames(in: name) }
    mustHarvest.remove(old)
    releasesTaken[old.lowercased()] = nil
    releasesTaken[new.lowercased()] = setup.volume.release(new)
    for (name, path) in namesTaken where path.removingLastComponent() == oldStore {
      namesTaken[name] = nil
      if let file = path.lastComponent {
        namesTaken[FoldedName(JobName(release: new, job: name.job))] = setup.volume.store(of: new).appending(file)
      }
    }
    for (name, file) in unsettled where file.path.removingLastComponent() == oldStore { unsettled[name] = nil }
    for path in rejected.keys where path.removingLastComponent() == oldStore { rejected[path] = nil }
  }

  // MARK: - Both

  private func toldRename(_ event: String, _ name: JobName, from: String) {
    let shown = name.job.isEmpty ? name.release : "\(name)"
    setup.log.notice("\(event)", metadata: ["from": "\(from)", "to": "\(shown)"])
    setup.events.tell(
      FarmEvent(
        at: setup.clock.now(), event: event, release: name.release, job: name.job.isEmpty ? nil : name.job, from: from))
  }

  /// Waits for a harvest to end, and lets none begin.
  func beginHarvesting(_ release: String) async {
    while !harvesting.insert(release).inserted { await withCheckedContinuation { whenHarvested.add($0) } }
  }

  func endHarvesting(_ release: String) {
    harvesting.remove(release)
    whenHarvested.resume()
    askForManifests()
  }

  /// Ends what runs of these revisions; it costs no attempt.
  private func stop(_ revisions: Set<Int64>) async {
    for id in revisions { open[id] = nil }
    await setup.engine.cancel(Set(running.filter { revisions.contains($0.value.task.revision) }.keys))
  }

  /// Goes on with a revision in its new place; one that lacked something may have it there.
  private func goOn(_ revision: Revision) async {
    switch revision.state {
    case .queued, .active:
      await opened(revision)
      await advance(revision.id)
      await schedule()
    case .blocked: errand.yield(.inspectAgain(revision))
    case .settling, .assembling, .completed, .rejected, .failed, .canceled, .superseded, .removed: return
    }
  }

  /// What was delivered under the old name is delivered anew under the new one.
  func takeBackDeliveries(of jobs: [(id: Int64, name: JobName)]) async throws {
    let harvester = Harvester(setup.volume)
    for (id, name) in jobs {
      let out = setup.volume.out(of: name)
      var taken: [(delivery: Delivery, output: Output)] = []
      for (delivery, output) in try await setup.ledger.deliveries(ofJob: id) {
        let place = out.appending(output.path)
        let file = try await BlockingWork.run { () throws(HarvestFailure) in
          try harvester.takeBack(delivery.path, ours: delivery.file, to: place)
        }
        var back = output
        back.state = file == nil ? output.state : .done
        back.file = file ?? output.file
        taken.append((delivery, back))
      }
      try await setup.ledger.takenBack(taken)
    }
  }
}
