import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

@Suite("A job whose file is gone from a folder that is there")
struct LostFileTests {
  private func pause(_ isPaused: Bool, _ world: FlowWorld) async throws {
    try await world.flow.pause(PauseRequest(release: nil, paused: isPaused), by: "ann")
  }

  @Test func `does not say that the file went with its folder`() async throws {
    let world = try FlowWorld()
    await world.start()
    try await pause(true, world)
    try await world.drop("quick/a.blend")
    #expect(try await world.comes("quick/a", to: .queued))
    unlink(world.volume.root.appending("quick/a.blend").string)

    try await pause(false, world)

    #expect(try await world.comes("quick/a", to: .blocked))
    #expect(try await world.flow.jobDetail("quick/a").problem?.cause == "quick/a.blend is gone")
  }

  @Test func `leaves the queue when a newer revision waits for the file, and others are rendered`() async throws {
    let world = try FlowWorld()
    await world.start()
    _ = try await world.flow.plan(PlanRequest(name: "r", order: ReleaseOrder(jobs: ["a", "b"])), by: "ann")
    let path = world.volume.store(of: "r").appending("a.blend")
    try await world.drop("releases/r/store/a.blend")
    #expect(try await world.comes("r/a", to: .completed))
    let first = try #require(try await world.ledger.newestRevision(of: JobName(release: "r", job: "a")))
    try await pause(true, world)
    try await world.drop("releases/r/store/a.blend", frames: 1...2)
    #expect(try await eventually { try await world.ledger.newestRevision(of: first.name)?.number == 2 })
    unlink(path.string)
    await world.flow.take(.lost(path))
    #expect(try await world.comes("r/a", to: .blocked))

    // A frame of the first one is rendered again.
    var outputs = try await world.ledger.outputs(of: first.id)
    outputs[0].state = .owed
    await world.flow.requeue(try await world.ledger.revision(first.id), owing: outputs)
    try await pause(false, world)

    #expect(try await eventually { try await world.ledger.revision(first.id).state == .superseded })
    try await world.drop("releases/r/store/b.blend")
    #expect(try await world.comes("r/b", to: .completed))
  }

  @Test func `ends when it was superseded, for no newer version can come`() async throws {
    let world = try FlowWorld()
    await world.start()
    let path = world.volume.store(of: "r").appending("a.blend")
    try await pause(true, world)
    try await world.drop("releases/r/store/a.blend")
    #expect(try await world.comes("r/a", to: .queued))
    let bytes = path.contents
    try path.write(Array("half an upload".utf8))
    try await pause(false, world)
    #expect(try await world.comes("r/a", to: .superseded))
    unlink(path.string)

    await world.flow.take(.lost(path))

    #expect(try await world.comes("r/a", to: .removed))
    try path.write(bytes)
    await world.flow.take(.settled(path, try #require(try FileStatus(at: path)).fingerprint))
    #expect(try await world.comes("r/a", to: .completed))
  }
}
