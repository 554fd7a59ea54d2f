import Assembly
import FarmModel
import Rendering
import SystemPackage
import VolumeFiles

/// From a rendered frame to a checked one in `out/`, and from a full set of those to a completed job.
extension JobFlow {
  private static let groupMax = 256

  /// Checks a frame; a good one is promoted with the next group.
  func rendered(_ frame: RenderedFrame, task id: Int64) async {
    guard let task = running[id] else { return }
    let size = task.size
    let format = task.task.format
    let verdict = await BlockingWork.run { FrameCheck.check(FilePath(frame.file), format: format, size: size) }
    guard running[id] != nil else { return }
    running[id]?.waiting.remove(frame.frame)
    switch verdict {
    case .failure(let refusal):
      await BlockingWork.run { Placement.remove(FilePath(frame.file)) }
      await failed([frame.frame], of: task.task, refusal.problem)
    case .success(let good):
      guard let open = open[task.task.revision],
        var output = open.outputs.first(where: { $0.frame == frame.frame && $0.state == .active })
      else { return }
      output.state = .promoting
      output.attempts += 1
      output.size = good.size
      output.bytes = good.bytes
      output.file = good.identity
      output.renderMilliseconds = frame.renderMilliseconds
      output.problem = nil
      checked.append((output, good, task.task.revision))
      if checked.count == 1 { errand.yield(.flush) }
      if checked.count >= Self.groupMax { await flush() }
    }
  }

  /// Commits that these frames are about to be promoted, renames them, commits that they are.
  ///
  /// After a crash the inode in the ledger tells whether the rename happened, so no promoted frame is rendered again.
  func flush() async {
    let group = checked
    guard !group.isEmpty else { return }
    checked = []
    do {
      try await setup.ledger.update(group.map(\.output))
      var done: [Output] = []
      for revision in Set(group.map(\.revision)) {
        done += await promote(group.filter { $0.revision == revision }.map { ($0.output, $0.frame) }, of: revision)
      }
      try await setup.ledger.update(done)
      for output in done { take(output) }
    } catch {
      complain(error, while: "recording promoted frames")
    }
  }

  private func promote(_ frames: [(output: Output, frame: CheckedFrame)], of id: Int64) async -> [Output] {
    guard let revision = open[id] else { return [] }
    let promotion = Promotion(into: setup.volume.out(of: revision.revision.name))
    let needsRoom = !revision.hasRoom && !revision.outputs.contains { $0.state.isDone }
    open[id]?.hasRoom = true
    let moved = await BlockingWork.run { () -> [Result<Output, RenderingFailure>] in
      frames.enumerated().map { number, pair in
        Result { () throws(RenderingFailure) in
          if needsRoom && number == 0 { try promotion.makeRoom() }
          try promotion.promote(pair.frame, as: pair.output.path)
          var output = pair.output
          output.state = .done
          return output
        }
      }
    }
    for (result, pair) in zip(moved, frames) {
      guard case .failure(let failure) = result else { continue }
      await notPromoted(pair.output, failure)
    }
    return moved.compactMap { try? $0.get() }  // The others were told above.
  }

  /// A frame that cannot be put into place is owed again, and its job fails where nothing else would happen.
  private func notPromoted(_ output: Output, _ failure: RenderingFailure) async {
    var output = output
    output.state = .failed
    output.problem = failure.problem
    complain(failure, while: "promoting frame \(output.frame)")
    take(output)
    do { try await setup.ledger.update([output]) } catch { complain(error, while: "recording a frame") }
  }

  /// Puts an output's new state among its revision's.
  private func take(_ output: Output) {
    guard let index = open[output.revision]?.outputs.firstIndex(where: { $0.id == output.id }),
      let revision = open[output.revision]?.revision
    else { return }
    open[output.revision]?.outputs[index] = output
    guard output.state == .done else { return }
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
      guard revision.state == .assembling else { return }
      let out = setup.volume.out(of: revision.name)
      let frames = try await setup.ledger.outputs(of: id).map { out.appending($0.path) }
      if frames.count > 1 { await makeContactSheet(of: frames, in: out, revision) }
      let promotion = Promotion(into: out)
      try await BlockingWork.run { () throws(RenderingFailure) in try promotion.forgetPrevious() }
      // A newer revision may have come meanwhile.
      guard try await setup.ledger.revision(id).state == .assembling else { return }
      await clearAway(revision)
      mustHarvest.insert(revision.name.release)
      await move(revision, to: .completed)
    } catch {
      complain(error, while: "assembling")
    }
  }

  /// A missing contact sheet never holds up a job.
  private func makeContactSheet(of frames: [FilePath], in folder: FilePath, _ revision: Revision) async {
    do throws(AssemblyFailure) { _ = try await ContactSheet(of: frames).make(in: folder) } catch {
      complain(error, while: "making the contact sheet of \(revision.name)")
    }
  }
}
