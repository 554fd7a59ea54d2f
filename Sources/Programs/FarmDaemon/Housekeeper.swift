import FarmModel
import SystemPackage
import VolumeFiles

/// Finds what nobody has to keep any longer, and takes it away. Touches nothing that an artist made.
struct Housekeeper: Sendable {
  let volume: Volume
  let state: StateFolder
  let limits: TidyLimits
  let now: Timestamp

  /// Something that may go.
  struct Find: Hashable {
    let kind: TidyItem.Kind
    let place: FilePath
    let bytes: Int64
  }

  /// What is older than it is to be kept, but for pictures of quick jobs, which the ledger knows.
  /// - Parameter busy: logs that are being written.
  func old(besides busy: Set<String>) throws(FileFailure) -> [Find] {
    var found: [Find] = []
    try files(below: state.logFolder, .log, olderThan: limits.logs, &found)
    try files(below: state.thumbnails, .thumbnail, olderThan: limits.thumbnails, &found)
    try files(below: volume.bad, .bad, olderThan: limits.bad, &found)
    try burnt(&found)
    return found.filter { !busy.contains($0.place.string) }
  }

  /// By when they changed last, also in their names: what was moved has its old modification time, and some have one
  /// that is still to come.
  private func isOld(_ status: FileStatus, _ limit: Duration) -> Bool {
    now.since(Timestamp(nanoseconds: status.fingerprint.ctimeNanoseconds)) >= limit
  }

  private func files(
    below folder: FilePath, _ kind: TidyItem.Kind, olderThan limit: Duration?, _ found: inout [Find]
  ) throws(FileFailure) {
    guard let limit, try FileStatus(at: folder)?.kind == .folder else { return }
    for name in try FolderListing.names(in: folder) {
      let path = folder.appending(name)
      guard let status = try FileStatus(at: path) else { continue }
      switch status.kind {
      // One that is closed to us keeps nothing else.
      case .folder: try? files(below: path, kind, olderThan: limit, &found)
      case .regular where isOld(status, limit):
        found.append(Find(kind: kind, place: path, bytes: status.fingerprint.size))
      case .regular, .link, .other: continue
      }
    }
  }

  private func burnt(_ found: inout [Find]) throws(FileFailure) {
    guard let limit = limits.burnt else { return }
    for name in try FolderListing.names(in: volume.own) where name.string.hasPrefix("burnt") {
      let path = volume.own.appending(name)
      guard let status = try FileStatus(at: path), status.kind == .folder, isOld(status, limit) else { continue }
      found.append(Find(kind: .burnt, place: path, bytes: try size(of: path)))
    }
  }

  private func size(of folder: FilePath) throws(FileFailure) -> Int64 {
    var bytes: Int64 = 0
    for name in try FolderListing.names(in: folder) {
      guard let status = try FileStatus(at: folder.appending(name)) else { continue }
      bytes += status.kind == .folder ? try size(of: folder.appending(name)) : status.fingerprint.size
    }
    return bytes
  }

  /// Takes it away, and folders that are empty then.
  /// - Returns: what is gone; what could not be removed is found again the next time.
  func remove(_ finds: [Find]) -> [Find] {
    finds.filter { find in
      try? Placement.removeTree(find.place)  // Looked at right here.
      guard (try? FileStatus(at: find.place)) == .some(nil) else { return false }
      var folder = find.place.removingLastComponent()
      // Up to the top folders, which stay.
      while ![state.logFolder, state.thumbnails, volume.bad, volume.own, volume.work].contains(folder),
        folder.starts(with: state.folder) || folder.starts(with: volume.own), Placement.removeIfEmpty(folder)
      {
        folder = folder.removingLastComponent()
      }
      return true
    }
  }

  // MARK: - What an earlier life left

  /// Work of revisions that have ended.
  /// - Parameter revisions: those that have not.
  func leftWork(besides revisions: Set<Int64>) throws(FileFailure) -> [Find] {
    var found: [Find] = []
    for name in try FolderListing.names(in: volume.work) {
      guard Int64(name.string).map({ !revisions.contains($0) }) ?? false else { continue }
      let place = volume.work.appending(name)
      let isFolder = try FileStatus(at: place)?.kind == .folder
      found.append(Find(kind: .orphan, place: place, bytes: isFolder ? try size(of: place) : 0))
    }
    return found
  }

  /// Copies of drops that nobody renders, and halves of notes.
  /// - Parameters:
  ///   - store: a folder of drops; nothing lies in one that is not there.
  ///   - snapshots: the names of the copies that are needed.
  func leftCopies(in store: FilePath, besides snapshots: Set<String>) throws(FileFailure) -> [Find] {
    guard try FileStatus(at: store)?.kind == .folder else { return [] }
    let marks = Set(snapshots.compactMap(Self.mark))
    var found: [Find] = []
    for name in try FolderListing.names(in: store) where isOrphan(name.string, besides: marks) {
      guard let status = try FileStatus(at: store.appending(name)), status.kind != .folder else { continue }
      found.append(Find(kind: .orphan, place: store.appending(name), bytes: status.fingerprint.size))
    }
    return found
  }

  /// A copy of a drop that is not needed, or a note that was never finished.
  private func isOrphan(_ name: String, besides marks: Set<String>) -> Bool {
    if name.hasBytePrefix("."), name.hasByteSuffix(".PROBLEM.txt.part") { return true }
    guard SlashAndBurn.isSnapshot(name), let mark = Self.mark(name) else { return false }
    return !marks.contains(mark)
  }

  /// The twelve digits in the name of a copy, and of what lies beside it for its sake.
  private static func mark(_ name: String) -> String? {
    name.firstMatch(of: /\.farm-([0-9a-f]{12})/).map { String($0.1) }
  }
}
