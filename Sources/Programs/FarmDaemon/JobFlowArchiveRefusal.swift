import Archiving
import FarmModel
import FarmStore
import SystemPackage
import VolumeFiles

/// What keeps a release from being archived.
extension JobFlow {
  /// Why a release is not archived now.
  /// - Parameters:
  ///   - tree: nil when its folder is not there.
  ///   - users: programs that have files open, when somebody has looked already.
  func reasonsAgainst(
    archiving release: Release, _ tree: ReleaseTree?, _ order: ArchiveOrder, users: [FileUser]? = nil
  ) async throws -> [ArchiveRefusal.Reason] {
    let (name, volume) = (release.name, setup.volume)
    let progress = try await progress(of: release, jobs: setup.ledger.jobStates(in: name)).progress
    let changes = [release.changedAt, tree?.changedAt].compactMap { $0 }
    var refusal = ArchiveRefusal(
      release: name, state: progress.state, changedAt: changes.max() ?? release.changedAt)
    refusal.waitsFor = progress.waitsFor
    refusal.problem = release.problem
    refusal.hasFolder = tree != nil
    refusal.isIdle = progress.isIdle
    refusal.isBeingDelivered = try await setup.ledger.isHarvestOpen(of: name)
    if !order.keepsRelease {
      refusal.dependents = try await dependents(on: name, prunesDist: order.prunesDist)
      let watched = [volume.release(name), volume.dist(of: name)]
      let all = if let users { users } else { await BlockingWork.run { FileUser.below(watched) } }
      refusal.users = all.filter { user in watched.contains { user.file.starts(with: $0) } }
    }
    let reasons = refusal.reasons(now: setup.clock.now(), isForced: order.isForced)
    guard reasons.isEmpty, let tree, !order.keepsRelease else { return reasons }
    let removal = ReleaseRemoval(of: name, in: volume, prunesDist: order.prunesDist)
    return try await BlockingWork.run { () throws(ArchiveFailure) in try removal.obstacles(in: tree) }
  }

  /// Jobs of other releases that need a file which would go.
  func dependents(on name: String, prunesDist: Bool) async throws -> [ArchiveRefusal.Dependent] {
    let volume = setup.volume
    let folders = [volume.release(name)] + (prunesDist ? [volume.dist(of: name)] : [])
    return try await setup.ledger.dependents(below: folders, besides: name).map {
      ArchiveRefusal.Dependent(job: $0.job, file: volume.relative(FilePath($0.file)))
    }
  }
}
