import BlendFile
import FarmModel
import Synchronization
import SystemPackage
import VolumeFiles

/// Where a `.blend` and what it needs are looked for. What was read of a file is kept while the file stays as it is:
/// hundreds of shots share their libraries.
package final class InspectedDisk: Sendable {
  private struct Known {
    let file: Fingerprint
    let summary: Result<BlendSummary, BlendFailure>
    var usedAt: Int
  }

  private struct Memory {
    var known: [FilePath: Known] = [:]
    var uses = 0
  }

  private static let knownMax = 64
  private let memory = Mutex(Memory())

  package init() {}

  /// A link stands for what it leads to, as it does for Blender.
  package var disk: BlendInspector.Disk {
    BlendInspector.Disk(
      summary: { self.summary(of: RealPath.of($0) ?? $0) },
      exists: { Self.status(of: $0) != nil })
  }

  private static func status(of path: FilePath) -> FileStatus? {
    // Unreadable: Blender cannot read it either.
    (try? FileStatus(at: path, followsLinks: true)).flatMap(\.self)
  }

  private func summary(of path: FilePath) -> Result<BlendSummary, BlendFailure> {
    let file = Self.status(of: path)?.fingerprint
    let known = memory.withLock { memory -> Result<BlendSummary, BlendFailure>? in
      guard let file, memory.known[path]?.file == file else { return nil }
      memory.uses += 1
      memory.known[path]?.usedAt = memory.uses
      return memory.known[path]?.summary
    }
    if let known { return known }
    let summary = Result { () throws(BlendFailure) in try BlendSummary(of: path) }
    // Changed while it was read: what was read may be of neither.
    if let file, Self.status(of: path)?.fingerprint == file { keep(summary, of: path, file) }
    return summary
  }

  private func keep(_ summary: Result<BlendSummary, BlendFailure>, of path: FilePath, _ file: Fingerprint) {
    memory.withLock { memory in
      memory.uses += 1
      memory.known[path] = Known(file: file, summary: summary, usedAt: memory.uses)
      guard memory.known.count > Self.knownMax else { return }
      let oldest = memory.known.min { $0.value.usedAt < $1.value.usedAt }
      if let oldest { memory.known[oldest.key] = nil }
    }
  }

  /// How the files are now from which the pictures of a `.blend` will come, and all its libraries, as far as they are
  /// there; of folders Blender tells what is in them.
  package static func files(of inspection: BlendInspection) -> [SeenFile] {
    let needed = inspection.dependencies.filter { $0.reached && $0.kind.isSeen || $0.kind == .library }
    return Set(needed.compactMap(\.resolved)).sorted().compactMap { path in
      guard let status = status(of: FilePath(path)), status.kind == .regular else { return nil }
      let file = status.fingerprint
      return SeenFile(path: path, size: file.size, mtimeNanoseconds: file.mtimeNanoseconds)
    }
  }
}
