import FarmModel
import FolderWatch
import Intake
import SystemPackage
import VolumeFiles

/// Files on which an earlier daemon died: they are rejected, or taken in one at a time until it is known which it was.
extension JobFlow {
  /// A suspected file whose disk does not answer holds up the next one for this time.
  private static let suspectMax = Duration.seconds(30)

  /// Refuses a file on which the daemon died twice, before anything is done with it or its name.
  /// - Returns: whether there is no more to the change.
  func refuseCrashing(_ change: FolderChange) -> Bool {
    guard let path = change.file else { return false }
    let fingerprint: Fingerprint? = if case .settled(_, let settled) = change { settled } else { nil }
    if let fingerprint { setup.crashes.settled(path, fingerprint) }
    if case .rejected(let deaths, let signal) = verdict(on: path, fingerprint) {
      if case .vanished = change {
        rejected[path] = nil
      } else {
        reject(path, asCrashing: CrashGuard.problem(deaths: deaths, signal: signal))
      }
      return true
    }
    // All that is done with a name on this actor: it may come from any system.
    setup.crashes.reading(path, fingerprint, .name) { _ = named(path).map { FoldedName($0) } }
    return false
  }

  /// Sidecars and plans are refused where they are read, so that their jobs say so.
  private func verdict(on path: FilePath, _ fingerprint: Fingerprint?) -> CrashHistory.Verdict? {
    if path.isSidecar || path.isPlan { return nil }
    if fingerprint == nil, !setup.crashes.isRejectedByPath(path) { return nil }
    return setup.crashes.verdict(on: path, fingerprint)
  }

  /// Asks nothing of the name: that may be what the daemon died of.
  private func reject(_ path: FilePath, asCrashing problem: Problem) {
    guard rejected.updateValue(problem, forKey: path) != problem else { return }
    unsettled = unsettled.filter { $0.value.path != path }
    setup.log.error(
      "a file is not taken in",
      metadata: ["file": "\(path)", "reason": "\(problem.cause)", "remedy": "\(problem.remedy)"])
    let release = place.release(at: path.removingLastComponent()) ?? ""
    told("job.rejected", JobName(release: release, job: path.stem ?? ""), problem: problem)
  }

  /// Takes in the text of a sidecar or a plan beside this actor, so that a crash meanwhile is laid to it.
  func guarded<Value: Sendable>(
    _ path: FilePath, _ step: CrashGuard.Step, _ parse: @escaping @Sendable () throws(ConfigFailure) -> Value
  ) async -> Result<Value, ConfigFailure> {
    await BlockingWork.run { [crashes = setup.crashes] in
      Result { () throws(ConfigFailure) in try crashes.configuration(at: path, step, parse) }
    }
  }

  /// Takes in a drop so that a crash meanwhile is laid to it, or to those that were taken in at the same moment.
  func watchingForCrash(_ drop: Drop, _ takeIn: () async -> Void) async {
    await watchingForCrash(of: drop.path, drop.fingerprint, .record, takeIn)
  }

  private func watchingForCrash(
    of path: FilePath, _ fingerprint: Fingerprint, _ step: CrashGuard.Step, _ body: () async -> Void
  ) async {
    guard setup.crashes.verdict(on: path, fingerprint) == .suspected else {
      return await setup.crashes.taking(path, fingerprint, step, body)
    }
    while let since = suspectSince, setup.clock.now().since(since) < Self.suspectMax, !isOver {
      await withCheckedContinuation { whenClaimed.add($0) }
    }
    suspectSince = setup.clock.now()
    await setup.crashes.taking(path, fingerprint, step, body)
    suspectSince = nil
    whenClaimed.resume()
    setup.crashes.passed(path, fingerprint)
  }

  // MARK: - After the intake

  /// For the pictures of a revision.
  func pictures(of revision: Int64, _ name: JobName) -> RevisionPictures {
    RevisionPictures(crashes: setup.crashes, revision: revision, folder: setup.volume.out(of: name))
  }

  /// Puts a revision's pictures together so that a crash meanwhile is laid to it.
  func watchingForCrash(of revision: Revision, _ assemble: () async -> Void) async {
    let pictures = pictures(of: revision.id, revision.name)
    await watchingForCrash(of: pictures.folder, pictures.version, .assemble, assemble)
  }

  /// Blocks a revision on whose pictures the daemon died twice. A save, another version of what it needs, or a person
  /// has it go on.
  /// - Returns: whether it did.
  func blockIfCrashing(_ revision: Revision) async -> Bool {
    let pictures = pictures(of: revision.id, revision.name)
    guard case .rejected(let deaths, let signal) = setup.crashes.verdict(on: pictures.folder, pictures.version) else {
      return false
    }
    // From there alone it may be blocked.
    if revision.state == .assembling { await move(revision, to: .queued) }
    await block(revision, CrashGuard.problem(deaths: deaths, signal: signal, reading: "this job's pictures"))
    return true
  }
}

/// How crashes while a revision's pictures are read are laid to it: by where they lie, and a version that no file has.
struct RevisionPictures: Sendable {
  let crashes: CrashGuard
  let folder: FilePath
  let version: Fingerprint

  init(crashes: CrashGuard, revision: Int64, folder: FilePath) {
    (self.crashes, self.folder) = (crashes, folder)
    version = Fingerprint(device: 0, inode: revision, size: -1, mtimeNanoseconds: -1, ctimeNanoseconds: -1)
  }

  /// Reads pictures on this thread.
  func reading<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
    try crashes.reading(folder, version, .picture, body)
  }
}

extension CrashGuard {
  /// Whether a drop is whole. One on which the daemon died twice is not read: it counts as whole, and is refused then.
  func wholeness(of path: FilePath) -> Wholeness {
    // Gone, or closed to us: the reader says so.
    let fingerprint = ((try? FileStatus(at: path)) ?? nil)?.fingerprint
    if case .rejected = verdict(on: path, fingerprint) { return .whole }
    return reading(path, fingerprint, .look) { Intaker.wholeness(of: path) }
  }

  /// What is wrong with a picture that counted once. One on which the daemon died twice is bad, whatever it is.
  func problem(ofPicture path: FilePath, _ read: () -> Problem?) -> Problem? {
    // Gone, or closed to us: the reader says so.
    let fingerprint = ((try? FileStatus(at: path)) ?? nil)?.fingerprint
    if case .rejected(let deaths, let signal) = verdict(on: path, fingerprint) {
      return Self.problem(deaths: deaths, signal: signal)
    }
    return reading(path, fingerprint, .picture, read)
  }

  /// Reads a sidecar or a plan.
  /// - Throws: ``ConfigFailure/crashed(_:_:)`` for one on which the daemon died twice.
  func configuration<Value>(
    at path: FilePath, _ step: Step, _ read: () throws(ConfigFailure) -> Value
  ) throws(ConfigFailure) -> Value {
    // Not there, or closed to us: the reader says so.
    let fingerprint = ((try? FileStatus(at: path)) ?? nil)?.fingerprint
    let before = verdict(on: path, fingerprint)
    if case .rejected(let deaths, let signal) = before {
      throw .crashed(path, Self.problem(deaths: deaths, signal: signal))
    }
    let value = try reading(path, fingerprint, step, read)
    if before == .suspected, let fingerprint { passed(path, fingerprint) }
    return value
  }
}
