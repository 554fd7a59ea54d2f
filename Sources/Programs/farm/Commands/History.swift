import ArgumentParser
import FarmAPI
import FarmModel
import ProgramMain

/// `farm history [<query>]`
struct History: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Show who did what when: drops, revisions, deliveries, kills and other commands.",
    discussion: .help(
      """
      Oldest first; times are UTC. A query is words that must all hold: a glob on the name of the job or release, or
      release:spring owner:ann (who did it) state:failed (what happened) age<2d.
      """, "farm history", "farm history 'shot_*'", "farm history owner:ann 'age<1d' --limit 500"))

  @Argument(help: "Of which jobs and releases; all without a query.", completion: Completions.jobs)
  var query: [String] = []

  @Option(help: ArgumentHelp("The newest n lines.", valueName: "n"))
  var limit = 100

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    _ = try JobQuery(parsing: query)
    let items = ["query": query.joined(separator: " "), "limit": "\(limit)"]
    let found = try await options.client().get(Route.history, items, as: [HistoryLine].self)
    if found.isEmpty { ProgramMain.say("nothing fits") }
    try options.print(found) { terminal in
      CellTable(
        head: ["when", "who", "what", "of", ""],
        rows: found.map { line in
          let about = [line.release, line.job].compactMap { $0 }.joined(separator: "/")
          let revision = line.revision.map { " revision \($0)" } ?? ""
          return [line.at.toSeconds, line.who, line.what, about + revision, line.detail ?? ""]
        }
      ).lines(terminal)
    }
  }
}
