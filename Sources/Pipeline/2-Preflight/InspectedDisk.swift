import BlendFile
import FarmModel
import Synchronization
import SystemPackage
import VolumeFiles

/// Where a `.blend` and what it needs are looked for. What was read of a library is kept while the library stays as it
/// is: hundreds of shots share theirs.
package final class InspectedDisk: Sendable {
  private struct Known {
    let file: Fingerprint
    let summary: Result<BlendSummary, BlendFailure>
    var usedAt: Int

    /// One that cannot be read has none, but takes room too.
    var datablocks: Int {
      if case .success(let summary) = summary { summary.datablockCount + 1 } else { 1 }
    }
  }

  private struct Memory {
    var known: [FilePath: Known] = [:]
    var uses = 0

    /// So many datablocks take some 20 MB.
    private static let datablocksMax = 100_000

    mutating func keep(_ file: Known, at path: FilePath) {
      known[path] = file
      var datablocks = known.values.reduce(0) { $0 + $1.datablocks }
      guard datablocks > Self.datablocksMax else { return }
      for (path, file) in known.sorted(by: { $0.value.usedAt < $1.value.usedAt }) where datablocks > Self.datablocksMax
      {
        known[path] = nil
        datablocks -= file.datablocks
      }
    }
  }

  private let memory = Mutex(Memory())
  let guarding: ReadGuard

  package init(guarding: ReadGuard = ReadGuard()) { self.guarding = guarding }

  /// A link stands for what it leads to, as it does for Blender.
  /// - Parameter blend: the file that is inspected, which is not kept.
  package func disk(for blend: FilePath) -> BlendInspector.Disk {
    BlendInspector.Disk(
      summary: { path in
        let real = RealPath.of(path) ?? path
        return path == blend ? Self.read(real) : self.summary(of: real)
      },
      exists: { path, kind in
        let isFolder = kind == .cacheFolder || kind == .bakedFolder
        return Self.status(of: path)?.kind == (isFolder ? .folder : .regular)
      }, names: Self.names(in:), contents: Self.contents(of:))
  }

  private static func names(in folder: FilePath) -> [String] {
    // Not there, or unreadable: Blender finds nothing in it either.
    guard let real = RealPath.of(folder), let names = try? FolderListing.names(in: real) else { return [] }
    return names.map(\.string)
  }

  /// The bytes of a file of at most 16 MB.
  private static func contents(of path: FilePath) -> [UInt8]? {
    let bytesMax: Int64 = 16 << 20
    guard let real = RealPath.of(path), let size = status(of: real)?.fingerprint.size, size <= bytesMax else {
      return nil
    }
    // Unreadable: Blender cannot read it either.
    return try? FileBytes.all(of: real)
  }

  private static func read(_ path: FilePath) -> Result<BlendSummary, BlendFailure> {
    Result { () throws(BlendFailure) in try BlendSummary(of: path) }
  }

  private static func status(of path: FilePath) -> FileStatus? {
    // Unreadable: Blender cannot read it either.
    (try? FileStatus(at: path, followsLinks: true)).flatMap(\.self)
  }

  func summary(of path: FilePath) -> Result<BlendSummary, BlendFailure> {
    let file = Self.status(of: path)?.fingerprint
    let known = memory.withLock { memory -> Result<BlendSummary, BlendFailure>? in
      guard let file, memory.known[path]?.file == file else { return nil }
      memory.uses += 1
      memory.known[path]?.usedAt = memory.uses
      return memory.known[path]?.summary
    }
    if let known { return known }
    let crashing = BlendFailure.unreadable("the daemon died while it read it")
    let summary = guarding.reading(path, file) { Self.read(path) } ?? .failure(crashing)
    // Changed while it was read: what was read may be of neither.
    if let file, Self.status(of: path)?.fingerprint == file { keep(summary, of: path, file) }
    return summary
  }

  private func keep(_ summary: Result<BlendSummary, BlendFailure>, of path: FilePath, _ file: Fingerprint) {
    memory.withLock { memory in
      memory.uses += 1
      memory.keep(Known(file: file, summary: summary, usedAt: memory.uses), at: path)
    }
  }

  /// The files from which the pictures of a `.blend` will come, as far as they are there, and all its libraries;
  /// Blender tells what is in folders. A library is noted as it was when it was read; one that could not be read, or
  /// changed meanwhile, as unknown.
  /// - Parameter missing: whether other files that are needed and not there are noted too.
  package func files(of inspection: BlendInspection, missing: Bool = false) -> [SeenFile] {
    let needed = inspection.dependencies.filter { $0.reached && $0.kind.isSeen || $0.kind == .library }
    let libraries = Set(needed.filter { $0.kind == .library }.compactMap(\.resolved).map(ExactText.init))
    let all = Set(needed.compactMap(\.resolved).map(ExactText.init)).sorted { $0.text < $1.text }
    return all.compactMap { named in
      let (path, isLibrary) = (named.text, libraries.contains(named))
      guard let status = Self.status(of: FilePath(path)) else {
        return isLibrary || missing ? SeenFile.unknown(path) : nil
      }
      guard status.kind == .regular else { return nil }
      let file = status.fingerprint
      if isLibrary, !isAsRead(FilePath(path), file) { return SeenFile.unknown(path) }
      return SeenFile(path: path, size: file.size, mtimeNanoseconds: file.mtimeNanoseconds)
    }
  }

  private func isAsRead(_ path: FilePath, _ file: Fingerprint) -> Bool {
    let real = RealPath.of(path) ?? path
    return memory.withLock { $0.known[real]?.file == file }
  }
}
