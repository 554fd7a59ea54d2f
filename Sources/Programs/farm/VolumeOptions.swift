import ArgumentParser
import FarmAPI
import FarmModel
import Foundation
import ProgramMain
import VolumeFiles

/// The options that every command has.
struct VolumeOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The volume (or FARM_ROOT).", valueName: "folder"))
  var root: String?

  @Flag(help: "Print JSON.")
  var json = false

  /// The daemon of the volume.
  func client() throws -> FarmClient { try FarmClient(volume: ProgramMain.volume(root)) }

  /// What the daemon says, or what it wrote down last when it is not there.
  /// - Parameters:
  ///   - isQuiet: whether the status itself says enough of the daemon's absence.
  ///   - isBrief: whether of jobs at rest the newest are enough; without a daemon all are there.
  func status(isQuiet: Bool = false, isBrief: Bool = false) async throws -> FarmStatus {
    let volume = try ProgramMain.volume(root)
    do {
      let items = isBrief ? ["brief": "yes"] : [:]
      return try await FarmClient(volume: volume).get(Route.status, items, as: FarmStatus.self)
    } catch let failure as ClientFailure {
      guard let bytes = try? FileBytes.all(of: volume.statusFile, limitBytes: 256 << 20),
        var last = try? JSONDecoder().decode(FarmStatus.self, from: Data(bytes))
      else { throw failure }  // Nothing was written down: the daemon's absence is the answer.
      last.daemon.running = false
      last.daemon.slots.used = 0
      if case .waiting = failure, !last.daemon.troubles.contains(where: { failure.description.contains($0) }) {
        last.daemon.troubles.append(failure.description)
      }
      if !isQuiet { ProgramMain.say("the daemon is not running; this is how it was at \(last.daemon.at)") }
      return last
    }
  }

  /// Prints a value as JSON, or as the text made of it.
  func print<Value: Encodable>(_ value: Value, _ text: (Terminal) -> [String]) throws {
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
      Swift.print(String(decoding: try encoder.encode(value), as: UTF8.self))
    } else {
      for line in text(Terminal.standardOutput) { Swift.print(line) }
    }
  }
}
