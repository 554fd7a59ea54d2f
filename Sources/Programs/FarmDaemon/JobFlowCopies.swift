import FarmModel
import FarmStore
import Intake
import Preflight
import Segmentation
import SystemPackage
import VolumeFiles

/// Renames that come as a copy and a deletion, as sync programs and `ln` with `rm` make them.
extension JobFlow {
  /// Reads from the ledger which jobs came lately: the daemon may have been down between the copy and the deletion.
  func rememberRecentDrops() async throws(StoreFailure) {
    for revision in try await setup.ledger.newestRevisions(ofJobsWithin: RecentDrops.window) {
      recentDrops.add(revision.name, revision.digest, at: setup.clock.now())
    }
  }

  /// Finds the copy of a deleted file: both are one job then, under the new name.
  /// - Returns: false when there is none, or when it goes on by itself, and the job ends.
  func followCopy(of job: Job) async throws -> Bool {
    guard let revision = try await setup.ledger.newestRevision(of: job.name) else { return false }
    for name in recentDrops.names(of: revision.digest, at: setup.clock.now()).reversed() where name != job.name {
      guard let copy = try await setup.ledger.job(name), copy.createdAt >= job.createdAt,
        let twin = try await setup.ledger.newestRevision(of: name),
        try await isStillCopied(job, revision, twin)
      else { continue }
      if try await goesOn(revision, insteadOf: twin) {
        let path = setup.volume.root.appending(copy.path)
        let there = (try? await fileStatus(at: path)) ?? nil  // Unreadable: it ends as usual.
        guard let there else { continue }
        let place = JobPlace(name: name, path: path, fingerprint: there.fingerprint)
        if try await move(job, revision, to: place, insteadOf: twin) {
          try await renderPurged(of: revision, from: job.name.release, in: name.release)
          return true
        }
        // One of the two may be further than a moment ago.
        guard try await isStillCopied(job, revision, twin) else { continue }
      }
      // The copy has its own pictures. Those of the old name leave dist/ and are kept in out/.
      await beginHarvesting(job.name.release)
      defer { endHarvesting(job.name.release) }
      try await takeBackDeliveries(of: [(job.id, job.name)])
      return false
    }
    return false
  }

  /// Finds the job of which a new drop is a copy, if its own file was deleted before the copy was taken in. A folder
  /// that is away says nothing of its files.
  func original(of drop: Drop) async throws -> Job? {
    guard !isAdopting else { return nil }
    let copy = CopyRule.Progress(state: .queued, doneCount: 0)
    let jobs = try await setup.ledger.jobs(withContent: drop.digest, limit: Self.originalsMax + 1)
    guard jobs.count <= Self.originalsMax else { return nil }
    for job in jobs.sorted(by: { $0.id > $1.id }) where job.owner == drop.owner {
      let old = setup.volume.root.appending(job.path)
      // First what nearly every job fails.
      guard await !isThereOrHangs(old), !isHung(old), await isThereOrHangs(old.removingLastComponent()),
        unsettled[job.name] == nil,
        let revision = try await setup.ledger.newestRevision(of: job.name), revision.digest == drop.digest,
        CopyRule.keepsOlder(try await progress(of: revision.id), copy), try await isWanted(drop, as: revision)
      else { continue }
      return job
    }
    return nil
  }

  /// A burst may have thousands of files of the same bytes: to look at each for each takes longer than rendering one.
  private static let originalsMax = 8

  /// Whether a drop in its new place is to be rendered as a revision was.
  private func isWanted(_ drop: Drop, as revision: Revision) async throws -> Bool {
    let order = try await setup.ledger.release(named: drop.name.release)?.order
    guard case .success(let said) = try await sidecar(of: drop.path) else { return false }
    let wishes = wishes(for: drop, order, said: said)
    guard isSame(revision, as: drop, wishes.wanted) else { return false }
    return segmentation(of: await inspected(drop, wishes), wishes).frames == revision.frames
  }

  /// Whether the revision of a deleted file goes on in place of that of the file's copy, as both are now.
  func goesOn(_ revision: Revision, insteadOf twin: Revision) async throws(StoreFailure) -> Bool {
    CopyRule.keepsOlder(try await progress(of: revision.id), try await progress(of: twin.id))
  }

  /// Whether two revisions are of one file that got another name: the same bytes and wishes of the same owner, the old
  /// file gone, the new one there. In another folder relative paths lead elsewhere, and under another name Blender
  /// finds no cache of its own: what it needs has to be the same.
  func isStillCopied(_ job: Job, _ revision: Revision, _ twin: Revision) async throws -> Bool {
    guard twin.digest == revision.digest, twin.state != .removed,
      twin.settings.wanted.ofPictures == revision.settings.wanted.ofPictures,
      twin.frames == revision.frames, unsettled[twin.name] == nil, unsettled[job.name] == nil,
      let copy = try await setup.ledger.job(twin.name), copy.owner == job.owner, copy.revision == twin.number,
      try await setup.ledger.newestRevision(of: job.name)?.id == revision.id
    else { return false }
    let (old, new) = (setup.volume.root.appending(job.path), setup.volume.root.appending(copy.path))
    guard await !isThereOrHangs(old), await isThereOrHangs(new), !isHung(new) else { return false }
    if old.removingLastComponent() == new.removingLastComponent() { return await !hasOwnCache(old) }
    let needs = try await setup.ledger.dependencies(of: revision.id, areSeen: false).map(\.path)
    let twinNeeds = try await setup.ledger.dependencies(of: twin.id, areSeen: false).map(\.path)
    return needs == twinNeeds
  }

  /// Whether Blender finds caches beside a file by the file's name, which its copy has not.
  func hasOwnCache(_ blend: FilePath) async -> Bool { await isThereOrHangs(blend.ownCache) }

  private func progress(of id: Revision.ID) async throws(StoreFailure) -> CopyRule.Progress {
    let done = try await setup.ledger.outputs(of: id).count { $0.state == .done }
    return CopyRule.Progress(state: try await setup.ledger.revision(id).state, doneCount: done)
  }
}
