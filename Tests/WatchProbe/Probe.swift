import FarmModel
import FolderWatch
import Foundation
import Intake
import SystemPackage
import VolumeFiles

/// Watches the volume named by its argument and prints each change as a line, until it is killed: libinotifytools is
/// one per process, so each test that needs it runs one of these. A first barrier tells when it has begun; a file
/// `probe-<number>` among the cookies makes it tell another one, with its counts.
///
/// `WatchProbe <root> [--fast] [--impatient]`: fast looks around more often than a daemon would, impatient gives up a
/// file system sooner; on a busy machine a look may take long, so only who stops a file server asks for that.
@main
struct Probe {
  static func main() async throws {
    let volume = Volume(root: FilePath(CommandLine.arguments[1]))
    var periods = WatchPeriods()
    if CommandLine.arguments.contains("--fast") {
      periods.stamp = .seconds(1)
      periods.poll = .milliseconds(300)
    }
    if CommandLine.arguments.contains("--impatient") { periods.hang = .seconds(5) }
    let watcher = FolderWatcher(
      FolderWatcher.Setup(
        root: volume.root, tree: DropPlace.tree, cookieFolder: volume.cookies, mark: "probe", known: NothingKnown(),
        rules: SettleRules(stall: .seconds(1), vanish: .milliseconds(300)), periods: periods,
        now: { ContinuousClock.now },
        accepts: { DropPlace.isDrop($1) }, isWhole: Intaker.wholeness))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await watcher.run() }
      group.addTask {
        for await change in watcher.changes {
          var line = words(change, volume)
          if case .barrier = change { line += words(await watcher.counts()) }
          tell(line)
        }
      }
      _ = watcher.barrier()
      try await group.waitForAll()
    }
  }

  private static func words(_ counts: WatchCounts) -> String {
    " watches=\(counts.watches) polled=\(counts.polledFolders) overflows=\(counts.overflows)"
      + " unsettled=\(counts.unsettled)"
  }

  private static func words(_ change: FolderChange, _ volume: Volume) -> String {
    let shown = { (path: FilePath) in volume.relative(path).escapedForTerminal }
    return switch change {
    case .unsettled(let path): "unsettled \(shown(path))"
    case .settled(let path, _): "settled \(shown(path))"
    case .unchanged(let path): "unchanged \(shown(path))"
    case .refused(let path, let reason): "refused \(shown(path)): \(reason)"
    case .stalled(let path, let reason): "stalled \(shown(path)): \(reason)"
    case .vanished(let path): "vanished \(shown(path))"
    case .lost(let path): "lost \(shown(path))"
    case .folderFound(let path): "folder \(shown(path))"
    case .folderGone(let path): "gone \(shown(path))"
    case .barrier(let number): "barrier \(number)"
    case .troubled(let path, let failure): "troubled \(shown(path)): \(failure)"
    }
  }

  private static func tell(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
  }
}

private struct NothingKnown: KnownFiles {
  func knownFiles(in folder: FilePath) async -> [FileName: Fingerprint] { [:] }
}
