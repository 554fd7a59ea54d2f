import FarmModel
import FarmStore
import FolderWatch
import Intake
import SystemPackage
import VolumeFiles

/// What becomes of jobs when files and folders go, come back, or turn up under names that are taken.
extension JobFlow {
  // MARK: - What is gone, what is found

  /// Waits for the files that are being claimed; for those on a file server that does not answer not for ever.
  /// - Parameter claimed: what was being claimed when the file vanished.
  func vanished(_ path: FilePath, after claimed: Set<Int>) async {
    let begun = ContinuousClock.now
    while !claims.unfinished.isDisjoint(with: claimed), !isOver, ContinuousClock.now - begun < Self.patience {
      await withCheckedContinuation { whenClaimed.add($0) }
    }
    // It may have come back meanwhile.
    if !isOver, await !isThereOrHangs(path) { await vanished(path) }
  }

  func vanished(_ path: FilePath) async {
    let wasRefused = rejected.removeValue(forKey: path) != nil
    badSidecars[path] = nil
    if await !isThereOrHangs(path.removingLastComponent()) { return await hold(path.removingLastComponent()) }
    guard let name = named(path) else { return }
    if unsettled[name]?.path == path { unsettled[name] = nil }
    await freeName(of: path)
    do {
      _ = try await endKilled(path)
      let wasKnown = try await setup.ledger.job(name)?.path == setup.volume.relative(path)
      guard wasKnown else {
        if wasRefused { told("job.removed", name) }
        askForReview(of: name.release)
        return
      }
      if let job = try await setup.ledger.job(name), try await followCopy(of: job) { return }
      try await remove(name, at: path)
    } catch {
      complain(error, while: "recording that \(name) is gone")
    }
    askForReview(of: name.release)
  }

  /// Ends a job whose file is gone.
  private func remove(_ name: JobName, at path: FilePath) async throws(StoreFailure) {
    let ended = try await setup.ledger.removeJob(name, known: KnownPath(below(path)))
    for revision in ended { await end(revision) }
    told("job.removed", name)
    askForNames(in: name.release, of: name)
    // It came back while this was recorded, and its claim may have come before.
    let there = (try? await fileStatus(at: path)) ?? nil  // Unreadable: the watch tells.
    if let there, there.kind == .regular { claim(path, settled: there.fingerprint) }
  }

  /// A release's folder, made by hand or by `farm plan`, or a folder of drops.
  func folderFound(_ path: FilePath) async {
    if let name = place.release(at: path), name != NameRule.quick { await followRelease(to: name) }
    await release(path)
    if let name = place.release(at: path) ?? path.lastComponent?.string { takenAway.remove(name) }
    guard path.removingLastComponent() == setup.volume.releases, let name = path.lastComponent?.string else { return }
    if let why = NameRule.refusal(ofRelease: name) {
      setup.log.warning("a folder cannot be a release", metadata: ["folder": "\(name)", "reason": "\(why)"])
      troubles[path] = "releases/\(name) cannot be a release: \(why). Rename the folder."
      return
    }
    do {
      if let twin = await takeReleaseName(path) {
        troubles[path] = twin.sentences
        return
      }
      _ = try await setup.ledger.ensureRelease(named: name, priority: ReleaseOrder.usualPriority)
    } catch {
      return complain(error, while: "recording release \(name)")
    }
    await planFound(of: name)
  }

  // MARK: - Folders that are gone for now

  func folderGone(_ path: FilePath) async {
    setup.log.info("a watched folder is gone", metadata: ["folder": "\(setup.volume.relative(path))"])
    if place.release(at: path) != nil { await hold(path) }
    if path.removingLastComponent() == setup.volume.releases { await forgetUnused(path) }
  }

  /// Of a release in which there never was anything, nothing is left when its folder is gone.
  private func forgetUnused(_ folder: FilePath) async {
    guard let name = folder.lastComponent?.string, await !isThereOrHangs(folder), !takenAway.contains(name) else {
      return
    }
    do {
      guard try await setup.ledger.release(named: name)?.state != .archived else { return }
      guard try await setup.ledger.forgetIfUnused(release: name) else { return }
      held.remove(name)
      troubles[setup.volume.store(of: name)] = nil
    } catch {
      complain(error, while: "forgetting release \(name)")
    }
  }

  private static func isThere(_ folder: FilePath) -> Bool {
    // Unreadable: it is there, and its own trouble is told.
    (try? FileStatus(at: folder)) != .some(nil)
  }

  /// Whether something is there, or its file system does not answer.
  func isThereOrHangs(_ folder: FilePath) async -> Bool {
    if isHung(folder) || BlockingWork.isStuck(at: folder) { return true }
    // A disk of this machine is only slow.
    guard BlockingWork.mayHang(at: folder) else { return await BlockingWork.run { Self.isThere(folder) } }
    return await BlockingWork.run(at: folder, atMost: Self.patience) { Self.isThere(folder) } ?? true
  }

  // MARK: - File systems that do not answer

  /// For an answer about a folder of another release.
  static let patience = Duration.seconds(5)

  /// Whether the watch gave up waiting for the file system on which this lies.
  func isHung(_ path: FilePath) -> Bool { hung.contains { path.starts(with: $0) } }

  /// What waited for its file system goes on.
  func answered(_ folder: FilePath) async {
    if hung.remove(folder) != nil { await schedule() }
  }

  /// Holds the jobs of a folder of drops if it is not there: all its files gone at once is never their deletion.
  func hold(_ store: FilePath) async {
    guard let release = place.release(at: store), !held.contains(release), !takenAway.contains(release),
      await !isThereOrHangs(store), await isKnown(release), !takenAway.contains(release),
      held.insert(release).inserted
    else { return }
    let shown = setup.volume.relative(store)
    troubles[store] = "\(shown) is gone: its jobs wait until it is back. \(Self.remedy(forHeld: release))"
    setup.log.warning("a folder of drops is gone, its jobs wait", metadata: ["folder": "\(shown)"])
    // It may have come back while it was found out that it is gone: nobody would tell it again.
    guard await isThereOrHangs(store) else { return }
    troubles[store] = nil
    await self.release(store)
  }

  /// Whether a release still has the name by which it is asked for.
  private func isKnown(_ release: String) async -> Bool {
    do { return try await setup.ledger.release(named: release) != nil } catch {
      complain(error, while: "looking for \(release)")
      return true
    }
  }

  private static func remedy(forHeld release: String) -> String {
    "Put it back, or let its jobs go: `farm kill \("\(release).jobs".quotedForShell) '*'`."
  }

  /// Why a job of a release is held; nil when its folder of drops is there. Its state stays as it is.
  func heldProblem(of release: String) -> Problem? {
    guard held.contains(release) else { return nil }
    let shown = setup.volume.relative(setup.volume.store(of: release))
    return Problem(
      .folderGone, cause: "\(shown) is gone, and the job is held until it is back",
      remedy: Self.remedy(forHeld: release))
  }

  /// Whether a job waits for its folder of drops, which may have gone this moment: then nothing is wrong with the job.
  func isHeld(_ job: JobName) async -> Bool {
    await hold(setup.volume.store(of: job.release))
    return held.contains(job.release)
  }

  /// Tells at a start which folders of drops are gone, and holds their jobs.
  func holdIfGone(_ release: String) async {
    let store = setup.volume.store(of: release)
    guard await !isThereOrHangs(store) else { return }
    do {
      let waits = try await setup.ledger.jobStates(in: release).values.contains { $0 != .removed }
      if waits { await hold(store) }
    } catch {
      complain(error, while: "looking for the jobs of \(release)")
    }
  }

  /// Jobs of a folder that is gone end as if their files were gone one by one; if they come back they are known again.
  func letGo(_ names: Set<JobName>, isDryRun: Bool) async throws -> [JobName] {
    let jobs = try await setup.ledger.jobs(adopted: true).filter { names.contains($0.name) && $0.state != .removed }
    guard !isDryRun else { return jobs.map(\.name) }
    for job in jobs {
      let place = setup.volume.root.appending(job.path)
      if unsettled[job.name]?.path == place { unsettled[job.name] = nil }
      await freeName(of: place)
      try await remove(job.name, at: place)
    }
    for release in Set(jobs.map(\.name.release)) {
      let store = setup.volume.store(of: release)
      setup.watcher.forget(filesOf: store)
      if try await setup.ledger.jobStates(in: release).values.allSatisfy({ $0 == .removed }) {
        held.remove(release)
        troubles[store] = nil
      }
      askForReview(of: release)
    }
    return jobs.map(\.name)
  }

  /// The folder is back: its jobs go on.
  private func release(_ store: FilePath) async {
    guard let name = place.release(at: store), held.remove(name) != nil else { return }
    setup.log.notice("a folder of drops is back", metadata: ["folder": "\(setup.volume.relative(store))"])
    // What could not be delivered from it is tried at once.
    harvestFailures.forget(in: name)
    askForReview(of: name)
    await schedule()
  }

  /// A file did not come back with its folder: its job waits for it, for nobody deleted it.
  func lost(_ path: FilePath) async {
    rejected[path] = nil
    guard let name = named(path) else { return }
    settledIsOver(path)
    do {
      guard let revision = try await setup.ledger.newestRevision(of: name),
        let job = try await setup.ledger.job(name), job.path == setup.volume.relative(path)
      else { return }
      if job.state == .superseded { return try await endWithoutSuccessor(name, at: path) }
      guard !revision.state.isFinal else { return }
      let problem = Problem(.fileGone, cause: "\(setup.volume.relative(path)) is gone")
      guard revision.state == .blocked else { return await block(revision, problem) }
      // Whatever else it lacks, its file goes first.
      guard revision.problem?.problemClass != .fileGone,
        try await setup.ledger.setProblem(ofBlocked: revision.id, problem)
      else { return }
      told("job.blocked", name, revision: revision.number, problem: problem)
      askForReview(of: name.release)
    } catch {
      complain(error, while: "holding \(name)")
    }
  }

  /// Ends a job that waits for a newer version of its file, which is gone from a folder that is there. If the file
  /// comes back, it is a new order.
  private func endWithoutSuccessor(_ name: JobName, at path: FilePath) async throws(StoreFailure) {
    guard await isThereOrHangs(path.removingLastComponent()), await !isThereOrHangs(path) else { return }
    try await remove(name, at: path)
    askForReview(of: name.release)
  }

  /// Whether a revision's file is not in its place, which explains whatever else was found wrong: then it waits for the
  /// file. What Blender renders lies beside it, and went with the same folder.
  func isLost(_ revision: Revision) async -> Bool {
    do {
      guard let job = try await setup.ledger.job(revision.name) else { return false }
      let path = setup.volume.root.appending(job.path)
      guard await !isThereOrHangs(path) else { return false }
      open[revision.id]?.hasSnapshot = false
      if await !isHeld(revision.name) { await lost(path) }
      return true
    } catch {
      complain(error, while: "looking for the file of \(revision.name)")
      return false
    }
  }

  // MARK: - Names that are taken

  /// Remembers whose name it is.
  /// - Returns: why it cannot be had.
  func takeName(of drop: Drop) async throws(FileFailure) -> Problem? {
    let store = drop.path.removingLastComponent()
    if let twin = await takeReleaseName(store.removingLastComponent()) { return twin }
    let key = FoldedName(drop.name)
    while let other = namesTaken[key], other != drop.path {
      if let there = try await fileStatus(at: other), there.fingerprint.inode != drop.fingerprint.inode {
        let shown = setup.volume.relative(other)
        return Problem(.badName, cause: "\(shown) has that name already: the two differ only in case or accents")
      }
      // A third one may have taken it meanwhile.
      if namesTaken[key] == other { break }
    }
    namesTaken[key] = drop.path
    return nil
  }

  /// Whose file is gone has no name any more; a twin that was refused may have it.
  func freeName(of path: FilePath) async {
    guard let name = named(path), namesTaken[FoldedName(name)] == path else { return }
    namesTaken[FoldedName(name)] = nil
    let twin = rejected.keys.first { other in named(other).map { FoldedName($0) == FoldedName(name) } ?? false }
    // Unreadable: its own look says so.
    guard let twin, let there = (try? await fileStatus(at: twin)) ?? nil else { return }
    claim(twin, settled: there.fingerprint)
  }

  /// - Parameter folder: of a release; any other has no twin.
  private func takeReleaseName(_ folder: FilePath) async -> Problem? {
    guard folder.removingLastComponent() == setup.volume.releases, let name = folder.lastComponent?.string else {
      return nil
    }
    let key = name.lowercased()
    if let other = releasesTaken[key], other != folder, await isThereOrHangs(other) {
      let shown = setup.volume.relative(folder)
      return Problem(
        .badName,
        cause: "\(shown) cannot be a release beside \(setup.volume.relative(other)): the names differ only "
          + "in case or accents", remedy: "Rename the folder.")
    }
    releasesTaken[key] = folder
    return nil
  }

  /// Reads whose names they are from the ledger.
  func rememberNames() async throws(StoreFailure) {
    for (name, path) in try await setup.ledger.jobPlaces() {
      namesTaken[FoldedName(name)] = setup.volume.root.appending(path)
      let folder = setup.volume.release(name.release)
      if name.release != NameRule.quick { releasesTaken[name.release.lowercased()] = folder }
    }
  }
}
