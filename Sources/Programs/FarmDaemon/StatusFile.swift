import FarmAPI
import FarmModel
import FoundationEssentials
import SystemPackage
import VolumeFiles

/// Keeps `.farm/status.json`, which commands read when the daemon is down: written when something changed, at most once
/// a second, and at the end.
struct StatusFile: Sendable {
  private static let writeEvery = Duration.seconds(1)

  let volume: Volume
  let flow: JobFlow
  let events: EventHub

  /// Writes until the task is cancelled.
  func run(complain: @escaping @Sendable (any Error) -> Void) async {
    var last = -1
    while !Task.isCancelled {
      let now = await flow.happenings
      do { if now != last { try await put(flow.status()) } } catch { complain(error) }
      last = now
      try? await Task.sleep(for: Self.writeEvery)  // Cancelled: the loop ends.
    }
  }

  /// Writes the last status, as of a daemon that does not run.
  func close() async throws {
    var status = try await flow.status()
    status.daemon.running = false
    status.daemon.slots.used = 0
    try await put(status)
  }

  private func put(_ status: FarmStatus) async throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let bytes = try Array(encoder.encode(status)) + [10]
    let path = volume.statusFile
    try await BlockingWork.run { () throws(FileFailure) in try Durable.write(bytes, to: path) }
  }
}
