import FarmModel
import FarmStore
import Harvest
import Rendering
import SystemPackage
import VolumeFiles

/// From completed jobs to `dist/`.
extension JobFlow {
  /// Derives a release's state, tells it when it changed, and harvests what is ready.
  func review(_ name: String) async {
    do {
      guard let release = try await setup.ledger.release(named: name) else { return }
      let (progress, undelivered) = try await progress(of: release, jobs: setup.ledger.jobStates(in: name))
      if progress.state != release.state, try await setup.ledger.setRelease(release.id, state: progress.state) {
        happenings += 1
        setup.log.notice("release.\(progress.state.rawValue)", metadata: ["release": "\(name)"])
        setup.events.tell(
          FarmEvent(at: setup.clock.now(), event: "release.\(progress.state.rawValue)", release: name))
      }
      if undelivered.isEmpty { mustHarvest.remove(name) } else { mustHarvest.insert(name) }
      try await lookForReturned(undelivered, in: name)
      try await reviewHarvestProblem(of: release, undelivered)
      guard release.order.harvest == .auto, release.problem?.problemClass != .badRelease else { return }
      if !release.isPlanned {
        // Each job by itself: what holds up one must not hold up the others.
        for revision in undelivered where nameProblems[revision.name] == nil { await tryHarvest(release, [revision]) }
      } else if progress.isReadyForHarvest {
        await tryHarvest(release, undelivered)
      }
    } catch {
      complain(error, while: "looking at release \(name)")
    }
    askForManifests()
  }

  /// What a job was not delivered for is told as long as the job waits, and no longer.
  private func reviewHarvestProblem(of release: Release, _ undelivered: [Revision]) async throws(StoreFailure) {
    guard let told = release.problem, told.problemClass != .badRelease else { return }
    let problem = harvestProblem(of: release, undelivered)
    if problem != told { try await setup.ledger.setRelease(release.id, problem: problem) }
  }

  /// Pictures whose folder was away are delivered as soon as it is back, with whatever waits for them.
  private func lookForReturned(_ undelivered: [Revision], in release: String) async throws(StoreFailure) {
    let away = harvestFailures.away(in: release)
    guard !away.isEmpty, !held.contains(release) else { return }
    for revision in undelivered where away.contains(revision.name) {
      if try await doubt(aboutFramesOf: revision) == nil { harvestFailures.isBack(revision.name) }
    }
  }

  /// How far a release is, and its completed jobs that are not in `dist/` yet with their revisions.
  /// - Parameter jobs: the states of its own, by name.
  func progress(
    of release: Release, jobs: [String: JobState]
  ) async throws(StoreFailure) -> (progress: ReleaseProgress, undelivered: [Revision]) {
    let undelivered = try await setup.ledger.undelivered(in: release.name)
    let progress = ReleaseProgress(
      isPlanned: release.isPlanned, plannedJobs: release.plannedJobs, harvest: release.order.harvest,
      jobs: jobs,
      unsettled: unsettled.keys.filter { $0.release == release.name }.map(\.job),
      undelivered: Set(undelivered.map(\.name.job)), stale: try await setup.ledger.staleJobs(in: release.name),
      isArchived: release.state == .archived,
      quietFor: setup.clock.now().since(release.changedAt),
      quietNeeded: setup.config.harvestQuiet)
    return (progress, undelivered)
  }

  /// Delivers what nobody asked for by hand; a failure is told by the release.
  private func tryHarvest(_ release: Release, _ revisions: [Revision]) async {
    guard harvestFailures.mayTry(revisions.map(\.name), at: setup.clock.now()), harvesting.insert(release.name).inserted
    else { return }
    defer { endHarvesting(release.name) }
    do {
      guard let plan = try await harvestPlan(release, revisions) else { return }
      // Somebody may have delivered it since it was found undelivered.
      if !plan.isEmpty { try await deliver(plan, of: release) }
      for revision in revisions { harvestFailures.forget(revision.name) }
      let left = try await setup.ledger.undelivered(in: release.name)
      try await setup.ledger.setRelease(release.id, problem: harvestProblem(of: release, left))
      for revision in revisions { askForNames(in: release.name, of: revision.name) }
    } catch {
      await harvestFailed(release, revisions, error)
    }
    askForReview(of: release.name)
  }

  /// What would go where; nil when frames were lost, which are rendered again first.
  func harvestPlan(_ release: Release, _ revisions: [Revision]) async throws -> HarvestPlan? {
    try refuseTakenNames(of: revisions)
    var parts: [HarvestPlan.Part] = []
    for revision in revisions {
      guard let variety = try await allThere(of: revision) else { return nil }
      let part = try HarvestPlan.Part(revision, of: release, variety: variety)
      parts.append(try await setup.ledger.reduceOutputs(of: revision.id, into: part) { $0.add($1) })
    }
    let plan = try HarvestPlan(of: release, parts, in: setup.volume)
    try plan.refuseNamesTaken(by: await setup.ledger.otherDeliverers(inTheWayOf: plan))
    return plan
  }

  /// Journals a plan and carries it out.
  func deliver(_ plan: HarvestPlan, of release: Release) async throws {
    try await carryOut(setup.ledger.beginHarvest(release: release.id, moves: plan), release: release.name)
  }

  /// Of what kinds is what a revision owed, all of it in its place; nil when a person deleted something from `out/`
  /// before the harvest, which is rendered again: a pick-up.
  /// - Throws: ``HarvestFailure/away`` when some of it cannot be seen.
  private func allThere(of revision: Revision) async throws -> OutputVariety? {
    // Tiles went into their pictures, and are not done but assembled.
    let owed = try await setup.ledger.reduceOutputs(of: revision.id, into: OwedFiles()) { $0.add($1) }
    switch try await look(for: owed.done, of: revision) {
    case .allInPlace: return owed.variety
    case .unknown(let reason): throw HarvestFailure.away(revision.name, reason: reason)
    case .lost(var missing):
      for index in missing.indices { missing[index].state = .owed }
      await pickUp(revision, owing: missing)
      return nil
    }
  }

  func pickUp(_ revision: Revision, owing outputs: [Output] = []) async {
    do {
      // An older revision's frames are nobody's wish any more.
      let isCurrent = try await setup.ledger.undelivered(in: revision.name.release).contains { $0.id == revision.id }
      let newest = try await setup.ledger.newestRevision(of: revision.name)
      guard isCurrent || newest?.id == revision.id else { return }
    } catch {
      return complain(error, while: "looking for what \(revision.name) lost")
    }
    setup.log.notice(
      "a frame was lost before it was delivered and is rendered again", metadata: ["job": "\(revision.name)"])
    await requeue(revision, owing: outputs)
  }

  /// Does what is left of a journaled harvest; after a crash it is called again. What landed is noted, also when
  /// something else could not be moved; the rest is planned anew.
  func carryOut(_ journal: Int64, release: String) async throws {
    let earlier = EarlierDeliveries(
      of: try await setup.ledger.deliveries(before: journal),
      former: try await setup.ledger.formerDeliveries(inTheWayOf: journal))
    var landed = LandedFiles(remembersAll: !earlier.isEmpty)
    var moved = MovedFiles()
    var last: HarvestMove.ID = 0
    // Some at a time, for there may be a hundred thousand; those before are noted meanwhile.
    while moved.failure == nil {
      let before = moved.done
      async let noted = note(before, release)
      let left = try await setup.ledger.movesLeft(of: journal, after: last, limit: Self.movesAtOnce)
      let next = try await move(left.map { (move: $0, ours: earlier.ours(inTheWayOf: $0)) })
      let failure = try await noted
      moved = next
      moved.failure = moved.failure ?? failure
      for (_, delivery) in moved.done { landed.add(delivery) }
      guard let end = left.last else { break }
      last = end.id
    }
    if let failure = moved.failure {
      _ = try await note(moved.done, release)
      try await setup.ledger.endHarvest(journal, forgetting: [])
      throw failure
    }
    let (strays, harvester) = (earlier.strays(besides: landed), Harvester(setup.volume))
    await BlockingWork.run { for delivery in strays { harvester.removeDelivery(delivery.path, ours: delivery.file) } }
    try await setup.ledger.endHarvest(journal, forgetting: strays.map(\.path))
    setup.log.notice("harvested", metadata: ["release": "\(release)", "files": "\(landed.count)"])
  }

  private static let movesAtOnce = 500

  /// Files that were moved one after the other, up to one that could not be.
  private struct MovedFiles {
    var done: [(move: HarvestMove, delivery: Delivery)] = []
    var failure: HarvestFailure?
  }

  private func move(
    _ batch: [(move: HarvestMove, ours: FileIdentity?)]
  ) async throws(StoreFailure) -> MovedFiles {
    let harvester = Harvester(setup.volume)
    let place = batch.first.map { setup.volume.root.appending($0.move.source) }
    let landings = await BlockingWork.run(at: place) { Self.moveAll(batch, harvester) }
    var moved = MovedFiles()
    for ((move, _), landing) in zip(batch, landings) {
      switch landing {
      case .success(let at):
        let delivery = Delivery(
          path: at.path, job: move.job, revision: move.revision, output: move.output, file: at.file)
        moved.done.append((move, delivery))
      case .failure(.lost(let path)):
        moved.failure = try await lost(move, path) ?? moved.failure
      case .failure(let other): moved.failure = other
      }
    }
    return moved
  }

  /// A file of the journal is neither in `out/` nor in `dist/`: its frame is rendered again.
  /// - Returns: why it may be in one of them; then nothing was changed.
  private func lost(_ move: HarvestMove, _ path: String) async throws(StoreFailure) -> HarvestFailure? {
    let revision = try await setup.ledger.revision(move.revision)
    var gone = try await setup.ledger.outputs(of: move.revision).filter { $0.id == move.output }
    switch try await look(for: gone, of: revision) {
    // It came back meanwhile, and is moved with the next harvest.
    case .allInPlace: return .away(revision.name, reason: "\(path) was not there a moment ago")
    case .unknown(let reason): return .away(revision.name, reason: reason)
    case .lost: break
    }
    let dist = setup.volume.dist
    guard await BlockingWork.run({ (try? FileStatus(at: dist)) != .some(nil) }) else {  // Unreadable: it is there.
      return .away(revision.name, reason: "\(setup.volume.relative(dist)) is gone")
    }
    setup.log.warning("a frame is gone", metadata: ["file": "\(path)"])
    for index in gone.indices { (gone[index].state, gone[index].file) = (.owed, nil) }
    await pickUp(revision, owing: gone)
    try await setup.ledger.lost(move)
    return nil
  }

  /// Brings the names of files that were moved to the disk, and notes them.
  /// - Returns: why they may not be there after a power cut; nil when they are.
  private func note(
    _ done: [(move: HarvestMove, delivery: Delivery)], _ release: String
  ) async throws(StoreFailure) -> HarvestFailure? {
    guard !done.isEmpty else { return nil }
    let harvester = Harvester(setup.volume)
    let sync = await BlockingWork.run { Result { () throws(HarvestFailure) in try harvester.sync(release) } }
    try await setup.ledger.moved(done)
    try await noteNewNames(done.filter { $0.delivery.path != $0.move.target })
    if case .failure(let failure) = sync { return failure }
    return nil
  }

  /// Tells of pictures that were delivered beside a file that was changed in `dist/`, in the log and on their jobs.
  private func noteNewNames(
    _ beside: [(move: HarvestMove, delivery: Delivery)]
  ) async throws(StoreFailure) {
    for (move, delivery) in beside {
      setup.log.warning(
        "a delivered file was changed by somebody and is kept; the new one lies beside it",
        metadata: ["file": "\(move.target)", "new": "\(delivery.path)"])
    }
    for (id, pictures) in Dictionary(grouping: beside, by: \.move.revision) {
      guard let first = pictures.first else { continue }
      let more = pictures.count > 1 ? " (and \(pictures.count - 1) more)" : ""
      let note = Problem(
        .keptChanged, cause: "\(first.move.target) was changed after its delivery and is kept\(more)",
        remedy: "The new picture is \(first.delivery.path): look at both, and keep the one that is right.")
      let revision = try await setup.ledger.revision(id)
      let notes = revision.notes.filter { $0.problemClass != .keptChanged }
      try await setup.ledger.setNotes(of: id, notes + [note])
      told("job.note", revision.name, revision: revision.number, problem: note)
    }
  }

  /// As far as it goes: what is lost is passed over, what cannot be moved is the last.
  private static func moveAll(
    _ batch: [(move: HarvestMove, ours: FileIdentity?)], _ harvester: Harvester
  ) -> [Result<Harvester.Landing, HarvestFailure>] {
    var landings: [Result<Harvester.Landing, HarvestFailure>] = []
    for (move, ours) in batch {
      do throws(HarvestFailure) {
        landings.append(.success(try harvester.move(move.file, from: move.source, to: move.target, ours: ours)))
      } catch {
        landings.append(.failure(error))
        guard case .lost = error else { break }
      }
    }
    return landings
  }

  /// The release shows why; it is tried again once a minute, when the cause is gone, and after a restart.
  private func harvestFailed(_ release: Release, _ revisions: [Revision], _ error: any Error) async {
    // Unreadable: that failure ends the run.
    let now = try? await setup.ledger.release(named: release.name)
    // Another plan may have better names.
    if let now, now.order != release.order { return }
    complain(error, while: "harvesting \(release.name)")
    let failure = error as? HarvestFailure
    let problem = failure.map { Problem($0.problemClass, cause: $0.description, remedy: $0.remedy) }
    let names = revisions.map(\.name)
    let culprits = names.filter { failure?.culprit == nil || $0 == failure?.culprit }
    harvestFailures.add(problem, of: Set(culprits), among: names, at: setup.clock.now())
    guard let problem else { return }
    do { try await setup.ledger.setRelease(release.id, problem: problem) } catch {
      complain(error, while: "recording why \(release.name) is not harvested")
    }
  }
}

extension HarvestFailure {
  /// The job that keeps the others of its release from being delivered; nil: the cause is no job's.
  fileprivate var culprit: JobName? {
    switch self {
    case .sameName(_, let job, _, _), .away(let job, _), .gap(let job, _), .noName(let job, _): job
    case .badTemplate, .notMoved, .lost: nil
    }
  }
}

/// What a revision owed, and where it has to lie before it is delivered.
private struct OwedFiles: Sendable {
  private(set) var variety = OutputVariety()
  /// What has to lie in `out/` now.
  private(set) var done: [Output] = []

  mutating func add(_ output: Output) {
    variety.add(output)
    if output.state == .done { done.append(output) }
  }
}

/// What lay in `dist/` before a harvest of its jobs.
private struct EarlierDeliveries {
  private let deliveries: [Delivery]
  private let byPath: [String: Delivery]
  private let former: [String: FileIdentity]

  init(of deliveries: [Delivery], former: [String: FileIdentity]) {
    self.deliveries = deliveries
    self.former = former
    byPath = Dictionary(deliveries.map { ($0.path, $0) }) { first, _ in first }
  }

  var isEmpty: Bool { deliveries.isEmpty }

  /// What we put under the name of a move, which may be replaced.
  func ours(inTheWayOf move: HarvestMove) -> FileIdentity? {
    byPath[move.target].flatMap { $0.job == move.job ? $0.file : nil } ?? former[move.target]
  }

  /// What was delivered of these jobs under names that are no longer owed: by an earlier revision, or before the
  /// output got another name.
  func strays(besides landed: LandedFiles) -> [Delivery] {
    deliveries.filter { old in
      landed.jobs.contains(old.job) && !landed.paths.contains(old.path)
        && (!landed.revisions.contains(old.revision) || landed.outputs.contains(old.output))
    }
  }
}

/// What a harvest put into `dist/`.
private struct LandedFiles {
  private(set) var count = 0
  private(set) var jobs: Set<Int64> = []
  private(set) var revisions: Set<Int64> = []
  private(set) var outputs: Set<Int64> = []
  private(set) var paths: Set<String> = []
  private let remembersAll: Bool

  /// - Parameter remembersAll: not needed where nothing was delivered before.
  init(remembersAll: Bool) { self.remembersAll = remembersAll }

  mutating func add(_ delivery: Delivery) {
    count += 1
    guard remembersAll else { return }
    jobs.insert(delivery.job)
    revisions.insert(delivery.revision)
    outputs.insert(delivery.output)
    paths.insert(delivery.path)
  }
}
