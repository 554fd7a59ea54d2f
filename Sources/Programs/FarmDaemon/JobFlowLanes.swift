import FarmModel
import FarmStore
import FolderWatch
import Rendering
import SystemPackage
import VolumeFiles

/// What is done beside everything else, because the file system of one release may not answer.
extension JobFlow {
  /// How long others wait for a step of one release, so that healthy releases keep the order of their changes.
  private static let stepMax = Duration.seconds(2)
  /// After so long a step counts as held up by its file system, and nothing waits for it.
  private static let heldUpAfter = Duration.seconds(30)

  /// Whether nothing of a release is begun, because the file system of its folder does not answer.
  func isWaitingForDisk(_ release: String) -> Bool {
    let store = setup.volume.store(of: release)
    return isHung(store) || BlockingWork.isStuck(at: store) || isHung(setup.volume.release(release))
  }

  /// How a file is now, asked beside the actor.
  func fileStatus(at path: FilePath, followsLinks: Bool = false) async throws(FileFailure) -> FileStatus? {
    try await BlockingWork.run(at: path) { () throws(FileFailure) in
      try FileStatus(at: path, followsLinks: followsLinks)
    }
  }

  // MARK: - Changes

  /// Takes in a change, and waits for what it needs of its release's disk only for a moment.
  func takeInOrder(_ change: FolderChange) async {
    guard let release = release(of: change) else { return await take(change) }
    guard !lanes.isBusy(release) else { return lanes.add(.change(change), to: release) }
    switch change {
    case .unsettled, .settled, .unchanged, .barrier, .troubled: return await take(change)
    case .refused, .stalled, .vanished, .lost, .folderFound, .folderGone: break
    }
    begin(release, .change(change))
    let begun = ContinuousClock.now
    while lanes.isBusy(release), !isOver, !isWaitingForDisk(release), ContinuousClock.now - begun < Self.stepMax {
      await withCheckedContinuation { whenStepped.add($0) }
    }
  }

  /// The release in whose folders something changed; nil: the change is of none, or is to be taken in at once.
  private func release(of change: FolderChange) -> String? {
    let path: FilePath
    switch change {
    case .barrier, .troubled: return nil
    case .folderFound(let folder), .folderGone(let folder): path = folder
    case .unsettled, .settled, .unchanged, .refused, .stalled, .vanished, .lost:
      guard let file = change.file else { return nil }
      path = file
    }
    let parts = below(path).components.map(\.string)
    if path.starts(with: setup.volume.quick) { return NameRule.quick }
    return path.starts(with: setup.volume.releases) && parts.count > 1 ? parts[1] : nil
  }

  func begin(_ release: String, _ step: ReleaseLanes.Step) {
    let number = claims.beginReading(setup.volume.store(of: release))
    lanes.begin(release, step, number: number, at: .now)
    errand.yield(.lane(release))
  }

  func runLane(of release: String) async {
    while let step = lanes.next(of: release, at: .now) {
      switch step {
      case .recover: await recover(release)
      case .change(let change): await take(change)
      }
      whenStepped.resume()
    }
    if let number = lanes.end(release) { finishedReading(number) }
    whenStepped.resume()
  }

  /// Waits for the recovery of every release whose file system answers.
  func recovered() async {
    let begun = ContinuousClock.now
    while !lanes.recovering.isEmpty, !isOver, ContinuousClock.now - begun < Self.stepMax {
      await withCheckedContinuation { whenStepped.add($0) }
    }
  }

  func recovered(_ release: String) async {
    while lanes.recovering.contains(release), !isOver { await withCheckedContinuation { whenStepped.add($0) } }
  }

  // MARK: - What does not answer

  /// Once a second: barriers wait no longer for what is held up, and what was held up goes on when it is answered.
  func lookAtDisks() async {
    whenStepped.resume()
    if archivings.count > 1 { whenArchived.resume() }
    let slow = lanes.slow(after: Self.heldUpAfter, at: .now)
    var held = Set(slow.map(\.number))
    if !hung.isEmpty { held.formUnion(claims.unfinished { isHung($0) }) }
    letGo(held)
    for (release, _) in slow where lanes.recovering.contains(release) { tellNotRecovered(release) }
    let isStuck = BlockingWork.isAnyStuck
    // Places that were taken by what is held up are free, or what was held up may go on.
    if isStuck || wasStuck || !preparing.isEmpty { await schedule() }
    wasStuck = isStuck
  }

  private func tellNotRecovered(_ release: String) {
    let folder = setup.volume.release(release)
    let text =
      "what the last run of farmd left in \(setup.volume.relative(folder)) cannot be put in order: its file system "
      + "does not answer, and its jobs wait until it does. Look at the file server (`mount`, `df`)."
    if troubles.updateValue(text, forKey: folder) != text { setup.log.error("\(text)") }
  }

  /// Ends the tasks of a folder that does not answer: they would keep their places for as long.
  func cancelTasks(below folder: FilePath) {
    let tasks = running.values.map(\.task).filter { task in
      folder.starts(with: setup.volume.release(task.job.release)) || FilePath(task.blend).starts(with: folder)
    }
    guard !tasks.isEmpty else { return }
    setup.log.warning(
      "tasks are ended, for their files cannot be read; their frames are rendered when they can",
      metadata: ["folder": "\(setup.volume.relative(folder))", "tasks": "\(tasks.map(\.id))"])
    errand.yield(.cancel(Set(tasks.map(\.id))))
  }

  // MARK: - Ending

  /// Ends what runs of a revision and clears away what only it needed. Its state in the ledger is the caller's.
  /// - Parameter waits: whether to wait for that, though not for ever. Loops that serve all releases do not.
  func end(_ revision: Revision, waits: Bool = true) async {
    gone.insert(revision.id)
    looks.forget(revision.id)
    restingWorkers.forget(revision.id)
    open[revision.id] = nil
    lacks.remove(revision.id)
    clearing[revision.id, default: 0] += 1
    errand.yield(.clear(revision, Set(running.filter { $0.value.task.revision == revision.id }.keys)))
    let begun = ContinuousClock.now
    while waits, clearing[revision.id] != nil, !isOver, !isWaitingForDisk(revision.name.release),
      ContinuousClock.now - begun < Self.patience
    {
      await withCheckedContinuation { whenStepped.add($0) }
    }
  }

  func clear(_ revision: Revision, _ tasks: Set<RenderTask.ID>) async {
    await setup.engine.cancel(tasks)
    await clearAway(revision)
    clearing[revision.id] = clearing[revision.id].flatMap { $0 > 1 ? $0 - 1 : nil }
    whenStepped.resume()
    await schedule()
  }
}
