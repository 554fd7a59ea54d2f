import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

@Suite("A quick job's pictures")
struct QuickPurgeTests {
  @Test func `go when their time is over, but for what somebody changed, and are not rendered again`() async throws {
    var config = FarmConfig()
    config.tidy.quick = .seconds(30 * 86_400)
    let world = try FlowWorld(config: config)
    world.run()
    try await world.drop("quick/a.blend", frames: 1...3)
    #expect(await world.delivers(["quick/a_0001.png", "quick/a_0002.png", "quick/a_0003.png"]))
    #expect(try await world.comes("quick/a", to: .completed))
    try world.volume.dist.appending("quick/a_0003.png").write([1])

    #expect(try await world.flow.tidy(TidyRequest(isDryRun: false), by: "ann").items.isEmpty)
    world.time.advance(by: .seconds(31 * 86_400))
    let shown = try await world.flow.tidy(TidyRequest(isDryRun: true), by: "ann")
    #expect(shown.items.map(\.path) == ["dist/quick/a_0001.png", "dist/quick/a_0002.png"])
    #expect(world.volume.dist.filesBelow.count == 3)
    // What cannot be looked at now keeps its turn.
    let (folder, aside) = (world.volume.dist.appending("quick").string, world.volume.dist.string + "/aside")
    try FileManager.default.moveItem(atPath: folder, toPath: aside)
    try FileManager.default.createSymbolicLink(atPath: folder, withDestinationPath: "quick")
    #expect(try await world.flow.tidy(TidyRequest(isDryRun: false), by: "ann").items.isEmpty)
    try FileManager.default.removeItem(atPath: folder)
    try FileManager.default.moveItem(atPath: aside, toPath: folder)
    #expect(try await world.flow.tidy(TidyRequest(isDryRun: false), by: "ann").items == shown.items)
    let history = try await world.flow.history([], limit: 100)
    #expect(history.contains { $0.what == "tidied" && $0.who == "ann" && $0.detail?.hasPrefix("quick: 2, ") == true })

    #expect(world.volume.dist.filesBelow == ["quick/a_0003.png"])
    #expect(world.volume.quick.appending("a.blend").isThere)
    let detail = try await world.flow.jobDetail("quick/a")
    #expect(detail.counts == FrameCounts(expected: 3, done: 3, failed: 0, purged: 3) && detail.state == .completed)
    try await world.drop("quick/a.blend", frames: 1...3)
    let checked = try await world.flow.check(CheckRequest(release: "quick", isDryRun: false), by: "ann")
    #expect(checked.checked == 0 && checked.bad.isEmpty)
    #expect(try await world.state("quick/a") == .completed && world.volume.dist.filesBelow == ["quick/a_0003.png"])
    #expect(try await world.flow.tidy(TidyRequest(isDryRun: true), by: "ann").items.isEmpty)
  }

  @Test func `come back when somebody asks for what is missing, or a release wants them`() async throws {
    var config = FarmConfig()
    config.tidy.quick = .seconds(30 * 86_400)
    let world = try FlowWorld(config: config)
    world.run()
    for job in ["a", "b"] { try await world.drop("quick/\(job).blend", frames: 1...2) }
    let pictures = ["quick/a_0001.png", "quick/a_0002.png", "quick/b_0001.png", "quick/b_0002.png"]
    #expect(await world.delivers(pictures))
    world.time.advance(by: .seconds(31 * 86_400))
    #expect(try await world.flow.tidy(TidyRequest(isDryRun: false), by: "ann").items.count == 4)

    let request = AgainRequest(job: "quick/a", what: .missing)
    let again = try await world.flow.renderAgain(request, by: "ann")
    #expect(again.frames == FrameSet([1, 2]))
    #expect(await world.delivers(["quick/a_0001.png", "quick/a_0002.png"]))

    let new = try world.scratch.folder("volume/releases/film/store").appending("b.blend")
    try FileManager.default.moveItem(atPath: world.volume.quick.string + "/b.blend", toPath: new.string)
    await world.flow.take(.settled(new, try #require(try FileStatus(at: new)).fingerprint))
    #expect(
      await world.delivers(["film/b_0001.png", "film/b_0002.png", "quick/a_0001.png", "quick/a_0002.png"]))
    #expect(try await eventually { try await world.ledger.release(named: "film")?.state == .harvested })
  }
}
