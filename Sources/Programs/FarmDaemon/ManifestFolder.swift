import FarmModel
import FarmStore
import FoundationEssentials
import SystemPackage
import VolumeFiles

/// The manifests of a volume: `.farm/manifests/<release>/<job>.json`, and one list of what was adopted.
struct ManifestFolder: Hashable {
  private let folder: FilePath

  init(_ volume: Volume) { folder = volume.manifests }

  /// One that was put aside.
  init(at folder: FilePath) { self.folder = folder }

  /// One a line; no release is called so: names of releases do not begin with a dot.
  private var adopted: FilePath { folder.appending(".adopted.jsonl") }

  /// - Parameter name: `release/job`.
  private func path(of name: String) -> FilePath { folder.pushing(FilePath(name + ".json")) }

  /// Writes what is due, and takes away what is not true any more.
  func put(_ due: DueManifest) throws(FileFailure) {
    if let written = due.written, due.manifest == nil || !written.isSameBytes(as: due.name.description) {
      Placement.remove(path(of: written))
      Placement.removeIfEmpty(path(of: written).removingLastComponent())
    }
    guard let manifest = due.manifest else { return }
    let file = path(of: due.name.description)
    try SharedFolder.make(file.removingLastComponent(), below: folder.removingLastComponent())
    try Durable.write(Self.text(of: manifest), to: file)
  }

  /// Takes away all of a release.
  func remove(release: String) {
    // What is left of them is taken for jobs that are gone, should the ledger be lost.
    try? Placement.removeTree(folder.appending(release))
  }

  private var adoptedPart: FilePath { folder.appending(".adopted.part") }

  /// Begins the list of what was adopted.
  func beginAdopted() throws(FileFailure) {
    Placement.remove(adoptedPart)
    OpenFile.close(try OpenFile.making(adoptedPart, mode: 0o644))
  }

  func add(adopted manifests: [Manifest]) throws(FileFailure) {
    let file = try OpenFile.appending(adoptedPart)
    defer { OpenFile.close(file) }
    try FileBytes.write(manifests.flatMap { Self.json($0) }, to: file, path: adoptedPart)
  }

  /// Puts the list in the place of an earlier one.
  func endAdopted() throws(FileFailure) {
    try Durable.sync(adoptedPart)
    try Placement.move(adoptedPart, to: adopted, ifOccupied: .replace)
  }

  /// All that can be read, those of single jobs first; and the files that cannot.
  func readAll() throws(FileFailure) -> (manifests: [Manifest], unreadable: [FilePath]) {
    var manifests: [Manifest] = []
    var unreadable: [FilePath] = []
    guard try FileStatus(at: folder) != nil else { return ([], []) }
    for release in try FolderListing.names(in: folder).map({ folder.appending($0) }) {
      guard try FileStatus(at: release)?.kind == .folder else { continue }
      for file in try FolderListing.names(in: release).map({ release.appending($0) }) where file.extension == "json" {
        if let manifest: Manifest = Self.value(at: file) { manifests.append(manifest) } else { unreadable.append(file) }
      }
    }
    if try FileStatus(at: adopted) != nil {
      let lines = try FileBytes.all(of: adopted, limitBytes: Self.bytesMax).split(separator: 10)
      let all: [Manifest] = lines.compactMap { Self.value(Array($0)) }
      manifests += all
      if all.count < lines.count { unreadable.append(adopted) }
    }
    return (manifests.filter { $0.form == Manifest.form }, unreadable)
  }

  private static let bytesMax = 1 << 30

  private static func value<Value: Decodable>(at file: FilePath) -> Value? {
    // Cut short or written by somebody else: told by the caller.
    guard let bytes = try? FileBytes.all(of: file, limitBytes: bytesMax) else { return nil }
    return value(bytes)
  }

  private static func value<Value: Decodable>(_ bytes: [UInt8]) -> Value? {
    try? JSONDecoder().decode(Value.self, from: Data(bytes))  // The same.
  }

  /// Picture by picture: a job may have a hundred thousand, and an encoder holds all that it was given at once.
  static func text(of manifest: Manifest) -> [UInt8] {
    var job = manifest
    job.outputs = []
    let text = json(job)
    // Quotes in values are escaped, so that this stands there once.
    guard let place = text.firstRange(of: Array(#""outputs":[]"#.utf8)) else { return json(manifest) }
    var all = Array(text[..<(place.upperBound - 1)])
    for (number, picture) in manifest.outputs.enumerated() {
      if number > 0 { all.append(UInt8(ascii: ",")) }
      all += json(picture).dropLast()
    }
    return all + text[(place.upperBound - 1)...]
  }

  private static func json(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return ((try? encoder.encode(value)).map { Array($0) } ?? []) + [10]  // Values of ours always encode.
  }
}
