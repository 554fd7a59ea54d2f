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
    var last: FarmStatus?
    while !Task.isCancelled {
      do { last = try await write(after: last) } catch { complain(error) }
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

  private func write(after last: FarmStatus?) async throws -> FarmStatus {
    let status = try await flow.status()
    var same = last
    same?.daemon.at = status.daemon.at
    if status != same { try await put(status) }
    return status
  }

  private func put(_ status: FarmStatus) async throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let bytes = try Array(encoder.encode(status)) + [10]
    let path = volume.statusFile
    try await BlockingWork.run { () throws(FileFailure) in try Durable.write(bytes, to: path) }
  }
}
