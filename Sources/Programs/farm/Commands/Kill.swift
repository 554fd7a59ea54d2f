import ArgumentParser

/// `farm kill jobs <query>` and `farm kill <release>.jobs <query>`
struct Kill: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kill",
    abstract: "Cancel jobs; when it returns, nothing of them runs.",
    discussion: .help(
      """
      Frames that are done stay where they are. `farm list jobs` takes the same query and shows what is meant. Where
      more than one job is meant it asks, and without a terminal it wants --yes.
      """, "farm kill jobs 'shot_0?0' state:active", "farm kill spring.jobs '*' --yes"))

  @OptionGroup var steering: Steering

  func run() async throws { try await steering.carryOut(.kill) }
}
