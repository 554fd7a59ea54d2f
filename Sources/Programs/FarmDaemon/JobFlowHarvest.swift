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
      let (progress, undelivered) = try await progress(of: release)
      if progress.state != release.state {
        try await setup.ledger.setRelease(release.id, state: progress.state, problem: release.problem)
        setup.log.notice("release.\(progress.state.rawValue)", metadata: ["release": "\(name)"])
        setup.events.tell(
          FarmEvent(at: setup.clock.now(), event: "release.\(progress.state.rawValue)", release: name))
      }
      let isQuietLeft = release.isPlanned && !undelivered.isEmpty
      if isQuietLeft { mustHarvest.insert(name) } else { mustHarvest.remove(name) }
      guard !undelivered.isEmpty, release.problem == nil else { return }
      if !release.isPlanned && release.harvest == .auto || progress.isReadyForHarvest {
        await harvest(release, undelivered)
      }
    } catch {
      complain(error, while: "looking at release \(name)")
    }
  }

  /// How far a release is, and its completed jobs that are not in `dist/` yet with their revisions.
  func progress(of release: Release) async throws -> (progress: ReleaseProgress, undelivered: [Revision]) {
    let jobs = try await setup.ledger.jobs().filter { $0.name.release == release.name }
    let undelivered = try await setup.ledger.undelivered(in: release.name)
    let progress = ReleaseProgress(
      isPlanned: release.isPlanned, plannedJobs: release.plannedJobs, harvest: release.harvest,
      jobs: Dictionary(jobs.map { ($0.name.job, $0.state) }) { first, _ in first },
      unsettled: unsettled.keys.filter { $0.release == release.name }.map(\.job),
      undelivered: Set(undelivered.map(\.name.job)), quietFor: setup.clock.now().since(release.changedAt),
      quietNeeded: setup.config.harvestQuiet)
    return (progress, undelivered)
  }

  private func harvest(_ release: Release, _ revisions: [Revision]) async {
    guard harvesting.insert(release.name).inserted else { return }
    defer { harvesting.remove(release.name) }
    do {
      var jobs: [(name: JobName, outputs: [Output])] = []
      for revision in revisions { jobs.append((revision.name, try await setup.ledger.outputs(of: revision.id))) }
      let plan = try HarvestPlan(release: release.name, jobs: jobs, in: setup.volume)
      let journal = try await setup.ledger.beginHarvest(
        release: release.id,
        moves: plan.moves.compactMap { move in
          move.output.file.map { (move.output.id, move.source, move.target, $0) }
        })
      try await carryOut(journal, release: release.name)
    } catch {
      complain(error, while: "harvesting \(release.name)")
      await stopHarvesting(release, error)
    }
    errand.yield(.review(release.name))
  }

  /// Does what is left of a journaled harvest; after a crash it is called again.
  func carryOut(_ journal: Int64, release: String) async throws {
    let harvester = Harvester(setup.volume)
    let moves = try await setup.ledger.movesLeft(of: journal)
    let before = try await setup.ledger.deliveries(of: release)
    let ours = Dictionary(before.map { ($0.path, $0.fingerprint) }) { first, _ in first }
    let landed = try await BlockingWork.run { () throws(HarvestFailure) in
      var landed: [(move: HarvestMove, delivery: Delivery)] = []
      for move in moves {
        let landing = try harvester.move(move.file, from: move.source, to: move.target, ours: ours[move.target])
        landed.append(
          (move, Delivery(path: landing.path, job: move.job, output: move.output, fingerprint: landing.fingerprint)))
      }
      try harvester.sync(release)
      return landed
    }
    try await setup.ledger.moved(landed)
    let isStray = { (path: String) in !landed.contains { $0.delivery.path == path } }
    let jobs = Set(landed.map(\.delivery.job))
    // What an earlier revision delivered under names that are no longer owed.
    let old = before.filter { jobs.contains($0.job) && isStray($0.path) }
    await BlockingWork.run {
      for delivery in old { harvester.removeDelivery(delivery.path, ours: delivery.fingerprint) }
    }
    try await setup.ledger.endHarvest(journal, forgetting: old.map(\.path))
    for (move, delivery) in landed where delivery.path != move.target {
      setup.log.warning(
        "a delivered file was changed by somebody and is kept; the new one lies beside it",
        metadata: ["file": "\(move.target)", "new": "\(delivery.path)"])
    }
    setup.log.notice("harvested", metadata: ["release": "\(release)", "files": "\(landed.count)"])
  }

  /// A harvest that cannot work is not tried in a loop: the release shows why, and goes on when something changes.
  private func stopHarvesting(_ release: Release, _ error: any Error) async {
    guard let failure = error as? any Failure else { return }
    let problem = Problem(.notWritable, cause: failure.description, remedy: failure.remedy)
    do { try await setup.ledger.setRelease(release.id, state: release.state, problem: problem) } catch {
      complain(error, while: "recording why \(release.name) is not harvested")
    }
  }
}
