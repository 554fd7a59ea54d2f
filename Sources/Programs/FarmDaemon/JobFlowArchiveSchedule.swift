import Archiving
import FarmAPI
import FarmModel
import FarmStore
import VolumeFiles

/// Archives that are made by themselves, when somebody has written a rule for them.
extension JobFlow {
  /// One after the other, as long as the window is open.
  func archiveWhatIsDue() async {
    guard let rule = setup.config.archive else { return }
    let schedule = ArchiveSchedule(rule)
    // Whoever has an archive made by hand goes first; the window may be closed afterwards.
    while !isOver, archivings.allSatisfy({ isWaitingForDisk($0.release) }) {
      do {
        let (now, candidates) = (setup.clock.now(), try await archiveCandidates())
        guard let (release, night) = schedule.next(now: now, local: LocalTime(now), among: candidates) else { return }
        if await hasChangedSince(candidates.first { $0.release == release }) { continue }
        // Noted first: one that dies over it is not tried again and again.
        try await setup.ledger.setArchiveNight(of: release, night)
        scheduled = release
        errand.yield(.archive(release, rule))
        while scheduled == release, !isOver, !isWaitingForDisk(release) {
          await withCheckedContinuation { whenStepped.add($0) }
        }
      } catch {
        return complain(error, while: "looking for what is to be archived")
      }
    }
  }

  /// With what was seen in their folders.
  private func archiveCandidates() async throws(StoreFailure) -> [ArchiveSchedule.Candidate] {
    try await setup.ledger.archiveCandidates().filter { candidate in
      !isWaitingForDisk(candidate.release) && !archivings.contains { $0.release == candidate.release }
    }.map { candidate in
      var candidate = candidate
      if let changed = changedInFolder[candidate.release] { candidate.quietSince = max(candidate.quietSince, changed) }
      return candidate
    }
  }

  /// Looks into a release's folder once its time has come: the ledger knows nothing of files that are no drops.
  /// - Returns: whether something changed there later than was known.
  private func hasChangedSince(_ candidate: ArchiveSchedule.Candidate?) async -> Bool {
    guard let candidate, case .success(let tree)? = await look(at: candidate.release), let changed = tree.changedAt,
      changed > candidate.quietSince
    else { return false }
    changedInFolder[candidate.release] = changed
    return true
  }

  /// - Returns: nil when its file system does not answer.
  private func look(at release: String) async -> Result<ReleaseTree, ArchiveFailure>? {
    let volume = setup.volume
    guard !isWaitingForDisk(release) else { return nil }
    return await BlockingWork.run(at: volume.release(release), atMost: Self.lookMax) {
      Result { () throws(ArchiveFailure) in
        try ReleaseTree(of: volume.release(release), dist: volume.dist(of: release))
      }
    }
  }

  /// A release of very many files takes long to look at.
  private static let lookMax = Duration.seconds(120)

  func archiveScheduled(_ release: String, _ rule: ArchiveRule) async {
    do { try await archiveOnSchedule(release, rule) } catch {
      complain(error, while: "archiving \(release)")
    }
    if scheduled == release { scheduled = nil }
    whenStepped.resume()
  }

  private func archiveOnSchedule(_ release: String, _ rule: ArchiveRule) async throws(StoreFailure) {
    let trouble = setup.volume.archives.appending(release)
    troubles[trouble] = nil
    var problem: String?
    do {
      let order = ArchiveOrder(format: rule.format, prunesDist: !rule.keepsDist)
      _ = try await archive(release, order, by: "farm")
    } catch ArchiveFailure.canceled {
      return
    } catch ArchiveFailure.refused(_, let reasons) {
      // They stand in `farm list archives --due` as long as they are true.
      setup.log.notice(
        "a release is not archived tonight",
        metadata: ["release": "\(release)", "reasons": "\(reasons.map(\.text))"])
    } catch {
      complain(error, while: "archiving \(release)")
      problem = error.sentences
    }
    if let problem { tellNotArchived(release, problem) }
    try await setup.ledger.setArchiveProblem(of: release, problem)
  }

  func tellNotArchived(_ release: String, _ problem: String) {
    guard setup.config.archive != nil else { return }
    troubles[setup.volume.archives.appending(release)] =
      "\(release) was not archived, and is tried again the next night: \(problem)"
  }

  /// What will be archived, when, and what keeps it from that now.
  func dueArchives() async throws -> DueArchives {
    guard let rule = setup.config.archive else { return DueArchives(isScheduled: false, lines: []) }
    let (volume, now) = (setup.volume, setup.clock.now())
    let users = await BlockingWork.run { FileUser.below([volume.releases, volume.dist]) }
    var lines: [DueArchives.Line] = []
    for candidate in try await archiveCandidates() {
      guard let release = try await setup.ledger.release(named: candidate.release) else { continue }
      lines.append(try await line(of: candidate, release, rule, users: users, now: now))
    }
    return DueArchives(isScheduled: true, lines: lines.sorted { ($0.dueAt, $0.release) < ($1.dueAt, $1.release) })
  }

  private func line(
    of candidate: ArchiveSchedule.Candidate, _ release: Release, _ rule: ArchiveRule, users: [FileUser], now: Timestamp
  ) async throws -> DueArchives.Line {
    let schedule = ArchiveSchedule(rule)
    var (candidate, reasons) = (candidate, [String]())
    let look = await look(at: release.name)
    if case .success(let tree)? = look, let changed = tree.changedAt {
      candidate.quietSince = max(candidate.quietSince, changed)
    }
    let due = schedule.dueAt(candidate)
    switch look {
    case .success(let tree):
      // Of what is not due yet it does not matter that it changed lately.
      let order = ArchiveOrder(format: rule.format, prunesDist: !rule.keepsDist, isForced: due > now)
      reasons = try await reasonsAgainst(archiving: release, tree, order, users: users).map(\.text)
      if reasons.isEmpty, candidate.state != .harvested {
        reasons = ["nothing of it was delivered: the schedule leaves it to `farm archive release`"]
      }
    case .failure(let failure): reasons = [failure.description]
    case nil: reasons = ["its file system does not answer"]
    }
    if let problem = candidate.problem, let night = candidate.triedNight {
      let day = Timestamp(nanoseconds: Int64(night) * 86_400_000_000_000).rfc3339.prefix(10)
      reasons.append("in the night of \(day): \(problem)")
    }
    let opening = schedule.opening(for: candidate, now: now) { LocalTime($0) }
    return DueArchives.Line(
      release: release.name, dueAt: due.rfc3339,
      dueLocally: rule.wait(candidate.after) < ReleaseOrder.neverArchived ? Paperwork.moment(due) : "never",
      beginsAt: opening?.rfc3339,
      beginsLocally: opening.map { Paperwork.moment($0) }, reasons: reasons)
  }
}
