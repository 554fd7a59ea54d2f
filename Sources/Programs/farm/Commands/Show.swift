import ArgumentParser
import FarmAPI

/// `farm show job <job>`
struct Show: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show all that is known of one job.", subcommands: [ShowJob.self])
}

struct ShowJob: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "job", abstract: "Show a job: its revision, each frame, and why it does not run.",
    discussion: "Example: farm show job spring/shot_010")

  @Argument(help: "<job> or <release>/<job>")
  var job: String

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let detail = try await options.client().get(Route.job, ["name": job], as: JobDetail.self)
    try options.print(detail) { JobSheet(job: detail).lines($0) }
  }
}
