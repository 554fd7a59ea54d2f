import ArgumentParser
import Dispatch
import FarmAPI
import FarmModel
import Foundation
import Glibc
import ProgramMain

/// `farm watch`
struct Watch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Show the status live, until ^C.",
    discussion: .help(
      "On a terminal. With --json the whole status, one object a line, whenever it changed.",
      "farm watch"))

  @OptionGroup var options: VolumeOptions

  private static let lookEvery = Duration.milliseconds(500)

  func run() async throws {
    if options.json { return try await followAsJSON() }
    guard isatty(1) == 1 else { throw WatchUseFailure.noTerminal }
    // The screen is put back whatever ends us: a signal is taken as an event, not as the end.
    let stop = Signals([SIGINT, SIGTERM, SIGHUP])
    put(Screen.enter)
    defer { put(Screen.leave) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await stop.first() }
      group.addTask { try await draw() }
      try await group.next()
      group.cancelAll()
    }
  }

  private func draw() async throws {
    var screen = Screen()
    while !Task.isCancelled {
      let size = Screen.Size.now
      let status = try await options.status(isQuiet: true, isBrief: true)
      let terminal = Terminal(width: size.columns, hasColor: Terminal.standardOutput.hasColor)
      put(screen.draw(StatusTable(status: status, terminal: terminal).lines, on: size))
      try? await Task.sleep(for: Self.lookEvery)  // Cancelled: the loop ends.
    }
  }

  private func followAsJSON() async throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var last: [ReleaseStatus]?
    while true {
      let status = try await options.status(isQuiet: true)
      if status.releases != last { ProgramMain.tell(String(decoding: try encoder.encode(status), as: UTF8.self)) }
      last = status.releases
      try await Task.sleep(for: Self.lookEvery)
    }
  }

  private func put(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(1, bytes, bytes.count)
  }
}

/// Why nothing can be watched.
enum WatchUseFailure: Failure {
  case noTerminal

  var description: String { "standard output is no terminal, and the live status needs one" }
  var remedy: String { "Take `farm status`, `farm events`, or `farm watch --json`." }
  var kind: FailureKind { .wrongUse }
}
