import ArgumentParser
import FarmDaemon
import FarmModel
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
      Runs in the foreground and logs to standard error. SIGTERM or SIGINT (^C) stops it within 5 seconds; frames that
      are done stay done. Exit codes: 0 stopped, 1 it failed, 2 wrong use.
      """,
    version: FarmVersion.current)

  @Option(help: ArgumentHelp("The volume (or FARM_ROOT).", valueName: "folder"))
  var root: String?

  @Option(help: ArgumentHelp("The configuration; else /etc/farm/farm.yaml if there is one.", valueName: "file"))
  var config: String?

  @Option(help: "How log records look: text or json.")
  var logFormat: FarmLog.Format = .text

  mutating func run() async throws {
    let format = logFormat
    LoggingSystem.bootstrap { FarmLog(label: $0, format: format, clock: Daemon.clock) }
    let log = Logger(label: "farmd")
    do {
      try await Daemon(volume: ProgramMain.volume(root), config: readConfig(), log: log).run()
    } catch let failure as any Failure {
      log.critical("\(failure.description)", metadata: ["remedy": "\(failure.remedy)"])
      throw ExitCode(ProgramMain.exitCode(of: failure.kind))
    }
  }

  private func readConfig() throws -> FarmConfig {
    let usual = "/etc/farm/farm.yaml"
    if let config { return try FarmConfig(at: ProgramMain.absolute(config)) }
    return access(usual, R_OK) == 0 ? try FarmConfig(at: FilePath(usual)) : FarmConfig()
  }
}

extension FarmLog.Format: ExpressibleByArgument {}
