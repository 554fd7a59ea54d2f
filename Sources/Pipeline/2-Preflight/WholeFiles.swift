import BlendFile
import FarmModel
import Pictures
import Synchronization
import SystemPackage
import VolumeFiles

/// Which of the files that pictures are made of are whole: pictures by their structure, libraries as drops are, others
/// once no program writes them and they were left alone for a second. A file is looked into once as long as it stays as
/// it is: a sequence has ten thousand.
package final class WholeFiles: Sendable {
  private struct Known {
    let file: Fingerprint
    let look: PictureStructure.Look
    /// What decided about a doubtful one.
    var isDecoded: Bool?
  }

  private static let quiet: Int64 = 1_000_000_000
  private static let knownMax = 300_000
  private static let isWritten = BlendDependency.Flaw(.notWhole, "is still being written", seen: nil)

  private let memory = Mutex<[String: Known]>([:])
  private let libraries: InspectedDisk
  private let clock: WallClock

  package init(_ libraries: InspectedDisk, clock: WallClock) {
    self.libraries = libraries
    self.clock = clock
  }

  /// Looks at each file that is there and that what is rendered needs, and notes what is wrong with it.
  /// - Parameter restless: files that changed less than a second before an earlier look, as they were then; a second
  ///   after that those that stayed so are used.
  /// - Returns: such files of this look.
  package func check(
    _ dependencies: inout [BlendDependency], restless: [String: Fingerprint] = [:]
  ) -> [String: Fingerprint] {
    var (changing, blind) = ([String: Fingerprint](), [FilePath: Bool]())
    for index in dependencies.indices {
      let dependency = dependencies[index]
      guard dependency.exists, dependency.reached, dependency.kind.isSeen, let path = dependency.resolved else {
        continue
      }
      let folder = FilePath(path).removingLastComponent()
      let isBlind = blind[folder] ?? MountTable.mount(at: folder).isBlind
      blind[folder] = isBlind
      // Gone or unreadable meanwhile: Blender finds that too.
      guard let real = RealPath.of(FilePath(path)), let status = (try? FileStatus(at: real)) ?? nil,
        status.kind == .regular
      else { continue }
      let verdict = verdict(on: dependency, real, status.fingerprint, asksLease: !isBlind, restless[path])
      dependencies[index].flaw = verdict.flaw
      if verdict.isRestless { changing[path] = status.fingerprint }
    }
    return changing
  }

  private func verdict(
    on dependency: BlendDependency, _ path: FilePath, _ file: Fingerprint, asksLease: Bool, _ before: Fingerprint?
  ) -> (flaw: BlendDependency.Flaw?, isRestless: Bool) {
    let seen = [file.size, file.mtimeNanoseconds]
    func flaw(_ kind: BlendDependency.Flaw.Kind, _ why: String) -> (BlendDependency.Flaw?, Bool) {
      (BlendDependency.Flaw(kind, why, seen: seen), false)
    }
    if libraries.guarding.refuses(path, file) { return flaw(.crashing, "") }
    if dependency.kind == .library {
      return switch libraries.flaw(ofLibrary: path) {
      case nil: (nil, false)
      case (let kind, let why)?: flaw(kind, why)
      }
    }
    if asksLease, LeaseProbe.ask(path) == .writer { return (Self.isWritten, false) }
    let known = known(path, file)
    switch known?.look {
    case nil, .whole: return (nil, false)
    case .doubtful(let doubt):
      switch known?.isDecoded {
      case nil: return flaw(.notWhole, doubt.why)
      case true: return flaw(.odd, doubt.why)
      case false: return flaw(.unreadable, doubt.why)
      }
    case .untold:
      if let before { return before == file ? (nil, false) : (Self.isWritten, false) }
      // A clock of a file server that is ahead: it may just have changed.
      let age = clock.now().nanoseconds - file.ctimeNanoseconds
      return (nil, age < Self.quiet)
    }
  }

  private func known(_ path: FilePath, _ file: Fingerprint) -> Known? {
    let known = memory.withLock { $0[path.string] }
    if let known, known.file == file { return known }
    // Unreadable: Blender says so too.
    let found = libraries.guarding.reading(path, file) { try? PictureStructure.look(at: path) }
    guard let look = found.flatMap(\.self) else { return nil }
    let new = Known(file: file, look: look)
    memory.withLock { memory in
      if memory.count >= Self.knownMax { memory = [:] }
      memory[path.string] = new
    }
    return new
  }

  // MARK: - Doubts

  /// A picture that its structure leaves in doubt.
  package struct Doubtful: Sendable {
    package let path: FilePath
    package let doubt: PictureDoubt
    fileprivate let file: Fingerprint
  }

  /// Those of some files that were looked at and are doubtful, until it is decided about them.
  package func doubtful(among paths: [String]) -> [Doubtful] {
    paths.compactMap { path in
      guard let real = RealPath.of(FilePath(path)), let known = memory.withLock({ $0[real.string] }),
        known.isDecoded == nil, case .doubtful(let doubt) = known.look
      else { return nil }
      return Doubtful(path: real, doubt: doubt, file: known.file)
    }
  }

  /// Notes what was decided about a file; one that changed meanwhile is looked at anew.
  package func decided(about doubtful: Doubtful, isReadable: Bool) {
    memory.withLock { memory in
      guard memory[doubtful.path.string]?.file == doubtful.file else { return }
      memory[doubtful.path.string]?.isDecoded = isReadable
    }
  }
}

extension InspectedDisk {
  /// What is wrong with a library; nil when it can be read, or when only Blender knows.
  func flaw(ofLibrary path: FilePath) -> (BlendDependency.Flaw.Kind, String)? {
    guard case .failure(let failure) = summary(of: path) else { return nil }
    switch failure {
    case .empty: return (.notWhole, "is empty")
    case .truncated: return (.notWhole, "ends too soon")
    case .damaged: return (.notWhole, "is damaged")
    case .notBlend(let first):
      return first.allSatisfy { $0 == 0 } ? (.notWhole, "begins with zeros") : (.unreadable, "")
    case .unknownHeader: return (.unreadable, "")
    case .notSupported, .unreadable, .notUnpacked: return nil
    }
  }
}
