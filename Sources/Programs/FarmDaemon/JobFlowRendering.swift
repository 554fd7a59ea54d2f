import FarmModel
import FarmStore
import Preflight
import Rendering
import Segmentation
import SystemPackage
import VolumeFiles

/// From a queued revision to tasks, and what becomes of them; `JobFlowScheduling` says which is next.
extension JobFlow {
  func handOut(_ candidate: TaskChooser.Candidate) async {
    guard let revision = open[candidate.revision]?.revision else { return }
    do {
      guard let blender = try await boundBlender(of: revision) else { return }
      guard let now = open[revision.id], now.hasSnapshot, now.revision.blender?.isSameProgram(as: blender) == true
      else {
        // Beside the others: it takes long for a large file, and for ever on a file system that does not answer.
        if open[revision.id] != nil, preparing.insert(revision.id).inserted {
          errand.yield(.prepare(revision, blender))
        }
        return
      }
      let snapshot = try await snapshot(of: revision)
      guard let (part, frames) = nextFrames(of: revision) else { return }
      let (id, log) = try await setup.ledger.beginTask(
        revision: revision.id, part: part, frames: frames, logFolder: setup.state.logs(of: revision.name).string)
      let namingObject = try await setup.ledger.release(named: revision.name.release)?.order.namingObject
      if open[revision.id]?.revision.state == .queued { await move(revision, to: .active) }
      // From here to the engine nothing is waited for: what is superseded in between would run for ever.
      guard let now = open[revision.id]?.revision, now.state == .active, now.name == revision.name, !frames.isEmpty
      else {
        // While we waited it was superseded, killed or moved.
        return try await setup.ledger.endTask(id, as: .canceled, problem: nil)
      }
      let task = RenderTask(
        id: id, revision: revision.id, job: revision.name, frames: frames, blend: snapshot.path.string,
        original: snapshot.original.string, part: part, settings: revision.settings,
        trustsScripts: trusted.contains(snapshot.path), places: setup.places,
        spare: spare(of: revision), avoids: avoided(part, frames, of: revision.id),
        folder: setup.volume.work(ofRevision: revision.id).appending("\(id)").string,
        format: revision.format, blender: blender, log: log, usualFrameTime: open[revision.id]?.board.times.median,
        namingObject: namingObject)
      markActive(task)
      await setup.engine.submit(task)
    } catch {
      // The ledger's failure, which ends the run.
      complain(error, while: "handing out \(revision.name)")
      open[revision.id] = nil
    }
  }

  /// In a function of its own, so that nothing holds the board when it changes: it would be copied.
  private func nextFrames(of revision: Revision) -> (RenderPart, FrameSet)? {
    guard let open = open[revision.id] else { return nil }
    return segmenter.next(
      of: open.rests(without: heldForOthers(revision.id)), times: open.board.times, revision.settings,
      workers: abilities?.tasksAtOnce ?? 1)
  }

  /// What preflight found missing and not needed: for Blender all that is in the file is needed.
  private func spare(of revision: Revision) -> [String] {
    revision.notes.filter { $0.problemClass == .missingFile }.flatMap { $0.missing?.map(\.path) ?? [] }
  }

  /// Takes the snapshot of a revision, which is handed out then.
  func prepare(_ revision: Revision, _ blender: BlenderProgram) async {
    do {
      guard try await isAllOf(blender, revision.id) else {
        preparing.remove(revision.id)
        return
      }
      let snapshot = try await snapshot(of: revision)
      let promotion = Promotion(into: place(of: revision))
      try await BlockingWork.run(at: promotion.out) { () throws(RenderingFailure) in try promotion.check() }
      try await setup.ledger.bind(revision.id, blender: blender, snapshot: snapshot.name)
      open[revision.id]?.revision.blender = blender
      try await BlockingWork.run(at: snapshot.path) { () throws(RenderingFailure) in try snapshot.take() }
      if open[revision.id]?.revision.name == revision.name {
        open[revision.id]?.hasSnapshot = true
      } else {
        // While we waited it was superseded, killed or moved, and what that cleared away was made again.
        await BlockingWork.run(at: snapshot.path) { snapshot.remove() }
      }
    } catch let failure as RenderingFailure {
      // Of one that was moved meanwhile the file is gone, which is no news.
      if open[revision.id]?.revision.name == revision.name { await couldNotHandOut(revision, failure) }
    } catch {
      complain(error, while: "handing out \(revision.name)")
      open[revision.id] = nil
    }
    preparing.remove(revision.id)
    await schedule()
  }

  private func couldNotHandOut(_ revision: Revision, _ failure: RenderingFailure) async {
    complain(failure, while: "handing out \(revision.name)")
    open[revision.id]?.preparationFailed(at: setup.clock.now())
    if await isHeld(revision.name) { return }
    switch failure {
    case .changed:
      // An older revision than the one that waits for the file has no file to wait for.
      if await isLost(revision), await isNewest(revision) { return }
      // What lies there now settles by itself and becomes the next revision.
      if await move(revision, to: .superseded, problem: failure.problem) { await end(revision) }
    case .noSnapshot, .notPromoted:
      if failure.isTransient { return rest(failure.problem) }
      await block(revision, failure.problem)
    }
  }

  private func isNewest(_ revision: Revision) async -> Bool {
    do { return try await setup.ledger.newestRevision(of: revision.name)?.id == revision.id } catch {
      complain(error, while: "looking for the newest revision of \(revision.name)")
      return true
    }
  }

  /// What is rendered is a copy of what was dropped, made when the first task is handed out.
  func snapshot(of revision: Revision) async throws(StoreFailure) -> Snapshot {
    let path = try await setup.ledger.job(revision.name)?.path ?? ""
    return Snapshot(of: setup.volume.root.appending(path), digest: revision.digest, revision: revision.id)
  }

  /// Whether a revision that waited for its file's next save need not wait any longer.
  func isSomeFreeToBegin() -> Bool {
    let now = setup.clock.now()
    return open.values.contains { $0.isFreeToBegin(at: now) }
  }

  private func markActive(_ task: RenderTask) {
    open[task.revision]?.pace.begins(at: setup.clock.now())
    let party = open[task.revision]?.party ?? Turns.Party(release: task.job.release, owner: "")
    let expected = (task.usualFrameTime ?? .seconds(1)) * task.frames.frames.count
    turns.begin(party, expected: expected)
    running[task.id] = RunningTask(
      task: task, party: party, begun: setup.clock.now(), expected: expected, waiting: Set(task.frames.frames))
    open[task.revision]?.board.begin(task.part, task.frames)
    setup.events.tell(
      FarmEvent(
        at: setup.clock.now(), event: "task.active", release: task.job.release, job: task.job.job, task: task.id))
  }

  // MARK: - Reports

  /// Takes in what the engine tells.
  func take(_ report: EngineReport) async {
    defer { happenings += 1 }
    switch report {
    case .abilities(let able):
      await take(able)
    case .started(let id, let worker, let process):
      running[id]?.worker = worker
      if mayWaitForWorker { await schedule() }
      if let process { ownGroups.insert(process.pid) }
      do {
        try await setup.ledger.startTask(id, worker: worker, pid: process?.pid, startTicks: process?.startTicks)
      } catch {
        complain(error, while: "recording the process of task \(id)")
      }
    case .opened(let id, let scene):
      running[id]?.scene = scene
      await oweBeside(scene.nodes, task: id)
      await noted(scene.notes, task: id)
      await saw(scene.files, task: id)
    case .progress(let id, let frame, let part):
      let since = running[id]?.current.flatMap { $0.frame == frame ? $0.since : nil } ?? setup.clock.now()
      running[id]?.current = (frame, since, part)
    case .frame(let id, let frame):
      // Of a revision whose files are others by now; it is owed until another one is in its place.
      if let revision = running[id]?.task.revision, looks.isOutdated(revision) { return }
      guard running[id]?.waiting.remove(frame.frame) != nil else { return }
      running[id]?.current = nil
      running[id]?.checking += 1
      running[id]?.unchecked.append(frame)
      // Beside the others: the next frame may be done before this one is read, and is read with it then.
      if running[id]?.checking == 1 { errand.yield(.check(task: id)) }
    case .frameFailed(let id, let frame, let problem):
      guard let task = running[id] else { return }
      running[id]?.waiting.remove(frame)
      if problem.problemClass == .diskFull { rest(problem) }
      if isMoved(task.task) {
        return await failed([frame], of: task.task, Problem(.killed, cause: problem.cause))
      }
      if problem.problemClass == .missingFile, let revision = open[task.task.revision]?.revision {
        // What is shown at a frame may be known only there; it is owed still.
        await failed([frame], of: task.task, Problem(.killed, cause: problem.cause))
        return await block(revision, problem)
      }
      await failed([frame], of: task.task, problem)
      if problem.problemClass == .changedMeanwhile { renderAnew(task.task.revision, because: problem.cause) }
    case .noted(let id, let problem):
      let known = running[id].flatMap { open[$0.task.revision]?.revision.notes } ?? []
      // A handler that fails in each frame may do so with other words.
      if known.count(where: { $0.problemClass == problem.problemClass }) < Self.notesMax {
        await noted([problem], task: id)
      }
    case .ended(let id, let end):
      // Beside the others: promoting its last frames may have to wait for a file server.
      errand.yield(.ended(task: id, end))
    }
  }

  /// What File Output nodes write beside the frames of a task's part is owed as they are.
  private func oweBeside(_ nodes: [NodePicture], task id: Int64) async {
    guard !nodes.isEmpty, let task = running[id]?.task, let board = open[task.revision]?.board,
      open[task.revision]?.nodesKnown.insert(task.part).inserted == true
    else { return }
    let pictures = board.outputs.filter { $0.kind.part == task.part && $0.kind.node == nil }
    let beside = Segmentation.beside(
      pictures.map { OwedOutput(path: $0.path, frame: $0.frame, kind: $0.kind) }, nodes: nodes)
    let known = Set(board.outputs.map(\.path))
    guard beside.contains(where: { !known.contains($0.path) }) else { return }
    do {
      try await setup.ledger.owe(beside, of: task.revision)
      var outputs = try await setup.ledger.outputs(of: task.revision)
      guard let now = open[task.revision]?.board else { return }
      let states = Dictionary(now.outputs.map { ($0.id, $0) }) { first, _ in first }
      for index in outputs.indices { outputs[index] = states[outputs[index].id] ?? outputs[index] }
      open[task.revision]?.board = OutputBoard(outputs)
      for running in running.values where running.task.revision == task.revision {
        let frames = running.waiting.union(running.unchecked.map(\.frame))
        open[task.revision]?.board.begin(running.task.part, FrameSet(frames))
      }
    } catch {
      complain(error, while: "noting what is written beside the frames of \(task.job)")
    }
  }

  /// What Blender found in the file that the artist should know; told once a revision.
  func noted(_ notes: [Problem], task id: Int64) async {
    guard let revision = running[id].flatMap({ open[$0.task.revision]?.revision }) else { return }
    // Preflight may have said it already, with another remedy.
    let known = Set(revision.notes.map(\.cause))
    let new = notes.filter { !known.contains($0.cause) }
    guard !new.isEmpty else { return }
    open[revision.id]?.revision.notes += new
    for note in new { told("job.note", revision.name, revision: revision.number, problem: note) }
    do { try await setup.ledger.setNotes(of: revision.id, revision.notes + new) } catch {
      complain(error, while: "noting findings of \(revision.name)")
    }
  }

  func ended(_ id: Int64, _ end: TaskEnd) async {
    while running[id].map({ $0.checking > 0 }) == true, !isOver {
      await withCheckedContinuation { whenChecked.add($0) }
    }
    guard let task = running.removeValue(forKey: id) else { return }
    turns.took(task.party, setup.clock.now().since(task.begun), of: task.expected)
    let left = task.waiting.sorted()
    // Nothing comes back of it: the worker need not wait for its frames' last steps.
    if (end == .completed && left.isEmpty) || isWaitingForDisk(task.task.job.release) { await schedule() }
    await flush(task.task.job.release)
    var end = end
    if case .failed = end, isMoved(task.task) { end = .canceled }
    var state = TaskState.completed
    var problem: Problem?
    switch end {
    case .completed:
      let problem = Problem(.noOutput, cause: "Blender ended without rendering the frame")
      await failed(left, of: task.task, problem, on: task.worker)
    case .canceled:
      if task.isGivenElsewhere, let frame = task.current?.frame {
        let cause = "it took too long on \(task.worker ?? "a worker")"
        await failed([frame], of: task.task, Problem(.slowFrame, cause: cause), on: task.worker)
      }
      // What ended early for something more urgent did what it was left to do.
      state = task.isShortened && left.count < task.task.frames.frames.count ? .completed : .canceled
      await failed(left, of: task.task, Problem(.killed, cause: "the task was canceled"))
    case .failed(let cause, let frame):
      state = cause.problemClass.isFinal ? .failed : .softFailed
      problem = cause
      // A cause in the file, or a death before the first frame, is every frame's; a crash that of the frame it met.
      let isHeldUp = cause.problemClass.blocks && frame == nil
      let hit = isHeldUp ? [] : cause.problemClass.isFinal || frame == nil ? left : left.filter { $0 == frame }
      if cause.problemClass == .diskFull { rest(cause) }
      await failed(hit, of: task.task, cause, on: task.worker)
      await failed(
        left.filter { !hit.contains($0) }, of: task.task, Problem(.killed, cause: "the task ended before the frame"))
    }
    do { try await setup.ledger.endTask(id, as: state, problem: problem) } catch {
      complain(error, while: "recording the end of task \(id)")
    }
    setup.events.tell(
      FarmEvent(
        at: setup.clock.now(), event: "task.\(state.rawValue)", release: task.task.job.release, job: task.task.job.job,
        task: id, problem: problem))
    await removeTree(FilePath(task.task.folder))
    if case .failed(let cause, nil) = end, cause.problemClass.blocks, let revision = open[task.task.revision]?.revision,
      !(await isLost(revision)), !isMoved(task.task)
    {
      await block(revision, cause)
    }
    await advance(task.task.revision)
    await schedule()
  }

  /// Whether a job, or its release, got another name while a task of it ran: what the task did not find in the old
  /// place is no news.
  private func isMoved(_ task: RenderTask) -> Bool {
    open[task.revision].map { $0.revision.name != task.job } ?? false
  }

  /// Writes off one attempt at each of these frames; which of them are tried again is ``RetryRule``'s to say.
  /// - Parameter worker: where they failed; nil: on the one that has the task.
  func failed(
    _ frames: [FrameNumber], of task: RenderTask, _ problem: Problem, on worker: String? = nil
  ) async {
    guard !frames.isEmpty else { return }
    for frame in frames { workerFailed(frame, of: task, on: worker ?? running[task.id]?.worker, problem) }
    var changed: [Output] = []
    let outputs = frames.flatMap { open[task.revision]?.board[task.part, $0] ?? [] }
    for var output in outputs where output.state == .active {
      (output.state, output.attempts) = retries.verdict(attempts: output.attempts, problem: problem.problemClass)
      if problem.problemClass != .killed { output.problem = problem }
      open[task.revision]?.board.put(output)
      changed.append(output)
    }
    do { try await setup.ledger.update(changed) } catch { complain(error, while: "recording failed frames") }
    guard problem.problemClass != .killed else { return }
    for output in changed where output.kind.node == nil {
      setup.log.warning(
        "a frame failed",
        metadata: [
          "job": "\(task.job)", "frame": "\(output.frame)", "attempt": "\(output.attempts)",
          "problem": "\(problem.problemClass.rawValue): \(problem.cause)",
        ])
    }
  }

  /// Of a class, in a job.
  private static let notesMax = 3

  /// Why a job failed: what the first of its frames lacks that did not come, and which those are.
  private static func problem(of failed: [Output]) -> Problem {
    guard let first = failed.first else { return Problem(.renderError, cause: "frames failed") }
    let frames = FrameSet(Set(failed.map(\.frame)))
    let problem = first.problem ?? Problem(.renderError, cause: "no reason is known")
    let what = frames.count == 1 ? "frame \(frames)" : "frames \(frames), of which the first"
    return Problem(
      problem.problemClass, cause: "\(what): \(problem.cause)", remedy: problem.remedy, missing: problem.missing)
  }

  /// Looks whether a revision has all it owes, or can get no more.
  func advance(_ id: Int64) async {
    guard let revision = open[id], revision.revision.state.isRenderable, !looks.isDoubted(id) else { return }
    if revision.board.isDone {
      // All its frames may have come before it was queued once more.
      if revision.revision.state == .queued, !(await move(revision.revision, to: .active)) { return }
      if await move(revision.revision, to: .assembling) { errand.yield(.assemble(id)) }
    } else if revision.board.isOver {
      let failed = revision.board.outputs.filter { $0.state == .failed }
      let pictures = failed.filter { $0.kind.node == nil }
      let problem = Self.problem(of: pictures.isEmpty ? failed : pictures)
      let tiled = revision.board.failedPictures
      if await move(revision.revision, to: .failed, problem: problem, outputs: tiled) {
        await end(revision.revision)
      }
    }
  }

  // MARK: - Ending

  /// Removes snapshot and work folder.
  func clearAway(_ revision: Revision) async {
    do {
      let snapshot = try await snapshot(of: revision)
      await BlockingWork.run(at: snapshot.path) { snapshot.remove() }
      try await setup.ledger.forgetSnapshot(of: revision.id)
    } catch {
      complain(error, while: "removing the snapshot of \(revision.name)")
    }
    await removeTree(setup.volume.work(ofRevision: revision.id))
  }

  func removeTree(_ folder: FilePath) async {
    do throws(FileFailure) {
      try await BlockingWork.run(at: folder) { () throws(FileFailure) in try Placement.removeTree(folder) }
    } catch {
      complain(error, while: "clearing \(setup.volume.relative(folder))")
    }
  }
}
