import ArgumentParser
import FarmAPI
import FarmModel
import Foundation
import ProgramMain

/// `farm events`
struct Events: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "events",
    abstract: "Follow what happens, until ^C or the daemon's end.",
    discussion: .help(
      "With --json one object a line, with at, event, release, job, revision, task, frame and problem.",
      "farm events", "farm events --json | jq .event"))

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    try await options.client().follow { line in
      if options.json { return ProgramMain.tell(line) }
      let event = try JSONDecoder().decode(FarmEvent.self, from: Data(line.utf8))
      let about = [event.release, event.job].compactMap { $0 }.joined(separator: "/")
      let frame = event.frame.map { " frame \($0)" } ?? ""
      let problem = event.problem.map { " \($0.problemClass.rawValue): \($0.cause)" } ?? ""
      ProgramMain.tell("\(event.at.prefix(19))Z \(event.event) \(about)\(frame)\(problem)".escapedForTerminal)
    }
  }
}
