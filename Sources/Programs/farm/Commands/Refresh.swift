import ArgumentParser
import FarmAPI
import ProgramMain

/// `farm refresh release <name>`
struct Refresh: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "refresh",
    abstract: "Render again what is older than what it depends on.", subcommands: [RefreshRelease.self])
}

struct RefreshRelease: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Render those jobs of a release again whose libraries or textures changed.",
    discussion: .help(
      """
      Compared are the files that Blender opened when the jobs were rendered. What was delivered stays until the new
      pictures replace it.
      """, "farm refresh release spring --dry-run", "farm refresh release spring"))

  @Argument(help: "The release's name.", completion: Completions.releases)
  var release: String

  @Flag(help: "Only show which jobs are meant, and what changed.")
  var dryRun = false

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let request = RefreshRequest(release: release, isDryRun: dryRun)
    let answer = try await options.client().post(Route.refresh, request, as: RefreshAnswer.self)
    try options.print(answer) { _ in lines(answer) }
  }

  private func lines(_ answer: RefreshAnswer) -> [String] {
    if answer.jobs.isEmpty { return ["nothing of \(answer.release) is older than what it depends on"] }
    let done = answer.isDryRun ? "would render" : "rendering"
    return answer.jobs.map { "\(done) \($0.job) again: \($0.changed) changed".escapedForTerminal }
  }
}
