import FarmModel
import FarmTesting
import Rendering
import Testing

@testable import FarmDaemon

/// What becomes of drops while Blenders are still being asked what they are.
@Suite("A drop before all Blenders have answered")
struct EngineStartTests {
  private static func blender(_ minor: Int) -> BlenderProgram {
    BlenderProgram(
      path: "/fake/3.\(minor)", version: BlenderVersion(major: 3, minor: minor), fullVersion: "3.\(minor).0",
      buildHash: "fake", canDenoise: false, devices: ["CPU"])
  }

  private static func able(_ minors: Int..., probing: [String] = []) -> EngineAbilities {
    EngineAbilities(
      workers: minors.isEmpty ? [] : ["fake-1"], blenders: minors.map(blender), probing: probing)
  }

  private func revision(_ world: FlowWorld, _ job: String) async throws -> Revision? {
    try await world.ledger.newestRevision(of: JobName(release: "quick", job: job))
  }

  @Test func `is recorded and queued at once, and rendered when its Blender is known`() async throws {
    let world = try FlowWorld(isEngineSilent: true)
    world.run()

    try await world.drop("quick/a.blend")

    #expect(try await world.comes("quick/a", to: .queued))
    #expect(try await world.flow.status().releases.first?.jobs.map(\.state) == [.queued])
    #expect(try await world.flow.jobDetail("a").waitsFor?.contains("are asked for their versions") == true)
    await world.flow.take(.abilities(Self.able(4)))
    #expect(try await world.comes("quick/a", to: .completed))
    #expect(await world.flow.undecided.isEmpty)
    #expect(try await revision(world, "a")?.number == 1)
  }

  @Test func `of the version of one that answered does not wait for the others`() async throws {
    let world = try FlowWorld(isEngineSilent: true)
    world.run()
    await world.flow.take(.abilities(Self.able(4, probing: ["/stuck"])))

    try await world.drop("quick/a.blend")

    #expect(try await world.comes("quick/a", to: .completed))
  }

  @Test func `waits for the others before a newer Blender takes it`() async throws {
    let world = try FlowWorld(isEngineSilent: true)
    world.run()
    await world.flow.take(.abilities(Self.able(6, probing: ["/fake/3.4"])))

    try await world.drop("quick/a.blend")

    #expect(try await world.comes("quick/a", to: .queued))
    #expect(try await world.flow.jobDetail("a").waitsFor?.contains("/fake/3.4") == true)
    await world.flow.take(.abilities(Self.able(6, 4)))
    #expect(try await world.comes("quick/a", to: .completed))
    #expect(try await revision(world, "a")?.blender?.version.minor == 4)
    #expect(try await revision(world, "a")?.notes.contains { $0.problemClass == .wrongBlender } == false)
  }

  @Test func `is taken by a newer one, with a note, when the others were given up`() async throws {
    let world = try FlowWorld(isEngineSilent: true)
    world.run()
    await world.flow.take(.abilities(Self.able(6, probing: ["/fake/3.4"])))
    try await world.drop("quick/a.blend")
    #expect(try await world.comes("quick/a", to: .queued))

    await world.flow.take(.abilities(Self.able(6)))

    #expect(try await world.comes("quick/a", to: .completed))
    #expect(try await revision(world, "a")?.notes.contains { $0.problemClass == .wrongBlender } == true)
  }

  @Test func `is blocked once the last has answered, when none fits`() async throws {
    let world = try FlowWorld(isEngineSilent: true)
    world.run()
    await world.flow.take(.abilities(Self.able(3, probing: ["/stuck"])))
    try await world.drop("quick/a.blend")
    #expect(try await world.comes("quick/a", to: .queued))

    await world.flow.take(.abilities(Self.able(3)))

    #expect(try await world.comes("quick/a", to: .blocked))
    #expect(try await revision(world, "a")?.problem?.problemClass == .wrongBlender)
    #expect(try await revision(world, "a")?.number == 1)
  }

  @Test func `is decided by the next daemon, when this one ends before`() async throws {
    let scratch = try ScratchFolder()
    let before = try FlowWorld(on: scratch, isEngineSilent: true)
    before.run()
    try await before.drop("quick/a.blend")
    #expect(try await before.comes("quick/a", to: .queued))
    await before.crash()

    let world = try FlowWorld(on: scratch, isEngineSilent: true)
    world.run()
    await world.flow.take(.abilities(Self.able(6)))

    #expect(try await world.comes("quick/a", to: .completed))
    #expect(try await revision(world, "a")?.notes.contains { $0.problemClass == .wrongBlender } == true)
  }

  @Test func `that was blocked for want of a Blender stays so until the right one answers`() async throws {
    let world = try FlowWorld(isEngineSilent: true)
    world.run()
    await world.flow.take(.abilities(Self.able(3)))
    try await world.drop("quick/a.blend")
    #expect(try await world.comes("quick/a", to: .blocked))

    await world.flow.take(.abilities(Self.able(3, probing: ["/new"])))
    try await world.drop("quick/a.blend")
    try await world.drop("quick/b.blend")
    #expect(try await world.comes("quick/b", to: .queued))
    #expect(try await world.state("quick/a") == .blocked)
    await world.flow.take(.abilities(Self.able(3, 4)))

    #expect(try await world.comes("quick/a", to: .completed))
    #expect(try await world.comes("quick/b", to: .completed))
    #expect(try await revision(world, "a")?.number == 1)
  }
}
