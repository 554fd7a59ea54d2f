import ArgumentParser
import FarmAPI

/// `farm pause [<release>]`
struct Pause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause",
    abstract: "Hand out nothing new, of all or of one release; what runs is finished.",
    discussion: .help(
      "Remembered over restarts.",
      "farm pause spring"))

  @Argument(help: "The release; all without one.", completion: Completions.releases)
  var release: String?

  @OptionGroup var options: VolumeOptions

  func run() async throws { try await setPaused(true, release, options) }
}

/// `farm resume [<release>]`
struct Resume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Go on after a pause.",
    discussion: .help(
      "", "farm resume spring"))

  @Argument(help: "The release; all without one.", completion: Completions.releases)
  var release: String?

  @OptionGroup var options: VolumeOptions

  func run() async throws { try await setPaused(false, release, options) }
}

private func setPaused(_ paused: Bool, _ release: String?, _ options: VolumeOptions) async throws {
  let request = PauseRequest(release: release, paused: paused)
  _ = try await options.client().post(Route.pause, request, as: Done.self)
  try options.print(request) { _ in ["\(paused ? "paused" : "resumed") \(release ?? "the farm")"] }
}
