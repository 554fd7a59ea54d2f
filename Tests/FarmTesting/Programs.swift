import Foundation
import SystemPackage

/// A program of ours that runs as a process of its own, as a user would run it.
package final class RunningProgram: @unchecked Sendable {
  // Foundation.Process is used from one test at a time; only `output` is written by two processes, through the kernel.
  private let process = Process()
  package let output: FilePath

  /// Starts a program from the build folder.
  /// - Parameter output: takes what it prints.
  package init(_ name: String, _ arguments: [String], environment: [String: String] = [:], output: FilePath) throws {
    self.output = output
    process.executableURL = URL(filePath: Self.folder.appending(name).string)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    if !output.isThere { try Data().write(to: URL(filePath: output.string)) }
    let file = try FileHandle(forWritingTo: URL(filePath: output.string))
    try file.seekToEnd()
    process.standardOutput = file
    process.standardError = file
    process.standardInput = FileHandle.nullDevice
    try process.run()
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  package var pid: Int32 { process.processIdentifier }
  package var isRunning: Bool { process.isRunning }
  package func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// What it printed so far.
  package var text: String { String(decoding: output.contents, as: UTF8.self) }

  /// Waits for the end.
  /// - Returns: the exit code, or minus the signal; nil at the deadline.
  package func end(within limit: Duration = .seconds(60)) async -> Int32? {
    guard await eventually(within: limit, { !process.isRunning }) else { return nil }
    return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
  }

  /// Where the build put the programs: beside the test bundle.
  private static let folder: FilePath = {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return FilePath(own).removingLastComponent()
  }()
}

/// A volume with its daemon and command line.
package final class TestFarm: Sendable {
  package let scratch: ScratchFolder
  package let root: FilePath
  private let config: FilePath

  /// Makes a volume; the daemon is started by ``start()``.
  package init(config: String = "harvest_quiet: 1s\n") async throws {
    scratch = try ScratchFolder()
    root = scratch("volume")
    self.config = try scratch.write(config, to: "farm.yaml")
    let made = try await farm("init", root.string)
    guard made.code == 0 else { throw TestFarmFailure(made.output) }
  }

  /// Starts a daemon and waits until it answers.
  package func start() async throws -> RunningProgram {
    let daemon = try RunningProgram(
      "farmd", ["--root", root.string, "--config", config.string], output: scratch("farmd.log"))
    let answers = try await eventually { try await farm("sync").code == 0 || !daemon.isRunning }
    guard answers, daemon.isRunning else { throw TestFarmFailure(daemon.text) }
    return daemon
  }

  /// Runs the command line to its end.
  package func farm(_ arguments: String...) async throws -> (code: Int32, output: String) {
    let output = scratch("farm-\(UUID().uuidString).out")
    let program = try RunningProgram("farm", arguments, environment: ["FARM_ROOT": root.string], output: output)
    let code = await program.end() ?? -1
    return (code, program.text)
  }

  /// Copies a scene to a path below the root.
  package func drop(_ scene: String, at below: String) async throws {
    let source = try await Scenes.shared.path(scene)
    let target = root.appending(below)
    try? FileManager.default.removeItem(atPath: target.string)  // Not there: nothing to replace.
    try FileManager.default.copyItem(atPath: source.string, toPath: target.string)
  }

  /// The daemon's log so far.
  package var log: String { String(decoding: scratch("farmd.log").contents, as: UTF8.self) }

  /// How often a text stands in the log.
  package func logged(_ text: String) -> Int { log.components(separatedBy: text).count - 1 }

  /// Waits until a text stands in the log.
  package func logs(_ text: String, times: Int = 1, within limit: Duration = .seconds(90)) async -> Bool {
    await eventually(within: limit) { logged(text) >= times }
  }
}

private struct TestFarmFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
