import BlendFile
import FarmModel
import FolderWatch
import SystemPackage
import VolumeFiles

/// A settled file, claimed: which job it is, what it holds, who dropped it.
package struct Drop: Sendable {
  package let name: JobName
  package let path: FilePath
  package let fingerprint: Fingerprint
  package let digest: Digest
  /// The user who owns the file.
  package let owner: String
  /// What the file says of itself, or why it cannot be read.
  package let facts: Result<BlendFacts, BlendFailure>
  /// What it says in depth and which files it needs; nil before that was looked at, or when it cannot be told.
  package var inspection: BlendInspection?
  /// The files that it needs besides and that are there.
  package var files: [SeenFile] = []
}

/// Claims settled files: digests them, reads them, and makes sure that they stayed what they were meanwhile.
package struct Intaker: Sendable {
  private let volume: Volume
  private let place: DropPlace

  package init(_ volume: Volume) {
    self.volume = volume
    place = DropPlace(volume)
  }

  /// Says whether a file that nobody writes is whole; for ``FolderWatcher``.
  package static func wholeness(of path: FilePath) -> Wholeness {
    do throws(BlendFailure) {
      _ = try BlendFile.read(path)
      return .whole
    } catch {
      // A file that was given its full size first starts with zeros until its data comes.
      if case .notBlend(let first) = error, first.allSatisfy({ $0 == 0 }) { return .notYet("it begins with zeros") }
      return error.isTransient ? .notYet(error.description) : .never(error.description)
    }
  }

  /// Claims a settled file.
  /// - Parameter known: the digest of a file that is known to be as it was; nil: it is read.
  /// - Throws: ``IntakeFailure/changed`` when it is no longer the file that settled; its next settling comes by itself.
  package func claim(
    _ path: FilePath, settled: Fingerprint, digest known: Digest? = nil
  ) throws(IntakeFailure) -> Drop {
    let name = try place.job(at: path)
    let read = try reading(path) { () throws(FileFailure) in try digest(path, settled: settled, known) }
    guard let (digest, owner) = read else { throw .changed(path) }
    let facts = Result { () throws(BlendFailure) in try BlendFile.read(path) }
    let after = try reading(path) { () throws(FileFailure) in try FileStatus(at: path) }
    guard after?.fingerprint == settled else { throw .changed(path) }
    return Drop(name: name, path: path, fingerprint: settled, digest: digest, owner: owner, facts: facts)
  }

  /// The file's digest and owner; nil when it is another than the one that settled.
  private func digest(
    _ path: FilePath, settled: Fingerprint, _ known: Digest?
  ) throws(FileFailure) -> (Digest, owner: String)? {
    guard try FileStatus(at: path) != nil else { return nil }
    let file = try OpenFile.beneath(volume.root, path)
    defer { OpenFile.close(file) }
    let before = try FileStatus(of: file, path: path)
    guard before.kind == .regular, before.fingerprint == settled else { return nil }
    if let known { return (known, before.ownerName) }
    var digest = FileDigest()
    try FileBytes.read(file, path: path) { digest.update($0) }
    return (digest.finish(), before.ownerName)
  }

  private func reading<Value>(
    _ path: FilePath, _ body: () throws(FileFailure) -> Value
  ) throws(IntakeFailure) -> Value {
    do { return try body() } catch { throw .unreadable(path, error) }
  }
}

/// Why a file did not become a drop.
package enum IntakeFailure: Failure, Equatable {
  case badName(FilePath, why: String)
  case changed(FilePath)
  case unreadable(FilePath, FileFailure)

  package var description: String {
    switch self {
    case .badName(let path, let why): "\(shown(path)) cannot be a job: \(why)"
    case .changed(let path): "\(shown(path)) changed while it was being claimed"
    case .unreadable(_, let failure): failure.description
    }
  }

  package var remedy: String {
    switch self {
    case .badName: "Rename the file."
    case .changed: "Nothing; it is claimed when it has settled again."
    case .unreadable(_, let failure): failure.remedy
    }
  }

  package var isTransient: Bool {
    switch self {
    case .badName: false
    case .changed, .unreadable: true
    }
  }

  package var problemClass: ProblemClass {
    switch self {
    case .badName: .badName
    case .changed: .changedMeanwhile
    case .unreadable: .unreadableFile
    }
  }

  private func shown(_ path: FilePath) -> String { path.string.escapedForTerminal }
}
