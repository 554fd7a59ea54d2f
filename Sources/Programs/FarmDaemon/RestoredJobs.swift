import Archiving
import FarmModel
import FarmStore
import Foundation
import Harvest
import SystemPackage

/// What an archive says of its release and the jobs in it: nothing of it may lead out of the release. Whether it can be
/// restored is asked before the release is removed, whenever an archive is read, and before it is restored.
struct RestoredJobs {
  let manifests: [Manifest]
  let order: ReleaseOrder
  let history: [HistoryLine]

  /// - Throws: ``ArchiveFailure/forged`` for what the farm would not have written.
  init(_ manifest: ArchiveManifest, of release: String, archive: FilePath, now: Timestamp) throws(ArchiveFailure) {
    guard manifest.head.release == release else {
      throw .forged(
        archive, entry: ReleaseTree.manifestName,
        why: "is of the release \(manifest.head.release.escapedForTerminal): give the archive that name")
    }
    manifests = try Self.manifests(manifest.jobs, of: release, archive: archive, now: now)
    order = try Self.order(manifest.head.order, archive: archive)
    history = manifest.history
    guard history.allSatisfy({ Self.isPlausible($0, of: release) }) else {
      throw .forged(archive, entry: ReleaseTree.manifestName, why: "remembers what did not happen in the release")
    }
  }

  private static let countMax = 1_000_000
  private static let millisecondsMax: Int64 = 1 << 40
  private static let bytesMax: Int64 = 1 << 50
  private static let ownerBytesMax = 255
  private static let nameBytesMax = 4096
  private static let detailBytesMax = 1 << 20

  private static func manifests(
    _ lines: [[UInt8]], of release: String, archive: FilePath, now: Timestamp
  ) throws(ArchiveFailure) -> [Manifest] {
    var manifests: [Manifest] = []
    for line in lines {
      guard let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(line)),  // Told right here.
        manifest.form == Manifest.form, isWithin(manifest, release), isPlausible(manifest, now: now)
      else {
        throw .forged(archive, entry: ReleaseTree.manifestName, why: "names jobs that are not the release's")
      }
      manifests.append(manifest)
    }
    let delivered = manifests.flatMap(\.outputs).compactMap(\.delivered)
    guard Set(manifests.map { $0.job.lowercased() }).count == manifests.count, Set(delivered).count == delivered.count
    else { throw .forged(archive, entry: ReleaseTree.manifestName, why: "names a job or a picture twice") }
    return manifests
  }

  /// What was wanted of the release, as release.yaml may say it.
  private static func order(_ order: ReleaseOrder, archive: FilePath) throws(ArchiveFailure) -> ReleaseOrder {
    let after = order.archiveAfter ?? .zero
    guard (0...100).contains(order.priority), (.zero...ReleaseOrder.neverArchived).contains(after),
      (order.jobs ?? []).allSatisfy({ NameRule.refusal(of: $0) == nil }),
      order.naming.map({ (try? NamingTemplate(parsing: $0)) != nil }) ?? true  // Told right here.
    else { throw .forged(archive, entry: ReleaseTree.manifestName, why: "wants what no release.yaml may want") }
    return order
  }

  private static func isWithin(_ manifest: Manifest, _ release: String) -> Bool {
    let file = FilePath(manifest.path)
    guard manifest.release == release, NameRule.refusal(of: manifest.job) == nil,
      file.removingLastComponent() == FilePath("releases/\(release)/store"), isPlain(manifest.path)
    else { return false }
    return manifest.outputs.allSatisfy { picture in
      isPlain(picture.path)
        && picture.delivered.map { isPlain($0) && FilePath($0).starts(with: FilePath("dist/\(release)")) } ?? true
    }
  }

  private static func isPlausible(_ line: HistoryLine, of release: String) -> Bool {
    guard let at = Timestamp(rfc3339: line.at), at.nanoseconds >= 0 else { return false }
    return line.release == release && (1...countMax).contains(line.revision ?? 1)
      && [line.who, line.what, line.job ?? ""].allSatisfy { $0.utf8.count <= nameBytesMax }
      && (line.detail ?? "").utf8.count <= detailBytesMax
  }

  /// Whether it ended, and its numbers are such as clocks and counters show.
  private static func isPlausible(_ manifest: Manifest, now: Timestamp) -> Bool {
    let day: Int64 = 86_400_000_000_000
    let times = 0...now.nanoseconds.adding(day)
    guard [.completed, .failed, .canceled].contains(manifest.state), (1...countMax).contains(manifest.revision),
      times.contains(manifest.createdAt), times.contains(manifest.droppedAt), times.contains(manifest.endedAt ?? 0),
      (0...100).contains(manifest.priority ?? 0), manifest.owner.utf8.count <= ownerBytesMax,
      Set(manifest.outputs.map(\.path)).count == manifest.outputs.count
    else { return false }
    return manifest.outputs.allSatisfy { picture in
      (0...countMax).contains(picture.attempts) && (0...millisecondsMax).contains(picture.renderMilliseconds ?? 0)
        && (0...bytesMax).contains(picture.peakBytes ?? 0) && (0...bytesMax).contains(picture.file?.size ?? 0)
        && (0...bytesMax).contains(picture.deliveredFile?.size ?? 0)
    }
  }

  /// Whether a path leads down only.
  private static func isPlain(_ text: String) -> Bool {
    let path = FilePath(text)
    return path.isRelative && !path.isEmpty && path.components.allSatisfy { $0.kind == .regular }
  }
}
