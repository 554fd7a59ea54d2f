import FarmAPI
import FarmModel
import FarmStore
import Intake
import Preflight
import Segmentation
import SystemPackage
import VolumeFiles

/// A job's file is inspected again when a file that it depends on comes or changes, as if it were dropped now.
extension JobFlow {
  /// What a job's file says together with its libraries, as they lie there now.
  struct InspectedJob: Sendable {
    let drop: Drop
    let wishes: RenderWishes
    let segmentation: Segmentation
    let findings: [Finding]

    /// Whether it was read in depth; else only Blender knows what it needs.
    var isUnderstood: Bool { drop.inspection != nil }
    /// The first that holds it up.
    var blocking: Problem? { findings.first { $0.severity == .blocks }?.problem }
    var notes: [Problem] { findings.filter { $0.severity == .note }.map(\.problem) }
  }

  /// Inspects a revision that did not begin with what lies there now, or is blocked, and goes on with what that says:
  /// as it is, or as another revision.
  /// - Parameter isAnyway: whether a person wants it without what is missing.
  func inspectAgain(_ revision: Revision, isAnyway: Bool = false) async {
    guard looks.begin(revision.id) else { return }
    repeat {
      do { try await inspectOnce(revision, isAnyway: isAnyway) } catch {
        complain(error, while: "inspecting \(revision.name) again")
      }
    } while looks.end(revision.id)
    await advance(revision.id)
  }

  private func inspectOnce(_ revision: Revision, isAnyway: Bool) async throws {
    let inspected: Set<JobState> = [.blocked, .queued, .active, .assembling, .completed]
    guard let before = try await newest(revision), inspected.contains(before.state) else { return }
    let now = try await inspection(of: before)
    guard let revision = try await newest(before), inspected.contains(revision.state) else { return }
    // Renamed meanwhile: what was found is of a file that is no more.
    if revision.name != before.name {
      errand.yield(.inspectAgain(revision))
      return
    }
    guard let now else {
      if isAnyway { return await requeue(revision) }
      // Its file is being saved, or does not answer: looked at again.
      if revision.state == .blocked { awaitFiles(of: revision, revision.problem) }
      return
    }
    let isOther = now.isUnderstood && RevisionBasis(now.segmentation, now.drop) != RevisionBasis(of: revision)
    if let blocking = now.blocking {
      if revision.state == .blocked {
        try await staysBlocked(revision, blocking)
      } else {
        await block(revision, blocking)
      }
    } else if isOther {
      setup.log.notice("a job is rendered in another way, by its libraries", metadata: ["job": "\(revision.name)"])
      try await renderAll(of: now, insteadOf: revision, pause: .zero)
    } else if revision.state == .blocked {
      try await goOn(with: now.drop, notes: now.findings, revision)
    } else {
      try await setup.ledger.setNamedFiles(of: revision.id, now.drop.files)
      await follow(now.drop.files)
    }
  }

  /// The revision as it is now; nil when another one is in its place.
  private func newest(_ revision: Revision) async throws(StoreFailure) -> Revision? {
    // Forgotten with everything else: there is none.
    guard let named = try? await setup.ledger.revision(revision.id) else { return nil }
    let newest = try await setup.ledger.newestRevision(of: named.name)
    return newest?.id == revision.id ? newest : nil
  }

  private func staysBlocked(_ revision: Revision, _ problem: Problem) async throws(StoreFailure) {
    if revision.problem?.isSameButForFiles(as: problem) != true {
      guard try await setup.ledger.setProblem(ofBlocked: revision.id, problem) else { return }
      told("job.blocked", revision.name, revision: revision.number, problem: problem)
      askForReview(of: revision.name.release)
    }
    awaitFiles(of: revision, problem)
  }

  /// A blocked revision goes on as it was: its inspection says the same, and nothing holds it up.
  func goOn(with drop: Drop, notes findings: [Finding], _ before: Revision) async throws(StoreFailure) {
    var revision = try await setup.ledger.revision(before.id)
    // What Blender told of it stays; what came of files that were not there does not.
    let notes = findings.filter { $0.severity == .note }.map(\.problem)
    let kept = revision.notes.filter { ![.missingFile, .still, .unbakedSimulation].contains($0.problemClass) }
    revision.notes = kept + notes.filter { !kept.contains($0) }
    try await setup.ledger.setNotes(of: revision.id, revision.notes)
    try await setup.ledger.setNamedFiles(of: revision.id, drop.files)
    if !drop.files.isEmpty { errand.yield(.follow(drop.files)) }
    // Killed meanwhile: it stays so.
    guard try await setup.ledger.revision(before.id).state == .blocked else { return }
    await requeue(revision)
  }

  /// A new revision by what was found.
  /// - Parameter pause: how long it waits at least; nil: it does not wait for other saves either.
  @discardableResult
  func renderAll(
    of now: InspectedJob, insteadOf before: Revision, pause: Duration?
  ) async throws(StoreFailure) -> AgainAnswer {
    guard var revision = try await newest(before), revision.name == now.drop.name else {
      return AgainAnswer(job: before.name, revision: before.number, frames: before.frames)
    }
    // The same problem of a job that waits already needs no revision of its own.
    if before.state != .blocked || now.blocking.map({ before.problem?.isSameButForFiles(as: $0) == true }) != true {
      revision = try await record(
        now.drop, now.wishes, now.segmentation, blocking: now.blocking, notes: now.notes, pause: pause)
    }
    // What it is rendered from is gone: it cannot go on until the other one may begin.
    if revision.state == .blocked, let old = open[before.id]?.revision, await move(old, to: .superseded) {
      await end(old)
    }
    return AgainAnswer(job: revision.name, revision: revision.number, frames: revision.frames)
  }

  /// What a job's file says now; nil when it is not the one that a revision was made of, or cannot be read: the watch
  /// tells of that.
  func inspection(of before: Revision) async throws(StoreFailure) -> InspectedJob? {
    await waitForEngine()
    guard let job = try await setup.ledger.job(before.name), unsettled[job.name] == nil else { return nil }
    let (path, intaker) = (setup.volume.root.appending(job.path), intaker)
    // A library may be saved while hundreds of shots wait: files that stayed as they were are not read for it.
    let known = try await setup.ledger.knownFile(KnownPath(below(path)))
    let claimed = await BlockingWork.run(at: path) { () -> Drop? in
      // Unreadable or gone: the watch tells.
      guard let there = (try? FileStatus(at: path)) ?? nil, there.kind == .regular else { return nil }
      let digest = there.fingerprint == known ? before.digest : nil
      return try? intaker.claim(path, settled: there.fingerprint, digest: digest)  // The same.
    }
    guard let claimed, claimed.digest == before.digest else { return nil }
    let order = try await setup.ledger.release(named: job.name.release)?.order
    var said = try await sidecar(of: path)
    // What is rendered goes on as it was wanted before.
    if case .failure = said, before.state != .blocked { said = .success(before.settings.said) }
    var wishes = wishes(for: claimed, order, said: try? said.get())  // Why it is not understood is a finding.
    if before.settings.onMissing == .warn { wishes.onMissing = .warn }
    let drop = await inspected(claimed, wishes)
    let segmentation = segmentation(of: drop, wishes)
    let mistake = try await mistake(in: job.name.release)
    return InspectedJob(
      drop: drop, wishes: wishes, segmentation: segmentation,
      findings: findings(drop, wishes, said, mistake, segmentation, knowsBlender: true))
  }
}
