import ArgumentParser

/// `farm retry jobs <query>` and `farm retry <release>.jobs <query>`
struct Retry: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry",
    abstract: "Render again what failed, was killed or is blocked; frames that are done stay done.",
    discussion: .help(
      "Where more than one job is meant it asks, and without a terminal it wants --yes.",
      "farm retry jobs shot_010", "farm retry jobs state:failed problem:hung --yes"))

  @OptionGroup var steering: Steering

  func run() async throws { try await steering.carryOut(.retry) }
}
