import Archiving
import FarmAPI
import FarmModel

/// One archive takes the whole disk: they are packed, read and unpacked one after the other, and each can be stopped.
extension JobFlow {
  /// Waits for its turn, and until what an earlier life left of archives is put in order.
  /// - Throws: ``ArchiveFailure/canceled`` when nobody wants it any more.
  func beginArchiving(_ release: String) async throws(ArchiveFailure) -> ArchiveProgress {
    let progress = ArchiveProgress()
    archivings.append((release, progress))
    while !areArchivesRecovered || lanes.recovering.contains(release) || !isTurn(of: progress), !progress.isCanceled,
      !isOver
    {
      await withCheckedContinuation { whenArchived.add($0) }
    }
    guard !progress.isCanceled, !isOver else {
      endArchiving(progress)
      throw .canceled
    }
    progress.begin(.looking, allBytes: 0)
    happenings += 1
    return progress
  }

  /// Whether those before it are done, or wait for file systems that do not answer.
  private func isTurn(of progress: ArchiveProgress) -> Bool {
    archivings.first { $0.progress === progress || !isWaitingForDisk($0.release) }?.progress === progress
  }

  func endArchiving(_ progress: ArchiveProgress) {
    archivings.removeAll { $0.progress === progress }
    happenings += 1
    whenArchived.resume()
  }

  func archiving() async -> [ArchiveProgressLine] { archivings.prefix(1).map { line($0.release, $0.progress) } }

  /// Returns when all is as it was before.
  func stopArchiving(_ request: ArchivedRequest, by person: String) async throws -> ArchiveProgressLine {
    let name = request.release
    let meant = archivings.filter { $0.release == name }
    guard let first = meant.first else { throw ArchiveFailure.notUnderWay(name) }
    let line = line(name, first.progress)
    guard first.progress.cancel() else { throw ArchiveFailure.tooLate(name) }
    for one in meant { one.progress.cancel() }
    whenArchived.resume()
    setup.log.notice("what is done with an archive is stopped", metadata: ["release": "\(name)", "who": "\(person)"])
    while archivings.contains(where: { one in meant.contains { $0.progress === one.progress } }), !isOver {
      await withCheckedContinuation { whenArchived.add($0) }
    }
    return line
  }

  /// Ends all of it: nobody who waits for hours of packing holds up the daemon's end.
  func endArchivings() {
    for one in archivings { one.progress.cancel() }
    whenArchived.resume()
  }

  private func line(_ release: String, _ progress: ArchiveProgress) -> ArchiveProgressLine {
    let state = progress.state
    return ArchiveProgressLine(
      release: release, phase: state.phase.rawValue, doneBytes: state.doneBytes, allBytes: state.allBytes,
      at: setup.clock.now())
  }
}
