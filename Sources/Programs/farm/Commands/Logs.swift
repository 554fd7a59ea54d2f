import ArgumentParser
import FarmAPI
import FarmModel

/// `farm logs <job>`
struct Logs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print what Blender said while it last rendered a job.", discussion: "Example: farm logs spring/shot_010")

  @Argument(help: "<job> or <release>/<job>")
  var job: String

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let log = try await options.client().get(Route.logs, ["name": job], as: LogAnswer.self)
    try options.print(log) { _ in log.text.split(separator: "\n").map { String($0).escapedForTerminal } }
  }
}
