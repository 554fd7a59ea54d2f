import ArgumentParser
import FarmAPI
import ProgramMain

/// `farm harvest release <name>`
struct Harvest: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "harvest",
    abstract: "Deliver a finished release to dist/ now.", subcommands: [HarvestRelease.self])
}

struct HarvestRelease: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Rename a release's pictures as planned and move them to dist/.",
    discussion: .help(
      """
      Nothing moves while something is missing, unless you ask for --partial. `naming:` in release.yaml says what
      the pictures are called.
      """, "farm harvest release spring --dry-run", "farm harvest release spring"))

  @Argument(help: "The release's name.", completion: Completions.releases)
  var release: String

  @Flag(help: "Deliver what is completed, and say what is not.")
  var partial = false

  @Flag(help: "Only show which file would get which name.")
  var dryRun = false

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let request = HarvestRequest(release: release, isPartial: partial, isDryRun: dryRun)
    let answer = try await options.client().post(Route.harvest, request, as: HarvestAnswer.self)
    try options.print(answer) { _ in lines(answer) }
  }

  private func lines(_ answer: HarvestAnswer) -> [String] {
    let moves = answer.moves.map { "\($0.from) -> \($0.to)".escapedForTerminal }
    let count = "\(answer.moves.count) file\(answer.moves.count == 1 ? "" : "s")"
    let done = answer.isDryRun ? "\(count) would be delivered" : "delivered \(count) of \(answer.release)"
    let left = answer.left.isEmpty ? [] : ["not delivered: \(answer.left.joined(separator: "; "))".escapedForTerminal]
    return (answer.isDryRun ? moves : []) + [answer.moves.isEmpty ? "nothing is to be delivered" : done] + left
  }
}
