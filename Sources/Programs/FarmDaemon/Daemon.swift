import FarmAPI
import FarmDoctor
import FarmModel
import FarmServer
import FarmStore
import FolderWatch
import Foundation
import Glibc
import Intake
import LocalEngine
import Logging
import Rendering
import ServiceLifecycle
import Synchronization
import SystemPackage
import VolumeFiles

/// The daemon as a library: `farmd` is only its command line.
package struct Daemon: Sendable {
  /// What has not stopped after this time is cancelled, and after a little more the process ends as it stands.
  private static let stopMax = Duration.seconds(3)
  private static let endMax = DispatchTimeInterval.milliseconds(4500)

  private static let readiness = Mutex(false)
  /// Whether a daemon of this process has served.
  package static var wasReady: Bool { readiness.withLock { $0 } }

  let volume: Volume
  let config: FarmConfig
  let log: Logger

  package init(volume: Volume, config: FarmConfig, log: Logger) {
    self.volume = volume
    self.config = config
    self.log = log
  }

  /// The wall clock of this machine.
  package static let clock = WallClock {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Timestamp(nanoseconds: Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec))
  }

  /// How a run ends.
  package enum Ending: Sendable {
    case stopped
    /// What was ordered is done at the next start, which is to be now.
    case beginAnew
  }

  /// Runs until SIGTERM, SIGINT or SIGHUP, or until a new start is needed.
  package func run() async throws -> Ending {
    guard VolumeTree.isVolume(volume) else { throw DaemonFailure.notAVolume(volume.root) }
    try await makeFolders()
    let state = try StateFolder(volume: volume, configured: config.state)
    let lock = try VolumeLock(volume, socket: state.socket)
    defer { lock.release() }
    try await slashAndBurn(state)
    let ledger = try await openLedger(state)
    defer { ledger.foldLog() }
    // Before the first listing: a Blender may be there now, so what was blocked settles anew.
    try await ledger.forgetBlockedFiles()
    let engine = LocalEngine(
      LocalEngine.Setup(
        script: try RenderScript.install(in: volume), blenders: config.blenders, slots: config.slots,
        hangAfter: config.hangAfter, temporary: state.temporary, now: { ContinuousClock.now }), log: log)
    let ignore = IgnoreRules(config.ignore)
    let root = volume.root
    let accepts: FolderWatcher.NameCheck = { folder, name in
      guard DropPlace.isDrop(name) || DropPlace.isSidecar(name) else { return false }
      var below = folder.appending(name)
      return !below.removePrefix(root) || !ignore.ignores(below)
    }
    let watcher = FolderWatcher(
      FolderWatcher.Setup(
        root: volume.root, tree: DropPlace.tree, cookieFolder: volume.cookies, mark: "\(UUID())",
        known: KnownDrops(ledger: ledger, root: volume.root, log: log),
        rules: SettleRules(quiet: config.settleQuiet, stall: config.settleStall), now: { ContinuousClock.now },
        accepts: accepts,
        isWhole: { path in
          // Of plans, textures and the like only their writers know when they are whole.
          path.lastName.map { DropPlace.isDrop($0) } == true ? Intaker.wholeness(of: path) : .whole
        }))
    let events = EventHub()
    let flow = JobFlow(
      JobFlow.Setup(
        volume: volume, state: state, config: config, ledger: ledger, engine: engine, watcher: watcher, events: events,
        clock: Self.clock, log: log, version: FarmVersion.current,
        availableMemory: { MemorySpace.availableBytes() }, load: { OthersLoad.Sample.ofThisMachine(groups: $0) },
        powerCut: lock.powerCut, lanes: ProcessInfo.processInfo.activeProcessorCount, stepped: Self.stepped))
    try await serve(flow, engine, watcher, Paperwork(volume: volume, flow: flow, events: events, log: log), state, lock)
    return await flow.mustBeginAnew ? .beginAnew : .stopped
  }

  /// Makes the volume's folders; one on a file system that does not answer is there, or is made at another start.
  private func makeFolders() async throws {
    for folder in volume.tree {
      let made = await BlockingWork.run(at: folder, atMost: .seconds(2)) {
        Result { () throws(FileFailure) in try SharedFolder.make(folder) }
      }
      guard let made else {
        log.warning(
          "\(volume.relative(folder)) does not answer; what lies there waits until it does",
          metadata: ["remedy": "Look at its file server (`mount`, `df`)."])
        continue
      }
      try made.get()
    }
  }

  private func serve(
    _ flow: JobFlow, _ engine: LocalEngine, _ watcher: FolderWatcher, _ papers: Paperwork, _ state: StateFolder,
    _ lock: VolumeLock
  ) async throws {
    Placement.remove(FilePath(state.socket))
    defer { Placement.remove(FilePath(state.socket)) }
    let server = FarmServer.service(flow, socket: state.socket, log: quiet(log)) {
      Self.readiness.withLock { $0 = true }
      // Owner and group may talk to the daemon.
      chmod(state.socket, 0o660)
      log.notice("ready", metadata: ["root": "\(volume.root)", "pid": "\(getpid())"])
    }
    let work: [any Service] = [
      Work("engine") { await engine.run() },
      Work("flow") { try await flow.run() },
      Work("watch") { try await watcher.run() },
      Work("papers") { await papers.run() },
      DeadEnd(after: Self.endMax) { log.warning("stopping took too long; the next start goes on from the ledger") },
      Work("lock") {
        // Cancelled: the daemon stops.
        while (try? await Task.sleep(for: VolumeLock.renewEvery)) != nil { lock.renew() }
      },
      server,
      // They end in reverse: who waits for an archive is answered before the server waits for its last answer.
      Work("archives") {
        // Cancelled or asked to: the daemon stops.
        try? await gracefulShutdown()
        await flow.endArchivings()
      },
    ]
    var configuration = ServiceGroupConfiguration(
      services: work.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
      gracefulShutdownSignals: [.sigterm, .sigint, .sighup], logger: quiet(log))
    configuration.maximumGracefulShutdownDuration = Self.stopMax
    do { try await ServiceGroup(configuration: configuration).run() } catch is CancellationError {
      // What took too long was cut off, and is gone on with at the next start.
    } catch {
      papers.events.finish()
      let failure = error as? any Failure
      do { try await papers.close(because: failure.map(\.sentences)) } catch {
        // What ended the run is what is to be told: the same full disk may refuse the last status too.
        log.warning("cannot write the last status: \(error)")
      }
      throw error
    }
    papers.events.finish()
    try await papers.close()
    log.notice("stopped")
  }

  /// The libraries' own records are for those who debug them.
  private func quiet(_ log: Logger) -> Logger {
    var log = log
    log.logLevel = .critical
    return log
  }
}

/// A loop as a service: it is cancelled when the daemon is to stop.
private struct Work: Service {
  let name: String
  let body: @Sendable () async throws -> Void

  init(_ name: String, _ body: @escaping @Sendable () async throws -> Void) {
    self.name = name
    self.body = body
  }

  func run() async throws {
    try await cancelWhenGracefulShutdown { try await body() }
  }
}

/// Ends the process when a stop takes too long, as with a digest of a huge file that cannot be interrupted: the ledger
/// is made for that.
private struct DeadEnd: Service {
  let limit: DispatchTimeInterval
  let told: @Sendable () -> Void

  init(after limit: DispatchTimeInterval, told: @escaping @Sendable () -> Void) {
    self.limit = limit
    self.told = told
  }

  func run() async throws {
    try await withGracefulShutdownHandler {
      try await gracefulShutdown()
    } onGracefulShutdown: {
      DispatchQueue.global().asyncAfter(deadline: .now() + limit) {
        told()
        _exit(0)
      }
    }
  }
}

/// The watcher's memory: the ledger's known files, with their paths below the root made whole.
private struct KnownDrops: KnownFiles {
  let ledger: Ledger
  let root: FilePath
  let log: Logger

  func knownFiles(in folder: FilePath) async -> [FileName: Fingerprint] {
    var below = folder
    _ = below.removePrefix(root)
    do { return try await ledger.knownFiles(in: below) } catch {
      // Nothing known: files are digested again, and equal bytes render nothing.
      log.warning("\(error.description)", metadata: ["remedy": "\(error.remedy)"])
      return [:]
    }
  }
}
