import FarmModel
import FarmStore
import FarmTesting
import FolderWatch
import Foundation
import Intake
import Logging
import Rendering
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

/// JobFlow with a real ledger and real files, an engine of ready-made pictures, and drops that the test calls settled.
final class FlowWorld: Sendable {
  let scratch: ScratchFolder
  let volume: Volume
  let flow: JobFlow
  let ledger: Ledger
  let events = EventHub()
  let time = TestTime()
  let engine: FakeEngine
  private let running: Mutexed<[Task<Void, any Error>]> = Mutexed([])

  init(
    on scratch: ScratchFolder? = nil, slots: Int = 1, badWorker: String? = nil, isEngineSilent: Bool = false,
    config: FarmConfig = FarmConfig(), blenders: [BlenderProgram] = [FakeEngine.blender],
    spoil: @escaping @Sendable (FrameNumber, Int) -> FakeEngine.Spoiling? = { _, _ in nil },
    availableMemory: @escaping @Sendable () -> Int64? = { nil },
    load: @escaping @Sendable (Set<Int32>) -> OthersLoad.Sample? = { _ in nil }
  ) throws {
    self.scratch = try scratch ?? ScratchFolder()
    volume = try self.scratch.makeVolume()
    let state = try StateFolder(volume: volume, configured: nil)
    ledger = try Ledger(at: state.ledger, clock: time.clock)
    engine = FakeEngine(
      slots: slots, badWorker: badWorker, isSilent: isEngineSilent, blenders: blenders, spoil: spoil)
    let watcher = FolderWatcher(
      FolderWatcher.Setup(
        root: volume.root, tree: DropPlace.tree, cookieFolder: volume.cookies, mark: "test", known: NothingKnown(),
        rules: SettleRules(), now: { ContinuousClock.now }, accepts: { DropPlace.isDrop($1) },
        isWhole: Intaker.wholeness))
    var config = config
    config.diskFloor = .percent(0)
    flow = JobFlow(
      JobFlow.Setup(
        volume: volume, state: state, config: config, ledger: ledger, engine: engine, watcher: watcher,
        events: events, clock: time.clock, log: Self.log,
        version: "test", availableMemory: availableMemory, load: load))
  }

  /// Silent; with `FARM_TEST_LOG` set all that the flow logs.
  private static let log = Logger(label: "flow") { label -> any LogHandler in
    let isSilent = ProcessInfo.processInfo.environment["FARM_TEST_LOG"] == nil
    return if isSilent { SwiftLogNoOpLogHandler() } else { StreamLogHandler.standardError(label: label) }
  }

  func run() {
    let (flow, engine) = (flow, engine)
    running.with { $0 = [Task { await engine.run() }, Task { try await flow.run() }] }
  }

  /// Runs it, and returns when its start is over: before that the watch tells nothing, and no test should.
  func start() async {
    run()
    #expect(await eventually { await self.flow.areArchivesRecovered })
  }

  /// Ends the flow as a crash would: nothing is put in order.
  func crash() async {
    let tasks = running.with { $0 }
    for task in tasks { task.cancel() }
    for task in tasks { _ = await task.result }
  }

  deinit { running.with { for task in $0 { task.cancel() } } }

  func drop(
    _ below: String, frames: ClosedRange<Int32> = 1...3, scene: String = "Scene",
    savedBy version: BlenderVersion = BlenderVersion(major: 3, minor: 4)
  ) async throws {
    let path = try scratch.write(
      TestFiles.blend(version: version, scenes: [(scene, frames.lowerBound, frames.upperBound)]),
      to: "volume/\(below)")
    let status = try #require(try FileStatus(at: path))
    await flow.take(.settled(path, status.fingerprint))
  }

  func state(_ job: String) async throws -> JobState? {
    let parts = job.split(separator: "/").map(String.init)
    return try await ledger.job(JobName(release: parts[0], job: parts[1]))?.state
  }

  func comes(_ job: String, to state: JobState) async throws -> Bool {
    try await eventually { try await self.state(job) == state }
  }

  /// Waits until `dist/` holds these files.
  func delivers(_ files: [String]) async -> Bool {
    await eventually { volume.dist.filesBelow == files }
  }
}

private struct NothingKnown: KnownFiles {
  func knownFiles(in folder: FilePath) async -> [FileName: Fingerprint] { [:] }
}
