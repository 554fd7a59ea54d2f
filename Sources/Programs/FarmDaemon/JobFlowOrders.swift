import FarmAPI
import FarmModel
import FarmStore
import Rendering
import Segmentation
import SystemPackage
import VolumeFiles

/// Jobs that are rendered again, or first of all, because a person wants it.
extension JobFlow {
  func renderAgain(_ request: AgainRequest, by person: String) async throws -> AgainAnswer {
    let answer = try await renderAgain(request)
    let deed = request.priority == nil ? Act.Deed.replaced : .seeded
    let frames = answer.frames.map { "frames \($0)" }
    try await setup.ledger.remember(
      [Act(person, deed, release: answer.job.release, job: answer.job.job, detail: frames)])
    return answer
  }

  private func renderAgain(_ request: AgainRequest) async throws -> AgainAnswer {
    defer { happenings += 1 }
    let job = try await job(named: request.job, among: setup.ledger.jobs(fitting: request.job))
    guard var revision = try await setup.ledger.newestRevision(of: job.name), job.state != .removed else {
      throw CommandFailure.fileGone(job.name)
    }
    if let priority = request.priority { try await prefer(job, priority) }
    if request.isAnyway { revision = try await renderingAnyway(revision) }
    switch request.what {
    case .all where request.isAnyway && revision.state == .queued:
      return AgainAnswer(job: job.name, revision: revision.number, frames: revision.frames)
    case .all:
      let answer = try await renderAll(of: job, revision)
      let now = try await setup.ledger.newestRevision(of: job.name)
      guard let now, now.state == .blocked else { return answer }
      throw CommandFailure.blocked(job.name, now.problem)
    case .asItIs:
      await schedule()
      return AgainAnswer(job: job.name, revision: revision.number, frames: nil)
    case .frames(let frames):
      let unknown = frames.frames.filter { !revision.frames.frames.contains($0) }
      guard unknown.isEmpty else { throw CommandFailure.noFrames(job.name, FrameSet(unknown), of: revision.frames) }
      return try await pickUp(of: revision) { frames.frames.contains($0.frame) }
    case .missing: return try await pickUp(of: revision, where: isMissing(revision))
    case .bad: return try await pickUp(of: revision, where: isBad(revision))
    }
  }

  /// Has a revision rendered without what is missing; one that waits for it waits no longer.
  func renderingAnyway(_ revision: Revision) async throws(StoreFailure) -> Revision {
    var revision = revision
    revision.settings.onMissing = .warn
    try await setup.ledger.setSettings(of: revision.id, revision.settings)
    open[revision.id]?.revision.settings = revision.settings
    guard revision.state == .blocked, revision.problem?.problemClass == .missingFile else { return revision }
    lacks.remove(revision.id)
    await inspectAgain(revision, isAnyway: true)
    return try await setup.ledger.newestRevision(of: revision.name) ?? revision
  }

  /// Puts a job before or behind others, whatever its release's priority is.
  private func prefer(_ job: Job, _ priority: Int) async throws(StoreFailure) {
    try await setup.ledger.setPriority(of: job.id, priority)
    for id in open.keys where open[id]?.revision.job == job.id { open[id]?.priority = priority }
  }

  /// The same bytes as a new revision, by what their inspection says now: everything is rendered again. Where the file
  /// is another by now, or cannot be read, by what it said before: its snapshot finds that out.
  /// - Parameters:
  ///   - isPaced: whether it waits as a job does that is saved again and again; what a person orders does not.
  ///   - pause: how long it waits at least.
  @discardableResult
  func renderAll(
    of job: Job, _ before: Revision, isPaced: Bool = false, pause: Duration = .zero
  ) async throws -> AgainAnswer {
    if let now = try await inspection(of: before), now.isUnderstood {
      return try await renderAll(of: now, insteadOf: before, pause: isPaced ? pause : nil)
    }
    guard !before.frames.frames.isEmpty else { throw CommandFailure.blocked(job.name, before.problem) }
    let owed = try await setup.ledger.outputs(of: before.id).map {
      OwedOutput(path: $0.path, frame: $0.frame, kind: $0.kind)
    }
    let (revision, superseded) = try await setup.ledger.record(
      NewRevision(
        name: job.name, path: job.path, owner: job.owner, digest: before.digest, state: .queued, frames: before.frames,
        format: before.format, scene: before.scene, settings: before.settings, notes: before.notes,
        savedBy: before.savedBy, problem: nil,
        // What lay here before the farm owed nothing.
        outputs: owed.isEmpty ? Segmentation(before.frames, of: before.scene, format: before.format).outputs : owed,
        files: setup.ledger.dependencies(of: before.id, areSeen: false)), known: nil)
    var pace = isPaced ? SavePace(after: superseded.compactMap { open[$0.id]?.pace }) : SavePace()
    pace.wait(pause, from: setup.clock.now())
    await endSuperseded(superseded)
    told("job.queued", job.name, revision: revision.number)
    askForReview(of: job.name.release)
    await opened(revision, pace: pace)
    await schedule()
    return AgainAnswer(job: job.name, revision: revision.number, frames: revision.frames)
  }

  // MARK: - Some frames

  /// Renders some frames of a revision again; those that nobody has to render already are passed over.
  func pickUp(of revision: Revision, where isMeant: (Output) -> Bool) async throws -> AgainAnswer {
    guard revision.state != .assembling else { throw CommandFailure.beingAssembled(revision.name) }
    await flush(revision.name.release)
    await beginHarvesting(revision.name.release)
    defer { endHarvesting(revision.name.release) }
    let outputs = try await setup.ledger.outputs(of: revision.id)
    let unwanted = outputs.filter { revision.state == .canceled && !$0.state.isDone && !isMeant($0) }
    guard unwanted.isEmpty else {
      throw CommandFailure.killedBefore(revision.name, FrameSet(Set(unwanted.map(\.frame))))
    }
    var again = outputs.filter { output in
      ((output.state.isDone && output.state != .assembled) || output.state == .failed) && isMeant(output)
    }
    for index in again.indices { again[index].oweAnew() }
    guard !again.isEmpty else { return AgainAnswer(job: revision.name, revision: revision.number, frames: nil) }
    gone.remove(revision.id)
    if open[revision.id] == nil {
      await requeue(try await setup.ledger.revision(revision.id), owing: again)
    } else {
      let again = try await withTiles(again, of: revision.id)
      try await setup.ledger.update(again)
      for output in again { put(output) }
      await schedule()
    }
    let frames = FrameSet(again.map(\.frame))
    return AgainAnswer(job: revision.name, revision: revision.number, frames: frames)
  }

  /// Where a picture of a revision lies now: in `dist/` once it was delivered, unless it was rendered again since.
  func places(of revision: Revision) async throws(StoreFailure) -> (Output) -> FilePath {
    let delivered = try await setup.ledger.deliveries(ofJob: revision.job).map { ($0.output.id, $0.delivery.path) }
    let paths = Dictionary(delivered) { first, _ in first }
    let (root, out) = (setup.volume.root, setup.volume.out(of: revision.name))
    return { output in
      let delivered = output.state == .harvested ? paths[output.id] : nil
      return delivered.map { root.appending($0) } ?? out.appending(output.path)
    }
  }

  /// What is not seen is missing only if its folder is there.
  func refuseIfAway(_ revision: Revision) async throws {
    if let doubt = try await doubt(aboutFramesOf: revision) { throw CommandFailure.folderAway(revision.name, doubt) }
  }

  private func isMissing(_ revision: Revision) async throws -> (Output) -> Bool {
    let place = try await places(of: revision)
    let outputs = try await setup.ledger.outputs(of: revision.id).map { ($0.id, place($0)) }
    let missing = await BlockingWork.run {
      // Unreadable: it is there.
      Set(outputs.filter { (try? FileStatus(at: $0.1)) == .some(nil) }.map(\.0))
    }
    if !missing.isEmpty { try await refuseIfAway(revision) }
    return { $0.state == .failed || missing.contains($0.id) }
  }

  private func isBad(_ revision: Revision) async throws -> (Output) -> Bool {
    try await refuseIfAway(revision)
    let place = try await places(of: revision)
    var bad: Set<Int64> = []
    for output in try await setup.ledger.outputs(of: revision.id) where ![.assembled, .purged].contains(output.state) {
      if await problem(at: place(output), as: output, of: revision) != nil { bad.insert(output.id) }
    }
    return { $0.state == .failed || bad.contains($0.id) }
  }
}
