import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

/// Generated names, with a fake engine.
@Suite("A job whose name anybody may have made up")
struct ForeignNamesFlowTests {
  private func drop(_ world: FlowWorld, _ path: FilePath) async throws {
    try path.write(TestFiles.blend(scenes: [("Scene", 1, 2)]))
    let status = try #require(try FileStatus(at: path))
    await world.flow.take(.settled(path, status.fingerprint))
  }

  @Test func `is delivered under it, and shown and found by it`() async throws {
    let world = try FlowWorld(slots: 4)
    world.run()
    let jobs = ForeignNames.ofJobs(count: 60, seed: 6).filter { NameRule.refusal(of: $0) == nil }
    for job in jobs { try await drop(world, world.volume.quick.appending(FileName("\(job).blend"))) }

    let wanted = Set(jobs.flatMap { job in (1...2).map { FileName("\(job)_000\($0).png") } })
    let isDelivered = await eventually {
      Set((try? FolderListing.names(in: world.volume.dist(of: "quick")))?.map { FileName($0) } ?? []) == wanted
    }

    #expect(isDelivered && jobs.count > 30)
    let shown = try await world.flow.status().releases.first?.jobs ?? []
    #expect(Set(shown.map { FileName($0.name) }) == Set(jobs.map { FileName($0) }))
    for job in jobs {
      #expect(try await world.flow.job("quick/\(job)").name.job.isSameBytes(as: job))
      let manifest = world.volume.manifests.appending("quick").appending(FileName("\(job).json"))
      #expect(await eventually { manifest.isThere }, "\(job)")
    }
  }

  @Test func `follows its file to another Unicode form without being rendered again`() async throws {
    let world = try FlowWorld()
    world.run()
    let (old, new) = (
      world.volume.quick.appending("caf\u{E9}.blend"), world.volume.quick.appending("cafe\u{301}.blend")
    )
    try await drop(world, old)
    let wasDelivered = await eventually { world.volume.dist(of: "quick").names.count == 2 }
    #expect(wasDelivered)
    let before = try #require(try await world.ledger.newestRevision(of: JobName(release: "quick", job: "caf\u{E9}")))

    #expect(rename(old.string, new.string) == 0)
    await world.flow.take(.settled(new, try #require(try FileStatus(at: new)).fingerprint))

    let name = JobName(release: "quick", job: "cafe\u{301}")
    #expect(try await eventually { try await world.ledger.newestRevision(of: name)?.id == before.id })
    let wanted = Set((1...2).map { FileName("cafe\u{301}_000\($0).png") })
    let isRenamed = await eventually {
      Set((try? FolderListing.names(in: world.volume.dist(of: "quick")))?.map { FileName($0) } ?? []) == wanted
    }
    #expect(isRenamed)
    // A manifest is called after its job.
    let manifests = world.volume.manifests.appending("quick")
    let isFollowed = await eventually {
      ((try? FolderListing.names(in: manifests)) ?? []).map { FileName($0) } == [FileName("cafe\u{301}.json")]
    }
    #expect(isFollowed)
  }

  @Test func `is refused, and shown by its whole name, beside a file of its name`() async throws {
    let world = try FlowWorld()
    world.run()
    try await drop(world, world.volume.quick.appending("shot.blend"))
    #expect(try await world.comes("quick/shot", to: .completed))

    try await drop(world, world.volume.quick.appending("shot.BLEND"))

    let isShown = try await eventually {
      try await world.flow.status().releases.first?.jobs.map(\.name) == ["shot", "shot.BLEND"]
    }
    #expect(isShown)
    #expect(try await world.flow.status().releases.first?.jobs.map(\.state) == [.completed, .rejected])
  }
}
