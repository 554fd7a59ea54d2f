import ArgumentParser
import FarmAPI
import FarmModel
import Foundation
import ProgramMain
import Supervisor
import SystemPackage

/// `farm doctor`
struct Doctor: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look at everything that the farm stands on, and say how to mend what is wrong.",
    discussion: """
      The daemon looks, with its own rights; without one `farmd --check` does, with yours. In every watched folder a
      hidden file is made, renamed and removed. Exit code 1 when something is bad.
      """)

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
      // Beside this program, where both were installed.
      let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      let daemon = FilePath(own).removingLastComponent().appending("farmd")
      let arguments = ["--check", "--root", volume.root.string] + (config.map { ["--config", $0] } ?? [])
      let (_, lines) = try await ChildProcess.output(of: ChildCommand(daemon, arguments), lineCountMax: 100_000)
      guard let report = try? JSONDecoder().decode(DoctorReport.self, from: Data(lines.joined().utf8)) else {
        throw DoctorFailure.noReport(lines.suffix(3).joined(separator: "\n"))  // It said why instead.
      }
      return report
    }
  }
}

/// Why there is no report.
enum DoctorFailure: Failure {
  case noReport(String)

  var description: String {
    switch self {
    case .noReport(let words): "farmd could not look: \(words)"
    }
  }

  var remedy: String { "Run `farmd --check` by hand." }
}
