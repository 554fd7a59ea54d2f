import BlendFile
import FarmModel
import FarmStore
import FolderWatch
import Intake
import Preflight
import Rendering
import Segmentation
import SystemPackage
import VolumeFiles

/// From a change in a folder to a queued revision.
extension JobFlow {
  private var place: DropPlace { DropPlace(setup.volume) }

  /// Takes in what the watcher tells.
  func take(_ change: FolderChange) async {
    switch change {
    case .unsettled(let path):
      guard let name = named(path) else { return }
      unsettled[name] = "being copied"
      told("job.settling", name)
      errand.yield(.review(name.release))
    case .settled(let path, let fingerprint):
      claimCount += 1
      claims.insert(claimCount)
      errand.yield(.claim(path, fingerprint, number: claimCount))
    case .unchanged(let path): settledIsOver(path)
    case .stalled(let path, let reason):
      guard let name = named(path) else { return }
      unsettled[name] = reason
      setup.log.warning("a drop is not whole", metadata: ["job": "\(name)", "reason": "\(reason)"])
    case .refused(let path, let reason):
      settledIsOver(path)
      reject(path, Problem(.unreadableFile, cause: reason))
    case .vanished(let path): await vanished(path)
    case .folderFound(let path):
      watchTroubles[path] = nil
      await folderFound(path)
    case .folderGone(let path):
      watchTroubles[path] = nil
      setup.log.info("a watched folder is gone", metadata: ["folder": "\(setup.volume.relative(path))"])
    case .barrier(let number): reachedBarrier(number)
    case .troubled(let folder, let failure):
      complain(failure, while: "watching")
      watchTroubles[folder] = "\(failure.description). \(failure.remedy)"
    }
  }

  /// The job at a path; nil for names that cannot be jobs, which are told when they have settled.
  private func named(_ path: FilePath) -> JobName? {
    try? place.job(at: path)
  }

  private func settledIsOver(_ path: FilePath) {
    guard let name = named(path), unsettled.removeValue(forKey: name) != nil else { return }
    errand.yield(.review(name.release))
  }

  private func reject(_ path: FilePath, _ problem: Problem) {
    let shown = setup.volume.relative(path)
    guard rejected.updateValue(problem, forKey: shown) != problem else { return }
    setup.log.warning(
      "a file cannot be a job",
      metadata: ["file": "\(shown)", "reason": "\(problem.cause)", "remedy": "\(problem.remedy)"])
    if let name = named(path) { told("job.rejected", name, problem: problem) }
  }

  // MARK: - Claiming

  func claim(_ path: FilePath, _ fingerprint: Fingerprint, number: Int) async {
    defer { finishedClaim(number) }
    if isAdopting { return await adopt(path, fingerprint) }
    let intaker = intaker
    do throws(IntakeFailure) {
      let drop = try await BlockingWork.run { () throws(IntakeFailure) in
        try intaker.claim(path, settled: fingerprint)
      }
      await waitForEngine()
      await accept(drop)
    } catch {
      settledIsOver(path)
      switch error {
      case .changed: break  // It settles again, and then it is claimed.
      case .badName, .unreadable:
        reject(path, Problem(error.problemClass, cause: error.description, remedy: error.remedy))
      }
    }
  }

  private func accept(_ drop: Drop) async {
    rejected[setup.volume.relative(drop.path)] = nil
    let known = (path: KnownPath(below(drop.path)), fingerprint: drop.fingerprint)
    do {
      let before = try await setup.ledger.newestRevision(of: drop.name)
      let findings = preflight.findings(drop.facts, blenders: abilities?.blenders ?? [])
      let blocking = findings.first { $0.severity == .blocks }?.problem
      if let before, before.digest == drop.digest, !(before.state == .blocked && before.problem != blocking) {
        try await setup.ledger.remember(known.path, known.fingerprint)
        try await returned(drop.name, before)
        settledIsOver(drop.path)
        setup.log.info("the same bytes again, nothing to render", metadata: ["job": "\(drop.name)"])
        return
      }
      let new = newRevision(drop, blocking: blocking)
      let (revision, superseded) = try await setup.ledger.record(new, known: known)
      unsettled[drop.name] = nil
      for old in superseded { await end(old, as: .superseded) }
      for note in findings where note.severity == .note {
        setup.log.notice("note", metadata: ["job": "\(drop.name)", "note": "\(note.problem.cause)"])
      }
      told("job.\(revision.state.rawValue)", drop.name, revision: revision.number, problem: blocking)
      errand.yield(.review(drop.name.release))
      if revision.state == .queued {
        await opened(revision)
        await schedule()
      }
    } catch {
      complain(error, while: "recording a drop", ["job": "\(drop.name)"])
    }
  }

  private func newRevision(_ drop: Drop, blocking: Problem?) -> NewRevision {
    let facts = try? drop.facts.get()  // Without facts there are no frames, and a finding says why.
    let frames = Segmenter.frames(of: facts)
    let format = ImageFormat.png
    let owed = blocking == nil ? Segmenter.owed(frames, format: format) : []
    return NewRevision(
      name: drop.name, path: setup.volume.relative(drop.path), owner: drop.owner, digest: drop.digest,
      state: blocking == nil ? .queued : .blocked, frames: frames, format: format, savedBy: facts?.version,
      problem: blocking, outputs: owed.map { ($0.path, $0.frame) })
  }

  /// A job whose file was gone is there again with the same bytes: it is what it was.
  private func returned(_ name: JobName, _ revision: Revision) async throws(StoreFailure) {
    guard try await setup.ledger.job(name)?.state == .removed else { return }
    await move(revision, to: revision.state, problem: revision.problem)
  }

  /// `--adopt`: what is there is known, not rendered.
  private func adopt(_ path: FilePath, _ fingerprint: Fingerprint) async {
    do { try await setup.ledger.remember(KnownPath(below(path)), fingerprint) } catch {
      complain(error, while: "adopting \(setup.volume.relative(path))")
    }
    settledIsOver(path)
  }

  /// Ends adopting once everything that was there is known.
  func finishAdopting() async {
    guard isAdopting else { return }
    do {
      try await sync()
      isAdopting = false
      Placement.remove(VolumeTree.adoptMark(setup.volume))
      setup.log.notice("what was in the volume is known; what is dropped from now on is rendered")
    } catch {
      complain(error, while: "adopting what is in the volume")
    }
  }

  private func below(_ path: FilePath) -> FilePath {
    var below = path
    _ = below.removePrefix(setup.volume.root)
    return below
  }

  // MARK: - What is gone, what is found

  private func vanished(_ path: FilePath) async {
    rejected[setup.volume.relative(path)] = nil
    guard let name = named(path) else { return }
    unsettled[name] = nil
    do {
      let ended = try await setup.ledger.removeJob(name, known: KnownPath(below(path)))
      for revision in ended { await end(revision, as: .canceled) }
      told("job.removed", name)
    } catch {
      complain(error, while: "recording that \(name) is gone")
    }
    errand.yield(.review(name.release))
  }

  /// A release's folder, made by hand or by `farm plan`.
  private func folderFound(_ path: FilePath) async {
    guard path.removingLastComponent() == setup.volume.releases, let name = path.lastComponent?.string else { return }
    if let why = NameRule.refusal(of: name) {
      setup.log.warning("a folder cannot be a release", metadata: ["folder": "\(name)", "reason": "\(why)"])
      return
    }
    do {
      let release = try await setup.ledger.ensureRelease(named: name, priority: ReleasePlan().priority)
      if let plan = try ReleasePlan.read(in: path) {
        _ = try await setup.ledger.plan(
          release: name, jobs: plan.jobs, priority: plan.priority, harvest: plan.harvest)
      } else if release.isPlanned {
        return
      }
    } catch let failure as ConfigFailure {
      complain(failure, while: "reading the plan of \(name)")
      let problem = Problem(.badRelease, cause: failure.description, remedy: failure.remedy)
      if let release = try? await setup.ledger.release(named: name) {
        try? await setup.ledger.setRelease(release.id, state: release.state, problem: problem)
      }
    } catch {
      complain(error, while: "recording release \(name)")
    }
    errand.yield(.review(name))
  }

  // MARK: - Waiting

  /// Returns when everything that lies in the watched folders now is known.
  func sync() async throws {
    let number = try setup.watcher.barrier()
    if reached.remove(number) != nil { return }
    await withCheckedContinuation { whenReached[number] = $0 }
  }

  private func reachedBarrier(_ number: Int) {
    barriers[number] = claims
    openBarriers()
  }

  private func finishedClaim(_ number: Int) {
    claims.remove(number)
    for barrier in barriers.keys { barriers[barrier]?.remove(number) }
    openBarriers()
  }

  private func openBarriers() {
    for (number, waitsFor) in barriers where waitsFor.isEmpty {
      barriers[number] = nil
      if let waiting = whenReached.removeValue(forKey: number) { waiting.resume() } else { reached.insert(number) }
    }
  }

  private func waitForEngine() async {
    guard abilities == nil else { return }
    await withCheckedContinuation { whenAbleTo.append($0) }
  }
}
