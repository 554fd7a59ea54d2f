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
  func tidyOften() async {
    await waitForEngine()
    var tidiedAt: Timestamp?
    while !isOver {
      let now = setup.clock.now()
      if tidiedAt.map({ now.since($0) >= Self.tidyEvery || now < $0 }) ?? true {
        tidiedAt = now
        do { _ = try await tidyUp(isDryRun: false, by: "farm") } catch { complain(error, while: "tidying up") }
      }
      // Cancelled: the run is over.
      guard (try? await Task.sleep(for: Self.lookEvery)) != nil else { return }
    }
  }

  /// Beside the tidying, which waits for the file system of `quick/`.
  func backUpOften() async {
    while !isOver {
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

  /// At a start: work of revisions that have ended.
  func removeLeftWork() async {
    do {
      let keeper = leftKeeper
      let revisions = try await setup.ledger.unfinishedRevisions()
      await removeLeft { () throws(FileFailure) in keeper.remove(try keeper.leftWork(besides: revisions)) }
    } catch {
      complain(error, while: "looking for work of an earlier daemon")
    }
  }

  /// At a start: copies of a release's drops that nothing needs.
  func removeLeftCopies(of release: String) async {
    do {
      let (keeper, store) = (leftKeeper, setup.volume.store(of: release))
      let snapshots = try await setup.ledger.snapshotNames()
      await removeLeft(at: store) { () throws(FileFailure) in
        keeper.remove(try keeper.leftCopies(in: store, besides: snapshots))
      }
    } catch {
      complain(error, while: "looking for copies of an earlier daemon in \(release)")
    }
  }

  private var leftKeeper: Housekeeper {
    Housekeeper(volume: setup.volume, state: setup.state, limits: setup.config.tidy, now: setup.clock.now())
  }

  private func removeLeft(
    at place: FilePath? = nil, _ remove: @escaping @Sendable () throws(FileFailure) -> [Housekeeper.Find]
  ) async {
    do throws(FileFailure) {
      let finds = try await BlockingWork.run(at: place, throwing: remove)
      guard !finds.isEmpty else { return }
      setup.log.notice(
        "removed what an earlier daemon left", metadata: ["files": "\(finds.map { setup.volume.relative($0.place) })"])
    } catch {
      complain(error, while: "removing what an earlier daemon left")
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
