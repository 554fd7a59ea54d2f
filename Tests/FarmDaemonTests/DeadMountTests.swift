import FarmAPI
import FarmModel
import FarmStore
import FarmTesting
import FolderWatch
import Foundation
import Rendering
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

/// Release `r` lies on a file server of its own, which is stopped.
@Suite("A release whose file system does not answer", .serialized, .enabled(if: Needs.fuse, "needs bindfs"))
struct DeadMountTests {
  private static let job = JobName(release: "r", job: "a")

  private func world(
    on scratch: ScratchFolder? = nil, slots: Int = 1,
    spoil: @escaping @Sendable (FrameNumber, Int) -> FakeEngine.Spoiling? = { _, _ in nil }
  ) async throws -> (FlowWorld, BoundFolder) {
    let world = try FlowWorld(on: scratch, slots: slots, spoil: spoil)
    let server = try await BoundFolder(
      world.scratch("far"), at: world.volume.release("r"), log: world.scratch("bindfs.log"))
    return (world, server)
  }

  /// The next daemon, with a drop that has nothing to do with the release.
  private func restarted(on scratch: ScratchFolder) async throws -> FlowWorld {
    let world = try FlowWorld(on: scratch)
    world.run()
    try await world.drop("quick/near.blend")
    return world
  }

  private func isNearDelivered(_ world: FlowWorld) async -> Bool {
    await eventually { world.volume.dist.appending("quick").filesBelow.count == 3 }
  }

  private func revision(_ world: FlowWorld, _ job: JobName) async throws -> Revision {
    try #require(try await world.ledger.newestRevision(of: job))
  }

  @Test func `at a start holds up itself alone, and is put in order when it answers`() async throws {
    let scratch = try ScratchFolder()
    let (before, server) = try await world(on: scratch)
    before.run()
    try await before.ledger.setOrder(of: "r", ReleaseOrder(harvest: .manual))
    try await before.drop("releases/r/store/a.blend")
    #expect(try await before.comes("r/a", to: .completed))
    // A snapshot that is to be removed, and a harvest that was interrupted before its first move.
    try await before.flow.pause(PauseRequest(release: "r", paused: true), by: "test")
    try await before.drop("releases/r/store/b.blend", frames: 1...2)
    #expect(try await before.comes("r/b", to: .queued))
    let killed = try await revision(before, JobName(release: "r", job: "b"))
    try await before.ledger.bind(killed.id, blender: FakeEngine.blender, snapshot: ".farm-000000000000.blend")
    #expect(try await before.ledger.move(killed.id, to: .canceled))
    let release = try #require(try await before.ledger.release(named: "r"))
    let done = try await revision(before, Self.job)
    let plan = try #require(try await before.flow.harvestPlan(release, [done]))
    _ = try await before.ledger.beginHarvest(release: release.id, moves: plan)
    await before.crash()
    server.hang()

    let world = try await restarted(on: scratch)

    #expect(await isNearDelivered(world))
    #expect(world.volume.dist.appending("r").filesBelow.isEmpty)
    #expect(try await world.flow.status().releases.contains { $0.name == "r" })
    #expect(try await world.flow.jobDetail("r/b").state == .canceled)
    server.goOn()
    #expect(await eventually { world.volume.dist.appending("r").filesBelow.count == 3 })
    #expect(try await eventually { try await world.ledger.snapshotsOfEnded().isEmpty })
    #expect(await eventually { await world.flow.lanes.recovering.isEmpty })
  }

  @Test func `at a start is not rendered before it is in order`() async throws {
    let scratch = try ScratchFolder()
    let (before, server) = try await world(on: scratch)
    before.run()
    try await before.ledger.setOrder(of: "r", ReleaseOrder())
    try await before.flow.pause(PauseRequest(release: "r", paused: true), by: "test")
    try await before.drop("releases/r/store/a.blend")
    #expect(try await before.comes("r/a", to: .queued))
    let queued = try await revision(before, Self.job)
    // Which its `promoting` output is to be compared with, lies on the file server.
    var outputs = try await before.ledger.outputs(of: queued.id)
    outputs[0].state = .promoting
    outputs[0].file = FileIdentity(inode: 1, size: 1, mtimeNanoseconds: 1)
    try await before.ledger.update(outputs)
    try await before.flow.pause(PauseRequest(release: "r", paused: false), by: "test")
    await before.crash()
    server.hang()

    let world = try await restarted(on: scratch)

    #expect(await isNearDelivered(world))
    #expect(try await world.ledger.tasks(of: queued.id).isEmpty)
    #expect(try await world.flow.jobDetail("r/a").waitsFor?.contains("does not answer") == true)
    server.goOn()
    #expect(try await world.comes("r/a", to: .completed))
  }

  @Test func `holds up no change of another one`() async throws {
    let (world, server) = try await world()
    world.run()
    try await world.drop("releases/r/store/a.blend")
    #expect(try await world.comes("r/a", to: .completed))
    try world.scratch.write("priority: 71\n", to: "far/release.yaml")
    server.hang()

    let store = world.volume.store(of: "r")
    await world.flow.takeInOrder(.folderFound(store.removingLastComponent()))
    await world.flow.takeInOrder(.refused(store.appending("x.blend"), reason: "test"))
    await world.flow.takeInOrder(.vanished(store.appending("a.blend")))
    try await world.drop("quick/near.blend")

    #expect(await isNearDelivered(world))
    #expect(try await world.flow.jobDetail("r/a").state == .completed)
    server.goOn()
    #expect(try await eventually { try await world.ledger.release(named: "r")?.order.priority == 71 })
    #expect(await eventually { await !world.flow.lanes.isBusy("r") })
  }

  @Test func `holds up no job of another one that waits for a file`() async throws {
    let (world, server) = try await world(slots: 2) { _, _ in .slow }
    world.run()
    for (path, file) in [("releases/r/store/a.blend", "far.png"), ("quick/near.blend", "near.png")] {
      try await world.drop(path, frames: 1...3)
      let job = path == "quick/near.blend" ? JobName(release: "quick", job: "near") : Self.job
      #expect(try await eventually { try await world.ledger.job(job)?.state == .active })
      let place =
        job == Self.job ? world.volume.store(of: "r").appending(file).string : world.scratch(file).string
      let missing = MissingFile(path: place, neededBy: "test", why: "is not there", seen: nil)
      await world.flow.block(
        try await revision(world, job), Problem(.missingFile, cause: "test", missing: [missing]))
      #expect(try await world.comes(job.description, to: .blocked))
    }
    server.hang()

    try world.scratch.write("there", to: "near.png")
    try world.scratch.write("there", to: "far/store/far.png")

    #expect(await isNearDelivered(world))
    #expect(try await world.state("r/a") == .blocked)
    server.goOn()
    world.time.advance(by: .seconds(60))
    #expect(try await world.comes("r/a", to: .completed))
  }

  @Test func `keeps its frames until they can be promoted, and no others`() async throws {
    let (world, server) = try await world(slots: 2)
    world.run()
    try await world.drop("releases/r/store/a.blend", frames: 1...30)
    #expect(await eventually { await world.flow.open.values.contains { $0.board.hasAnyDone } })
    server.hang()

    try await world.drop("quick/near.blend")
    // Both places may be taken by tasks that cannot read their file, until the watch has noticed.
    let store = world.volume.store(of: "r")
    await world.flow.takeInOrder(.troubled(store, .hung(store, type: "fuse.bindfs")))

    #expect(await isNearDelivered(world))
    server.goOn()
    await world.flow.takeInOrder(.folderFound(store))
    #expect(try await world.comes("r/a", to: .completed))
    #expect(await eventually { world.volume.dist.appending("r").filesBelow.count == 30 })
  }

  @Test func `is killed, and holds up the next order no longer than a moment`() async throws {
    let (world, server) = try await world { _, _ in .slow }
    world.run()
    try await world.drop("releases/r/store/a.blend")
    #expect(try await world.comes("r/a", to: .active))
    server.hang()

    let order = SteerRequest(.kill, query: ["*"], release: "r", isDryRun: false, jobs: nil)
    let killed = try await world.flow.steer(order, by: "test")

    #expect(killed.jobs == [Self.job])
    try await world.drop("quick/near.blend")
    #expect(await isNearDelivered(world))
    server.goOn()
    #expect(await eventually { await world.flow.clearing.isEmpty })
  }
}
