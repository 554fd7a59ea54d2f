import FarmModel
import Supervisor
import SystemPackage

/// OpenImageIO's command line, which reads and writes every format that frames have.
enum OIIOTool {
  private static let program: FilePath = "/usr/bin/oiiotool"
  private static let linesMax = 50

  /// Runs it to its end.
  /// - Returns: what it printed.
  @discardableResult
  static func run(_ arguments: [String]) async throws(AssemblyFailure) -> [String] {
    let result: (end: ChildEnd, lines: [String])
    do throws(SupervisorFailure) {
      result = try await ChildProcess.output(of: ChildCommand(program, arguments), lineCountMax: linesMax)
    } catch {
      throw .toolFailed("oiiotool", "\(error)")
    }
    guard result.end.isSuccess else {
      throw .toolFailed("oiiotool", result.lines.first ?? result.end.description)
    }
    return result.lines
  }
}
