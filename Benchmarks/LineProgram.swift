import Foundation
import Glibc

/// A program whose lines are read as they come, through a pipe. Owns the process and the pipe.
final class LineProgram {
  let pid: pid_t
  private let pipe: Int32
  private var rest: [UInt8] = []

  /// - Parameter path: of the program; standard error joins its output.
  init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    var ends: [Int32] = [0, 0]
    guard Glibc.pipe(&ends) == 0 else { throw BenchFailure("cannot make a pipe") }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
    posix_spawn_file_actions_addclose(&actions, ends[0])
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
    var words = ([path] + arguments).map { strdup($0) } + [nil]
    var texts = variables.map { strdup($0) } + [nil]
    defer { for text in words + texts { free(text) } }
    var child: pid_t = 0
    guard posix_spawn(&child, path, &actions, nil, &words, &texts) == 0 else {
      throw BenchFailure("cannot start \(path)")
    }
    close(ends[1])
    _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
    pid = child
    pipe = ends[0]
  }

  deinit { close(pipe) }

  /// The next line; nil at the end of the output.
  /// - Throws: ``BenchFailure`` when none comes in this time.
  func line(within seconds: Int = 60) throws -> String? {
    while true {
      if let end = rest.firstIndex(of: 10) {
        defer { rest.removeSubrange(...end) }
        return String(decoding: rest[..<end], as: UTF8.self)
      }
      var wait = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
      guard poll(&wait, 1, Int32(seconds * 1000)) > 0 else {
        throw BenchFailure("no line came for \(seconds) s")
      }
      var bytes = [UInt8](repeating: 0, count: 1 << 16)
      let count = read(pipe, &bytes, bytes.count)
      if count <= 0 { return nil }
      rest += bytes[..<count]
    }
  }

  /// Reads on to a line that holds a text.
  @discardableResult
  func line(with text: String, within seconds: Int = 60) throws -> String {
    while let line = try line(within: seconds) { if line.contains(text) { return line } }
    throw BenchFailure("the program ended without \"\(text)\"")
  }

  /// Hands on each line from here on, from another thread, until the program ends.
  func eachLine(_ body: @escaping @Sendable (String) -> Void) {
    Thread { [reader = Reader(program: self)] in
      while true {
        // Nothing for a minute: somebody else decides whether that is too long.
        do { if let line = try reader.program.line() { body(line) } else { return } } catch { continue }
      }
    }.start()
  }

  /// The program, given away to the one thread that reads it.
  private struct Reader: @unchecked Sendable {
    let program: LineProgram
  }

  /// Ends it and waits for its end.
  func stop(_ signal: Int32 = SIGTERM) {
    kill(pid, signal)
    waitpid(pid, nil, 0)
  }

  /// Runs a program to its end and gives back the seconds that it took.
  static func time(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws -> Double {
    let begun = ContinuousClock.now
    let program = try LineProgram(path, arguments, environment: environment)
    while try program.line(within: 1800) != nil {}
    var word: Int32 = 0
    waitpid(program.pid, &word, 0)
    guard word == 0 else { throw BenchFailure("\(path) \(arguments.joined(separator: " ")) failed") }
    return (ContinuousClock.now - begun) / .seconds(1)
  }
}

/// Why a figure could not be measured.
struct BenchFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
