import FarmModel
import FarmTesting
import Foundation
import Testing
import VolumeFiles

@testable import FarmDaemon

@Suite("A volume that is adopted")
struct AdoptionTests {
  private let scratch: ScratchFolder
  private let volume: Volume

  init() throws {
    scratch = try ScratchFolder()
    volume = try scratch.makeVolume()
    try scratch.write("", to: "volume/.farm/adopt")
  }

  @Test func `renders later drops, though the list of what lay there cannot be written`() async throws {
    // What is in the way of the list, where a full disk would be.
    try scratch.write("x", to: "volume/.farm/manifests/.adopted.part/x")
    let world = try FlowWorld(on: scratch)
    world.run()
    try await world.drop("quick/old.blend")
    await world.flow.take(.barrier(1))
    #expect(await eventually { await !world.flow.troubles.isEmpty })

    try await world.drop("quick/new.blend")

    #expect(try await world.comes("quick/new", to: .completed))
    #expect(try await world.state("quick/old") == .canceled)
    let told = await world.flow.troubles.values.joined()
    #expect(told.contains("cannot write the list of adopted files") && told.contains(".adopted.part"), "\(told)")
  }

  @Test func `has its list written when that works again, also after a restart, and adopts nothing more`() async throws
  {
    try scratch.write("x", to: "volume/.farm/manifests/.adopted.part/x")
    let world = try FlowWorld(on: scratch)
    world.run()
    try await world.drop("quick/old.blend")
    await world.flow.take(.barrier(1))
    #expect(await eventually { await !world.flow.troubles.isEmpty })
    await world.crash()
    let again = try FlowWorld(on: scratch)
    again.run()
    await again.flow.take(.barrier(1))
    #expect(await eventually { await !again.flow.troubles.isEmpty })
    try await again.drop("quick/new.blend")
    #expect(try await again.comes("quick/new", to: .completed))

    try FileManager.default.removeItem(atPath: volume.manifests.appending(".adopted.part").string)

    #expect(await eventually { await again.flow.troubles.isEmpty })
    let list = String(decoding: volume.manifests.appending(".adopted.jsonl").contents, as: UTF8.self)
    #expect(list.contains("old") && !list.contains("new"))
    #expect(!VolumeTree.adoptMark(volume).isThere)
  }
}
