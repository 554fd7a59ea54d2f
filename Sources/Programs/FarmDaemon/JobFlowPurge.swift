import FarmModel
import FarmStore
import SystemPackage
import VolumeFiles

/// Pictures of quick jobs whose time is over. Those that somebody changed or took are left to them; what is taken away
/// is remembered, so that nobody renders it again unasked.
extension JobFlow {
  private static let purgedAtOnce = 500

  /// - Returns: what is gone, or would be.
  func purgeQuick(isDryRun: Bool) async throws -> [TidyItem] {
    guard let keep = setup.config.tidy.quick else { return [] }
    let before = Timestamp(nanoseconds: setup.clock.now().nanoseconds - keep.inMilliseconds * 1_000_000)
    await beginHarvesting(NameRule.quick)
    defer { endHarvesting(NameRule.quick) }
    var items: [TidyItem] = []
    let old = try await setup.ledger.oldQuickPictures(before: before).map { QuickPurge($0, in: setup.volume) }
    for purges in old.inPieces(of: Self.purgedAtOnce) {
      let fates = await BlockingWork.run { purges.map { $0.fate(isDryRun: isDryRun) } }
      let known = zip(purges, fates)
      if !isDryRun { try await setup.ledger.purged(known.filter { $1 == .gone || $1 == .notOurs }.map(\.0.picture)) }
      for (purge, fate) in known {
        let path = setup.volume.relative(purge.place)
        switch fate {
        case .gone: items.append(TidyItem(kind: .quick, path: path, bytes: purge.picture.file.size))
        case .notOurs, .away: continue
        case .stuck: tellStuck(path)
        }
      }
    }
    return items
  }

  private func tellStuck(_ path: String) {
    setup.log.warning(
      "a picture whose time is over cannot be removed",
      metadata: ["file": "\(path)", "remedy": "Give the daemon the right to remove it (`ls -ld`, `lsattr`)."])
  }
}

/// Takes one picture of a quick job away, if it still is what we made.
struct QuickPurge: Sendable {
  /// What became of it.
  enum Fate: Hashable {
    case gone
    /// It was changed or taken away: it is somebody else's.
    case notOurs
    /// It cannot be looked at or removed now.
    case stuck
    /// Its folder is not there, which says nothing of it.
    case away
  }

  let picture: OldPicture
  private let out: FilePath
  private let quick: FilePath
  let place: FilePath

  init(_ picture: OldPicture, in volume: Volume) {
    self.picture = picture
    out = volume.out(of: picture.job)
    quick = volume.quick
    place = picture.delivered.map { volume.root.appending($0) } ?? out.appending(picture.path)
  }

  func fate(isDryRun: Bool) -> Fate {
    do throws(FileFailure) {
      guard let there = try FileStatus(at: place)?.identity else { return try absent() }
      guard there.isCopy(of: picture.file) else { return .notOurs }
      guard !isDryRun else { return .gone }
      Placement.remove(place)
      guard try FileStatus(at: place) == nil else { return .stuck }
      removeEmpty()
      return .gone
    } catch {
      // It is looked at again the next time.
      return .stuck
    }
  }

  /// A picture is taken away only if the folder from which it was taken is there.
  private func absent() throws(FileFailure) -> Fate {
    let folder = picture.delivered == nil ? quick : place.removingLastComponent()
    return try FileStatus(at: folder) == nil ? .away : .notOurs
  }

  /// What lies in the job's own folder in `out/` besides is made of the pictures.
  private func removeEmpty() {
    Placement.remove(out.appending("contact-sheet.jpg"))
    var folder = picture.delivered == nil ? place.removingLastComponent() : out
    while folder.starts(with: out), Placement.removeIfEmpty(folder) { folder = folder.removingLastComponent() }
  }
}

extension Array {
  fileprivate func inPieces(of count: Int) -> [ArraySlice<Element>] {
    stride(from: 0, to: self.count, by: count).map { self[$0..<Swift.min($0 + count, self.count)] }
  }
}
