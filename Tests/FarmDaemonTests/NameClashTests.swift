import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

/// Two jobs whose pictures would be delivered under one name.
@Suite("A job whose pictures another job has the names of")
struct NameClashTests {
  private func problem(_ world: FlowWorld, _ job: String) async -> Problem? {
    // Not recorded yet: no problem is known.
    (try? await world.flow.jobDetail(job))?.problem
  }

  /// Waits until a job says which other one is in its way.
  private func clashes(_ world: FlowWorld, _ job: String, with other: String, as file: String) async -> Bool {
    await eventually {
      let cause = await problem(world, job)?.cause ?? ""
      return cause.contains(other) && cause.contains(file)
    }
  }

  private func isFree(_ world: FlowWorld, _ job: String) async -> Bool {
    await eventually {
      // Not recorded yet: looked at again.
      guard let detail = try? await world.flow.jobDetail(job) else { return false }
      return detail.problem == nil
    }
  }

  private func notes(_ world: FlowWorld) async throws -> [String] {
    try await world.flow.notes().notes.map { world.volume.relative($0.drop) }
  }

  private func move(_ world: FlowWorld, _ old: String, to new: String) async throws {
    let (from, to) = (world.volume.root.pushing(FilePath(old)), world.volume.root.pushing(FilePath(new)))
    rename(from.string, to.string)
    await world.flow.take(.settled(to, try #require(try FileStatus(at: to)).fingerprint))
    await world.flow.take(.vanished(from))
  }

  @Test func `says so as soon as it is queued, also beside its file, and is delivered when it was renamed`()
    async throws
  {
    let world = try FlowWorld()
    world.run()
    try await world.flow.pause(PauseRequest(release: nil, paused: true), by: "ann")
    try await world.drop("quick/shot.blend", frames: 1...3)
    #expect(try await world.comes("quick/shot", to: .queued))
    try await world.drop("quick/shot_0002.blend", frames: 1...1)

    #expect(await clashes(world, "shot_0002", with: "quick/shot ", as: "shot_0002.png"))
    #expect(await problem(world, "shot_0002")?.problemClass == .nameTaken)
    #expect(await problem(world, "shot") == nil)
    #expect(try await notes(world) == ["quick/shot_0002.blend"])
    let line = try await world.flow.status().releases.first { $0.name == "quick" }?.jobs.last
    #expect(line?.name == "shot_0002" && line?.problem?.problemClass == .nameTaken && line?.state == .queued)

    try await world.flow.pause(PauseRequest(release: nil, paused: false), by: "ann")
    #expect(try await world.comes("quick/shot_0002", to: .completed))
    try await world.drop("quick/other.blend", frames: 1...1)
    #expect(
      await world.delivers(["quick/other.png", "quick/shot_0001.png", "quick/shot_0002.png", "quick/shot_0003.png"]))
    // Another delivery of the release does not silence it.
    #expect(await problem(world, "shot_0002")?.problemClass == .nameTaken)
    #expect(await problem(world, "shot_0002")?.remedy.contains("Rename shot_0002.blend") == true)

    try await move(world, "quick/shot_0002.blend", to: "quick/still.blend")

    #expect(
      await world.delivers([
        "quick/other.png", "quick/shot_0001.png", "quick/shot_0002.png", "quick/shot_0003.png", "quick/still.png",
      ]))
    #expect(await isFree(world, "still"))
    #expect(try await notes(world).isEmpty)
  }

  @Test func `goes on by itself when the other one is taken away`() async throws {
    let world = try FlowWorld()
    world.run()
    try await world.drop("releases/r/store/a_0005.blend", frames: 1...1)
    #expect(await world.delivers(["r/a_0005.png"]))
    try await world.drop("releases/r/store/A.blend", frames: 4...6)
    #expect(await clashes(world, "A", with: "r/a_0005", as: "a_0005.png"))
    #expect(try await world.comes("r/A", to: .completed))

    Placement.remove(world.scratch("volume/releases/r/store/a_0005.blend"))
    await world.flow.take(.vanished(world.scratch("volume/releases/r/store/a_0005.blend")))

    #expect(await isFree(world, "A"))
    #expect(await eventually { world.volume.dist.filesBelow.contains("r/A_0004.png") })
    #expect(await eventually { world.volume.dist.filesBelow.contains { $0.hasPrefix("r/A_0005") } })
  }

  @Test(arguments: ["{scene}_{frame:4}.{ext}", "{job}_{frame:4}.{ext}", "x{frame}.{ext}"])
  func `is delivered under the naming that its remedy advises`(naming: String) async throws {
    let world = try FlowWorld()
    world.run()
    let order = ReleaseOrder(jobs: ["s", "s_0002"], naming: naming)
    _ = try await world.flow.plan(PlanRequest(name: "r", order: order), by: "ann")
    try await world.drop("releases/r/store/s.blend", frames: 1...2)
    #expect(try await eventually { try await world.state("r/s") != nil })
    try await world.drop("releases/r/store/s_0002.blend", frames: 1...1)
    if naming.hasPrefix("{job}") {
      // With these names both have their own.
      #expect(try await world.comes("r/s_0002", to: .completed))
      #expect(await isFree(world, "s_0002"))
      return
    }
    #expect(await clashes(world, "s_0002", with: "r/s ", as: ".png"))
    let remedy = try #require(await problem(world, "s_0002")?.remedy)
    // These names have no job in them.
    #expect(!remedy.contains("Rename"), "\(remedy)")
    let advised = try #require(remedy.firstMatch(of: /`(naming: '.+')`/)).1
    let text = ReleasePlan.text(order).split(separator: "\n").filter { !$0.hasPrefix("naming") }
    let path = try world.scratch.write(
      text.joined(separator: "\n") + "\n\(advised)\n", to: "volume/releases/r/release.yaml")
    await world.flow.readPlan(at: path, nil)

    #expect(await isFree(world, "s_0002"))
    #expect(try await world.comes("r/s", to: .completed))
    #expect(try await world.comes("r/s_0002", to: .completed))
    world.time.advance(by: .seconds(100))
    #expect(await eventually { world.volume.dist.filesBelow.count == 3 })
  }

  @Test func `is told of after a restart too`() async throws {
    let scratch = try ScratchFolder()
    let first = try FlowWorld(on: scratch)
    first.run()
    try await first.drop("quick/shot.blend", frames: 1...3)
    #expect(try await first.comes("quick/shot", to: .completed))
    try await first.drop("quick/shot_0003.blend", frames: 1...1)
    #expect(try await first.comes("quick/shot_0003", to: .completed))
    await first.crash()

    let second = try FlowWorld(on: scratch)
    second.run()

    #expect(await clashes(second, "shot_0003", with: "quick/shot ", as: "shot_0003.png"))
    #expect(try await second.flow.jobDetail("shot").problem == nil)
  }

  @Test func `with itself is told before it is rendered`() async throws {
    let world = try FlowWorld()
    world.run()
    try world.scratch.write("naming: '{job}.{ext}'\n", to: "volume/releases/r/release.yaml")
    await world.flow.take(.folderFound(try world.scratch.folder("volume/releases/r")))
    await world.flow.take(.folderFound(try world.scratch.folder("volume/releases/r/store")))
    try await world.flow.pause(PauseRequest(release: nil, paused: true), by: "ann")

    try await world.drop("releases/r/store/a.blend", frames: 1...2)

    #expect(await clashes(world, "r/a", with: "two outputs of r/a", as: "a.png"))
  }

  // MARK: - Releases with a plan

  /// A world in which a planned release is delivered as soon as it is completed.
  private func planned(naming: String?) async throws -> FlowWorld {
    var config = FarmConfig()
    config.harvestQuiet = .zero
    let world = try FlowWorld(config: config)
    world.run()
    let order = ReleaseOrder(jobs: ["s", "s_0002"], naming: naming)
    _ = try await world.flow.plan(PlanRequest(name: "r", order: order), by: "ann")
    try await world.drop("releases/r/store/s.blend", frames: 1...2)
    #expect(try await world.comes("r/s", to: .completed))
    try await world.drop("releases/r/store/s_0002.blend", frames: 1...1)
    #expect(try await world.comes("r/s_0002", to: .completed))
    #expect(await clashes(world, "s_0002", with: "r/s ", as: ".png"))
    #expect(try await eventually { try await world.ledger.release(named: "r")?.problem != nil })
    return world
  }

  private func write(_ order: ReleaseOrder, in world: FlowWorld) async throws {
    let path = try world.scratch.write(ReleasePlan.text(order), to: "volume/releases/r/release.yaml")
    await world.flow.readPlan(at: path, nil)
  }

  @Test func `is delivered at once when the advised naming was written, though a harvest failed a moment ago`()
    async throws
  {
    let world = try await planned(naming: "pic_{frame:4}.{ext}")
    let remedy = try #require(await problem(world, "s_0002")?.remedy)
    let advised = try #require(remedy.firstMatch(of: /`naming: '(.+)'`/)).1
    #expect(try await world.ledger.release(named: "r")?.problem?.remedy == remedy)

    try await write(ReleaseOrder(jobs: ["s", "s_0002"], naming: String(advised)), in: world)

    #expect(await eventually { world.volume.dist.filesBelow.count == 3 })
    #expect(try await eventually { try await world.ledger.release(named: "r")?.problem == nil })
  }

  @Test func `is delivered at once when it was renamed as advised, also in the plan`() async throws {
    let world = try await planned(naming: nil)
    let remedy = try #require(await problem(world, "s_0002")?.remedy)
    #expect(remedy.contains("Rename s_0002.blend or s.blend (and its name in `jobs:` of release.yaml)"), "\(remedy)")

    try await move(world, "releases/r/store/s_0002.blend", to: "releases/r/store/still.blend")
    try await write(ReleaseOrder(jobs: ["s", "still"]), in: world)

    #expect(await world.delivers(["r/s_0001.png", "r/s_0002.png", "r/still.png"]))
  }
}
