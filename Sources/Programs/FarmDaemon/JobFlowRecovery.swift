import FarmModel
import FarmStore
import Rendering
import SystemPackage
import VolumeFiles

/// What is done at the start: nothing of an earlier life is left half-way.
extension JobFlow {
  func recover() async throws {
    _ = try await setup.ledger.ensureRelease(named: NameRule.quick, priority: ReleaseOrder.quickPriority)
    try await setup.ledger.forgetHarvestProblems()
    await recoverArchives()
    areArchivesRecovered = true
    whenArchived.resume()
    if let fatal { throw fatal }
    try await rememberNames()
    try await rememberRecentDrops()
    try await readKilledDrops()
    if isAdopting { try await setup.ledger.setFormerDeliveries(SlashAndBurn.formerDeliveries(setup.volume)) }
    try await endLeftTasks()
    for revision in try await setup.ledger.snapshotsOfEnded() { await clearAway(revision) }
    for revision in try await setup.ledger.revisions(in: [.queued, .active, .assembling]) {
      if await blockIfCrashing(revision) { continue }
      if revision.state == .assembling {
        errand.yield(.assemble(revision.id))
      } else {
        await opened(revision)
        await advance(revision.id)
      }
    }
    if let powerCut = setup.powerCut { try await lookAgain(after: powerCut) }
    for harvest in try await setup.ledger.openHarvests() {
      do { try await carryOut(harvest, release: setup.ledger.releaseName(ofHarvest: harvest)) } catch {
        complain(error, while: "going on with a harvest")
      }
    }
    try await removeOrphans()
    let releases = try await setup.ledger.releases().map(\.name)
    await withDiscardingTaskGroup { group in
      // What is wanted may be another since: that is known before anything is delivered. Side by side, because a file
      // server may not answer.
      for release in releases where release != NameRule.quick {
        group.addTask {
          await self.planFound(of: release, within: Self.patience)
          await self.holdIfGone(release)
        }
      }
    }
    for release in releases { askForReview(of: release) }
    try await askForNamesOfUnfinished()
    errand.yield(.followAll)
  }

  /// Processes that an earlier daemon left are ended; their frames cost no attempt.
  private func endLeftTasks() async throws {
    for task in try await setup.ledger.tasks(of: nil) {
      if LeftProcess.end(task) {
        setup.log.warning("ended a Blender that an earlier daemon left", metadata: ["pid": "\(task.pid ?? 0)"])
      }
      try await setup.ledger.endTask(task.id, as: .canceled, problem: nil)
    }
  }

  /// What was finished shortly before the power went may be on the disk by name alone: every such picture is read
  /// again, and what is not whole is put aside and rendered anew.
  private func lookAgain(after powerCut: Timestamp) async throws {
    let doubtful: Int64 = 600_000_000_000
    let since = Timestamp(nanoseconds: powerCut.nanoseconds - doubtful)
    var lost: [Int64: [Output]] = [:]
    for (output, delivered) in try await setup.ledger.finished(since: since) {
      let revision = try await setup.ledger.revision(output.revision)
      let place =
        delivered.map { setup.volume.root.appending($0) }
        ?? setup.volume.out(of: revision.name).appending(output.path)
      guard await problem(of: output, at: place, of: revision) != nil else { continue }
      lost[revision.id, default: []].append(output)
    }
    for (id, outputs) in lost {
      let revision = try await setup.ledger.revision(id)
      var again = outputs
      for index in again.indices { again[index].state = .owed }
      setup.log.warning(
        "pictures did not survive a power cut and are rendered again",
        metadata: ["job": "\(revision.name)", "frames": "\(outputs.map(\.frame))"])
      if revision.state == .completed {
        await pickUp(revision, owing: again)
      } else {
        try await setup.ledger.update(again)
        await opened(revision)
      }
    }
  }
}
