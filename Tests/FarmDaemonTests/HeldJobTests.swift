import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

@Suite("A job whose folder is gone")
struct HeldJobTests {
  @Test(arguments: [JobState.active, .completed, .blocked, .failed])
  func `says itself that it is held, with a remedy that works, until the folder is back`(state: JobState) async throws {
    let world = try FlowWorld { frame, _ in
      state == .active ? .endless : state == .failed ? .truncated : nil
    }
    world.run()
    if state == .blocked { try world.scratch.write("frames: x\n", to: "volume/releases/my show/store/a.farm.yaml") }
    try await world.drop("releases/my show/store/a.blend", frames: 1...1)
    #expect(try await world.comes("my show/a", to: state))
    let (folder, away) = (world.volume.release("my show"), world.scratch("away"))
    let before = try await world.flow.jobDetail("a").problem
    rename(folder.string, away.string)
    await world.flow.take(.folderGone(folder.appending("store")))

    let line = try #require(try await world.flow.status().releases.first { $0.name == "my show" }?.jobs.first)
    #expect(line.state == state && line.problem?.problemClass == .folderGone)
    #expect(line.problem?.cause == "releases/my show/store is gone, and the job is held until it is back")
    let detail = try await world.flow.jobDetail("a")
    #expect(detail.problem == line.problem)
    #expect(detail.waitsFor?.contains("releases/my show/store is gone") == true)
    #expect(try await world.flow.jobs(["problem:folder-gone"]).map(\.name.job) == ["a"])
    #expect(line.problem?.remedy == "Put it back, or let its jobs go: `farm kill 'my show.jobs' '*'`.")
    #expect(!(line.problem?.sentences.contains("farm sync") ?? true))

    // The first half of the remedy.
    rename(away.string, folder.string)
    await world.flow.take(.folderFound(folder.appending("store")))
    #expect(try await eventually { try await world.flow.jobDetail("a").problem == before })
    // And the second.
    rename(folder.string, away.string)
    await world.flow.take(.folderGone(folder.appending("store")))
    let request = SteerRequest(.kill, query: ["*"], release: "my show", isDryRun: false, jobs: nil)
    #expect(try await world.flow.steer(request, by: "ann").jobs.count == 1)
    #expect(try await world.state("my show/a") == .removed)
    #expect(try await world.flow.status().daemon.troubles.isEmpty)
  }

  @Test func `is not advised to sync, which only waits`() {
    let failure = FileFailure("promote", "/v/releases/r/out/a/000001.png", errno: ENOENT)

    #expect(!failure.remedy.contains("farm sync"), "\(failure.remedy)")
  }
}
