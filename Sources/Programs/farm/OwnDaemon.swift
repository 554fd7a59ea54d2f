import FarmModel
import Foundation
import Supervisor
import SystemPackage

/// The `farmd` beside this program, for what is done when no daemon runs. It prints one JSON value, or says why not.
enum OwnDaemon {
  static func ask<Answer: Decodable>(_ words: [String], of volume: Volume, as answer: Answer.Type) async throws
    -> Answer
  {
    // Beside this program, where both were installed.
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let daemon = FilePath(own).removingLastComponent().appending("farmd")
    let command = ChildCommand(daemon, words + ["--root", volume.root.string])
    let (_, lines) = try await ChildProcess.output(of: command, lineCountMax: 100_000)
    // What it logs stands on lines of its own.
    let value = lines.last { $0.hasPrefix("{") }
    guard let value, let read = try? JSONDecoder().decode(answer, from: Data(value.utf8)) else {
      throw OwnDaemonFailure(words: lines.suffix(3).joined(separator: "\n"))  // It said why instead.
    }
    return read
  }
}

/// Why the daemon did not do it.
struct OwnDaemonFailure: Failure {
  let words: String

  var description: String { "farmd could not: \(words.isEmpty ? "it said nothing" : words)" }
  var remedy: String { "Do what it says, then try again." }
}
