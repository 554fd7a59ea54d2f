import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// What an artist who has only the share reads beside a file that does not become pictures: `<file>.PROBLEM.txt`.
package struct ProblemNote: Hashable, Sendable {
  package let drop: FilePath
  package let state: JobState
  package let problem: Problem
  /// Paths in the text are shown from here.
  package let root: FilePath

  package init(drop: FilePath, state: JobState, problem: Problem, in volume: Volume) {
    self.drop = drop
    self.state = state
    self.problem = problem
    root = volume.root
  }

  /// The first line of every note; a file without it is not ours.
  package static let mark = "This note was written by farm and goes away when the problem is gone."
  package static let ending = ".PROBLEM.txt"
  /// Names of most file systems have 255 bytes at most; ours is written beside its place first, under a longer name.
  private static let nameBytesMax = 240

  /// Where the note belongs: beside the file.
  package var path: FilePath { drop.removingLastComponent().appending(name) }

  /// The note's name. One that would be too long, or is no UTF-8, is told from its likes by a digest.
  package var name: String {
    guard let component = drop.lastComponent else { return Self.ending }
    if let whole = String(validating: component), whole.utf8.count + Self.ending.utf8.count <= Self.nameBytesMax {
      return whole + Self.ending
    }
    let bytes = component.withPlatformString { Array(UnsafeBufferPointer(start: $0, count: strlen($0))) }
    let digest = FileDigest.of(bytes.map { UInt8(bitPattern: $0) }).short
    let start = component.string.prefix(
      bytesMax: Self.nameBytesMax - 1 - digest.utf8.count - Self.ending.utf8.count)
    return "\(start)~\(digest)\(Self.ending)"
  }

  /// Lines as Windows wants them; controls are made visible, since a page or a terminal may show the file.
  package var text: String {
    let file = (drop.lastComponent?.string ?? "").escapedForTerminal
    let what =
      switch state {
      case .completed where problem.problemClass == .badSettings:
        "\(file) stays as it was rendered: what is wanted of it now is not understood."
      case .completed, .queued, .active, .assembling: "\(file) is rendered, and its pictures are not delivered."
      case .failed: "\(file) is not rendered to its end (failed); frames that are done stay in out/."
      default: "\(file) is not rendered (\(state.rawValue))."
      }
    var lines = [Self.mark, "", what]
    lines += ["", "Why:   \(problem.problemClass.rawValue): \(problem.cause.escapedForTerminal)"]
    for missing in problem.missing ?? [] {
      let path = Volume(root: root).relative(FilePath(missing.path)).escapedForTerminal
      lines.append("       \(path) \(missing.why) (\(missing.neededBy.escapedForTerminal))")
    }
    lines += ["", "Do:    \(problem.remedy.escapedForTerminal)"]
    return lines.map { $0 + "\r\n" }.joined()
  }
}
