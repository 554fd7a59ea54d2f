import CLinux
import Foundation
import Synchronization
import SystemPackage

/// A program of ours that runs as a process of its own, as a user would run it. Owns the process.
///
/// Started by `posix_spawn`: Foundation's `Process` crashed in `run()` now and then (seen in 6.3.1).
package final class RunningProgram: Sendable {
  package let pid: Int32
  package let output: FilePath
  /// How it ended; nil while it runs.
  private let ended = Mutex<Int32?>(nil)

  /// Starts a program from the build folder.
  /// - Parameters:
  ///   - through: a program and its arguments that starts ours.
  ///   - user: whose rights it has; root may do too much for tests of rights. Needs root.
  ///   - capabilities: what this user may besides, as `setpriv` names it: `lease`.
  ///   - output: takes what it prints.
  package init(
    _ name: String, _ arguments: [String], environment: [String: String] = [:], through: [String] = [],
    user: UInt32? = nil, capabilities: [String] = [], output: FilePath
  ) throws {
    self.output = output
    var words = through + [Self.folder.appending(name).string] + arguments
    if let user {
      // Where the build lies may not be open to everybody.
      let copy = output.removingLastComponent().appending(name).string
      if !FilePath(copy).isThere { try FileManager.default.copyItem(atPath: words[0], toPath: copy) }
      words[0] = copy
      words =
        ["/usr/bin/setpriv", "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups"]
        + capabilities.flatMap { ["--inh-caps", "+\($0)", "--ambient-caps", "+\($0)"] } + words
    }
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
    pid = try Self.spawn(words, variables, output: output.string)
  }

  /// Starts any other program.
  package init(path: String, _ arguments: [String], output: FilePath) throws {
    self.output = output
    let variables = ProcessInfo.processInfo.environment.map { "\($0)=\($1)" }
    pid = try Self.spawn([path] + arguments, variables, output: output.string)
  }

  private static func spawn(_ words: [String], _ variables: [String], output: String) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // A child that holds a file of another test open would look like its writer.
    linux_spawn_close_from(&actions, 3)
    var arguments = words.map { strdup($0) } + [nil]
    var environment = variables.map { strdup($0) } + [nil]
    defer { for text in arguments + environment { free(text) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, words[0], &actions, nil, &arguments, &environment)
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
    return pid
  }

  deinit {
    guard isRunning else { return }
    kill(pid, SIGKILL)
    waitpid(pid, nil, 0)
  }

  package var isRunning: Bool { status == nil }

  package func send(_ signal: Int32) { if isRunning { kill(pid, signal) } }

  /// What it printed so far.
  package var text: String { String(decoding: output.contents, as: UTF8.self) }

  /// Waits for the end.
  /// - Returns: the exit code, or minus the signal; nil at the deadline.
  package func end(within limit: Duration = .seconds(240)) async -> Int32? {
    await eventually(within: limit, { !isRunning }) ? status : nil
  }

  /// The exit code, or minus the signal; nil while it runs.
  private var status: Int32? {
    ended.withLock { ended in
      var word: Int32 = 0
      if ended == nil, waitpid(pid, &word, WNOHANG) == pid {
        let signal = word & 0x7F
        ended = signal == 0 ? (word >> 8) & 0xFF : -signal
      }
      return ended
    }
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
  private let user: UInt32?

  /// Makes a volume; the daemon is started by ``start()``.
  /// - Parameter user: whose rights the daemon has, and whose the volume is; our own without one.
  package init(config: String = "harvest_quiet: 1s\n", user: UInt32? = nil) async throws {
    scratch = try ScratchFolder()
    self.user = user
    root = scratch("volume")
    // The machine of the tests may be as full as it likes.
    let floor = config.contains("disk_floor:") ? "" : "disk_floor: 0%\n"
    self.config = try scratch.write(config + floor, to: "farm.yaml")
    let made = try await farm("init", root.string)
    guard made.code == 0 else { throw TestFarmFailure(made.output) }
    guard let user else { return }
    for file in [""] + (FileManager.default.enumerator(atPath: root.string)?.compactMap { $0 as? String } ?? []) {
      guard lchown(root.string + "/" + file, user, user) == 0 else { throw TestFarmFailure("cannot change owners") }
    }
  }

  /// Starts a daemon and does not wait for it.
  package func launch(environment: [String: String] = [:]) throws -> RunningProgram {
    try RunningProgram(
      "farmd", ["--root", root.string, "--config", config.string], environment: environment, user: user,
      output: scratch("farmd.log"))
  }

  /// Starts a daemon and waits until it answers.
  package func start() async throws -> RunningProgram {
    let daemon = try launch()
    let answers = try await eventually { try await farm("sync").code == 0 || !daemon.isRunning }
    guard answers, daemon.isRunning else { throw TestFarmFailure(daemon.text) }
    return daemon
  }

  /// Runs the command line to its end.
  package func farm(_ arguments: String...) async throws -> (code: Int32, output: String) {
    let output = scratch("farm-\(UUID().uuidString).out")
    let program = try RunningProgram(
      "farm", arguments, environment: ["FARM_ROOT": root.string, "COLUMNS": "2000"],
      output: output)
    let code = await program.end() ?? -1
    return (code, program.text)
  }

  /// Copies a scene to a path below the root, whose folder is made when it is not there.
  package func drop(_ scene: String, at below: String) async throws {
    let source = try await Scenes.shared.path(scene)
    let target = root.appending(below)
    try FileManager.default.createDirectory(
      atPath: target.removingLastComponent().string, withIntermediateDirectories: true)
    try? FileManager.default.removeItem(atPath: target.string)  // Not there: nothing to replace.
    try FileManager.default.copyItem(atPath: source.string, toPath: target.string)
  }

  /// The daemon's log so far.
  package var log: String { String(decoding: scratch("farmd.log").contents, as: UTF8.self) }

  /// How often a text stands in the log.
  package func logged(_ text: String) -> Int { log.components(separatedBy: text).count - 1 }

  /// Waits until a text stands in the log.
  package func logs(_ text: String, times: Int = 1, within limit: Duration = .seconds(240)) async -> Bool {
    await eventually(within: limit) { logged(text) >= times }
  }
}

private struct TestFarmFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
