import FarmAPI
import FarmModel
import FarmStore
import Pictures
import Rendering
import SystemPackage
import VolumeFiles

/// Pictures that counted once are read again to their last byte, where they lie now.
extension JobFlow {
  func check(_ request: CheckRequest, by person: String) async throws -> CheckAnswer {
    guard try await setup.ledger.release(named: request.release) != nil else {
      throw try await unknown(release: request.release)
    }
    var (count, lines): (Int, [CheckAnswer.Line]) = (0, [])
    for job in try await setup.ledger.jobs(in: request.release, adopted: false) {
      guard let revision = try await setup.ledger.newestRevision(of: job.name), revision.state != .assembling else {
        continue
      }
      try await refuseIfAway(revision)
      let (checked, bad) = try await damaged(revision, putsAside: !request.isDryRun)
      count += checked
      lines += bad.map { CheckAnswer.Line(job: job.name, path: $0.path, problem: $0.problem, isAgain: $0.isOurs) }
      let again = Set(bad.filter(\.isOurs).map(\.output))
      if !request.isDryRun, !again.isEmpty { _ = try await pickUp(of: revision) { again.contains($0.id) } }
    }
    if !request.isDryRun {
      try await setup.ledger.remember([Act(person, .checked, release: request.release, detail: "\(count) pictures")])
    }
    return CheckAnswer(release: request.release, checked: count, bad: lines, isDryRun: request.isDryRun)
  }

  /// A picture that is not whole.
  private struct Damage {
    let output: Int64
    /// Below the volume's root.
    let path: String
    let problem: Problem
    /// Whether it is the one that the farm put there: what somebody else put in its place, or took away, is theirs.
    let isOurs: Bool
  }

  private func damaged(_ revision: Revision, putsAside: Bool) async throws -> (checked: Int, [Damage]) {
    // What is being delivered would seem to be gone.
    await beginHarvesting(revision.name.release)
    defer { endHarvesting(revision.name.release) }
    let place = try await places(of: revision)
    let outputs = try await setup.ledger.outputs(of: revision.id).filter {
      $0.state.isDone && $0.state != .purged && $0.kind.part.tile == nil
    }
    var damages: [Damage] = []
    for output in outputs {
      let file = place(output)
      guard let problem = await problem(of: output, at: file, of: revision, putsAside: putsAside) else { continue }
      damages.append(
        Damage(
          output: output.id, path: setup.volume.relative(file), problem: problem.problem, isOurs: problem.isOurs))
    }
    return (outputs.count, damages)
  }

  /// What is wrong with an output's picture where it lies; nil when nothing is. One of ours is put aside.
  func problem(
    of output: Output, at file: FilePath, of revision: Revision, putsAside: Bool = true
  ) async -> (problem: Problem, isOurs: Bool)? {
    let aside = BadPicture(file, of: output, of: revision.name, in: setup.volume)
    guard let problem = await problem(at: file, as: output, of: revision) else { return nil }
    return await BlockingWork.run {
      // Unreadable: nobody's to move.
      let there = (try? FileStatus(at: file)) ?? nil
      let isOurs = there.map { $0.kind == .regular && output.file?.mtimeNanoseconds == $0.identity.mtimeNanoseconds }
      guard isOurs == true else { return (problem, false) }
      return (putsAside ? aside.put(because: problem) : problem, true)
    }
  }

  /// What is wrong with the picture at a place that should be an output's.
  func problem(at file: FilePath, as output: Output, of revision: Revision) async -> Problem? {
    if let format = output.kind.node == nil ? revision.format : ImageFormat(ofFile: output.path) {
      let wanted = FrameCheck.Wanted(format, size: output.size)
      let problem = await BlockingWork.run { [crashes = setup.crashes] in
        crashes.problem(ofPicture: file) { FrameCheck.problem(of: file, as: wanted) }
      }
      if problem != nil || format == .png { return problem }
    }
    // The pixels of all others are unpacked by the tool alone.
    do throws(ToolFailure) { return try await FrameCheck.problemByTool(of: file) } catch {
      complain(error, while: "reading \(file.string)")
      return nil
    }
  }
}
