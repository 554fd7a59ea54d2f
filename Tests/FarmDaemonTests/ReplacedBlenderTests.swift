import FarmModel
import FarmTesting
import Foundation
import Rendering
import Testing

@testable import FarmDaemon

/// Programs that are updated, removed and put back while jobs are rendered.
@Suite("A job whose Blender is another build in mid-job")
struct ReplacedBlenderTests {
  /// The usual fake Blender in the builds of a distribution: neither says a hash, and their files differ.
  private static func build(_ number: Int) -> BlenderProgram {
    BlenderProgram(
      path: FakeEngine.blender.path, version: FakeEngine.blender.version, fullVersion: "3.4.1", buildHash: "Unknown",
      build: "Unknown, \(number) bytes", canDenoise: false, devices: ["CPU"])
  }

  private static let config = {
    var config = FarmConfig()
    config.chunk = .frames(1)
    return config
  }()

  private func isHalfDone(_ world: FlowWorld) async -> Bool {
    await eventually { await (world.flow.open.values.first?.board.frameCounts.done ?? 0) >= 3 }
  }

  /// The delivered pictures of a job, as the fake Blender that rendered each would have made it.
  private func pictures(_ world: FlowWorld, _ job: String) -> [[UInt8]] {
    world.volume.dist.filesBelow.filter { $0.contains(job) }.map { Array(world.volume.dist.appending($0).contents) }
  }

  @Test(arguments: [1, 3])
  func `is finished, with all pictures of the new build`(slots: Int) async throws {
    let world = try FlowWorld(slots: slots, config: Self.config, blenders: [Self.build(1)]) { frame, _ in
      // Still rendered by the old build when the new one begins.
      frame % 4 == 0 ? .slow : nil
    }
    world.run()
    try await world.drop("quick/a.blend", frames: 1...12)
    #expect(await isHalfDone(world))

    await world.engine.replaceBlenders(by: [Self.build(2)])

    #expect(await world.delivers((1...12).map { "quick/a_\(FrameNumber($0).padded)" }))
    #expect(pictures(world, "a") == Array(repeating: FakeEngine.picture(by: Self.build(2)), count: 12))
    #expect(try await world.flow.jobDetail("a").outputs.map(\.attempts) == Array(repeating: 1, count: 12))
  }

  @Test func `begins anew also when farmd died in between`() async throws {
    let first = try FlowWorld(slots: 2, config: Self.config, blenders: [Self.build(1)])
    first.run()
    try await first.drop("quick/a.blend", frames: 1...12)
    #expect(await isHalfDone(first))
    await first.crash()

    let second = try FlowWorld(on: first.scratch, slots: 2, config: Self.config, blenders: [Self.build(2)])
    second.run()

    #expect(await second.delivers((1...12).map { "quick/a_\(FrameNumber($0).padded)" }))
    #expect(pictures(second, "a") == Array(repeating: FakeEngine.picture(by: Self.build(2)), count: 12))
  }

  @Test func `keeps its frames when the same build is put back`() async throws {
    let world = try FlowWorld(config: Self.config, blenders: [Self.build(1)])
    world.run()
    try await world.drop("quick/a.blend", frames: 1...12)
    #expect(await isHalfDone(world))

    await world.engine.replaceBlenders(by: [])
    #expect(try await world.comes("quick/a", to: .blocked))
    let before = try await world.flow.jobDetail("a").outputs.filter { $0.state == .done }.map(\.frame)
    await world.engine.replaceBlenders(by: [Self.build(1)])

    #expect(await world.delivers((1...12).map { "quick/a_\(FrameNumber($0).padded)" }))
    #expect(before.count >= 3)
    let tries = await world.engine.tries
    #expect(before.allSatisfy { tries[$0] == 1 }, "\(tries)")
  }

  @Test func `takes the other build's frames again when the first one comes back after that`() async throws {
    let world = try FlowWorld(slots: 2, config: Self.config, blenders: [Self.build(1)])
    world.run()
    try await world.drop("quick/a.blend", frames: 1...30)
    #expect(await isHalfDone(world))

    for number in [2, 1, 2] {
      await world.engine.replaceBlenders(by: [Self.build(number)])
      #expect(
        await eventually {
          let now = await world.flow.open.values.first
          return now?.revision.blender?.build == Self.build(number).build && (now?.board.frameCounts.done ?? 0) >= 2
        })
    }

    #expect(await world.delivers((1...30).map { "quick/a_\(FrameNumber($0).padded)" }))
    #expect(pictures(world, "a") == Array(repeating: FakeEngine.picture(by: Self.build(2)), count: 30))
  }
}

extension FrameNumber {
  fileprivate var padded: String {
    let digits = "\(self)"
    return String(repeating: "0", count: 4 - digits.count) + digits + ".png"
  }
}
