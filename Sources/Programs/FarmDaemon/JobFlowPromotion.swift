import FarmModel
import FarmStore
import Rendering
import SystemPackage
import VolumeFiles

/// From a rendered frame to a checked one in `out/`, and from a full set of those to a completed job.
extension JobFlow {
  /// Checks a task's frames until none is left; good ones are promoted with the next group.
  func check(task id: Int64) async {
    while let (task, scene, frames) = takeUnchecked(id) {
      let checks = frames.map { frame in self.checks(of: frame, task, scene) }
      for (frame, (due, verdicts)) in zip(frames, zip(checks, await verdicts(on: checks, of: task))) {
        var good: [CheckedFrame] = []
        var bad: (file: FilePath, refusal: FrameRefusal)?
        for (check, verdict) in zip(due, verdicts) {
          switch verdict {
          case .failure(let refusal): bad = bad ?? (check.file, refusal.naming(check.output.kind))
          case .success(let picture): good.append(picture)
          }
        }
        // All that its rendering gave counts, or nothing.
        if let bad {
          await refused(bad.file, frame.frame, of: task, bad.refusal)
        } else {
          workerRendered(frame.frame, of: task)
          for (check, picture) in zip(due, good) { found(picture, as: check.output, frame, of: task) }
        }
      }
      running[id]?.checking -= frames.count
    }
    whenChecked.resume()
  }

  /// The frames of a task that came and were not looked at. Not with all that is known of the task: what is held here
  /// while further ones come would be copied for each of them.
  private func takeUnchecked(_ id: Int64) -> (task: RenderTask, scene: OpenedScene?, frames: [RenderedFrame])? {
    guard let task = running[id], !task.unchecked.isEmpty else { return nil }
    running[id]?.unchecked = []
    return (task.task, task.scene, task.unchecked)
  }

  /// A picture of a frame, and which output it is to be.
  private struct DueCheck {
    let file: FilePath
    let output: Output
    /// Nil: of a format that only oiiotool reads.
    let wanted: FrameCheck.Wanted?
  }

  private typealias Verdict = Result<CheckedFrame, FrameRefusal>

  private func verdicts(on checks: [[DueCheck]], of task: RenderTask) async -> [[Verdict]] {
    let pictures = pictures(of: task.revision, task.job)
    var verdicts = await BlockingWork.run {
      pictures.reading {
        checks.map { due in due.map { check in check.wanted.map { FrameCheck.check(check.file, as: $0) } } }
      }
    }
    for (frame, due) in checks.enumerated() {
      for (place, check) in due.enumerated() where check.wanted == nil {
        verdicts[frame][place] = await FrameCheck.checkForeign(check.file)
      }
    }
    return verdicts.map { $0.compactMap(\.self) }
  }

  /// What is to be checked of a frame: a picture for each output that its rendering owes.
  private func checks(of frame: RenderedFrame, _ task: RenderTask, _ scene: OpenedScene?) -> [DueCheck] {
    let (folder, part) = (FilePath(task.folder), task.part)
    return (open[task.revision]?.board[part, frame.frame] ?? []).filter { $0.state == .active }.map { output in
      let kind = output.kind
      let picture = frame.pictures.first { $0.view == kind.view && $0.node == kind.node }
      // One of which nothing was said is looked for in vain.
      let file = picture.map { FilePath($0.file) } ?? folder.appending("unsaid-\(output.id)")
      // A node writes what it is given, of any size.
      guard kind.node == nil else {
        let wanted = ImageFormat(ofFile: output.path).map { FrameCheck.Wanted($0) }
        return DueCheck(file: file, output: output, wanted: wanted)
      }
      let size = scene.map { part.tile?.rectangle(in: $0.size).size ?? $0.size }
      let wanted = FrameCheck.Wanted(task.format, size: size, channels: scene?.channels)
      return DueCheck(file: file, output: output, wanted: wanted)
    }
  }

  /// A picture that does not count is kept where people can look at it, and its frame rendered again.
  private func refused(
    _ file: FilePath, _ frame: FrameNumber, of task: RenderTask, _ refusal: FrameRefusal
  ) async {
    let aside = BadPicture(file, of: task, frame: frame, in: setup.volume)
    let problem = await BlockingWork.run { aside.put(because: refusal.problem) }
    if problem.problemClass == .diskFull { rest(problem) }
    await failed([frame], of: task, problem)
    if open[task.revision]?.board.isOwed(task.part, frame) == true {
      await tellOfBadPicture(of: frame, task, problem)
    }
  }

  /// It is rendered again, and then nothing else would show that it was. One is enough to have people look.
  private func tellOfBadPicture(of frame: FrameNumber, _ task: RenderTask, _ problem: Problem) async {
    let notes = open[task.revision]?.revision.notes ?? []
    guard problem.problemClass != .noOutput, problem.problemClass != .diskFull,
      !notes.contains(where: { $0.problemClass == problem.problemClass })
    else { return }
    let remedy = "Nothing when that works; else look at the picture and at `farm logs` of the job."
    let cause = "frame \(frame) is rendered again: \(problem.cause)"
    await noted([Problem(problem.problemClass, cause: cause, remedy: remedy)], task: task.id)
  }

  private func found(_ good: CheckedFrame, as output: Output, _ frame: RenderedFrame, of task: RenderTask) {
    let units = open[task.revision]?.board[task.part, frame.frame] ?? []
    guard var output = units.first(where: { $0.id == output.id }), output.state == .active else { return }
    output.state = .promoting
    output.attempts += 1
    output.size = good.size
    output.bytes = good.bytes
    output.file = good.identity
    output.facts = frame.facts
    output.facts?.looksDark = good.looksDark ? true : nil
    output.problem = nil
    if output.id == units.first?.id {
      // What is written beside it took no time of its own.
      output.renderMilliseconds = frame.renderMilliseconds
      output.peakBytes = frame.peakBytes
    }
    let release = task.job.release
    let isFirst = !checked.contains { $0.task.job.release == release }
    checked.append(CheckedOutput(output: output, frame: good, task: task))
    if isFirst { errand.yield(.flush(release: release)) }
  }

  /// Commits that a release's checked frames are about to be promoted, renames them, commits that they are. One at a
  /// time; returns when nothing that was checked before is left.
  ///
  /// After a crash the inode in the ledger tells whether the rename happened, so no promoted frame is rendered again.
  func flush(_ release: String) async {
    while flushing.contains(release) { await withCheckedContinuation { whenFlushed.add($0) } }
    let taken = checked.filter { $0.task.job.release == release }
    guard !taken.isEmpty else { return }
    let wasBehind = releasesBehind.contains(release)
    checked.removeAll { $0.task.job.release == release }
    flushing.insert(release)
    promotions.begin(taken.map(\.output))
    let group = await onDisk(taken)
    let revisions = Dictionary(taken.map { ($0.task.revision, $0.task.job) }) { first, _ in first }
    var refused: [Int64: Problem] = [:]
    var isOwedAgain = false
    do {
      try await setup.ledger.update(group.map(\.output))
      var settled: [Output] = []
      for revision in revisions.keys {
        settled += await promote(group.filter { $0.task.revision == revision }, of: revision)
      }
      try await setup.ledger.update(settled)
      for output in settled { put(output) }
      isOwedAgain = settled.contains { $0.state == .owed }
      for output in settled where output.problem?.problemClass == .notWritable {
        refused[output.revision] = output.problem
      }
    } catch {
      complain(error, while: "recording promoted frames")
    }
    promotions.end(taken.map(\.output))
    flushing.remove(release)
    whenFlushed.resume()
    for revision in revisions.keys { await advance(revision) }
    if wasBehind || isOwedAgain { await schedule() }
    for (id, problem) in refused {
      // Of one that was renamed meanwhile the old place is gone; it goes on in its new one.
      guard let revision = open[id]?.revision, revision.name == revisions[id], await !isHeld(revision.name) else {
        continue
      }
      await block(revision, problem)
    }
  }

  /// How many frames are brought to the disk side by side: the file system writes its journal once for them.
  private static let syncsAtOnce = 4

  /// Waits until checked frames are on the disk; those that cannot be are not among them afterwards.
  private func onDisk(_ group: [CheckedOutput]) async -> [CheckedOutput] {
    let refusals = await withTaskGroup(of: [(Int, FrameRefusal)].self) { tasks in
      for first in 0..<min(Self.syncsAtOnce, group.count) {
        let files = stride(from: first, to: group.count, by: Self.syncsAtOnce).map { ($0, group[$0].frame.file) }
        tasks.addTask {
          await BlockingWork.run { files.compactMap { place, file in FrameCheck.sync(file).map { (place, $0) } } }
        }
      }
      return await tasks.reduce(into: [Int: FrameRefusal]()) { all, some in
        for (place, refusal) in some { all[place] = refusal }
      }
    }
    for (place, refusal) in refusals {
      if refusal.problem.problemClass == .diskFull { rest(refusal.problem) }
      await failed([group[place].output.frame], of: group[place].task, refusal.problem)
    }
    return group.enumerated().filter { refusals[$0.offset] == nil }.map(\.element)
  }

  /// Renames the frames of one revision into place.
  /// - Returns: the outputs with their new states. Of a revision that was ended meanwhile they are owed: it may go on.
  private func promote(_ frames: [CheckedOutput], of id: Int64) async -> [Output] {
    // What is being delivered must not be moved away under the harvest.
    while let release = open[id]?.revision.name.release, harvesting.contains(release) {
      await withCheckedContinuation { whenHarvested.add($0) }
    }
    guard let revision = open[id] else { return frames.map(\.output.notPromoted) }
    let promotion = Promotion(into: setup.volume.out(of: revision.revision.name))
    let needsRoom = !revision.hasRoom && !revision.board.hasAnyDone
    let moves = frames.map { ($0.frame, $0.output.path) }
    let place = setup.volume.out(of: revision.revision.name).removingLastComponent()
    let (moved, device) = await BlockingWork.run(at: promotion.out) {
      () -> ([Result<FileIdentity, RenderingFailure>], Int64?) in
      let room = Result { () throws(RenderingFailure) in if needsRoom { try promotion.makeRoom() } }
      let moved = moves.map { frame, path in
        room.flatMap { Result { () throws(RenderingFailure) in try promotion.promote(frame, as: path) } }
      }
      return (moved, FrameFolder.device(of: place))
    }
    if moved.contains(where: { (try? $0.get()) != nil }) {  // Failures are told below.
      open[id]?.hasRoom = true
      promotions.saw(revision.revision.name.release, on: device)
    }
    return zip(moved, frames).map { result, pair in
      switch result {
      case .success(let file): promoted(pair.output, file)
      case .failure(let failure): notPromoted(pair.output, failure)
      }
    }
  }

  private func promoted(_ output: Output, _ file: FileIdentity) -> Output {
    restedFor = nil
    return output.promoted(file)
  }

  /// A frame that cannot be put into place is owed again; its job waits until waiting or a person has helped.
  private func notPromoted(_ output: Output, _ failure: RenderingFailure) -> Output {
    complain(failure, while: "promoting frame \(output.frame)")
    var output = output.notPromoted
    output.problem = failure.problem
    if failure.isTransient { rest(failure.problem) }
    return output
  }

  /// Puts an output's new state among its revision's.
  func put(_ output: Output) {
    guard open[output.revision]?.board.put(output) == true, output.state == .done, output.kind.isFrame,
      let revision = open[output.revision]?.revision
    else { return }
    setup.events.tell(
      FarmEvent(
        at: setup.clock.now(), event: "frame.done", release: revision.name.release, job: revision.name.job,
        revision: revision.number, frame: output.frame))
  }
}

extension FrameRefusal {
  /// What a node should have written is named.
  fileprivate func naming(_ kind: OutputKind) -> FrameRefusal {
    guard let node = kind.node else { return self }
    return FrameRefusal(
      problem: Problem(
        problem.problemClass, cause: "File Output node \(node): \(problem.cause)", remedy: problem.remedy))
  }
}
