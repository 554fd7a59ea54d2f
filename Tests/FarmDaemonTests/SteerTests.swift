import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

@Suite("What farm status lists")
struct SteerTests {
  private func kill(_ world: FlowWorld, _ query: String..., release: String? = nil, isDryRun: Bool = false) async throws
    -> [String]
  {
    let request = SteerRequest(.kill, query: query, release: release, isDryRun: isDryRun, jobs: nil)
    return try await world.flow.steer(request, by: "ann").jobs.map(\.description)
  }

  private func lines(_ world: FlowWorld) async throws -> [String: JobStatus] {
    let jobs = try await world.flow.status().jobs(matching: JobQuery(words: []), now: world.time.clock.now())
    return Dictionary(jobs.map { ($0.name.description, $0.job) }) { first, _ in first }
  }

  @Test func `is killed while it is being copied, and is not rendered when it is whole`() async throws {
    let world = try FlowWorld()
    await world.start()
    await world.flow.take(.unsettled(world.volume.quick.appending("a.blend")))
    #expect(try await eventually { try await lines(world)["quick/a"]?.state == .settling })

    #expect(try await kill(world, "a", isDryRun: true) == ["quick/a"])
    #expect(try await kill(world, "a") == ["quick/a"])
    try await world.drop("quick/a.blend")
    try await world.drop("quick/other.blend", frames: 1...1)

    #expect(await world.delivers(["quick/other.png"]))
    #expect(try await world.comes("quick/a", to: .canceled))
    #expect(try await world.flow.jobDetail("quick/a").problem?.problemClass == .killed)
    #expect(try await kill(world, "a").isEmpty)
    // Its remedy: change and save it.
    try await world.drop("quick/a.blend", frames: 1...2)
    #expect(await world.delivers(["quick/a_0001.png", "quick/a_0002.png", "quick/other.png"]))
  }

  @Test func `and was killed while it was being copied stays killed over a restart, and is retried`() async throws {
    let scratch = try ScratchFolder()
    let first = try FlowWorld(on: scratch)
    await first.start()
    await first.flow.take(.unsettled(first.volume.store(of: "spring").appending("a.blend")))
    #expect(try await kill(first, "*", release: nil) == ["spring/a"])
    await first.crash()

    let second = try FlowWorld(on: scratch)
    await second.start()
    try await second.drop("releases/spring/store/a.blend", frames: 1...1)
    #expect(try await second.comes("spring/a", to: .canceled))
    let retry = SteerRequest(.retry, query: ["a"], release: "spring", isDryRun: false, jobs: nil)
    #expect(try await second.flow.steer(retry, by: "ann").jobs.count == 1)

    #expect(await second.delivers(["spring/a.png"]))
  }

  @Test func `is killed with the newer version of it that is being copied`() async throws {
    let world = try FlowWorld()
    await world.start()
    try await world.drop("quick/a.blend", frames: 1...1)
    #expect(await world.delivers(["quick/a.png"]))
    #expect(try await world.comes("quick/a", to: .completed))
    await world.flow.take(.unsettled(world.volume.quick.appending("a.blend")))
    #expect(try await lines(world)["quick/a"]?.state == .settling)

    #expect(try await kill(world, "a") == ["quick/a"])
    try await world.drop("quick/a.blend", frames: 1...5)

    #expect(try await world.comes("quick/a", to: .canceled))
    #expect(world.volume.dist.filesBelow == ["quick/a.png"])
  }

  @Test func `and is taken away after it was killed is forgotten`() async throws {
    let world = try FlowWorld()
    await world.start()
    let path = world.volume.quick.appending("a.blend")
    await world.flow.take(.unsettled(path))
    #expect(try await kill(world, "a") == ["quick/a"])
    await world.flow.take(.vanished(path))

    try await world.drop("quick/a.blend", frames: 1...1)

    #expect(await world.delivers(["quick/a.png"]))
  }

  @Test func `can be shown, killed and paused in every state`() async throws {
    let world = try FlowWorld { frame, _ in
      switch frame {
      case 7: .endless
      case 8: .truncated
      default: nil
      }
    }
    await world.start()
    try await world.drop("releases/r/store/failed.blend", frames: 8...8)
    #expect(try await world.comes("r/failed", to: .failed))
    try await world.drop("releases/r/store/active.blend", frames: 7...7)
    #expect(try await world.comes("r/active", to: .active))
    try await world.drop("releases/r/store/queued.blend", frames: 1...1)
    #expect(try await world.comes("r/queued", to: .queued))
    try world.scratch.write("frames: what\n", to: "volume/releases/r/store/blocked.farm.yaml")
    try await world.drop("releases/r/store/blocked.blend", frames: 1...1)
    #expect(try await world.comes("r/blocked", to: .blocked))
    let store = world.volume.store(of: "r")
    await world.flow.take(.unsettled(store.appending("settling.blend")))
    await world.flow.take(.stalled(store.appending("stalled.blend"), reason: "it ends too early"))
    await world.flow.take(.refused(store.appending("rejected.blend"), reason: "it is a folder"))
    let states = ["failed", "active", "queued", "blocked", "settling", "stalled", "rejected"]
    #expect(Set(try await lines(world).keys) == Set(states.map { "r/\($0)" }))

    try await world.flow.pause(PauseRequest(release: "r", paused: true), by: "ann")
    #expect(try await world.flow.status().releases.first { $0.name == "r" }?.paused == true)
    for name in states {
      #expect(try await world.flow.jobDetail("r/\(name)").name.job == name)
      #expect(try await kill(world, "r/\(name)") == ["r/\(name)"])
      let left = try await lines(world)["r/\(name)"]?.state
      #expect(left == nil || left == .canceled || left == .settling, "\(name) is \(left?.rawValue ?? "")")
      #expect(try await kill(world, "r/\(name)").isEmpty)
    }
    #expect(try await world.flow.notes().notes.isEmpty)
  }

  @Test func `of a release whose folder is gone is let go, also what was being copied there`() async throws {
    let world = try FlowWorld { _, _ in .endless }
    await world.start()
    try await world.drop("releases/r/store/a.blend", frames: 1...1)
    #expect(try await world.comes("r/a", to: .active))
    let store = world.volume.store(of: "r")
    await world.flow.take(.unsettled(store.appending("late.blend")))
    try FileManager.default.removeItem(atPath: world.volume.release("r").string)
    await world.flow.take(.folderGone(store))

    #expect(try await Set(kill(world, "*", release: "r")) == ["r/a", "r/late"])

    #expect(try await lines(world).values.allSatisfy { $0.state == .removed })
    #expect(try await world.flow.status().daemon.troubles.isEmpty)
  }
}
