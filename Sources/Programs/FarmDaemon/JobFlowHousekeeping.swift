import FarmAPI
import FarmModel
import FarmStore
import SystemPackage
import VolumeFiles

/// What is done by itself at its time: archives, copies of the ledger, and taking away what nobody has to keep.
extension JobFlow {
  private static let tidyEvery = Duration.seconds(3600)
  private static let lookEvery = Duration.seconds(20)

  /// Until the run is over.
  func keepHouse() async {
    await waitForEngine()
    var tidiedAt: Timestamp?
    while !isOver {
      let now = setup.clock.now()
      if tidiedAt.map({ now.since($0) >= Self.tidyEvery || now < $0 }) ?? true {
        tidiedAt = now
        do { _ = try await tidyUp(isDryRun: false, by: "farm") } catch { complain(error, while: "tidying up") }
      }
      await backUpIfDue()
      // Cancelled: the run is over.
      guard (try? await Task.sleep(for: Self.lookEvery)) != nil else { return }
    }
  }

  /// Beside the rest, for it may take hours.
  func archiveOften() async {
    await waitForEngine()
    while !isOver {
      await archiveWhatIsDue()
      // Cancelled: the run is over.
      guard (try? await Task.sleep(for: Self.lookEvery)) != nil else { return }
    }
  }

  // MARK: - Tidying

  func tidy(_ request: TidyRequest, by person: String) async throws -> TidyAnswer {
    TidyAnswer(items: try await tidyUp(isDryRun: request.isDryRun, by: person), isDryRun: request.isDryRun)
  }

  /// - Returns: what was taken away, or would be.
  private func tidyUp(isDryRun: Bool, by person: String) async throws -> [TidyItem] {
    let busy = Set(try await setup.ledger.tasks(of: nil).map(\.log))
    let keeper = Housekeeper(
      volume: setup.volume, state: setup.state, limits: setup.config.tidy, now: setup.clock.now())
    let finds = try await BlockingWork.run { () throws(FileFailure) in
      let finds = try keeper.old(besides: busy)
      return isDryRun ? finds : keeper.remove(finds)
    }
    let items = finds.map { item($0) } + (try await purgeQuick(isDryRun: isDryRun))
    if !isDryRun, !items.isEmpty {
      let detail = TidyItem.summary(of: items).joined(separator: "; ")
      setup.log.notice("tidied up", metadata: ["what": "\(detail)"])
      try await setup.ledger.remember([Act(person, .tidied, release: nil, detail: detail)])
    }
    return items
  }

  private func item(_ find: Housekeeper.Find) -> TidyItem {
    TidyItem(kind: find.kind, path: setup.volume.relative(find.place), bytes: find.bytes)
  }

  /// At a start: what nothing needs that the ledger knows.
  func removeOrphans() async throws {
    let keeper = Housekeeper(
      volume: setup.volume, state: setup.state, limits: setup.config.tidy, now: setup.clock.now())
    let (revisions, snapshots) = (
      try await setup.ledger.unfinishedRevisions(), try await setup.ledger.snapshotNames()
    )
    await removeLeft(keeper) { () throws(FileFailure) in try keeper.leftWork(besides: revisions) }
    for store in try await setup.ledger.releases().map({ setup.volume.store(of: $0.name) }) {
      await removeLeft(keeper) { () throws(FileFailure) in try keeper.leftCopies(in: store, besides: snapshots) }
    }
  }

  private func removeLeft(
    _ keeper: Housekeeper, _ look: @escaping @Sendable () throws(FileFailure) -> [Housekeeper.Find]
  ) async {
    // A file server may not answer; then it is done at another start.
    let finds = await BlockingWork.run(atMost: Self.patience) {
      Result { () throws(FileFailure) in keeper.remove(try look()) }
    }
    switch finds {
    case .success(let finds) where !finds.isEmpty:
      setup.log.notice(
        "removed what an earlier daemon left", metadata: ["files": "\(finds.map { setup.volume.relative($0.place) })"])
    case .failure(let failure): complain(failure, while: "removing what an earlier daemon left")
    case .success, nil: return
    }
  }

  // MARK: - Copies of the ledger

  /// A copy that cannot be made holds up nothing: it is told, and tried again later.
  func backUpIfDue() async {
    let (folder, now) = (setup.state.backups, setup.clock.now())
    guard !backupPace.isResting(at: now) else { return }
    do {
      try await backUp(into: folder, now)
      backupPace = RetryPace()
      troubles[folder] = nil
    } catch {
      backupPace.failed(at: now)
      troubles[folder] = error.sentences
      complain(error, while: "copying the ledger")
    }
  }

  private func backUp(into folder: FilePath, _ now: Timestamp) async throws {
    let rule = setup.config.backup
    let copies = try await BlockingWork.run { () throws(FileFailure) in try LedgerBackup.copies(in: folder) }
    guard rule.isDue(now: now, copies: copies) else { return }
    _ = try await LedgerBackup(of: setup.ledger, at: setup.state.ledger).write(into: folder, now: now)
    let surplus = rule.surplus(now: now, copies: copies + [now])
    await BlockingWork.run {
      for copy in surplus { Placement.remove(folder.appending(LedgerBackup.fileName(of: copy))) }
    }
  }
}
