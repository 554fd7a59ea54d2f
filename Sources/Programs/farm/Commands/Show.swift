import ArgumentParser
import FarmAPI

/// `farm show job|release <name>`
struct Show: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show all that is known of one job or release.", subcommands: [ShowJob.self, ShowRelease.self])
}

struct ShowRelease: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Show a release: what is wanted of it, its jobs, and what it waits for.",
    discussion: "Example: farm show release spring")

  @Argument(help: "The release's name.")
  var release: String

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let detail = try await options.client().get(Route.release, ["name": release], as: ReleaseDetail.self)
    try options.print(detail) { ReleaseSheet(release: detail, terminal: $0).lines }
  }
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
