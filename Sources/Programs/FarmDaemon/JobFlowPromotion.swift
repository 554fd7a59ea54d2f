import Assembly
import FarmModel
import FarmStore
import Rendering
import SystemPackage
import VolumeFiles

/// From a rendered frame to a checked one in `out/`, and from a full set of those to a completed job.
extension JobFlow {
  /// Checks a task's frames until none is left; good ones are promoted with the next group.
  func check(task id: Int64) async {
    while let task = running[id], !task.unchecked.isEmpty {
      running[id]?.unchecked = []
      let (frames, size, format) = (task.unchecked, task.size, task.task.format)
      let verdicts = await BlockingWork.run {
        frames.map { FrameCheck.check(FilePath($0.file), format: format, size: size) }
      }
      for (frame, verdict) in zip(frames, verdicts) {
        switch verdict {
        case .failure(let refusal): await refused(frame, of: task.task, refusal)
        case .success(let good): found(good, frame, of: task.task)
        }
      }
      running[id]?.checking -= frames.count
    }
    whenChecked.resume()
  }

  /// A picture that does not count is kept where people can look at it, and rendered again.
  private func refused(_ frame: RenderedFrame, of task: RenderTask, _ refusal: FrameRefusal) async {
    let aside = BadPicture(FilePath(frame.file), of: task, frame: frame.frame, in: setup.volume)
    let problem = await BlockingWork.run { aside.put(because: refusal.problem) }
    await failed([frame.frame], of: task, problem)
  }

  private func found(_ good: CheckedFrame, _ frame: RenderedFrame, of task: RenderTask) {
    guard var output = open[task.revision]?.board[frame.frame], output.state == .active else { return }
    output.state = .promoting
    output.attempts += 1
    output.size = good.size
    output.bytes = good.bytes
    output.file = good.identity
    output.renderMilliseconds = frame.renderMilliseconds
    output.facts = frame.facts
    output.problem = nil
    let peaks = [frame.peakBytes, open[task.revision]?.peakBytes].compactMap { $0 }
    open[task.revision]?.peakBytes = peaks.max()
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
    checked.removeAll { $0.task.job.release == release }
    flushing.insert(release)
    let group = await onDisk(taken)
    let revisions = Set(taken.map(\.task.revision))
    var refused: [Int64: Problem] = [:]
    do {
      try await setup.ledger.update(group.map(\.output))
      var settled: [Output] = []
      for revision in revisions {
        settled += await promote(group.filter { $0.task.revision == revision }, of: revision)
      }
      try await setup.ledger.update(settled)
      for output in settled { put(output) }
      for output in settled where output.problem?.problemClass == .notWritable {
        refused[output.revision] = output.problem
      }
    } catch {
      complain(error, while: "recording promoted frames")
    }
    flushing.remove(release)
    whenFlushed.resume()
    for revision in revisions { await advance(revision) }
    for (id, problem) in refused {
      if let revision = open[id]?.revision { await block(revision, problem) }
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
      await failed([group[place].output.frame], of: group[place].task, refusal.problem)
    }
    return group.enumerated().filter { refusals[$0.offset] == nil }.map(\.element)
  }

  /// Renames the frames of one revision into place.
  /// - Returns: the outputs with their new states; none when the revision was ended meanwhile.
  private func promote(_ frames: [CheckedOutput], of id: Int64) async -> [Output] {
    // What is being delivered must not be moved away under the harvest.
    while let release = open[id]?.revision.name.release, harvesting.contains(release) {
      await withCheckedContinuation { whenHarvested.add($0) }
    }
    guard let revision = open[id] else { return [] }
    let promotion = Promotion(into: setup.volume.out(of: revision.revision.name))
    let needsRoom = !revision.hasRoom && revision.board.doneCount == 0
    let moves = frames.map { ($0.frame, $0.output.path) }
    let moved = await BlockingWork.run { () -> [Result<FileIdentity, RenderingFailure>] in
      let room = Result { () throws(RenderingFailure) in if needsRoom { try promotion.makeRoom() } }
      return moves.map { frame, path in
        room.flatMap { Result { () throws(RenderingFailure) in try promotion.promote(frame, as: path) } }
      }
    }
    if moved.contains(where: { (try? $0.get()) != nil }) { open[id]?.hasRoom = true }  // Failures are told below.
    return zip(moved, frames).map { result, pair in
      switch result {
      case .success(let file): promoted(pair.output, file)
      case .failure(let failure): notPromoted(pair.output, failure)
      }
    }
  }

  private func promoted(_ output: Output, _ file: FileIdentity) -> Output {
    var output = output
    output.state = .done
    output.file = file
    return output
  }

  /// A frame that cannot be put into place is owed again; its job waits until waiting or a person has helped.
  private func notPromoted(_ output: Output, _ failure: RenderingFailure) -> Output {
    complain(failure, while: "promoting frame \(output.frame)")
    var output = output
    output.problem = failure.problem
    output.state = .owed
    output.attempts -= 1
    if failure.isTransient { rest(failure.problem) }
    return output
  }

  /// Puts an output's new state among its revision's.
  func put(_ output: Output) {
    guard open[output.revision]?.board.put(output) == true, output.state == .done,
      let revision = open[output.revision]?.revision
    else { return }
    setup.events.tell(
      FarmEvent(
        at: setup.clock.now(), event: "frame.done", release: revision.name.release, job: revision.name.job,
        revision: revision.number, frame: output.frame))
  }

  // MARK: - Assembling

  /// Makes what is made of all frames together, and completes the job.
  func assemble(_ id: Int64) async {
    do {
      let revision = try await setup.ledger.revision(id)
      guard revision.state == .assembling, try await !isOutdated(revision) else { return }
      let out = setup.volume.out(of: revision.name)
      let place = try await places(of: revision)
      let outputs = try await setup.ledger.outputs(of: id)
      if outputs.count > 1 { await makeContactSheet(of: outputs.map(place), in: out, revision) }
      try await lookForDarkness(among: outputs, at: place, revision)
      await forgetPrevious(in: out, revision)
      await clearAway(revision)
      // False when a newer revision has come meanwhile.
      await move(revision, to: .completed)
    } catch {
      complain(error, while: "assembling")
    }
  }

  /// What cannot be removed now is removed when the next revision is completed.
  private func forgetPrevious(in out: FilePath, _ revision: Revision) async {
    let promotion = Promotion(into: out)
    do throws(RenderingFailure) {
      try await BlockingWork.run { () throws(RenderingFailure) in try promotion.forgetPrevious() }
    } catch {
      complain(error, while: "removing the earlier frames of \(revision.name)")
    }
  }

  /// What a failing graphics card writes is whole and shows nothing: it is told, and left to people.
  private func lookForDarkness(
    among outputs: [Output], at place: (Output) -> FilePath, _ revision: Revision
  ) async throws(StoreFailure) {
    let frames = outputs.map { DarkFrames.Frame(frame: $0.frame, file: place($0), bytes: $0.bytes ?? 0) }
    let dark: [FrameNumber]
    do throws(AssemblyFailure) { dark = try await DarkFrames(among: frames).found() } catch {
      return complain(error, while: "looking for dark frames of \(revision.name)")
    }
    guard !dark.isEmpty else { return }
    let cause = "frames \(FrameSet(dark)) show nothing, and their neighbours do"
    let note = Problem(.darkFrame, cause: cause)
    try await setup.ledger.setNotes(of: revision.id, revision.notes.filter { $0.problemClass != .darkFrame } + [note])
    told("job.note", revision.name, revision: revision.number, problem: note)
  }

  /// A missing contact sheet never holds up a job.
  private func makeContactSheet(of frames: [FilePath], in folder: FilePath, _ revision: Revision) async {
    do throws(AssemblyFailure) { _ = try await ContactSheet(of: frames).make(in: folder) } catch {
      complain(error, while: "making the contact sheet of \(revision.name)")
    }
  }
}
