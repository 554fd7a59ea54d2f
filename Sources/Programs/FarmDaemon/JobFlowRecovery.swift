import FarmModel
import FarmStore
import Rendering
import Supervisor
import SystemPackage
import VolumeFiles

/// What is done at the start: nothing of an earlier life is left half-way.
extension JobFlow {
  func recover() async throws {
    _ = try await setup.ledger.ensureRelease(named: NameRule.quick, priority: 60)
    try await setup.ledger.forgetHarvestProblems()
    try await endLeftTasks()
    for revision in try await setup.ledger.snapshotsOfEnded() { await clearAway(revision) }
    for revision in try await setup.ledger.revisions(in: [.queued, .active, .assembling]) {
      try await settlePromotions(of: revision)
      if revision.state == .assembling {
        errand.yield(.assemble(revision.id))
      } else {
        await opened(revision)
        await advance(revision.id)
      }
    }
    for harvest in try await setup.ledger.openHarvests() {
      do { try await carryOut(harvest, release: setup.ledger.releaseName(ofHarvest: harvest)) } catch {
        complain(error, while: "going on with a harvest")
      }
    }
    for release in try await setup.ledger.releases() { errand.yield(.review(release.name)) }
  }

  /// Processes that an earlier daemon left are ended; their frames cost no attempt.
  private func endLeftTasks() async throws {
    for task in try await setup.ledger.tasks(of: nil) {
      if let pid = task.pid, let startTicks = task.startTicks {
        let wasAlive = ProcessTable.killGroup(of: ChildIdentity(pid: pid, startTicks: startTicks))
        if wasAlive { setup.log.warning("ended a Blender that an earlier daemon left", metadata: ["pid": "\(pid)"]) }
      }
      try await setup.ledger.endTask(task.id, as: .canceled, problem: nil)
    }
  }

  /// A frame that was about to be promoted is done if it is in its place, else it is owed again.
  private func settlePromotions(of revision: Revision) async throws {
    let promotion = Promotion(into: setup.volume.out(of: revision.name))
    let between = try await setup.ledger.outputs(of: revision.id).filter { $0.state == .promoting }
    let settled = between.map { output in
      var output = output
      let isThere = output.file.map { promotion.isPromoted(output.path, $0) } ?? false
      output.state = isThere ? .done : .owed
      if !isThere { output.attempts -= 1 }
      return output
    }
    try await setup.ledger.update(settled)
  }
}
