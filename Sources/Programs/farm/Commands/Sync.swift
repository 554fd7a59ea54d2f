import ArgumentParser
import FarmAPI

/// `farm sync`
struct Sync: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync",
    abstract: "Return when everything that lies in the watched folders now is known.",
    discussion: .help(
      "", "cp shot.blend quick/ && farm sync && farm show job shot"))

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let done = try await options.client().post(Route.sync, Done(), as: Done.self)
    try options.print(done) { _ in [] }
  }
}
