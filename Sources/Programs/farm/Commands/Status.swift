import ArgumentParser

/// `farm status`
struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show every release with its jobs and how far they are.",
    discussion: .help(
      "Without a daemon it shows what that wrote down last.",
      "farm status", "farm status --json"))

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let status = try await options.status(isBrief: !options.json)
    try options.print(status) { StatusTable(status: status, terminal: $0).lines }
  }
}
