import FarmAPI
import FarmModel
import FarmStore
import FolderWatch
import Intake
import Rendering
import SystemPackage
import VolumeFiles

/// The files besides the `.blend` from which pictures come: all frames of a revision see the same, and when one
/// changes, exactly the jobs that depend on it are rendered again, or their release is stale.
extension JobFlow {
  /// What Blender found when it opened a revision; a later task of it has to find the same.
  func saw(_ files: [SeenFile], task id: Int64) async {
    guard let revision = running[id]?.task.revision, open[revision] != nil else { return }
    do {
      let before = try await setup.ledger.dependencies(of: revision)
      if before.isEmpty {
        guard !files.isEmpty else { return }
        let named = try await setup.ledger.dependencies(of: revision, areSeen: false)
        try await setup.ledger.setDependencies(of: revision, files)
        errand.yield(.follow(files))
        // It was inspected with another version of a library, or of a picture that may be half there.
        if SeenFile.isChanged(from: named, to: files), let opened = open[revision]?.revision {
          looks.doubt(revision)
          errand.yield(.inspectAgain(opened))
        }
      } else if let changed = SeenFile.firstChange(from: before, to: files) {
        renderAnew(
          revision, because: "\(setup.volume.relative(FilePath(changed))) changed after the first frames")
      }
    } catch {
      complain(error, while: "noting what a revision depends on")
    }
  }

  /// Begins a revision's job again from its first frame: frames of two versions of a file never mix. Until then nothing
  /// of it counts. Beside the reports: the file is inspected, and its disk may not answer.
  func renderAnew(_ id: Int64, because cause: String) {
    guard let revision = open[id]?.revision, looks.outdate(id) else { return }
    errand.yield(.renderAnew(revision, because: cause))
  }

  func carryOutRenderingAnew(_ revision: Revision, because cause: String) async {
    defer { looks.forget(revision.id) }
    do {
      guard let job = try await setup.ledger.job(revision.name) else { return }
      try await restart(job, revision.id, because: cause)
    } catch {
      complain(error, while: "beginning \(revision.name) anew")
    }
  }

  /// Renders a job again; one that was not finished yet waits the longer the more often that happens.
  private func restart(_ job: Job, _ id: Int64, because cause: String) async throws {
    guard let revision = try await setup.ledger.newestRevision(of: job.name), revision.id == id,
      restarted.insert(id).inserted
    else { return }
    let isUnfinished = !revision.state.isFinal
    let pause = isUnfinished ? refreshPaces[job.name, default: RefreshPace()].restart() : .zero
    setup.log.notice(
      "a job begins anew",
      metadata: ["job": "\(job.name)", "because": "\(cause)", "in": "\(pause.spelled)"])
    let answer = try await renderAll(of: job, revision, isPaced: true, pause: pause)
    // Renamed meanwhile: the change is found again before the job is completed.
    if answer.revision == revision.number { restarted.remove(id) }
  }

  // MARK: - Following

  /// Follows all files on which jobs depend, and no others: jobs of an earlier run came, and some are over by now.
  func followAll() async {
    let before = followedFiles
    do {
      let needed = try await setup.ledger.dependencies() + lacks.paths
      unfollow(before.subtracting(needed.map(ExactText.init)))
      await follow(needed)
    } catch {
      complain(error, while: "following what jobs depend on")
    }
  }

  private func unfollow(_ files: Set<ExactText>) {
    guard !files.isEmpty else { return }
    followedFiles.subtract(files)
    var dropped: Set<FilePath> = []
    for (place, lie) in followed where !lie.isDisjoint(with: files) {
      let left = lie.subtracting(files)
      followed[place] = left.isEmpty ? nil : left
      if left.isEmpty { dropped.insert(place) }
    }
    setup.watcher.unfollow(dropped)
  }

  /// Follows what a revision is rendered from.
  func follow(_ files: [SeenFile]) async {
    await follow(files.map(\.path))
    do {
      for file in files {
        // What was followed before is not told anew, and may have changed before this revision came.
        let known = try await setup.ledger.dependencyFile(at: file.path)?.0
        if let known, !known.isAs(file) { errand.yield(.lookAtDependency(file.path)) }
      }
    } catch {
      complain(error, while: "following what a job depends on")
    }
  }

  /// Has the watch tell of these files too.
  func follow(_ files: [String]) async {
    // What is a place on another machine is nowhere here.
    let new = files.filter { FilePath($0).isAbsolute && followedFiles.insert(ExactText($0)).inserted }
    guard !new.isEmpty else { return }
    let places = await BlockingWork.run(atMost: Self.patience) { new.map { Self.places(of: FilePath($0)) } }
    // A file server that does not answer: where they are said to lie.
    let lie = places ?? new.map { [FilePath($0)] }
    for (file, lies) in zip(new, lie) {
      for place in lies { followed[place, default: []].insert(ExactText(file)) }
    }
    setup.watcher.follow(lie.reduce(into: []) { $0.formUnion($1) })
  }

  /// Where a file lies, or will lie, when no link leads there; of each link on the way too, for it may be set anew.
  private static func places(of path: FilePath) -> Set<FilePath> {
    guard let name = path.lastComponent else { return [] }
    let own = RealPath.asFarAsThere(path.removingLastComponent()).appending(name)
    return Set([own, RealPath.of(path) ?? own] + RealPath.links(on: path))
  }

  /// Takes in what the watch tells of a file on which jobs depend.
  /// - Returns: whether it is no drop, so that there is no more to it.
  func takeDependency(_ change: FolderChange) -> Bool {
    guard let path = change.file else { return false }
    let files = (followed[path] ?? []).map(\.text)
    for file in files { lacks.tell(of: file) }
    switch change {
    // What is gone stops nothing: it may come back in a moment.
    case .settled, .refused: for file in files { errand.yield(.lookAtDependency(file)) }
    default: break
    }
    guard !path.isPlan, let name = path.lastName else { return false }
    return !(DropPlace.isDrop(name) || path.isSidecar) || place.release(at: path.removingLastComponent()) == nil
  }

  /// Looks whether a file on which jobs depend is another, and sees to it that they follow.
  func lookAtDependency(_ path: String) async {
    do {
      guard let file = await BlockingWork.run({ Self.look(at: path) }) else { return }
      let known = try await setup.ledger.dependencyFile(at: path)
      if known?.0 != file {
        // Changed while it was read: told again.
        guard let digest = await digest(of: path, asIt: file) else { return }
        try await setup.ledger.setDependencyFile(
          at: path, file, digest, sameAs: known?.1 == digest ? known?.0 : nil)
      }
      try await refresh(setup.ledger.dependents(on: path, otherThan: file), after: path)
    } catch {
      complain(error, while: "looking at a file on which jobs depend")
    }
  }

  private static func look(at path: String) -> Fingerprint? {
    // Unreadable: as if it were gone.
    (try? FileStatus(at: FilePath(path), followsLinks: true)).flatMap(\.self)?.fingerprint
  }

  /// Nil when it changed meanwhile. One on which the daemon died is not read: it counts as another than before.
  private func digest(of path: String, asIt was: Fingerprint) async -> Digest? {
    await BlockingWork.run { [crashes = setup.crashes] in
      guard let real = RealPath.of(FilePath(path)) else { return nil }
      if crashes.isRejected(real, was) { return FileDigest.of(Array("\(was)".utf8)) }
      // Unreadable: as if it changed.
      let digest = crashes.reading(real, was, .dependency) { try? FileDigest.of(real) }
      return Self.look(at: path) == was ? digest : nil
    }
  }

  // MARK: - What follows from a change

  /// Side by side, so that they share the ledger's commits.
  private func refresh(_ dependents: [Dependent], after path: String) async throws {
    let shown = setup.volume.relative(FilePath(path))
    let finished = dependents.filter { $0.job.state.isFinal }
    let cost = Duration.milliseconds(finished.reduce(0) { $0 + $1.renderMilliseconds })
    let rule = RefreshRule(limit: setup.config.autoRefreshLimit)
    let releases = Dictionary(try await setup.ledger.releases().map { ($0.name, $0) }) { first, _ in first }
    let verdicts = dependents.map { dependent in
      releases[dependent.job.name.release].map {
        rule.verdict(
          for: dependent.job.state, isDelivered: dependent.isDelivered, isSeen: dependent.isSeen, of: $0, cost: cost)
      }
    }
    for (dependent, verdict) in zip(dependents, verdicts) where verdict == .inspect {
      let newest = try await setup.ledger.newestRevision(of: dependent.job.name)
      if let newest, newest.id == dependent.revision { errand.yield(.inspectAgain(newest)) }
    }
    try await withThrowingDiscardingTaskGroup { group in
      for (dependent, verdict) in zip(dependents, verdicts) where verdict == .render {
        group.addTask { try await self.restart(dependent.job, dependent.revision, because: "\(shown) changed") }
      }
    }
    let stale = zip(dependents, verdicts).filter { $0.1 == .stale && !$0.0.isStale }.map(\.0.job)
    guard !stale.isEmpty else { return }
    let isDear = cost > rule.limit
    try await setup.ledger.setStale(
      stale.map(\.id), because: StaleCause(file: shown, at: setup.clock.now(), cost: isDear ? cost : nil))
    setup.log.notice("delivered jobs are stale", metadata: ["file": "\(shown)", "jobs": "\(stale.count)"])
    for release in Set(stale.map(\.name.release)) { askForReview(of: release) }
  }

  /// Begins a revision anew that is about to be called completed, when a file is another than it was rendered from.
  /// - Returns: whether it did.
  func isOutdated(_ revision: Revision) async throws -> Bool {
    guard let changed = try await changeSince(revision, orGone: false),
      let job = try await setup.ledger.job(revision.name)
    else { return false }
    try await restart(job, revision.id, because: "\(setup.volume.relative(FilePath(changed))) changed")
    return true
  }

  // MARK: - farm refresh release

  func refresh(_ request: RefreshRequest, by person: String) async throws -> RefreshAnswer {
    guard try await setup.ledger.release(named: request.release) != nil else {
      throw try await unknown(release: request.release)
    }
    var refreshed: [RefreshAnswer.Line] = []
    for job in try await setup.ledger.jobs(in: request.release, adopted: false) where job.state == .completed {
      guard let revision = try await setup.ledger.newestRevision(of: job.name), revision.number == job.revision,
        let changed = try await changeSince(revision, orGone: true)
      else { continue }
      if !request.isDryRun { try await renderAll(of: job, revision) }
      refreshed.append(RefreshAnswer.Line(job: job.name, changed: setup.volume.relative(FilePath(changed))))
    }
    if !request.isDryRun, !refreshed.isEmpty {
      try await setup.ledger.remember([Act(person, .refreshed, release: request.release)])
    }
    return RefreshAnswer(release: request.release, jobs: refreshed, isDryRun: request.isDryRun)
  }

  /// A file from which a revision was rendered and that is another by now.
  /// - Parameter orGone: or is not there.
  private func changeSince(_ revision: Revision, orGone: Bool) async throws(StoreFailure) -> String? {
    for file in try await setup.ledger.dependencies(of: revision.id) {
      let now = await BlockingWork.run { Self.look(at: file.path) }
      if now?.isAs(file) == true { continue }
      if now == nil && (!orGone || !file.isKnown) { continue }
      // Known as it was rendered, and not looked at since: the same bytes may have been saved again.
      guard let now, let known = try await setup.ledger.dependencyFile(at: file.path), known.0.isAs(file),
        await digest(of: file.path, asIt: now) == known.1
      else { return file.path }
    }
    return nil
  }
}

extension Fingerprint {
  /// Whether it is the file that Blender saw, as far as Blender tells.
  fileprivate func isAs(_ seen: SeenFile) -> Bool {
    size == seen.size && mtimeNanoseconds == seen.mtimeNanoseconds
  }
}
