import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import Rendering
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

/// Renames as Syncthing, some file managers, and `ln` with `rm` make them.
@Suite("A drop that is copied and then deleted")
struct CopyMoveTests {
  /// Every frame succeeds once; whatever is rendered a second time never ends.
  private func world(on scratch: ScratchFolder? = nil) throws -> FlowWorld {
    try FlowWorld(on: scratch) { _, attempt in attempt > 1 ? .endless : nil }
  }

  private func settle(_ path: FilePath, in world: FlowWorld) async throws {
    await world.flow.take(.settled(path, try #require(try FileStatus(at: path)).fingerprint))
  }

  private func copy(_ from: String, _ to: String, in world: FlowWorld) async throws {
    let target = world.volume.root.appending(to)
    try world.scratch.write(world.volume.root.appending(from).contents, to: "volume/\(to)")
    try await settle(target, in: world)
  }

  private func delete(_ file: String, in world: FlowWorld) async {
    unlink(world.volume.root.appending(file).string)
    await world.flow.take(.vanished(world.volume.root.appending(file)))
  }

  private func quick(_ job: String) -> [String] { (1...3).map { "quick/\(job)_000\($0).png" } }

  @Test func `is rendered once, and delivered under the new name alone`() async throws {
    let world = try world()
    world.run()
    try await world.drop("quick/a.blend")
    #expect(await world.delivers(quick("a")))
    try await copy("quick/a.blend", "quick/b.blend", in: world)
    #expect(try await world.comes("quick/b", to: .active))

    await delete("quick/a.blend", in: world)

    #expect(await world.delivers(quick("b")))
    #expect(try await world.comes("quick/b", to: .completed))
    #expect(try await world.state("quick/a") == nil)
    #expect(!world.volume.out(of: JobName(release: "quick", job: "a")).isThere)
    #expect(await world.flow.running.isEmpty)
  }

  @Test func `keeps what the copy rendered meanwhile, and nothing is left under the old name`() async throws {
    let world = try FlowWorld()
    world.run()
    try await world.drop("quick/a.blend")
    try await copy("quick/a.blend", "quick/b.blend", in: world)
    #expect(await world.delivers(quick("a") + quick("b")))

    await delete("quick/a.blend", in: world)

    #expect(await world.delivers(quick("b")))
    #expect(try await world.comes("quick/a", to: .removed))
    #expect(try await world.state("quick/b") == .completed)
  }

  @Test func `goes into another release by a second link, with all its pictures`() async throws {
    let world = try world()
    world.run()
    try await world.drop("quick/a.blend")
    #expect(await world.delivers(quick("a")))
    let target = try world.scratch.folder("volume/releases/r/store").appending("b.blend")
    #expect(link(world.volume.root.appending("quick/a.blend").string, target.string) == 0)
    try await settle(target, in: world)
    #expect(try await world.comes("r/b", to: .active))

    await delete("quick/a.blend", in: world)

    #expect(await world.delivers((1...3).map { "r/b_000\($0).png" }))
    #expect(try await world.state("quick/a") == nil)
    #expect(await world.flow.running.isEmpty)
  }

  @Test func `while the daemon is down is found at its start`() async throws {
    let first = try world()
    first.run()
    try await first.drop("quick/a.blend")
    #expect(await first.delivers(quick("a")))
    try await copy("quick/a.blend", "quick/b.blend", in: first)
    #expect(try await first.comes("quick/b", to: .active))
    await first.crash()
    unlink(first.volume.root.appending("quick/a.blend").string)
    let world = try FlowWorld(on: first.scratch) { _, _ in .endless }
    world.run()

    await delete("quick/a.blend", in: world)

    #expect(await world.delivers(quick("b")))
    #expect(try await world.comes("quick/b", to: .completed))
  }

  @Test func `is two jobs while both files lie there, and when the deletion comes much later`() async throws {
    let world = try FlowWorld()
    world.run()
    try await world.drop("quick/a.blend")
    try await copy("quick/a.blend", "quick/b.blend", in: world)
    #expect(await world.delivers(quick("a") + quick("b")))
    world.time.advance(by: .seconds(601))

    await delete("quick/a.blend", in: world)

    #expect(try await world.comes("quick/a", to: .removed))
    #expect(world.volume.dist.filesBelow == quick("a") + quick("b"))
  }

  @Test func `with other wishes in the new folder is another job`() async throws {
    let world = try FlowWorld()
    world.run()
    try await world.drop("quick/a.blend")
    #expect(await world.delivers(quick("a")))
    try world.scratch.write("frames: 1-2\n", to: "volume/quick/b.farm.yaml")
    try await copy("quick/a.blend", "quick/b.blend", in: world)
    #expect(try await world.comes("quick/b", to: .completed))

    await delete("quick/a.blend", in: world)

    #expect(try await world.comes("quick/a", to: .removed))
    #expect(await world.delivers(quick("a") + quick("b").prefix(2)))
  }

  // MARK: - The file is gone before its copy is taken in

  @Test(arguments: ["quick/b.blend", "releases/r/store/b.blend"])
  func `before the copy is taken in is not rendered again`(copied: String) async throws {
    let world = try world()
    world.run()
    try await world.drop("quick/a.blend")
    #expect(await world.delivers(quick("a")))
    try world.scratch.write(world.volume.root.appending("quick/a.blend").contents, to: "volume/\(copied)")
    unlink(world.volume.root.appending("quick/a.blend").string)

    try await settle(world.volume.root.pushing(FilePath(copied)), in: world)

    let folder = copied.hasPrefix("quick") ? "quick" : "r"
    #expect(try await world.comes("\(folder)/b", to: .completed))
    await delete("quick/a.blend", in: world)
    #expect(await world.delivers((1...3).map { "\(folder)/b_000\($0).png" }))
    #expect(try await world.state("quick/a") == nil)
    #expect(await world.flow.running.isEmpty)
  }

  @Test func `before the copy is taken in is another job when other things are wanted of the copy`() async throws {
    let world = try FlowWorld()
    world.run()
    try await world.drop("quick/a.blend")
    #expect(await world.delivers(quick("a")))
    try world.scratch.write("frames: 1-2\n", to: "volume/quick/b.farm.yaml")
    try world.scratch.write(world.volume.root.appending("quick/a.blend").contents, to: "volume/quick/b.blend")
    unlink(world.volume.root.appending("quick/a.blend").string)

    try await settle(world.volume.root.appending("quick/b.blend"), in: world)
    await delete("quick/a.blend", in: world)

    #expect(try await world.comes("quick/a", to: .removed))
    #expect(await world.delivers(quick("a") + quick("b").prefix(2)))
  }

  @Test func `is another job when the other file went with its folder`() async throws {
    let world = try FlowWorld()
    world.run()
    try await world.drop("releases/r/store/a.blend")
    let delivered = (1...3).map { "r/a_000\($0).png" }
    #expect(await world.delivers(delivered))
    let bytes = world.volume.store(of: "r").appending("a.blend").contents
    rename(world.volume.release("r").string, world.scratch("away").string)
    try world.scratch.write(bytes, to: "volume/quick/b.blend")

    try await settle(world.volume.root.appending("quick/b.blend"), in: world)

    #expect(await world.delivers(quick("b") + delivered))
    #expect(try await world.state("r/a") == .completed)
  }

  @Test func `is rendered when the other job was killed before the copy was taken in`() async throws {
    let world = try FlowWorld()
    world.run()
    try await world.flow.pause(PauseRequest(release: nil, paused: true), by: "ann")
    try await world.drop("quick/a.blend")
    #expect(try await world.comes("quick/a", to: .queued))
    let request = SteerRequest(.kill, query: ["quick/a"], release: nil, isDryRun: false, jobs: nil)
    #expect(try await world.flow.steer(request, by: "ann").jobs.count == 1)
    try await world.flow.pause(PauseRequest(release: nil, paused: false), by: "ann")
    try world.scratch.write(world.volume.root.appending("quick/a.blend").contents, to: "volume/quick/b.blend")
    unlink(world.volume.root.appending("quick/a.blend").string)

    try await settle(world.volume.root.appending("quick/b.blend"), in: world)
    await delete("quick/a.blend", in: world)

    #expect(await world.delivers(quick("b")))
  }
}

@Suite("Of two jobs of one file")
struct CopyRuleTests {
  @Test(arguments: [
    (JobState.active, 2, JobState.active, 2, true), (.active, 1, .active, 2, false), (.completed, 3, .active, 2, true),
    (.completed, 3, .completed, 3, false), (.active, 0, .completed, 3, false), (.completed, 0, .active, 2, true),
    (.queued, 0, .queued, 0, true), (.assembling, 3, .active, 1, true), (.active, 0, .canceled, 0, false),
    (.completed, 3, .canceled, 0, true), (.active, 0, .blocked, 0, true),
  ])
  func `the one with more pictures goes on`(
    state: JobState, count: Int, copyState: JobState, copyCount: Int, keepsOlder: Bool
  ) {
    let older = CopyRule.Progress(state: state, doneCount: count)
    let newer = CopyRule.Progress(state: copyState, doneCount: copyCount)

    #expect(CopyRule.keepsOlder(older, newer) == keepsOlder)
  }

  @Test(arguments: [JobState.superseded, .canceled, .failed, .removed, .blocked, .settling, .rejected])
  func `the older one does not go on when it renders nothing`(state: JobState) {
    let older = CopyRule.Progress(state: state, doneCount: 2)

    for copy in JobState.allCases {
      #expect(!CopyRule.keepsOlder(older, CopyRule.Progress(state: copy, doneCount: 0)))
    }
  }

  @Test func `the one that came lately is known for ten minutes`() {
    var drops = RecentDrops()
    let (digest, name) = (Digest(bytes: [UInt8](repeating: 1, count: 32)), JobName(release: "quick", job: "a"))
    let begun = Timestamp(nanoseconds: 0)
    drops.add(name, digest, at: begun)

    #expect(drops.names(of: digest, at: Timestamp(nanoseconds: 600_000_000_000)) == [name])
    #expect(drops.names(of: digest, at: Timestamp(nanoseconds: 600_000_000_001)).isEmpty)
  }
}
