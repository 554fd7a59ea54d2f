import ArgumentParser
import FarmAPI
import FarmModel
import ProgramMain

/// `farm logs <job>`
struct Logs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs",
    abstract: "Print what Blender said while it last rendered a job.",
    discussion: .help(
      "With -f it goes on, from task to task, until the job is done.",
      "farm logs -f spring/shot_010"))

  @Argument(help: "<job> or <release>/<job>", completion: Completions.jobs)
  var job: String

  @Flag(name: [.customShort("f"), .long], help: "Follow the log until the job is done, or ^C.")
  var follow = false

  @OptionGroup var options: VolumeOptions

  private static let lookEvery = Duration.milliseconds(300)

  func run() async throws {
    let client = try options.client()
    guard follow else {
      let log = try await client.get(Route.logs, ["name": job], as: LogAnswer.self)
      return try options.print(log) { _ in log.text.lines.map(\.escapedForTerminal) }
    }
    var path = ""
    var next = 0
    while true {
      let log = try await client.get(Route.logs, ["name": job, "path": path, "from": "\(next)"], as: LogAnswer.self)
      for line in log.text.lines { ProgramMain.tell(line.escapedForTerminal) }
      let isSame = log.path == path
      (path, next) = (log.path, log.next)
      if log.text.isEmpty, isSame, !log.goesOn { return }
      if log.text.isEmpty { try await Task.sleep(for: Self.lookEvery) }
    }
  }
}
