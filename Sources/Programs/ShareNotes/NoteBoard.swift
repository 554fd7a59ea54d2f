import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// Keeps the notes on the share as they should be. Owns every file there that begins with our mark, and no other.
package actor NoteBoard {
  private let volume: Volume
  private var written: [FilePath: (path: FilePath, text: String)] = [:]
  /// Texts that could not be written.
  private var refused: [FilePath: String] = [:]
  /// The folders in which notes of an earlier life were looked for.
  private var looked: Set<FilePath> = []
  private var mayRemove = false
  /// Whether some note hangs otherwise than it was last asked for: refused, or its file system does not answer.
  package private(set) var isBehind = false

  package init(_ volume: Volume) {
    self.volume = volume
  }

  private var fallback: FilePath { volume.root.appending("PROBLEMS") }

  /// What hangs from an earlier life may be removed from now on: it is known what lies beside it.
  package func removeLeftovers() { mayRemove = true }

  /// Makes these the notes that hang: writes what is new or different, removes what is cured. A folder whose file
  /// system does not answer is passed over until it does.
  /// - Parameter retrying: whether notes that were refused are tried again; others wait until their text changes.
  /// - Returns: the notes that could not be written anywhere.
  package func show(_ notes: [ProblemNote], folders: [FilePath], retrying: Bool = true) async -> [FileFailure] {
    let wanted = Dictionary(notes.map { ($0.drop, $0) }) { first, _ in first }
    refused = refused.filter { wanted[$0.key]?.text == $0.value }
    for (drop, note) in written where wanted[drop] == nil {
      let isRemoved: Void? = await Self.answer(at: note.path) { Self.remove(note.path, mark: ProblemNote.mark) }
      if isRemoved != nil { written[drop] = nil }
    }
    var failures: [FileFailure] = []
    for (drop, note) in wanted where written[drop]?.text != note.text && (retrying || refused[drop] == nil) {
      let places = [note.path, fallback.appending("\(release(of: drop))-\(note.name)")]
      let text = note.text
      switch await Self.answer(at: note.path, { Self.put(text, mark: ProblemNote.mark, at: places) }) {
      case .success(let path)?:
        written[drop] = (path, note.text)
        refused[drop] = nil
      case .failure(let failure)?:
        failures.append(failure)
        refused[drop] = note.text
      case nil: continue
      }
    }
    isBehind =
      wanted.contains { written[$0.key]?.text != $0.value.text } || written.keys.contains { wanted[$0] == nil }
    if mayRemove { await removeLeftovers(in: folders) }
    return failures
  }

  /// Longer than a healthy file server takes for a small file.
  private static let patience = Duration.seconds(3)

  /// - Returns: nil when the file system does not answer.
  private static func answer<Value: Sendable>(
    at place: FilePath, _ work: @escaping @Sendable () -> Value
  ) async -> Value? {
    BlockingWork.isStuck(at: place) ? nil : await BlockingWork.run(at: place, atMost: patience, work)
  }

  /// Writes `STATUS.txt`, unless somebody keeps a file of their own under that name.
  package func show(_ sheet: StatusSheet) async -> FileFailure? {
    let path = volume.root.appending("STATUS.txt")
    switch await BlockingWork.run({ Self.put(sheet.text, mark: StatusSheet.mark, at: [path]) }) {
    case .success: return nil
    case .failure(let failure): return failure
    }
  }

  private func release(of drop: FilePath) -> String {
    let folder = drop.removingLastComponent()
    return folder == volume.quick ? NameRule.quick : folder.removingLastComponent().lastComponent?.string ?? "farm"
  }

  /// Notes of an earlier life whose problem is gone.
  private func removeLeftovers(in folders: [FilePath]) async {
    let hanging = Set(written.values.map(\.path))
    for folder in Set(folders + [fallback]).subtracting(looked) {
      let isDone: Void? = await Self.answer(at: folder) {
        // Not there, or not to be read: no note of ours can be removed there.
        for name in (try? FolderListing.names(in: folder)) ?? [] where name.string.hasByteSuffix(ProblemNote.ending) {
          let path = folder.appending(name)
          if !hanging.contains(path) { Self.remove(path, mark: ProblemNote.mark) }
        }
      }
      if isDone != nil { looked.insert(folder) }
    }
    let fallback = fallback
    await BlockingWork.run { _ = Placement.removeIfEmpty(fallback) }
  }

  // MARK: - Files

  /// Writes a text to the first of these places that can be written and holds nothing of somebody else's.
  private static func put(
    _ text: String, mark: String, at places: [FilePath]
  ) -> Result<FilePath, FileFailure> {
    var failure = FileFailure("write a note at", places[0], errno: EEXIST)
    for (number, place) in places.enumerated() {
      do throws(FileFailure) {
        guard try FileStatus(at: place) == nil || isOurs(place, mark) else { continue }
        if number > 0 {
          let folder = place.removingLastComponent()
          try SharedFolder.make(folder, below: folder.removingLastComponent())
        }
        if try FileStatus(at: place) != nil, try FileBytes.all(of: place) == Array(text.utf8) { return .success(place) }
        try Durable.write(Array(text.utf8), to: place)
        return .success(place)
      } catch {
        failure = error
      }
    }
    return .failure(failure)
  }

  private static func remove(_ path: FilePath, mark: String) {
    if isOurs(path, mark) { Placement.remove(path) }
  }

  private static func isOurs(_ path: FilePath, _ mark: String) -> Bool {
    // Unreadable, or none: not ours.
    guard let file = try? OpenFile.reading(path) else { return false }
    defer { OpenFile.close(file) }
    let line = Array((mark + "\r\n").utf8)
    var bytes = [UInt8](repeating: 0, count: line.count)
    let count = bytes.withUnsafeMutableBytes { read(file.rawValue, $0.baseAddress, $0.count) }
    return count == line.count && bytes == line
  }
}
