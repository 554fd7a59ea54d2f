import ArgumentParser
import FarmAPI
import FarmModel

/// `farm kill jobs <query>` and `farm kill <release>.jobs <query>`
struct Kill: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Cancel jobs; when it returns, nothing of them runs.",
    discussion: """
      Frames that are done stay where they are. `farm list jobs` takes the same query and shows what is meant.
      Examples: farm kill jobs 'shot_0?0' state:active · farm kill spring.jobs '*'
      """)

  @Argument(help: "jobs, or <release>.jobs")
  var what: String

  @Argument(help: "Which jobs; '*' for all.")
  var query: [String]

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    guard what == "jobs" || what.hasSuffix(".jobs") else {
      throw ValidationError("say `farm kill jobs <query>` or `farm kill <release>.jobs <query>`")
    }
    _ = try JobQuery(parsing: query)
    let release = what == "jobs" ? nil : String(what.dropLast(".jobs".count))
    let request = KillRequest(query: query, release: release)
    let touched = try await options.client().post(Route.kill, request, as: TouchedJobs.self)
    try options.print(touched) { _ in
      touched.jobs.isEmpty
        ? ["no job that could be killed fits"] : touched.jobs.map { "killed \($0.description.escapedForTerminal)" }
    }
  }
}
