import ArgumentParser
import FarmAPI
import FarmModel
import ProgramMain

/// `farm ledger check|backup|rebuild`
struct LedgerCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "Look after the database in which the farm remembers everything.",
    subcommands: [LedgerCheck.self, LedgerCopy.self, LedgerRebuild.self])
}

struct LedgerCheck: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Read all of the ledger and say whether it is whole.",
    discussion: .help(
      "Works with and without a daemon.",
      "farm ledger check"))

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let volume = try ProgramMain.volume(options.root)
    let answer: LedgerAnswer
    do {
      answer = try await FarmClient(volume: volume).get(Route.ledgerCheck, as: LedgerAnswer.self)
    } catch is ClientFailure {
      answer = try await OwnDaemon.ask(["--ledger", "check"], of: volume, as: LedgerAnswer.self)
    }
    try options.print(answer) { _ in answer.lines }
  }
}

struct LedgerCopy: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup", abstract: "Copy the ledger as it is now, while the daemon goes on.",
    discussion: .help(
      """
      Works with and without a daemon. The daemon does it by itself, as `backup:` in farm.yaml says.
      """, "farm ledger backup", "farm ledger backup /backup/farm-$(date +%F).sqlite"))

  @Argument(
    help: "A file that is not there yet, on the daemon's machine; without one, into backups/ beside the ledger.")
  var file: String?

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let volume = try ProgramMain.volume(options.root)
    let path = file.map { ProgramMain.absolute($0).string }
    let answer: LedgerAnswer
    do {
      let request = BackupRequest(path: path)
      answer = try await FarmClient(volume: volume).post(Route.ledgerBackup, request, as: LedgerAnswer.self)
    } catch is ClientFailure {
      answer = try await OwnDaemon.ask(
        ["--ledger", "backup"] + (path.map { ["--to", $0] } ?? []), of: volume, as: LedgerAnswer.self)
    }
    try options.print(answer) { _ in answer.lines }
  }
}

struct LedgerRebuild: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebuild", abstract: "Make the ledger again from .farm/manifests, with the daemon stopped.",
    discussion: .help(
      """
      The old one is put aside, not deleted. What manifests prove is not rendered again; what was under way is. A
      daemon does this by itself when it finds the ledger damaged or gone. History, pauses and orders are lost, unless
      they are taken from a copy that was made before (`farm ledger backup`): what was done since is put into it.
      """, "farm ledger rebuild", "farm ledger rebuild --from /backup/farm.sqlite"))

  @Option(help: ArgumentHelp("A copy of the ledger, to begin with.", valueName: "file"), completion: .file())
  var from: String?

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let volume = try ProgramMain.volume(options.root)
    let words = ["--ledger", "rebuild"] + (from.map { ["--from", ProgramMain.absolute($0).string] } ?? [])
    let answer = try await OwnDaemon.ask(words, of: volume, as: LedgerAnswer.self)
    try options.print(answer) { _ in answer.lines }
  }
}

extension LedgerAnswer {
  /// For people.
  fileprivate var lines: [String] { ["\(path): \(verdict)".escapedForTerminal] }
}
