import ArgumentParser
import FarmAPI
import Glibc

/// `farm plan release [<name>]`
struct Plan: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Plan a release, which is delivered as a whole.", subcommands: [PlanRelease.self])
}

struct PlanRelease: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Make the folder of a new release and its plan.",
    discussion: """
      Without a name it asks on a terminal, else it takes r-<date>. It prints the folder that drops go into.
      Example: farm plan release spring --jobs shot_010,shot_020
      """)

  @Argument(help: "The release's name.")
  var name: String?

  @Option(help: ArgumentHelp("Jobs that must be there before it is delivered.", valueName: "a,b"))
  var jobs: String?

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let names = jobs?.split(separator: ",").map { String($0) } ?? []
    let request = PlanRequest(name: name ?? asked(), jobs: names)
    let answer = try await options.client().post(Route.plan, request, as: PlanAnswer.self)
    try options.print(answer) { _ in ["planned release \(answer.release)", answer.store] }
  }

  /// A name typed on the terminal; nil when nobody sits there or nothing was typed.
  private func asked() -> String? {
    guard Terminal.canAsk else { return nil }
    let question = Array("Name of the release (empty: by date): ".utf8)
    _ = write(2, question, question.count)
    return readLine().flatMap { $0.isEmpty ? nil : $0 }
  }
}
