import ArgumentParser
import FarmAPI
import FarmModel
import ProgramMain

/// `farm doctor`
struct Doctor: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Look at everything that the farm stands on, and say how to mend what is wrong.",
    discussion: .help(
      """
      The daemon looks, with its own rights; without one `farmd --check` does, with yours. In every watched folder a
      hidden file is made, renamed and removed.
      """, "farm doctor", "farm doctor --json",
      exits: "0 nothing is bad, 1 something is, 2 wrong use"))

  @Option(help: ArgumentHelp("The daemon's configuration, when none runs.", valueName: "file"))
  var config: String?

  @OptionGroup var options: VolumeOptions

  func run() async throws {
    let report = try await report()
    try options.print(report) { terminal in
      report.lines.flatMap { line in
        let (mark, tint): (String, Terminal.Tint) =
          switch line.verdict {
          case .good: ("ok  ", .good)
          case .note: ("note", .busy)
          case .bad: ("BAD ", .bad)
          }
        let text = terminal.tinted(mark, tint) + " \(line.topic.escapedForTerminal): \(line.text.escapedForTerminal)"
        return [text] + (line.remedy.map { ["       → \($0.escapedForTerminal)"] } ?? [])
      }
    }
    if !report.isWell { throw ExitCode(1) }
  }

  private func report() async throws -> DoctorReport {
    let volume = try ProgramMain.volume(options.root)
    do { return try await FarmClient(volume: volume).get(Route.doctor, as: DoctorReport.self) } catch is ClientFailure {
      let words = ["--check"] + (config.map { ["--config", $0] } ?? [])
      return try await OwnDaemon.ask(words, of: volume, as: DoctorReport.self)
    }
  }
}
