import ArgumentParser
import FarmModel
import Glibc
import SystemPackage

/// Runs a program's command line: the one place that turns errors into words and exit codes.
package enum ProgramMain {
  /// Runs the command and ends the process.
  package static func run<Command: AsyncParsableCommand>(_ type: Command.Type) async -> Never {
    let parsed = Result { try type.parseAsRoot() }
    do {
      var command = try parsed.get()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      exit(0)
    } catch let failure as any Failure {
      say("error: \(failure.description)\n\(failure.remedy)")
      exit(exitCode(of: failure.kind))
    } catch let code as ExitCode {
      exit(code.rawValue)
    } catch {
      let isHelp = type.exitCode(for: error) == .success
      let isUse = type.exitCode(for: error) == .validationFailure
      let text = type.fullMessage(for: error)
      if isHelp { print(text) } else { say(text) }
      exit(isHelp ? 0 : exitCode(of: isUse ? .wrongUse : .failed))
    }
  }

  /// The one table of exit codes: 0 done, 1 it failed, 2 wrong use, 3 the daemon is not there.
  package static func exitCode(of kind: FailureKind) -> Int32 {
    switch kind {
    case .wrongUse: 2
    case .unavailable: 3
    case .notFound, .conflict, .failed: 1
    }
  }

  /// Writes a line to standard error.
  package static func say(_ text: String) { put(text, 2) }

  /// Writes a line to standard output at once, also into a pipe.
  package static func tell(_ text: String) { put(text, 1) }

  private static func put(_ text: String, _ descriptor: Int32) {
    let bytes = Array((text + "\n").utf8)
    _ = write(descriptor, bytes, bytes.count)
  }

  /// The volume that `--root` or FARM_ROOT names.
  package static func volume(_ root: String?) throws -> Volume {
    guard let root = root ?? getenv("FARM_ROOT").map({ String(cString: $0) }), !root.isEmpty else {
      throw UseFailure.noRoot
    }
    let path = absolute(root)
    // One name for the volume, whatever links lead to it; a folder that is not there is told by whoever needs it.
    guard let real = path.withPlatformString({ realpath($0, nil) }) else { return Volume(root: path) }
    defer { free(real) }
    return Volume(root: FilePath(platformString: real))
  }

  /// A path as seen from anywhere.
  package static func absolute(_ path: String) -> FilePath {
    guard !path.hasPrefix("/"), let here = getcwd(nil, 0) else { return FilePath(path).lexicallyNormalized() }
    defer { free(here) }
    return FilePath(String(cString: here)).pushing(FilePath(path)).lexicallyNormalized()
  }
}

/// The command line itself is wrong.
enum UseFailure: Failure {
  case noRoot

  var description: String { "no volume was named" }
  var remedy: String { "Say `--root <folder>`, or set FARM_ROOT." }
  var kind: FailureKind { .wrongUse }
}
