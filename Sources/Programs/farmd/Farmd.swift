import ArgumentParser
import FarmDaemon
import FarmModel
import FarmStore
import Foundation
import Glibc
import Logging
import ProgramMain
import SystemPackage

@main
struct Program {
  static func main() async { await ProgramMain.run(Farmd.self) }
}

/// The daemon's command line.
struct Farmd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "farmd", abstract: "Renders what is dropped into the folders of a volume.",
    discussion: """
      Runs in the foreground and logs to standard error. SIGTERM, SIGINT (^C) or SIGHUP stops it within 5 seconds;
      frames that are done stay done. Exit codes: 0 stopped, 1 it failed, 2 wrong use.
      """,
    version: FarmVersion.current)

  @Option(help: ArgumentHelp("The volume (or FARM_ROOT).", valueName: "folder"))
  var root: String?

  @Option(help: ArgumentHelp("The configuration; else /etc/farm/farm.yaml if there is one.", valueName: "file"))
  var config: String?

  @Option(help: "How log records look: text or json.")
  var logFormat: FarmLog.Format = .text

  @Flag(help: "Only look at everything that the farm stands on, as `farm doctor` does, and print it as JSON.")
  var check = false

  @Flag(help: .hidden)
  var again = false

  @Flag(help: .hidden)
  var slashAndBurn = false

  @Option(help: .hidden)
  var ledger: LedgerAct?

  @Option(help: .hidden)
  var to: String?

  @Option(help: .hidden)
  var from: String?

  /// What `farm ledger` has this program do when no daemon runs.
  enum LedgerAct: String, ExpressibleByArgument {
    case check, backup, rebuild
  }

  mutating func run() async throws {
    Memory.stayLean()
    let format = logFormat
    LoggingSystem.bootstrap { FarmLog(label: $0, format: format, clock: Daemon.clock) }
    let (log, began) = (Logger(label: "farmd"), Daemon.clock.now())
    do {
      let daemon = Daemon(volume: try ProgramMain.volume(root), config: try readConfig(), log: log)
      if let answer = try await withoutDaemon(daemon) {
        print(String(decoding: try JSONEncoder().encode(answer), as: UTF8.self))
      } else if case .beginAnew(let error) = try await daemon.run(isAgain: again) {
        await startAnew(after: error, since: began, log)
      }
    } catch let failure as ConfigFailure where again {
      // It served with what farm.yaml said before.
      await startAnew(after: failure, since: began, log)
    } catch let failure as any Failure {
      log.critical("\(failure.description)", metadata: ["remedy": "\(failure.remedy)"])
      throw ExitCode(ProgramMain.exitCode(of: failure.kind))
    }
  }

  /// What `farm` has this program do where no daemon runs; nil: a daemon is wanted.
  private func withoutDaemon(_ daemon: Daemon) async throws -> (any Encodable)? {
    if check { return await daemon.check() }
    if slashAndBurn { return try await daemon.slashAndBurn() }
    switch ledger {
    case .check: return try await daemon.checkLedger()
    case .backup: return try await daemon.backUpLedger(to: to.map { ProgramMain.absolute($0) })
    case .rebuild: return try await daemon.rebuildLedger(from: from.map { ProgramMain.absolute($0) })
    case nil: return nil
    }
  }

  /// What a ledger that could not be written leaves in memory is not to be trusted, so the program begins again.
  /// - Parameters:
  ///   - error: what ended the run; then it waits a little. Nil: the new start was ordered.
  ///   - began: when the run began.
  private func startAnew(after error: (any Error)?, since began: Timestamp, _ log: Logger) async {
    for number in [SIGTERM, SIGINT, SIGHUP] { signal(number, SIG_DFL) }
    if let error {
      let (reason, now) = ("\(error)", Daemon.clock.now())
      if Restart.lastEnd?.covers(reason, at: now, after: now.since(began)) == true {
        log.debug("\(reason); starting anew in 5 s")
      } else {
        log.critical(
          "\(reason); starting anew in 5 s, and again until it works", metadata: ["remedy": "\(error.remedyOrReport)"])
        Restart.remember(RepeatedEnd(reason, saidAt: now))
      }
      try? await Task.sleep(for: .seconds(5))  // Cancelled: then at once.
    }
    Restart.now()
  }

  private func readConfig() throws -> FarmConfig {
    let usual = "/etc/farm/farm.yaml"
    if let config { return try FarmConfig(at: ProgramMain.absolute(config)) }
    return access(usual, R_OK) == 0 ? try FarmConfig(at: FilePath(usual)) : FarmConfig()
  }
}

extension FarmLog.Format: ExpressibleByArgument {}
