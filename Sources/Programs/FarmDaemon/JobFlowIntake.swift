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
  static let beingCopied = "being copied"

  private var place: DropPlace { DropPlace(setup.volume) }

  /// Takes in what the watcher tells.
  func take(_ change: FolderChange) async {
    defer { happenings += 1 }
    switch change {
    case .unsettled(let path):
      guard let name = named(path) else { return }
      unsettled[name] = Self.beingCopied
      told("job.settling", name)
      errand.yield(.review(name.release))
    case .settled(let path, let fingerprint):
      claimCount += 1
      claims.insert(claimCount)
      // One after the other for a path, so that what settled last is also recorded last.
      let isFirst = claiming[path] == nil
      claiming[path, default: []].append((fingerprint, claimCount))
      if isFirst { errand.yield(.claim(path)) }
    case .unchanged(let path): settledIsOver(path)
    case .stalled(let path, let reason):
      guard let name = named(path) else { return }
      unsettled[name] = reason
      told("job.settling", name, problem: Problem(.notWhole, cause: reason))
    case .refused(let path, let reason):
      settledIsOver(path)
      // Unreadable: the reason says so.
      let isFile = (try? FileStatus(at: path))??.kind == .regular
      reject(path, Problem(isFile ? .unreadableFile : .notAFile, cause: reason))
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

  func claimAll(at path: FilePath) async {
    await waitForEngine()
    while let next = claiming[path]?.first {
      await claim(path, next.fingerprint)
      claiming[path]?.removeFirst()
      finishedClaim(next.number)
    }
    claiming[path] = nil
  }

  private func claim(_ path: FilePath, _ fingerprint: Fingerprint) async {
    let intaker = intaker
    do throws(IntakeFailure) {
      let drop = try await BlockingWork.run { () throws(IntakeFailure) in
        try intaker.claim(path, settled: fingerprint)
      }
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
    do {
      if let twin = try await twin(of: drop) {
        settledIsOver(drop.path)
        return reject(drop.path, twin)
      }
      rejected[setup.volume.relative(drop.path)] = nil
      let before = try await setup.ledger.newestRevision(of: drop.name)
      let findings = preflight.findings(drop.facts, blenders: abilities?.blenders ?? [])
      let blocking = findings.first { $0.severity == .blocks }?.problem
      if let before, before.digest == drop.digest, !isNewOrder(before, blocking: blocking) {
        return try await knownAlready(drop, before)
      }
      for note in findings where note.severity == .note {
        setup.log.notice("note", metadata: ["job": "\(drop.name)", "note": "\(note.problem.cause)"])
      }
      try await record(drop, blocking: isAdopting ? Problem(.adopted, cause: "it lay here before the farm") : blocking)
    } catch {
      complain(error, while: "recording a drop", ["job": "\(drop.name)"])
    }
  }

  /// Whether the same bytes are to be tried again: what held them up is over, or they ended without anybody's will.
  private func isNewOrder(_ before: Revision, blocking: Problem?) -> Bool {
    before.state.isRevivedBySameBytes || (before.state == .blocked && before.problem != blocking)
  }

  private func knownAlready(_ drop: Drop, _ before: Revision) async throws(StoreFailure) {
    try await setup.ledger.remember(KnownPath(below(drop.path)), drop.fingerprint)
    if try await setup.ledger.job(drop.name)?.state == .removed { try await setup.ledger.showAgain(before.id) }
    settledIsOver(drop.path)
    setup.log.info("the same bytes again, nothing to render", metadata: ["job": "\(drop.name)"])
  }

  /// `Shot.blend` beside `Shot.BLEND`: the second file of one job is refused.
  private func twin(of drop: Drop) async throws -> Problem? {
    guard let other = try await setup.ledger.job(drop.name)?.path, other != setup.volume.relative(drop.path),
      try FileStatus(at: setup.volume.root.appending(other)) != nil
    else { return nil }
    return Problem(.badName, cause: "\(other) is the job \(drop.name) already")
  }

  private func record(_ drop: Drop, blocking: Problem?) async throws(StoreFailure) {
    let (revision, superseded) = try await setup.ledger.record(
      newRevision(drop, blocking: blocking), known: (KnownPath(below(drop.path)), drop.fingerprint))
    unsettled[drop.name] = nil
    for old in superseded {
      await end(old)
      told("job.superseded", old.name, revision: old.number)
    }
    told("job.\(revision.state.rawValue)", drop.name, revision: revision.number, problem: blocking)
    errand.yield(.review(drop.name.release))
    guard revision.state == .queued else { return }
    await opened(revision)
    await schedule()
  }

  private func newRevision(_ drop: Drop, blocking: Problem?) -> NewRevision {
    let facts = try? drop.facts.get()  // Without facts there are no frames, and a finding says why.
    let frames = Segmenter.frames(of: facts)
    let format = ImageFormat.png
    let owed = blocking == nil ? Segmenter.owed(frames, format: format) : []
    return NewRevision(
      name: drop.name, path: setup.volume.relative(drop.path), owner: drop.owner, digest: drop.digest,
      state: blocking == nil ? .queued : blocking?.problemClass == .adopted ? .canceled : .blocked, frames: frames,
      format: format, savedBy: facts?.version,
      problem: blocking, outputs: owed.map { ($0.path, $0.frame) })
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
      let wasKnown = try await setup.ledger.job(name)?.path == setup.volume.relative(path)
      guard wasKnown else {
        errand.yield(.review(name.release))
        return
      }
      let ended = try await setup.ledger.removeJob(name, known: KnownPath(below(path)))
      for revision in ended { await end(revision) }
      told("job.removed", name)
    } catch {
      complain(error, while: "recording that \(name) is gone")
    }
    errand.yield(.review(name.release))
  }

  /// A release's folder, made by hand or by `farm plan`.
  func folderFound(_ path: FilePath) async {
    guard path.removingLastComponent() == setup.volume.releases, let name = path.lastComponent?.string else { return }
    if let why = name == NameRule.quick ? "it is reserved for quick/" : NameRule.refusal(of: name) {
      setup.log.warning("a folder cannot be a release", metadata: ["folder": "\(name)", "reason": "\(why)"])
      return
    }
    do {
      let release = try await setup.ledger.ensureRelease(named: name, priority: ReleasePlan().priority)
      if let plan = try ReleasePlan.read(in: path), let jobs = plan.jobs {
        _ = try await setup.ledger.plan(release: name, jobs: jobs, priority: plan.priority, harvest: plan.harvest)
      }
      if badPlans.remove(name) != nil { try await setup.ledger.setRelease(release.id, problem: nil) }
    } catch let failure as ConfigFailure {
      await planIsWrong(name, failure)
    } catch {
      complain(error, while: "recording release \(name)")
    }
    errand.yield(.review(name))
  }

  /// The last good plan stays in force, but nothing is delivered until the mistake is mended.
  private func planIsWrong(_ name: String, _ failure: ConfigFailure) async {
    badPlans.insert(name)
    let problem = Problem(.badRelease, cause: failure.description, remedy: failure.remedy)
    do {
      // Looked at again and again until it is mended, so only another mistake is news.
      guard let release = try await setup.ledger.release(named: name), release.problem != problem else { return }
      complain(failure, while: "reading the plan of \(name)")
      try await setup.ledger.setRelease(release.id, problem: problem)
    } catch {
      complain(error, while: "recording the mistake in the plan of \(name)")
    }
  }

  // MARK: - Waiting

  /// Returns when everything that lies in the watched folders now is known.
  func sync() async throws {
    let number = try setup.watcher.barrier()
    if reached.remove(number) != nil { return }
    await withCheckedContinuation { whenReached[number, default: Waiters()].add($0) }
    whenReached[number] = nil
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
      if whenReached[number] == nil { reached.insert(number) } else { whenReached[number]?.resume() }
    }
  }

  private func waitForEngine() async {
    guard abilities == nil else { return }
    await withCheckedContinuation { whenAbleTo.add($0) }
  }
}
