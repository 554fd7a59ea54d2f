import FarmModel
import FarmStore
import Rendering
import SystemPackage
import VolumeFiles

/// What is done at the start: nothing of an earlier life is left half-way.
extension JobFlow {
  /// Begins it for each release in a lane of its own: one whose file system does not answer is put in order when it
  /// does, and nothing of it is rendered, delivered or archived before.
  func beginRecovery() async throws {
    _ = try await setup.ledger.ensureRelease(named: NameRule.quick, priority: ReleaseOrder.quickPriority)
    try await setup.ledger.forgetHarvestProblems()
    try await rememberNames()
    try await rememberRecentDrops()
    try await readKilledDrops()
    undecided = try await setup.ledger.undecidedJobs()
    if isAdopting { try await setup.ledger.setFormerDeliveries(SlashAndBurn.formerDeliveries(setup.volume)) }
    try await endLeftTasks()
    var releases = Set(try await setup.ledger.releases().map(\.name))
    for record in try await setup.ledger.archives() {
      if record.state == .stored || record.state == .emptying { takenAway.insert(record.release) }
      releases.insert(record.release)
    }
    leftBehind = LeftBehind(
      ended: try await setup.ledger.snapshotsOfEnded(),
      open: try await setup.ledger.revisions(in: [.queued, .active, .assembling]))
    if let powerCut = setup.powerCut { leftBehind.doubtful = try await doubtful(after: powerCut) }
    for release in releases {
      // Held until it is recovered: whatever else would move files of it waits.
      harvesting.insert(release)
      begin(release, .recover)
    }
    try await askForNamesOfUnfinished()
    errand.yield(.recoverArchives)
    errand.yield(.removeLeftWork)
    errand.yield(.followAll)
  }

  /// What an earlier daemon left of revisions, by release.
  struct LeftBehind: Sendable {
    var ended: [String: [Revision]] = [:]
    var open: [String: [Revision]] = [:]
    /// Outputs that were finished shortly before a power cut, with where they are or were delivered.
    var doubtful: [String: [(output: Output, place: FilePath)]] = [:]

    init(ended: [Revision] = [], open: [Revision] = []) {
      self.ended = Dictionary(grouping: ended, by: \.name.release)
      self.open = Dictionary(grouping: open, by: \.name.release)
    }
  }

  /// Puts one release in order.
  func recover(_ release: String) async {
    do {
      try await recoverArchives(of: release)
      for revision in leftBehind.ended.removeValue(forKey: release) ?? [] { await clearAway(revision) }
      try await open(leftBehind.open.removeValue(forKey: release) ?? [])
      try await lookAgain(at: leftBehind.doubtful.removeValue(forKey: release) ?? [])
      for harvest in try await setup.ledger.openHarvests() {
        guard try await setup.ledger.releaseName(ofHarvest: harvest) == release else { continue }
        do { try await carryOut(harvest, release: release) } catch {
          complain(error, while: "going on with a harvest")
        }
      }
      await removeLeftCopies(of: release)
      if release != NameRule.quick {
        // What is wanted may be another since: that is known before anything is delivered.
        await planFound(of: release)
        await holdIfGone(release)
      }
    } catch {
      complain(error, while: "putting release \(release) in order")
    }
    lanes.recovered(release)
    if troubles.removeValue(forKey: setup.volume.release(release)) != nil {
      setup.log.notice("a release is in order again", metadata: ["release": "\(release)"])
    }
    endHarvesting(release)
    askForReview(of: release)
    if undecided.contains(where: { $0.release == release }) { errand.yield(.decideAgain) }
    whenStepped.resume()
    whenArchived.resume()
    await schedule()
  }

  private func open(_ revisions: [Revision]) async throws {
    for left in revisions {
      // As it is now: it may have been killed while its file system did not answer.
      let revision = try await setup.ledger.revision(left.id)
      guard [.queued, .active, .assembling].contains(revision.state) else { continue }
      if await blockIfCrashing(revision) { continue }
      if revision.state == .assembling {
        errand.yield(.assemble(revision.id))
      } else {
        await opened(revision)
        await advance(revision.id)
      }
    }
  }

  /// Processes that an earlier daemon left are ended; their frames cost no attempt.
  private func endLeftTasks() async throws {
    for task in try await setup.ledger.tasks(of: nil) {
      if LeftProcess.end(task) {
        setup.log.warning("ended a Blender that an earlier daemon left", metadata: ["pid": "\(task.pid ?? 0)"])
      }
      try await setup.ledger.endTask(task.id, as: .canceled, problem: nil)
    }
  }

  /// What was finished shortly before the power went may be on the disk by name alone.
  private func doubtful(after powerCut: Timestamp) async throws -> [String: [(output: Output, place: FilePath)]] {
    let since = Timestamp(nanoseconds: powerCut.nanoseconds - Self.doubtfulBefore)
    var doubtful: [String: [(output: Output, place: FilePath)]] = [:]
    for (output, delivered) in try await setup.ledger.finished(since: since) {
      let name = try await setup.ledger.revision(output.revision).name
      let place =
        delivered.map { setup.volume.root.appending($0) } ?? setup.volume.out(of: name).appending(output.path)
      doubtful[name.release, default: []].append((output, place))
    }
    return doubtful
  }

  /// In nanoseconds: ten minutes.
  private static let doubtfulBefore: Int64 = 600_000_000_000

  /// Reads pictures again, puts aside what is not whole, and has it rendered anew.
  private func lookAgain(at doubtful: [(output: Output, place: FilePath)]) async throws {
    var lost: [Int64: [Output]] = [:]
    for (output, place) in doubtful {
      // Of a folder that is away nothing is known. Its pictures are looked for before they are delivered.
      guard await isThereOrHangs(place.removingLastComponent()) else { continue }
      let revision = try await setup.ledger.revision(output.revision)
      guard await problem(of: output, at: place, of: revision) != nil else { continue }
      lost[revision.id, default: []].append(output)
    }
    for (id, outputs) in lost {
      let revision = try await setup.ledger.revision(id)
      var again = outputs
      for index in again.indices { again[index].state = .owed }
      setup.log.warning(
        "pictures did not survive a power cut and are rendered again",
        metadata: ["job": "\(revision.name)", "frames": "\(outputs.map(\.frame))"])
      if revision.state == .completed {
        await pickUp(revision, owing: again)
      } else {
        try await setup.ledger.update(again)
        await opened(revision)
      }
    }
  }
}
