import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import Glibc
import Harvest
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

/// A frame is lost when its folder is there and answers that the frame is not; a folder that is away says nothing.
@Suite("A frame that is not to be seen")
struct LostFrameTests {
  private static let pictures = ["spring/a_0001.png", "spring/a_0002.png", "spring/a_0003.png"]
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private var spring: FilePath { scratch("volume/releases/spring") }
  private var away: FilePath { scratch("away") }

  /// A completed job of a planned release that waits for its quiet time.
  private func completed() async throws -> FlowWorld {
    let world = try FlowWorld(on: scratch)
    world.run()
    _ = try await world.flow.plan(PlanRequest(name: "spring", order: ReleaseOrder(jobs: [])), by: "ann")
    try await world.drop("releases/spring/store/a.blend")
    #expect(try await world.comes("spring/a", to: .completed))
    return world
  }

  private func attempts(_ world: FlowWorld) async throws -> [Int] {
    try await world.flow.jobDetail("spring/a").outputs.map(\.attempts)
  }

  private func problem(_ world: FlowWorld, mentions text: String) async throws -> Bool {
    try await eventually {
      let status = try await world.flow.status()
      let problems = status.releases.compactMap(\.problem?.sentences) + status.daemon.troubles
      return problems.contains { $0.contains(text) }
    }
  }

  @Test func `because the release's folder is away at its harvest is not rendered again`() async throws {
    let world = try await completed()
    rename(spring.string, away.string)

    world.time.advance(by: .seconds(31))
    await world.flow.review("spring")

    #expect(try await problem(world, mentions: "releases/spring/store is gone"))
    #expect(try await world.state("spring/a") == .completed)
    rename(away.string, spring.string)
    await world.flow.take(.folderFound(spring.appending("store")))
    #expect(await world.delivers(Self.pictures))
    #expect(try await attempts(world) == [1, 1, 1])
  }

  @Test func `because its folder came back empty is delivered as soon as the folder is full again`() async throws {
    let world = try await completed()
    rename(spring.string, away.string)
    try scratch.folder("volume/releases/spring/store")
    world.time.advance(by: .seconds(31))
    await world.flow.review("spring")
    #expect(try await problem(world, mentions: "releases/spring/store/a.blend is gone"))

    rmdir(spring.appending("store").string)
    rmdir(spring.string)
    rename(away.string, spring.string)

    #expect(await world.delivers(Self.pictures))
    #expect(try await attempts(world) == [1, 1, 1])
    #expect(try await eventually { try await world.ledger.release(named: "spring")?.problem == nil })
  }

  @Test func `because its folder cannot be looked into is not rendered again`() async throws {
    let world = try await completed()
    rename(spring.appending("out").string, away.string)
    symlink("out", spring.appending("out").string)

    world.time.advance(by: .seconds(31))
    await world.flow.review("spring")

    #expect(try await problem(world, mentions: "releases/spring/out"))
    #expect(try await world.state("spring/a") == .completed)
    unlink(spring.appending("out").string)
    rename(away.string, spring.appending("out").string)
    #expect(await world.delivers(Self.pictures))
    #expect(try await attempts(world) == [1, 1, 1])
  }

  @Test(.enabled(if: Needs.mounts)) func `because its folder is another disk's now is not rendered again`() async throws
  {
    let world = try await completed()
    try await {
      let disk = try SmallDisk(size: "64k", at: spring.appending("out"))
      world.time.advance(by: .seconds(31))
      await world.flow.review("spring")

      #expect(try await problem(world, mentions: "releases/spring/out"))
      #expect(try await world.state("spring/a") == .completed)
      _ = disk.path
    }()

    #expect(await world.delivers(Self.pictures))
    #expect(try await attempts(world) == [1, 1, 1])
  }

  @Test func `when a journaled harvest goes on, for its folder is away, is moved when that is back`() async throws {
    let first = try await completed()
    let release = try #require(try await first.ledger.release(named: "spring"))
    let ready = try await first.ledger.undelivered(in: "spring")
    let plan = try #require(try await first.flow.harvestPlan(release, ready))
    _ = try await first.ledger.beginHarvest(release: release.id, moves: plan)
    await first.crash()
    rename(spring.string, away.string)

    let second = try FlowWorld(on: scratch)
    second.run()
    #expect(try await problem(second, mentions: "releases/spring/store is gone"))
    #expect(try await second.state("spring/a") == .completed)
    rename(away.string, spring.string)
    await second.flow.take(.folderFound(spring.appending("store")))
    second.time.advance(by: .seconds(100))

    #expect(await second.delivers(Self.pictures))
    #expect(try await attempts(second) == [1, 1, 1])
  }

  @Test func `at a start, for its folder is away, is not rendered again though it was about to be promoted`()
    async throws
  {
    let first = try FlowWorld(on: scratch) { frame, _ in frame == 2 ? .endless : nil }
    first.run()
    try await first.drop("releases/spring/store/a.blend")
    #expect(try await first.comes("spring/a", to: .active))
    #expect(try await eventually { try await first.flow.jobDetail("spring/a").counts.done == 2 })
    await first.crash()
    let revision = try #require(try await first.ledger.newestRevision(of: JobName(release: "spring", job: "a")))
    var promoting = try await first.ledger.outputs(of: revision.id).filter { $0.state == .done }
    for index in promoting.indices { promoting[index].state = .promoting }
    try await first.ledger.update(promoting)
    rename(spring.string, away.string)

    let second = try FlowWorld(on: scratch)
    second.run()
    #expect(try await problem(second, mentions: "releases/spring/store is gone"))
    rename(away.string, spring.string)
    await second.flow.take(.folderFound(spring.appending("store")))

    #expect(await second.delivers(Self.pictures))
    #expect(try await attempts(second) == [1, 1, 1])
  }

  @Test func `for its folder is away, is not ordered again as a missing one, and the answer says why`() async throws {
    let world = try await completed()
    rename(spring.string, away.string)

    let failure = await #expect(throws: CommandFailure.self) {
      try await world.flow.renderAgain(AgainRequest(job: "spring/a", what: .missing), by: "ann")
    }

    #expect(failure?.description.contains("releases/spring/store is gone") == true, "\(failure?.description ?? "")")
    #expect(try await world.state("spring/a") == .completed)
    rename(away.string, spring.string)
    unlink(spring.appending("out/a/000002.png").string)
    let again = try await world.flow.renderAgain(AgainRequest(job: "spring/a", what: .missing), by: "ann")
    #expect(again.frames == FrameSet([2]))
  }

  @Test func `because dist is away is not called purged`() async throws {
    var config = FarmConfig()
    config.tidy.quick = .seconds(30 * 86_400)
    let world = try FlowWorld(on: scratch, config: config)
    world.run()
    try await world.drop("quick/a.blend", frames: 1...2)
    #expect(await world.delivers(["quick/a_0001.png", "quick/a_0002.png"]))
    #expect(try await world.comes("quick/a", to: .completed))
    world.time.advance(by: .seconds(31 * 86_400))
    rename(world.volume.dist.string, away.string)

    #expect(try await world.flow.tidy(TidyRequest(isDryRun: false), by: "ann").items.isEmpty)
    rename(away.string, world.volume.dist.string)

    #expect(try await world.flow.tidy(TidyRequest(isDryRun: false), by: "ann").items.count == 2)
    #expect(world.volume.dist.filesBelow.isEmpty)
  }
}
