import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

/// The job of a deleted file that renders nothing must not replace the job of the file's copy.
@Suite("A copy of a file whose job renders nothing")
struct LostCopyTests {
  private func settle(_ file: String, in world: FlowWorld) async throws {
    let path = world.volume.root.appending(file)
    await world.flow.take(.settled(path, try #require(try FileStatus(at: path)).fingerprint))
  }

  private func copy(_ from: String, _ to: String, in world: FlowWorld) async throws {
    try world.scratch.write(world.volume.root.appending(from).contents, to: "volume/\(to)")
    try await settle(to, in: world)
  }

  private func delete(_ file: String, in world: FlowWorld) async {
    unlink(world.volume.root.appending(file).string)
    await world.flow.take(.vanished(world.volume.root.appending(file)))
  }

  private func pause(_ isPaused: Bool, _ world: FlowWorld) async throws {
    try await world.flow.pause(PauseRequest(release: nil, paused: isPaused), by: "ann")
  }

  private func kill(_ job: String, in world: FlowWorld) async throws {
    let request = SteerRequest(.kill, query: [job], release: nil, isDryRun: false, jobs: nil)
    #expect(try await world.flow.steer(request, by: "ann").jobs.count == 1)
  }

  private func quick(_ job: String) -> [String] { (1...3).map { "quick/\(job)_000\($0).png" } }

  /// Deletes `a` while nothing of its copy `b` was rendered, and expects the copy's pictures.
  private func isRendered(afterDeletionIn world: FlowWorld) async throws -> Bool {
    try await pause(true, world)
    try await copy("quick/a.blend", "quick/b.blend", in: world)
    #expect(try await world.comes("quick/b", to: .queued))
    await delete("quick/a.blend", in: world)
    #expect(try await world.comes("quick/a", to: .removed))
    try await pause(false, world)
    return await world.delivers(quick("b"))
  }

  /// Has `a` superseded: another program begins to overwrite its file before it is rendered.
  private func supersede(in world: FlowWorld) async throws -> [UInt8] {
    try await pause(true, world)
    try await world.drop("quick/a.blend")
    #expect(try await world.comes("quick/a", to: .queued))
    let bytes = world.volume.root.appending("quick/a.blend").contents
    try world.scratch.write("half an upload", to: "volume/quick/a.blend")
    try await pause(false, world)
    #expect(try await world.comes("quick/a", to: .superseded))
    return bytes
  }

  @Test func `is rendered when the other file was being overwritten and was then removed`() async throws {
    let world = try FlowWorld()
    await world.start()
    let bytes = try await supersede(in: world)
    try await pause(true, world)
    try world.scratch.write(bytes, to: "volume/quick/b.blend")
    try await settle("quick/b.blend", in: world)
    #expect(try await world.comes("quick/b", to: .queued))

    await delete("quick/a.blend", in: world)
    try await pause(false, world)

    #expect(await world.delivers(quick("b")))
    #expect(try await world.comes("quick/b", to: .completed))
  }

  @Test func `is rendered when the other file lay there before the farm`() async throws {
    let scratch = try ScratchFolder()
    _ = try scratch.makeVolume()
    try scratch.write("", to: "volume/.farm/adopt")
    let world = try FlowWorld(on: scratch)
    world.run()
    try await world.drop("quick/a.blend")
    await world.flow.take(.barrier(1))
    #expect(await eventually { await !world.flow.isAdopting })
    #expect(try await world.comes("quick/a", to: .canceled))

    #expect(try await isRendered(afterDeletionIn: world))
  }

  /// A paused farm whose job `quick/a` a person killed.
  private func worldWithKilledJob() async throws -> FlowWorld {
    let world = try FlowWorld()
    await world.start()
    try await pause(true, world)
    try await world.drop("quick/a.blend")
    #expect(try await world.comes("quick/a", to: .queued))
    try await kill("quick/a", in: world)
    return world
  }

  @Test func `is rendered when the other job was killed`() async throws {
    let world = try await worldWithKilledJob()

    #expect(try await isRendered(afterDeletionIn: world))
  }

  @Test func `is rendered when the other job failed`() async throws {
    let isBad = Mutexed(true)
    let world = try FlowWorld { _, _ in isBad.with { $0 } ? .truncated : nil }
    await world.start()
    try await world.drop("quick/a.blend")
    #expect(try await world.comes("quick/a", to: .failed))
    isBad.with { $0 = false }

    #expect(try await isRendered(afterDeletionIn: world))
  }

  @Test func `stays killed when a person killed it, though the other job renders`() async throws {
    let world = try FlowWorld()
    await world.start()
    try await pause(true, world)
    try await world.drop("quick/a.blend")
    try await copy("quick/a.blend", "quick/b.blend", in: world)
    #expect(try await world.comes("quick/b", to: .queued))
    try await kill("quick/b", in: world)

    await delete("quick/a.blend", in: world)

    #expect(try await world.comes("quick/a", to: .removed))
    #expect(try await world.state("quick/b") == .canceled)
  }

  // MARK: - The file itself is moved

  private func move(_ old: String, to new: String, in world: FlowWorld) async throws {
    let root = world.volume.root
    rename(root.appending(old).string, root.appending(new).string)
    try await settle(new, in: world)
    await world.flow.take(.vanished(root.appending(old)))
  }

  @Test func `is rendered when it is the file itself under another name and its job was superseded`() async throws {
    let world = try FlowWorld()
    await world.start()
    let bytes = try await supersede(in: world)
    try world.scratch.write(bytes, to: "volume/quick/a.blend")

    try await move("quick/a.blend", to: "quick/b.blend", in: world)

    #expect(await world.delivers(quick("b")))
    #expect(try await world.comes("quick/b", to: .completed))
  }

  @Test func `stays killed when it is the file itself under another name and a person killed its job`() async throws {
    let world = try await worldWithKilledJob()
    try await pause(false, world)

    try await move("quick/a.blend", to: "quick/b.blend", in: world)

    #expect(try await world.comes("quick/b", to: .canceled))
    #expect(try await eventually { try await world.state("quick/a") == nil })
  }
}
