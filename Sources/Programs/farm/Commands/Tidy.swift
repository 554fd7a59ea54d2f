import ArgumentParser
import FarmAPI
import FarmModel
import ProgramMain

/// `farm tidy --dry-run|--now`
struct Tidy: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tidy", abstract: "Take away what nobody has to keep any longer.",
    discussion: .help(
      """
      Old logs, thumbnails, damaged pictures, what slash-and-burn put aside, and pictures of quick jobs, each after the
      time that `tidy:` and `quick:` in farm.yaml say. The daemon does it by itself once an hour. No .blend, release or
      archive is ever touched. Copies of the ledger in backups/ are counted apart: see `backup:`.
      """, "farm tidy --dry-run", "farm tidy --now"))

  @Flag(help: "Only show what would go.")
  var dryRun = false

  @Flag(help: "Take it away now.")
  var now = false

  @OptionGroup var options: VolumeOptions

  func validate() throws {
    if dryRun == now { throw ValidationError("say --dry-run to see what would go, or --now to have it taken away") }
  }

  func run() async throws {
    let answer = try await options.client().post(Route.tidy, TidyRequest(isDryRun: dryRun), as: TidyAnswer.self)
    try options.print(answer) { Self.lines(answer, $0) }
  }

  /// What is said of it: each file, then how much of what kind.
  static func lines(_ answer: TidyAnswer, _ terminal: Terminal) -> [String] {
    let would = answer.isDryRun ? "would be taken away" : "taken away"
    guard !answer.items.isEmpty else { return ["nothing is old enough"] }
    let cells = answer.items.map { [$0.kind.rawValue, $0.bytes.asBytes, $0.path] }
    let files = answer.isDryRun ? CellTable(head: ["what", "size", "file"], rows: cells).lines(terminal) : []
    return files + TidyItem.summary(of: answer.items).map { "\($0) \(would)" }
  }
}
