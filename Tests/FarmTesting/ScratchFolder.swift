import FarmModel
import Foundation
import SystemPackage
import VolumeFiles

/// A folder of one test's own, removed with all that lies in it when the test lets go of it.
package final class ScratchFolder: Sendable {
  package let path: FilePath

  package init() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "farm-test-\(UUID().uuidString.prefix(13))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    path = FilePath(folder.path)
  }

  deinit {
    // Left-overs in the temporary folder harm nobody.
    try? FileManager.default.removeItem(atPath: path.string)
  }

  /// A path below the folder.
  package func callAsFunction(_ below: String) -> FilePath { path.appending(below) }

  /// Writes a file below the folder, with its parents.
  @discardableResult
  package func write(_ bytes: some Sequence<UInt8>, to below: String) throws -> FilePath {
    let file = path.appending(below)
    try makeFolder(file.removingLastComponent())
    try Data(bytes).write(to: URL(filePath: file.string))
    return file
  }

  @discardableResult
  package func write(_ text: String, to below: String) throws -> FilePath { try write(Array(text.utf8), to: below) }

  /// Makes a folder below, with its parents.
  @discardableResult
  package func folder(_ below: String) throws -> FilePath {
    try makeFolder(path.appending(below))
    return path.appending(below)
  }

  /// Makes a volume below the folder.
  package func makeVolume() throws -> Volume {
    let volume = Volume(root: path.appending("volume"))
    try VolumeTree.make(volume, adopts: false)
    return volume
  }

  private func makeFolder(_ folder: FilePath) throws {
    try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
  }
}

extension FilePath {
  /// The file's bytes; empty when it cannot be read.
  package var contents: [UInt8] { FileManager.default.contents(atPath: string).map(Array.init) ?? [] }
  /// Writes it in place, as most programs save.
  package func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: string)) }
  package var isThere: Bool { FileManager.default.fileExists(atPath: string) }

  /// The names in a folder, sorted, hidden ones too.
  package var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: string).sorted()) ?? [] }

  /// Every file below a folder, as sorted paths below it.
  package var filesBelow: [String] {
    let all = FileManager.default.enumerator(atPath: string)?.compactMap { $0 as? String } ?? []
    return all.filter { !FilePath(string + "/" + $0).isFolder }.sorted()
  }

  private var isFolder: Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: string, isDirectory: &isFolder) && isFolder.boolValue
  }
}

/// Waits until something is so, looking again and again; fails the test's wait, not the test, at the deadline. That is
/// far off: six starts of Blender, with two other rows of tests at work on two cores, took a minute.
/// - Returns: whether it came to be so.
package func eventually(
  within limit: Duration = .seconds(240), _ condition: () async throws -> Bool
) async rethrows -> Bool {
  let deadline = ContinuousClock.now + limit
  while ContinuousClock.now < deadline {
    if try await condition() { return true }
    try? await Task.sleep(for: .milliseconds(20))
  }
  return try await condition()
}
