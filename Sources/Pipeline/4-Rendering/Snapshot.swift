import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// The copy of a `.blend` that is rendered, beside the original so that `//` paths resolve: what is rendered is what
/// was dropped, however often the artist saves meanwhile.
package struct Snapshot: Hashable, Sendable {
  /// The artist's file.
  package let original: FilePath
  private let digest: Digest
  private let mark: String

  /// - Parameter revision: two jobs of one folder may hold equal bytes, so the name is the revision's own.
  package init(of original: FilePath, digest: Digest, revision: Int64) {
    self.original = original
    self.digest = digest
    mark = FileDigest.of(digest.bytes + Array("\(revision)".utf8)).short
  }

  /// `.farm-<12 hex>.blend`.
  package var name: String { ".farm-\(mark).blend" }
  package var path: FilePath { folder.appending(name) }
  private var part: FilePath { folder.appending(".farm-\(mark).part") }
  private var folder: FilePath { original.removingLastComponent() }

  private var cacheLink: FilePath { path.ownCache }

  /// Copies the original and proves in the same pass that it still is what was queued.
  /// - Throws: ``RenderingFailure/changed`` when it is not; then there is no snapshot.
  package func take() throws(RenderingFailure) {
    let isOriginal = try copying { () throws(FileFailure) in
      if try isTaken() { return true }
      return try copyOriginal()
    }
    guard isOriginal else {
      remove()
      throw .changed(original)
    }
    try copying { () throws(FileFailure) in try linkCache() }
  }

  private func isTaken() throws(FileFailure) -> Bool {
    guard try FileStatus(at: path) != nil else { return false }
    return try FileDigest.of(path) == digest
  }

  /// False when the original is another by now.
  private func copyOriginal() throws(FileFailure) -> Bool {
    guard try FileStatus(at: original) != nil else { return false }
    Placement.remove(part)
    guard try FileCopy.copy(original, to: part) == digest else { return false }
    try Placement.move(part, to: path, ifOccupied: .replace)
    return true
  }

  private func copying<Value>(_ body: () throws(FileFailure) -> Value) throws(RenderingFailure) -> Value {
    do { return try body() } catch {
      Placement.remove(part)
      throw .noSnapshot(error)
    }
  }

  /// Without it a baked simulation is silently lost (measured with Blender 3.4).
  private func linkCache() throws(FileFailure) {
    guard try FileStatus(at: original.ownCache, followsLinks: true)?.kind == .folder,
      let target = original.ownCache.lastComponent
    else {
      return
    }
    let made = target.string.withCString { to in cacheLink.withPlatformString { symlink(to, $0) } }
    guard made == 0 || errno == EEXIST else { throw FileFailure("link", cacheLink) }
  }

  /// Removes the snapshot and the link; the original is never touched.
  package func remove() {
    Placement.remove(path)
    Placement.remove(part)
    // Unreadable: nothing that we could remove.
    if (try? FileStatus(at: cacheLink))??.kind == .link { Placement.remove(cacheLink) }
  }
}

/// Why something on the way from task to picture did not work.
package enum RenderingFailure: Failure, Equatable {
  case changed(FilePath)
  case noSnapshot(FileFailure)
  case notPromoted(FileFailure)

  package var description: String {
    switch self {
    case .changed(let path): "\(path.string.escapedForTerminal) is no longer what was queued"
    case .noSnapshot(let failure): "there is no copy to render from: \(failure.description)"
    case .notPromoted(let failure): "a checked frame cannot be put into place: \(failure.description)"
    }
  }

  package var remedy: String {
    switch self {
    case .changed: "Nothing; the newer version is rendered."
    case .noSnapshot(let failure), .notPromoted(let failure): failure.remedy
    }
  }

  package var isTransient: Bool {
    switch self {
    case .changed: true
    case .noSnapshot(let failure), .notPromoted(let failure): failure.isTransient
    }
  }

  package var problem: Problem {
    switch self {
    case .changed: Problem(.changedMeanwhile, cause: description, remedy: remedy)
    case .noSnapshot(let failure), .notPromoted(let failure):
      Problem(failure.problemClass, cause: description, remedy: remedy)
    }
  }
}
