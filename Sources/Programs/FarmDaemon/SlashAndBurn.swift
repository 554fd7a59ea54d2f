import FarmModel
import Logging
import Segmentation
import SystemPackage
import VolumeFiles

/// Forgets everything the farm knows, and removes what it rendered and did not deliver: `farm slash-and-burn`.
///
/// Ordered by a mark in `.farm/`, carried out at a start before the ledger is opened. Each step may be done again, and
/// the mark goes last, so whatever ends the daemon in between, the next start finishes it. No `.blend` is touched, and
/// nothing in `dist/` and `archives/`.
struct SlashAndBurn {
  let volume: Volume
  let state: StateFolder
  let log: Logger
  /// Called after each step; tests end the process there.
  var stepped: (String) -> Void = { _ in }

  /// Its content is the name of the folder that takes the old ledger.
  static func mark(_ volume: Volume) -> FilePath { volume.own.appending("slash-and-burn") }

  /// Orders it for the next start.
  /// - Returns: the folder that takes the old ledger.
  static func order(_ volume: Volume, at now: Timestamp) throws(FileFailure) -> FilePath {
    let mark = mark(volume)
    if try FileStatus(at: mark) == nil { try Durable.write(Array("burnt-\(now.fileName)".utf8), to: mark) }
    return try ashes(volume)
  }

  private static func ashes(_ volume: Volume) throws(FileFailure) -> FilePath {
    let name = String(decoding: try FileBytes.all(of: mark(volume)), as: UTF8.self)
    return volume.own.appending(name.hasPrefix("burnt-") ? NameRule.asPathComponent(name) : "burnt")
  }

  /// What was delivered before everything was forgotten, as far as it was proven; of one name the latest.
  static func formerDeliveries(_ volume: Volume) throws(FileFailure) -> [(path: String, file: FileIdentity)] {
    let ashes = try FolderListing.names(in: volume.own).map(\.string).filter { $0.hasPrefix("burnt") }.sorted()
    var deliveries: [(String, FileIdentity)] = []
    for folder in ashes {
      let manifests = try ManifestFolder(at: volume.own.appending(folder).appending("manifests")).readAll().manifests
      for picture in manifests.flatMap(\.outputs) {
        if let path = picture.delivered, let file = picture.deliveredFile { deliveries.append((path, file)) }
      }
    }
    return deliveries
  }

  /// Carries it out, if it was ordered.
  func carryOut() throws(FileFailure) {
    let mark = Self.mark(volume)
    guard try FileStatus(at: mark) != nil else { return }
    let ashes = try Self.ashes(volume)
    try SharedFolder.make(ashes)
    try putAside(in: ashes)
    for release in try releases() { try removeOutputs(below: release.appending("out")) }
    stepped("outputs removed")
    for name in try names(in: volume.work) { try Placement.removeTree(volume.work.appending(name)) }
    for release in try releases() {
      try removeSnapshots(in: release == volume.quick ? release : release.appending("store"))
    }
    stepped("work removed")
    // What lies there is known at the next start, and nothing of it is rendered.
    try Durable.write([], to: VolumeTree.adoptMark(volume))
    stepped("adopted")
    Placement.remove(mark)
    try Durable.syncFolder(volume.own)
    log.notice("everything was forgotten", metadata: ["old": "\(ashes)"])
  }

  /// The log beside the ledger before the ledger: without it, it is an older ledger, which nobody must open as his own.
  private func putAside(in ashes: FilePath) throws(FileFailure) {
    for part in ["-shm", "-wal", ""] {
      let file = FilePath(state.ledger.string + part)
      guard try FileStatus(at: file) != nil, let name = file.lastComponent else { continue }
      try Placement.move(file, to: ashes.appending(name), ifOccupied: .replace)
      stepped("ledger\(part) put aside")
    }
    if try !names(in: volume.manifests).isEmpty {
      try Placement.move(volume.manifests, to: ashes.appending("manifests"), ifOccupied: .replace)
    }
    stepped("manifests put aside")
    try SharedFolder.make(volume.manifests)
  }

  private func releases() throws(FileFailure) -> [FilePath] {
    var releases = [volume.quick]
    for name in try names(in: volume.releases) {
      let folder = volume.releases.appending(name)
      if try FileStatus(at: folder)?.kind == .folder { releases.append(folder) }
    }
    return releases
  }

  /// None when the folder is not there, or no folder.
  private func names(in folder: FilePath) throws(FileFailure) -> [FilePath.Component] {
    guard try FileStatus(at: folder)?.kind == .folder else { return [] }
    return try FolderListing.names(in: folder)
  }

  /// Removes what farm made below an `out/`, by its name, and folders that are empty then; links are not followed.
  private func removeOutputs(below folder: FilePath) throws(FileFailure) {
    for name in try names(in: folder) {
      let path = folder.appending(name)
      switch try FileStatus(at: path)?.kind {
      case .folder where name.string == ".previous" || name.string == Segmentation.tilesFolder:
        try Placement.removeTree(path)
      case .folder:
        try removeOutputs(below: path)
        Placement.removeIfEmpty(path)
      case .regular where Self.isOutput(name.string): Placement.remove(path)
      default: continue
      }
    }
  }

  /// A picture has the number of its frame in its name; before it the slot of the node that wrote it, behind it its
  /// view.
  static func isOutput(_ name: String) -> Bool {
    let picture = /(.+_)?-?\d{5,}(_[^.]+)?\.(png|jpg|exr|tif|webp|bmp|tga|hdr|dpx|cin|jp2|rgb)/
    // By scalars: a view's name may begin with a combining mark.
    return name == "contact-sheet.jpg" || name.wholeMatch(of: picture.matchingSemantics(.unicodeScalar)) != nil
  }

  private func removeSnapshots(in store: FilePath) throws(FileFailure) {
    for name in try names(in: store) where Self.isSnapshot(name.string) { Placement.remove(store.appending(name)) }
  }

  static func isSnapshot(_ name: String) -> Bool {
    name.wholeMatch(of: /\.farm-[0-9a-f]{12}\.(blend|part)|blendcache_\.farm-[0-9a-f]{12}/) != nil
  }
}
