import FarmAPI
import FarmDoctor
import FarmModel
import FarmStore
import Glibc
import LocalEngine
import Rendering
import SystemPackage
import VolumeFiles

/// What is done before a daemon runs, or without one.
extension Daemon {
  func openLedger(_ state: StateFolder) async throws -> Ledger {
    let ledger = try await LedgerKeeper(volume: volume, state: state, clock: Self.clock, log: log).open()
    #if FARM_FAILPOINTS
      var doomed = ledger
      doomed.failpoint = getenv("FARM_FAILPOINT").map { Failpoint(after: String(cString: $0)) }
      return doomed
    #else
      return ledger
    #endif
  }

  /// Ends the process after a step, where a test wants that.
  static let stepped: @Sendable (String) -> Void = {
    #if FARM_FAILPOINTS
      if let act = getenv("FARM_FAILPOINT").map({ String(cString: $0) }) {
        return { Failpoint(after: act).passed($0) }
      }
    #endif
    return { _ in }
  }()

  /// Whether a service returns by itself once the daemon serves, where a test wants that.
  static func mustReturn(_ service: String) async -> Bool {
    #if FARM_FAILPOINTS
      guard let name = getenv("FARM_RETURN"), String(cString: name) == service else { return false }
      // Cancelled: then it returns at once.
      while !wasReady, (try? await Task.sleep(for: .milliseconds(20))) != nil {}
      return true
    #else
      return false
    #endif
  }

  /// Whether a new start may mend what ended a run, or kept it from beginning.
  ///
  /// A daemon that has served goes on trying. At the first start of a process only the disk of a volume that was served
  /// before is waited for: anything else is for the one who starts it.
  func mayBeginAnew(after error: any Error, isAgain: Bool) -> Bool {
    switch error {
    case DaemonFailure.held, DaemonFailure.foreignState, StoreFailure.newer: return false
    default: break
    }
    if isAgain || Self.wasReady { return true }
    let ledger = StateFolder.ledger(of: volume, configured: config.state)
    guard isOfDisk(error) else { return false }
    do {
      // A first start leaves an empty one where the disk is full.
      return try FileStatus(at: ledger).map { $0.fingerprint.size > 0 } ?? false
    } catch {
      // It may be there.
      return true
    }
  }

  private func isOfDisk(_ error: any Error) -> Bool {
    switch error {
    case let failure as StoreFailure: failure.isTransient
    case let failure as FileFailure: failure.isOfDisk
    case DaemonFailure.files(let failure): failure.isOfDisk
    case DaemonFailure.serviceFailed: true
    default: false
    }
  }

  /// Carries out what was ordered before the ledger is opened.
  func slashAndBurn(_ state: StateFolder) async throws {
    if try FileStatus(at: SlashAndBurn.mark(volume)) != nil { await endLeftProcesses(state) }
    var burning = SlashAndBurn(volume: volume, state: state, log: log)
    burning.stepped = Self.stepped
    try burning.carryOut()
  }

  /// Who renders for a daemon that died is known by the ledger alone, which is about to be put aside.
  private func endLeftProcesses(_ state: StateFolder) async {
    do {
      guard try FileStatus(at: state.ledger) != nil else { return }
      let ledger = try Ledger(at: state.ledger, clock: Self.clock)
      for task in try await ledger.tasks(of: nil) where LeftProcess.end(task) {
        log.warning("ended a Blender that an earlier daemon left", metadata: ["pid": "\(task.pid ?? 0)"])
      }
      ledger.foldLog()
      try ledger.close()
    } catch {
      log.warning("the old ledger cannot be read, so nothing that still renders for it is ended: \(error)")
    }
  }

  /// Looks at everything that the farm stands on, without a daemon.
  package func check() async -> DoctorReport {
    var found: [BlenderProgram] = []
    var unwell: [UnwellProgram] = []
    do {
      let state = try StateFolder(volume: volume, configured: config.state)
      let script = try RenderScript.install(in: volume)
      for path in Blenders.executables(matching: config.blenders) {
        switch await Blenders.probe(path, script: script) {
        case .found(let program): found.append(program)
        case .failed(let program): unwell.append(program)
        }
      }
      return await Checkup(volume: volume, state: state.folder, clock: Self.clock)
        .report(blenders: found, unwell: unwell, ledger: await ledgerState(at: state.ledger))
    } catch {
      return await Checkup(volume: volume, state: volume.own, clock: Self.clock)
        .report(blenders: found, unwell: unwell, ledger: .closed(error))
    }
  }

  private func ledgerState(at path: FilePath) async -> LedgerState {
    do {
      guard try FileStatus(at: path) != nil else { return .absent }
      return LedgerState(trouble: try await Ledger(at: path, clock: Self.clock).trouble())
    } catch {
      return .closed(error)
    }
  }

  // MARK: - Commands that work without a daemon

  /// Holds the volume meanwhile; no daemon may run.
  private func holding<Value>(_ body: (StateFolder) async throws -> Value) async throws -> Value {
    guard VolumeTree.isVolume(volume) else { throw DaemonFailure.notAVolume(volume.root) }
    for folder in volume.tree { try SharedFolder.make(folder, below: volume.root) }
    let state = try StateFolder(volume: volume, configured: config.state)
    let lock = try VolumeLock(volume, socket: state.socket)
    defer { lock.release() }
    let claim = try StateClaim(state.folder, for: volume)
    defer { claim.release() }
    return try await body(state)
  }

  /// `farm slash-and-burn`
  package func slashAndBurn() async throws -> BurntAnswer {
    try await holding { state in
      let ashes = try SlashAndBurn.order(volume, at: Self.clock.now())
      try await slashAndBurn(state)
      return BurntAnswer(ashes: ashes.string)
    }
  }

  /// `farm ledger check`
  package func checkLedger() async throws -> LedgerAnswer {
    try await holding { state in
      guard try FileStatus(at: state.ledger) != nil else {
        return LedgerAnswer(path: state.ledger, "there is none yet")
      }
      let ledger = try Ledger(at: state.ledger, clock: Self.clock)
      if let trouble = try await ledger.trouble() { throw StoreFailure.damaged(state.ledger, trouble) }
      return LedgerAnswer(path: state.ledger, "it is whole")
    }
  }

  /// `farm ledger backup`
  /// - Parameter copy: nil: among the other copies, named by the moment.
  package func backUpLedger(to copy: FilePath?) async throws -> LedgerAnswer {
    try await holding { state in
      let ledger = try Ledger(at: state.ledger, clock: Self.clock)
      return try await LedgerBackup(of: ledger, at: state.ledger)
        .write(to: copy, orInto: state.backups, now: Self.clock.now())
    }
  }

  /// `farm ledger rebuild`
  /// - Parameter copy: nil: from the manifests alone.
  package func rebuildLedger(from copy: FilePath?) async throws -> LedgerAnswer {
    try await holding { state in
      let keeper = LedgerKeeper(volume: volume, state: state, clock: Self.clock, log: log)
      let count = try await keeper.rebuild(from: copy).jobs(adopted: true).count
      let whence = copy.map { " from \($0.string) and the manifests; jobs: " } ?? "; jobs that manifests prove: "
      return LedgerAnswer(path: state.ledger, "it was made again\(whence)\(count)")
    }
  }
}

extension LedgerAnswer {
  init(path: FilePath, _ verdict: String) { self.init(path: path.string, verdict: verdict) }
}
