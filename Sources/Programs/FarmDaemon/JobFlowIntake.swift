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
  var place: DropPlace { DropPlace(setup.volume) }

  /// Takes in what the watcher tells.
  func take(_ change: FolderChange) async {
    defer { happenings += 1 }
    if refuseCrashing(change) || takeDependency(change) { return }
    switch change {
    case .settled(let path, let fingerprint) where path.isSidecar: readWishes(at: path, fingerprint)
    case .vanished(let path) where path.isSidecar: readWishes(at: path, nil)
    case .refused(let path, _) where path.isSidecar: readWishes(at: path, nil)
    case .unsettled(let path) where path.isSidecar, .stalled(let path, _) where path.isSidecar: break
    case .lost(let path) where path.isSidecar, .unchanged(let path) where path.isSidecar: break
    case .unsettled(let path):
      guard let name = named(path), !killedDrops.contains(below(path)) else { return }
      unsettled[name] = Unsettled(path: path)
      told("job.settling", name)
      askForReview(of: name.release)
    case .settled(let path, let fingerprint) where path.isPlan: readWishes(at: path, fingerprint)
    case .vanished(let path) where path.isPlan: readWishes(at: path, nil)
    case .refused(let path, let reason) where path.isPlan: await planRefused(at: path, reason)
    case .settled(let path, let fingerprint): claim(path, settled: fingerprint)
    case .unchanged(let path): settledIsOver(path)
    case .stalled(let path, let reason):
      guard let name = named(path), !killedDrops.contains(below(path)) else { return }
      let problem = await BlockingWork.run(at: path) { Self.stall(of: path, reason) }
      unsettled[name] = Unsettled(path: path, stalled: problem)
      told("job.settling", name, problem: problem)
    case .refused(let path, let reason):
      settledIsOver(path)
      // Unreadable: the reason says so.
      let isFile = (try? await fileStatus(at: path))??.kind == .regular
      reject(path, Problem(isFile ? .unreadableFile : .notAFile, cause: reason))
    case .vanished(let path):
      // A file that comes after this one is another drop, whenever the rest of it is taken in.
      await noLongerKilled(path)
      vanishes(path)
    case .lost(let path): await lost(path)
    case .folderFound(let path):
      troubles[path] = nil
      await answered(path)
      await folderFound(path)
    case .folderGone(let path):
      troubles[path] = nil
      hung.remove(path)
      await folderGone(path)
    case .barrier(let number): reachedBarrier(number)
    case .troubled(let folder, let failure):
      complain(failure, while: "watching")
      troubles[folder] = failure.sentences
      guard case .hung = failure else { return }
      hung.insert(folder)
      cancelTasks(below: folder)
      // What waits for it takes no place any longer.
      await schedule()
    }
  }

  /// Has a plan or a sidecar read; nil: it is gone, or cannot be read.
  func readWishes(at path: FilePath, _ fingerprint: Fingerprint?) {
    let number = claims.beginReading(path)
    errand.yield(
      path.isPlan ? .readPlan(path, fingerprint, number: number) : .readSidecar(path, fingerprint, number: number))
  }

  /// Why a file does not become whole: mostly somebody is still copying it, but it may be closed to us.
  private static func stall(of path: FilePath, _ reason: String) -> Problem {
    do throws(FileFailure) {
      OpenFile.close(try OpenFile.reading(path))
      return Problem(.notWhole, cause: reason)
    } catch {
      return Problem(.unreadableFile, cause: error.description, remedy: error.remedy)
    }
  }

  /// The job at a path; nil for names that cannot be jobs, which are told when they have settled.
  func named(_ path: FilePath) -> JobName? {
    try? place.job(at: path)
  }

  func settledIsOver(_ path: FilePath) {
    guard let name = named(path), unsettled.removeValue(forKey: name) != nil else { return }
    askForReview(of: name.release)
  }

  private func reject(_ path: FilePath, _ problem: Problem) {
    guard rejected.updateValue(problem, forKey: path) != problem else { return }
    let shown = setup.volume.relative(path)
    setup.log.warning(
      "a file cannot be a job",
      metadata: ["file": "\(shown)", "reason": "\(problem.cause)", "remedy": "\(problem.remedy)"])
    let name =
      named(path) ?? JobName(release: place.release(at: path.removingLastComponent()) ?? "", job: path.stem ?? "")
    told("job.rejected", name, problem: problem)
  }

  // MARK: - Claiming

  func claim(_ path: FilePath, settled fingerprint: Fingerprint) {
    if let first = claims.add(path, fingerprint) { errand.yield(.claim(first)) }
  }

  func claimAll(at path: FilePath) async {
    if let release = place.release(at: path.removingLastComponent()) { await recovered(release) }
    while let fingerprint = claims.next(at: path) {
      await claim(path, fingerprint)
      if let number = claims.finish(path) { finishedClaim(number) }
    }
    if let next = claims.end(path) { errand.yield(.claim(next)) }
  }

  private func claim(_ path: FilePath, _ fingerprint: Fingerprint) async {
    let intaker = intaker
    do throws(IntakeFailure) {
      let drop = try await BlockingWork.run(at: path) { [crashes = setup.crashes] () throws(IntakeFailure) in
        try crashes.reading(path, fingerprint, .claim) { () throws(IntakeFailure) in
          try intaker.claim(path, settled: fingerprint)
        }
      }
      await watchingForCrash(drop) { await accept(drop) }
    } catch {
      settledIsOver(path)
      if case .changed = error { return }  // It settles again, and then it is claimed.
      await noLongerKilled(path)
      switch error {
      case .changed: break
      case .badName(_, let why): reject(path, Problem(.badName, cause: "its name cannot be a job's: \(why)"))
      case .unreadable: reject(path, Problem(error.problemClass, cause: error.description, remedy: error.remedy))
      }
    }
  }

  private func noLongerKilled(_ path: FilePath) async {
    do { _ = try await endKilled(path) } catch { complain(error, while: "noting that a killed file is whole") }
  }

  private func accept(_ drop: Drop) async {
    do {
      let isKilled = try await endKilled(drop.path)
      if let twin = try await takeName(of: drop) {
        settledIsOver(drop.path)
        return reject(drop.path, twin)
      }
      rejected[drop.path] = nil
      if try await follow(drop, isKilled: isKilled) { return }
      let before = try await setup.ledger.newestRevision(of: drop.name)
      let order = try await setup.ledger.release(named: drop.name.release)?.order
      let said = try await sidecar(of: drop.path)
      var wishes = self.wishes(for: drop, order, said: try? said.get())  // Why it is not understood is told below.
      let isUndecided = undecided.contains(drop.name)
      if case .failure(let failure) = said, let before, before.digest == drop.digest, before.state != .blocked,
        !isUndecided
      {
        return try await sidecarIsWrong(drop, failure, before)
      }
      badSidecars[drop.path] = nil
      let isSame = before.map { self.isSame($0, as: drop, wishes.wanted) } ?? false
      // A person wanted it without what is missing, and nothing is new but what is known of the Blenders.
      if let before, isSame, before.settings.onMissing == .warn { wishes.onMissing = .warn }
      let isKnown = isSame && before?.state != .blocked && !isUndecided
      let drop = isKnown || isAdopting ? drop : await inspected(drop, wishes)
      if !isKnown, try await isAsset(drop, order) { return try await takeAsset(drop, before) }
      let segmentation = setup.crashes.reading(drop.path, drop.fingerprint, .inspect) {
        self.segmentation(of: drop, wishes)
      }
      // As it is now: all that may have taken long.
      let mistake = try await mistake(in: drop.name.release)
      let knowsBlender = isAdopting || self.knowsBlender(for: drop)
      let findings = setup.crashes.reading(drop.path, drop.fingerprint, .inspect) {
        self.findings(drop, wishes, said, mistake, segmentation, knowsBlender: knowsBlender)
      }
      let blocking = findings.first { $0.severity == .blocks }?.problem
      let basis = drop.inspection == nil ? nil : RevisionBasis(segmentation, drop)
      if knowsBlender { undecided.remove(drop.name) } else { undecided.insert(drop.name) }
      if let before, isSame, !knowsBlender, before.waitsForBlender { return settledIsOver(drop.path) }
      if let before, isSame, !isNewOrder(before, blocking: blocking, basis) {
        try await knownAlready(drop, before, wishes, isSaid: isUndecided)
        // As it is now: what it lacked may have come, and other settings may have been taken up.
        let now = try await setup.ledger.revision(before.id)
        if isUndecided, now.state == .queued { return try await decide(now, findings, segmentation) }
        return try await goOnIfBlocked(now, with: drop, findings, blocking)
      }
      let notes = findings.notes
      let adopted = isAdopting ? Problem(.adopted, cause: "it lay here before the farm") : nil
      let unwanted = adopted ?? (isKilled ? KilledDrops.problem : nil)
      try await record(drop, wishes, segmentation, blocking: unwanted ?? blocking, notes: notes)
      // Its Blender may have become known while nobody found it in the ledger.
      if !knowsBlender, self.knowsBlender(for: drop) { errand.yield(.decideAgain) }
      // It may have been mended while this was recorded, when nobody knew that the job waits for that.
      if mistake != nil, try await self.mistake(in: drop.name.release) == nil {
        try await lookAtJobs(of: drop.name.release)
      }
    } catch {
      complain(error, while: "recording a drop", ["job": "\(drop.name)"])
    }
  }

  private func goOnIfBlocked(
    _ revision: Revision, with drop: Drop, _ findings: [Finding], _ blocking: Problem?
  ) async throws(StoreFailure) {
    guard revision.state == .blocked else { return }
    if blocking == nil { try await goOn(with: drop, notes: findings, revision) }
    awaitFiles(of: revision, blocking)
  }

  /// Whether the same bytes become another revision: something else holds them up now, they are to be rendered in
  /// another way because a library is another, or the last one ended without a person's will.
  private func isNewOrder(_ before: Revision, blocking: Problem?, _ basis: RevisionBasis?) -> Bool {
    guard before.state == .blocked else { return before.state.isRevivedBySameBytes }
    return blocking.map { before.problem?.isSameButForFiles(as: $0) != true }
      ?? (basis != nil && basis != RevisionBasis(of: before))
  }

  /// - Parameter isSaid: whether it was said before; it is looked at again since all Blenders are known.
  private func knownAlready(
    _ drop: Drop, _ before: Revision, _ wishes: RenderWishes, isSaid: Bool
  ) async throws(StoreFailure) {
    try await takeUp(wishes, before)
    try await setup.ledger.remember(KnownPath(below(drop.path)), known(drop))
    if try await setup.ledger.job(drop.name)?.state == .removed {
      try await setup.ledger.showAgain(before.id)
      askForNames(in: drop.name.release, of: drop.name)
    }
    settledIsOver(drop.path)
    if !isSaid { setup.log.info("the same bytes again, nothing to render", metadata: ["job": "\(drop.name)"]) }
  }

  /// - Parameter pause: how long it waits at least; nil: it does not wait for other saves either.
  @discardableResult
  func record(
    _ drop: Drop, _ wishes: RenderWishes, _ segmentation: Segmentation, blocking: Problem?, notes: [Problem],
    pause: Duration? = .zero
  ) async throws(StoreFailure) -> Revision {
    let (revision, superseded) = try await setup.ledger.record(
      newRevision(drop, wishes, segmentation, blocking: blocking, notes: notes),
      known: (KnownPath(below(drop.path)), known(drop)))
    let before = try await setup.ledger.priority(ofJob: revision.job)
    try await takeUp(priority: wishes.wanted.priority ?? before, insteadOf: before, ofJob: revision.job)
    if unsettled[drop.name]?.path == drop.path { unsettled[drop.name] = nil }
    var pace = pause == nil ? SavePace() : SavePace(after: superseded.compactMap { open[$0.id]?.pace })
    pace.wait(pause ?? .zero, from: setup.clock.now())
    if revision.number == 1 { recentDrops.add(drop.name, drop.digest, at: setup.clock.now()) }
    await endSuperseded(superseded)
    guard blocking?.problemClass != .adopted else {
      adoptedCount += 1
      return revision
    }
    askForNames(in: drop.name.release, of: drop.name)
    for note in notes { told("job.note", drop.name, revision: revision.number, problem: note) }
    told("job.\(revision.state.rawValue)", drop.name, revision: revision.number, problem: blocking)
    askForReview(of: drop.name.release)
    awaitFiles(of: revision, blocking)
    if !drop.files.isEmpty { errand.yield(.follow(drop.files)) }
    try await giveUpAssets(among: drop.files)
    guard revision.state == .queued else { return revision }
    await opened(revision, pace: pace)
    await schedule()
    return revision
  }

  /// Ends what runs of revisions in whose place another one is.
  func endSuperseded(_ superseded: [Revision]) async {
    for old in superseded {
      await end(old, waits: false)
      told("job.superseded", old.name, revision: old.number)
    }
  }

  private func newRevision(
    _ drop: Drop, _ wishes: RenderWishes, _ segmentation: Segmentation, blocking: Problem?, notes: [Problem]
  ) -> NewRevision {
    let facts = try? drop.facts.get()  // Without facts there are no frames, and a finding says why.
    let isAdopted = blocking?.problemClass == .adopted
    let isUnwanted = isAdopted || blocking?.problemClass == .killed
    return NewRevision(
      name: drop.name, path: setup.volume.relative(drop.path), owner: drop.owner, digest: drop.digest,
      state: blocking == nil ? .queued : isUnwanted ? .canceled : .blocked, frames: segmentation.frames,
      format: segmentation.format, scene: segmentation.scene,
      settings: RenderSettings(
        onMissing: wishes.onMissing, isSimulated: drop.inspection?.simulations.isEmpty == false, wanted: wishes.wanted,
        said: wishes.said),
      notes: notes, savedBy: facts?.version, problem: blocking,
      // What is only known owes nothing yet; there may be very many of them.
      outputs: isAdopted ? [] : segmentation.outputs, files: drop.files)
  }

  func below(_ path: FilePath) -> FilePath {
    var below = path
    _ = below.removePrefix(setup.volume.root)
    return below
  }

  // MARK: - Waiting

  /// Returns when everything that lies in the watched folders now is known.
  func sync() async throws { await waitForIntake() }

  /// The same; on a disk that takes no file it waits a little longer.
  func waitForIntake() async {
    let number = setup.watcher.barrier()
    if reached.remove(number) != nil || isOver { return }
    await withCheckedContinuation { whenReached[number, default: Waiters()].add($0) }
    whenReached[number] = nil
    await lookForOverlooked()
  }

  private func reachedBarrier(_ number: Int) {
    barriers[number] = claims.unfinished
    openBarriers()
  }

  /// Barriers do not wait for these any longer: their file system does not answer.
  func letGo(_ numbers: Set<Int>) {
    guard !numbers.isEmpty, !barriers.isEmpty else { return }
    for barrier in Array(barriers.keys) { barriers[barrier]?.subtract(numbers) }
    openBarriers()
  }

  private func finishedClaim(_ number: Int) {
    whenClaimed.resume()
    // An array: whoever holds the keys holds the sets, and each change would copy them.
    for barrier in Array(barriers.keys) { barriers[barrier]?.remove(number) }
    openBarriers()
  }

  /// Whoever waits for what was read waits for what comes of it too.
  func finishedReading(_ number: Int) {
    let more = claims.endReading(number)
    for barrier in Array(barriers.keys) where barriers[barrier]?.remove(number) != nil {
      barriers[barrier]?.formUnion(more)
    }
    whenClaimed.resume()
    openBarriers()
  }

  private func openBarriers() {
    for (number, waitsFor) in barriers where waitsFor.isEmpty {
      barriers[number] = nil
      if whenReached[number] == nil { reached.insert(number) } else { whenReached[number]?.resume() }
    }
  }
}
