import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// A `.blend` that a command copies into a folder of drops, with the rights of whoever calls it.
struct BlendCopy {
  let source: FilePath
  /// The job that it becomes.
  let job: String

  /// - Throws: ``CopyFailure`` when it is no readable `.blend`.
  init(of path: String) throws {
    source = FilePath(path)
    guard path.isBlend, let stem = source.stem else { throw CopyFailure.notBlend(path) }
    guard access(path, R_OK) == 0 else { throw CopyFailure.unreadable(path, String(cString: strerror(errno))) }
    job = stem
  }

  /// Copies it into a folder under its job's name, or another; it appears there whole.
  func put(into folder: String, as name: String? = nil) throws {
    let target = FilePath(folder).appending("\(name ?? job).blend")
    guard try FileStatus(at: target) == nil else { throw CopyFailure.taken(target.string) }
    try place(at: target, ifOccupied: .refuse)
  }

  /// Copies it over a job's file.
  func replace(_ target: FilePath) throws { try place(at: target, ifOccupied: .replace) }

  private func place(at target: FilePath, ifOccupied: Placement.Occupied) throws {
    let part = target.removingLastComponent().appending(".\(target.stem ?? "").part-\(getpid())")
    Placement.remove(part)
    _ = try FileCopy.copy(source, to: part)
    do { try Placement.move(part, to: target, ifOccupied: ifOccupied) } catch {
      Placement.remove(part)
      throw error
    }
  }
}

extension String {
  /// Whether it names a .blend file.
  var isBlend: Bool { hasByteSuffix(caseless: ".blend") }
}

/// Why a file was not copied to where drops lie.
enum CopyFailure: Failure, Equatable {
  case notBlend(String)
  case unreadable(String, String)
  case taken(String)

  var description: String {
    switch self {
    case .notBlend(let path): "\(path.escapedForTerminal) is no .blend file"
    case .unreadable(let path, let reason): "cannot read \(path.escapedForTerminal): \(reason)"
    case .taken(let path): "\(path.escapedForTerminal) is there already, and is not overwritten"
    }
  }

  var remedy: String {
    switch self {
    case .notBlend: "Name a .blend file."
    case .unreadable: "Correct the path, or its rights."
    case .taken: "Use `farm replace job` to render another version of it, or take another name."
    }
  }

  var kind: FailureKind {
    switch self {
    case .notBlend, .unreadable: .wrongUse
    case .taken: .conflict
    }
  }
}
