import FarmModel
import Glibc
import Subprocess
import SystemPackage

/// A program to run, with all that it is given.
package struct ChildCommand: Hashable, Sendable {
  package let executable: FilePath
  package let arguments: [String]
  /// Set on top of our own environment.
  package let environment: [String: String]

  package init(_ executable: FilePath, _ arguments: [String], environment: [String: String] = [:]) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
  }
}

/// How a child ended.
package enum ChildEnd: Hashable, Sendable, CustomStringConvertible {
  case exited(Int32)
  case signaled(Int32)

  package var isSuccess: Bool { self == .exited(0) }

  package var description: String {
    switch self {
    case .exited(let code): "exit code \(code)"
    case .signaled(let number): "signal \(number) (\(String(cString: strsignal(number))))"
    }
  }
}

/// A child that was started, as far as another process can find it again: numbers are reused, start times are not.
package struct ChildIdentity: Codable, Hashable, Sendable {
  package let pid: Int32
  /// Clock ticks since the machine started; field 22 of /proc/<pid>/stat.
  package let startTicks: Int64

  package init(pid: Int32, startTicks: Int64) {
    self.pid = pid
    self.startTicks = startTicks
  }
}

/// The way to a running child's standard input.
package struct ChildInput: Sendable {
  private let writer: StandardInputWriter

  fileprivate init(_ writer: StandardInputWriter) {
    self.writer = writer
  }

  /// Writes a line; a child that has gone no longer reads, and its end says why, so nothing is thrown here.
  package func send(line: String) async {
    _ = try? await writer.write(line + "\n")  // EPIPE: the child's end is reported by `run`.
  }

  /// Tells the child that nothing more comes.
  package func finish() async {
    try? await writer.finish()  // Closing twice is harmless.
  }
}

/// Runs children, each in a process group of its own, so that it can be ended with all its children.
///
/// A child dies with us (`setpriv --pdeathsig KILL`), and after its end nothing of its group is alive: a grandchild
/// that ignores SIGTERM outlives swift-subprocess's own teardown (seen in 1.0.2), so the group is killed afterwards.
package enum ChildProcess {
  /// Writing to a child that has ended must be an error of that write, not the end of this process.
  private static let ignoresBrokenPipes: Bool = {
    signal(SIGPIPE, SIG_IGN)
    return true
  }()

  /// What a longer line has beyond is left out.
  private static let lineBytesMax = 16 << 20

  /// Runs a child to its end, handing on each line of its output (standard error included) as it comes.
  ///
  /// Cancelling the task kills the whole group at once; when the function returns, no process of it is alive.
  /// - Throws: ``SupervisorFailure`` when it could not be started or was cancelled.
  package static func run(
    _ command: ChildCommand, started: @Sendable (ChildIdentity, ChildInput) async -> Void,
    onLine: @Sendable (String, ChildInput) async -> Void
  ) async throws(SupervisorFailure) -> ChildEnd {
    _ = ignoresBrokenPipes
    let group = ProcessGroup()
    defer { group.killAll() }
    do {
      let result = try await Subprocess.run(
        .path("/usr/bin/setpriv"),
        arguments: Arguments(["--pdeathsig", "KILL", command.executable.string] + command.arguments),
        environment: .inherit.updating(
          Dictionary(uniqueKeysWithValues: command.environment.map { (Environment.Key(rawValue: $0) ?? "_", $1) })),
        platformOptions: options, input: .inputWriter, output: .sequence, error: .combinedWithOutput
      ) { execution in
        let pid = execution.processIdentifier.value
        group.leader.withLock { $0 = pid }
        let input = ChildInput(execution.standardInputWriter)
        await started(ChildIdentity(pid: pid, startTicks: ProcessTable.startTicks(of: pid) ?? 0), input)
        // The library's own lines cost more than all that is done with them.
        var lines = LineSplitter(bytesMax: lineBytesMax)
        for try await piece in execution.standardOutput {
          for line in piece.withUnsafeBytes({ lines.add($0) }) { await onLine(line, input) }
        }
        if let last = lines.end() { await onLine(last, input) }
      }
      if Task.isCancelled { throw SupervisorFailure.canceled(command.executable) }
      switch result.terminationStatus {
      case .exited(let code): return .exited(code)
      case .signaled(let number): return .signaled(number)
      }
    } catch let failure as SupervisorFailure {
      throw failure
    } catch {
      if Task.isCancelled { throw SupervisorFailure.canceled(command.executable) }
      throw SupervisorFailure.notStarted(command.executable, reason: "\(error)")
    }
  }

  /// Runs a child that is told nothing and gives back its output's lines, at most `lineCountMax` of them (the last).
  package static func output(
    of command: ChildCommand, lineCountMax: Int = 1000
  ) async throws(SupervisorFailure) -> (end: ChildEnd, lines: [String]) {
    let kept = LineBuffer(countMax: lineCountMax)
    let end = try await run(
      command, started: { _, input in await input.finish() }, onLine: { line, _ in kept.add(line) })
    return (end, kept.lines)
  }

  private static var options: PlatformOptions {
    var options = PlatformOptions()
    options.processGroupID = 0
    options.teardownSequence = [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .milliseconds(50))]
    return options
  }
}

/// Why a child did not run to its end.
package enum SupervisorFailure: Failure, Equatable {
  case notStarted(FilePath, reason: String)
  case canceled(FilePath)

  package var description: String {
    switch self {
    case .notStarted(let program, let reason): "cannot run \(program.string): \(reason)"
    case .canceled(let program): "\(program.string) was ended before it was done"
    }
  }

  package var remedy: String {
    switch self {
    case .notStarted: "Check that the program is there and may be executed, and that `setpriv` (util-linux) is."
    case .canceled: "Start it again if it is still wanted."
    }
  }

  package var isTransient: Bool {
    switch self {
    case .notStarted: false
    case .canceled: true
    }
  }
}
