import FarmModel
import Foundation
import Synchronization
import SystemPackage
import VolumeFiles

/// A volume for tests of the watch, which runs as a `WatchProbe`: a process has but one.
package final class ProbedVolume: Sendable {
  package let scratch: ScratchFolder
  package let root: FilePath
  /// A small drop.
  package let blend = TestFiles.blend(scenes: [("Scene", 1, 2)])
  private let barriers = Mutex(1)

  package init() throws {
    scratch = try ScratchFolder()
    root = try scratch.makeVolume().root
  }

  /// Starts a watch and waits until it watches.
  /// - Parameters:
  ///   - looksOften: whether folders are looked at more often than a daemon would.
  ///   - isImpatient: whether a file system that does not answer is given up after five seconds.
  ///   - through: a program and its arguments that starts it.
  ///   - user: whose rights it has, with these capabilities.
  package func watch(
    looksOften: Bool = false, isImpatient: Bool = false, through: [String] = [], user: UInt32? = nil,
    capabilities: [String] = []
  ) async throws -> RunningWatch {
    let output = scratch("probe-\(UUID().uuidString.prefix(8)).log")
    let probe = try RunningProgram(
      "WatchProbe", [root.string] + (looksOften ? ["--fast"] : []) + (isImpatient ? ["--impatient"] : []),
      through: through, user: user,
      capabilities: capabilities, output: output)
    let watch = RunningWatch(probe, of: self)
    guard await eventually({ probe.text.contains("barrier 1") || !probe.isRunning }), probe.isRunning else {
      throw ProbeFailure(description: "the watch did not begin: \(probe.text)")
    }
    return watch
  }

  /// Writes a file beside its place and renames it there.
  package func drop(_ below: String, _ bytes: [UInt8]? = nil) throws { try drop(root.appending(below), bytes) }

  package func drop(_ path: FilePath, _ bytes: [UInt8]? = nil) throws {
    let part = path.removingLastComponent().appending(".part")
    try Data(bytes ?? blend).write(to: URL(filePath: part.string))
    guard rename(part.string, path.string) == 0 else { throw POSIXError(.EIO) }
  }

  /// Numbers of barriers go up, whichever watch sees them.
  fileprivate func nextBarrier() throws -> Int {
    let number = barriers.withLock { number in
      number += 1
      return number
    }
    try Data().write(to: URL(filePath: root.appending(".farm/cookies/probe-\(number)").string))
    return number
  }
}

/// A watch at work, by the lines that it prints.
package final class RunningWatch: Sendable {
  package let program: RunningProgram
  private let volume: ProbedVolume

  fileprivate init(_ program: RunningProgram, of volume: ProbedVolume) {
    self.program = program
    self.volume = volume
  }

  package var text: String { program.text }
  package var lines: [String] { text.utf8.split(separator: UInt8(ascii: "\n")).map { String(Substring($0)) } }

  /// How often a line was told.
  package func count(of line: String) -> Int { lines.count { $0 == line } }

  /// Waits for a line that begins so.
  package func tells(_ line: String, times: Int = 1) async -> Bool {
    await eventually { lines.count { $0.hasPrefix(line) } >= times }
  }

  /// Waits until everything that is there now was looked at.
  /// - Returns: the line of it, with the counts.
  @discardableResult
  package func barrier() async throws -> String {
    let line = "barrier \(try volume.nextBarrier()) "
    guard await tells(line) else { throw ProbeFailure(description: "no \(line)") }
    return lines.first { $0.hasPrefix(line) } ?? ""
  }

  /// Waits until nothing is on its way: the longest wait is for a file that may come back.
  package func settle() async throws {
    guard try await eventually({ try await barrier().hasSuffix("unsettled=0") }) else {
      throw ProbeFailure(description: "files are still on their way")
    }
    // The counts are newer than the lines before them: what was told in between comes before the next barrier.
    try await barrier()
  }
}

private struct ProbeFailure: Error, CustomStringConvertible {
  let description: String
}
