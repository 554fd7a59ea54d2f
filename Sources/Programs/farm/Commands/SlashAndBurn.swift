import ArgumentParser
import FarmAPI
import FarmModel
import ProgramMain
import SystemPackage
import VolumeFiles

/// `farm slash-and-burn`
struct SlashAndBurn: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "slash-and-burn",
    abstract: "Reset the farm: stop everything, forget all history, remove what was not delivered.",
    discussion: .help(
      """
      No .blend is touched, and nothing in dist/ and archives/. The old ledger is kept in .farm/burnt-<time>/.
      Afterwards nothing is rendered until a file is dropped, saved, seeded or replaced.
      """, "farm slash-and-burn --yes"))

  @Flag(help: "Do not ask.")
  var yes = false

  @OptionGroup var options: VolumeOptions

  private static let lookEvery = Duration.milliseconds(200)
  private static let looksMax = 3000

  func run() async throws {
    let volume = try ProgramMain.volume(options.root)
    if !yes {
      guard Terminal.canAsk else { throw BurnFailure.notAsked }
      let question = "Forget all history of \(volume.root.string.escapedForTerminal) and all that is not delivered?"
      guard Terminal.answersYes(question) else { throw BurnFailure.declined }
    }
    let answer = try await carryOut(volume)
    try options.print(answer) { _ in
      [
        "the farm has forgotten everything; nothing is rendered until a file is dropped, saved, seeded or replaced",
        "the old ledger lies in \(answer.ashes.escapedForTerminal)",
      ]
    }
  }

  private func carryOut(_ volume: Volume) async throws -> BurntAnswer {
    do {
      let answer = try await FarmClient(volume: volume).post(Route.slashAndBurn, Done(), as: BurntAnswer.self)
      try await waitForNewStart(volume, FilePath(answer.ashes))
      return answer
    } catch is ClientFailure {
      return try await OwnDaemon.ask(["--slash-and-burn"], of: volume, as: BurntAnswer.self)
    }
  }

  /// The daemon begins anew and says when it knows what lies in the volume.
  private func waitForNewStart(_ volume: Volume, _ ashes: FilePath) async throws {
    for _ in 0..<Self.looksMax {
      try await Task.sleep(for: Self.lookEvery)
      // Not there yet, or still the old one on its way out.
      guard let status = try? await FarmClient(volume: volume).get(Route.status, as: FarmStatus.self),
        status.daemon.running, try FileStatus(at: ashes) != nil
      else { continue }
      _ = try await FarmClient(volume: volume).post(Route.sync, Done(), as: Done.self)
      return
    }
    throw BurnFailure.noNewStart
  }
}

/// Why the farm was not reset.
enum BurnFailure: Failure, Equatable {
  case notAsked
  case declined
  case noNewStart

  var description: String {
    switch self {
    case .notAsked: "everything would be forgotten, and nobody can be asked whether to"
    case .declined: "nothing was done"
    case .noNewStart: "the daemon ended and did not start again"
    }
  }

  var remedy: String {
    switch self {
    case .notAsked: "Say `--yes`."
    case .declined: "Look at `farm status` first."
    case .noNewStart: "Read the daemon's log, and start it: it goes on where it was."
    }
  }

  var kind: FailureKind {
    switch self {
    case .notAsked: .wrongUse
    case .declined, .noNewStart: .failed
    }
  }
}
