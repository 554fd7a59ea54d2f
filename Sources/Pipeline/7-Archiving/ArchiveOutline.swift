import FarmModel
import SystemPackage

/// Whether an archive's entries make a release, one after the other: whoever reads it to its end knows whether it can
/// be unpacked. A value: it touches no file.
struct ArchiveOutline {
  private enum Kind { case folder, file, link }

  private let archive: FilePath
  private var kinds: [FilePath: Kind] = [:]

  init(of archive: FilePath) { self.archive = archive }

  /// Takes in the next entry.
  /// - Throws: ``ArchiveFailure/forged`` for one that no folder could have been packed as.
  mutating func take(_ entry: TarReader.Entry) throws(ArchiveFailure) {
    let path = entry.path.path
    try refuseDisguise(entry)
    let above = path.removingLastComponent()
    guard above.isEmpty || kinds[above] == .folder else { throw refuse(path, "lies in no folder of the archive") }
    let kind: Kind =
      switch entry.kind {
      case .folder: .folder
      case .file, .hardLink: .file
      case .link: .link
      }
    if case .hardLink(let first) = entry.kind, kinds[first.path] != .file {
      throw refuse(path, "is a hard link to no file of it")
    }
    guard kinds.updateValue(kind, forKey: path) == nil else { throw refuse(path, "stands in it twice") }
  }

  /// What farm itself goes into must be what it is called.
  private func refuseDisguise(_ entry: TarReader.Entry) throws(ArchiveFailure) {
    switch entry.path.path.string {
    case "store", "out", ReleaseTree.delivered:
      guard entry.kind == .folder else { throw refuse(entry.path.path, "is no folder") }
    case Volume.planName:
      guard entry.kind == .file else { throw refuse(entry.path.path, "is no file") }
    default: return
    }
  }

  private func refuse(_ path: FilePath, _ why: String) -> ArchiveFailure {
    .forged(archive, entry: path.string, why: why)
  }
}
