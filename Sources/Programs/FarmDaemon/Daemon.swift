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
  /// What has not stopped after this time is cancelled; ``RunEnd`` bounds the rest.
  private static let stopMax = Duration.seconds(3)

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
    /// The next start is to be now: it does what was ordered, or goes on after this failure.
    case beginAnew(after: (any Error)?)
  }

  /// Runs until SIGTERM, SIGINT or SIGHUP, or until a new start is needed.
  /// - Parameter isAgain: whether this process has served before it began anew.
  /// - Throws: what keeps the daemon from serving, where beginning anew cannot help.
  package func run(isAgain: Bool) async throws -> Ending {
    // A reader of our log or socket that goes away must not end us.
    signal(SIGPIPE, SIG_IGN)
    let end = RunEnd(log: log, restart: Restart.now)
    defer { end.finish() }
    do {
      return try await runOnce(isAgain: isAgain, end)
    } catch {
      guard mayBeginAnew(after: error, isAgain: isAgain) else { throw error }
      return .beginAnew(after: error)
    }
  }

  private func runOnce(isAgain: Bool, _ end: RunEnd) async throws -> Ending {
    guard VolumeTree.isVolume(volume) else { throw DaemonFailure.notAVolume(volume.root) }
    try await makeFolders()
    let state = try StateFolder(volume: volume, configured: config.state)
    let lock = try VolumeLock(volume, socket: state.socket)
    let claim: StateClaim
    do { claim = try StateClaim(state.folder, for: volume) } catch {
      lock.release()
      throw error
    }
    defer { claim.release() }
    let crashes = CrashGuard(marks: state.folder.appending("crashes"), log: log, isAgain: isAgain)
    if let trouble = lock.trouble, !isAgain {
      log.warning("\(trouble.description)", metadata: ["remedy": "\(trouble.remedy)"])
    }
    do {
      let ending = try await run(state, lock, crashes, end)
      if case .beginAnew = ending { lock.release(waitingBecause: nil) } else { lock.release() }
      return ending
    } catch {
      if mayBeginAnew(after: error, isAgain: isAgain) {
        lock.release(waitingBecause: error.sentences)
      } else {
        lock.release()
      }
      throw error
    }
  }

  private func run(
    _ state: StateFolder, _ lock: VolumeLock, _ crashes: CrashGuard, _ end: RunEnd
  ) async throws -> Ending {
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
      let path = folder.appending(name)
      if crashes.isRejectedByPath(path) { return true }
      return crashes.reading(path, nil, .name) {
        guard DropPlace.isDrop(name) || DropPlace.isSidecar(name) else { return false }
        var below = path
        return !below.removePrefix(root) || !ignore.ignores(below)
      }
    }
    let watcher = FolderWatcher(
      FolderWatcher.Setup(
        root: volume.root, tree: DropPlace.tree, cookieFolder: volume.cookies, mark: "\(UUID())",
        known: KnownDrops(ledger: ledger, root: volume.root, log: log),
        rules: SettleRules(quiet: config.settleQuiet, stall: config.settleStall), now: { ContinuousClock.now },
        accepts: accepts,
        isWhole: { path in
          // Of plans, textures and the like only their writers know when they are whole.
          path.lastName.map { DropPlace.isDrop($0) } == true ? crashes.wholeness(of: path) : .whole
        }))
    let events = EventHub()
    let flow = JobFlow(
      JobFlow.Setup(
        volume: volume, state: state, config: config, ledger: ledger, engine: engine, watcher: watcher, events: events,
        clock: Self.clock, log: log, version: FarmVersion.current,
        availableMemory: { MemorySpace.availableBytes() }, load: { OthersLoad.Sample.ofThisMachine(groups: $0) },
        powerCut: lock.powerCut, lanes: ProcessInfo.processInfo.activeProcessorCount, stepped: Self.stepped,
        failed: { end.fail() }, crashes: crashes))
    let papers = Paperwork(volume: volume, flow: flow, events: events, log: log)
    try await serve(flow, engine, watcher, papers, state, lock, end)
    return await flow.mustBeginAnew ? .beginAnew(after: nil) : .stopped
  }

  /// Makes the volume's folders; one on a file system that does not answer is there, or is made at another start.
  private func makeFolders() async throws {
    let root = volume.root
    for folder in volume.tree {
      let made = await BlockingWork.run(at: folder, atMost: .seconds(2)) {
        Result { () throws(FileFailure) in try SharedFolder.make(folder, below: root) }
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
    _ lock: VolumeLock, _ end: RunEnd
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
      Work("engine", end) { await engine.run() },
      Work("flow", end) { try await flow.run() },
      Work("watch", end) { try await watcher.run() },
      Work("papers", end) { await papers.run() },
      Work("lock", end) {
        // Cancelled: the daemon stops.
        while (try? await Task.sleep(for: VolumeLock.renewEvery)) != nil { try lock.renew() }
      },
      Work("server", end, isCancelled: false) { try await server.run() },
      // They end in reverse: who waits for an archive is answered before the server waits for its last answer.
      Work("archives", end, isCancelled: false) {
        // Cancelled or asked to: the daemon stops.
        try? await gracefulShutdown()
        end.ask()
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
      await papers.close(because: error.sentences)
      throw error
    }
    papers.events.finish()
    await papers.close()
    log.notice("stopped")
  }

  /// The libraries' own records are for those who debug them.
  private func quiet(_ log: Logger) -> Logger {
    var log = log
    log.logLevel = .critical
    return log
  }
}

/// One of the daemon's loops as a service. One that returns although nothing asked the daemon to end is a failure.
private struct Work: Service {
  let name: String
  let end: RunEnd
  /// Whether the loop ends by being cancelled, not by itself when the daemon is to stop.
  let isCancelled: Bool
  let body: @Sendable () async throws -> Void

  init(_ name: String, _ end: RunEnd, isCancelled: Bool = true, _ body: @escaping @Sendable () async throws -> Void) {
    self.name = name
    self.end = end
    self.isCancelled = isCancelled
    self.body = body
  }

  func run() async throws {
    if await Daemon.mustReturn(name) { return try finish() }
    do {
      if isCancelled { try await cancelWhenGracefulShutdown { try await body() } } else { try await body() }
    } catch let failure as any Failure {
      end.fail()
      throw failure
    } catch {
      guard !end.isDue, !Task.isCancelled else { throw error }
      end.fail()
      throw DaemonFailure.serviceFailed(name, reason: "\(error)")
    }
    try finish()
  }

  /// - Throws: ``DaemonFailure/serviceEnded(_:)`` when nothing asked for the end.
  private func finish() throws {
    guard !end.isDue, !Task.isCancelled, !Task.isShuttingDownGracefully else { return }
    end.fail()
    throw DaemonFailure.serviceEnded(name)
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
