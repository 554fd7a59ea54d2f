import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Trouble {
  @Suite("A file server that does not answer")
  struct HungMountTests {
    /// A farm whose releases lie on a file server, one of them with drops that are being read.
    private func farm(
      drops: Int, config: String = "harvest_quiet: 1s\n"
    ) async throws -> (TestFarm, RunningProgram, BoundFolder) {
      let farm = try await TestFarm(config: config)
      let server = try await BoundFolder(
        farm.scratch("far"), at: farm.root.appending("releases"), log: farm.scratch("bindfs.log"))
      try farm.scratch.folder("far/r/store")
      let daemon = try await farm.start()
      #expect(try await farm.farm("pause", "r").code == 0)
      let still = try await Scenes.shared.path("still")
      for number in 0..<drops {
        let name = "far/r/store/far_\(number).blend"
        try FileManager.default.copyItem(atPath: still.string, toPath: farm.scratch(name).string)
      }
      return (farm, daemon, server)
    }

    private func isDelivered(_ farm: TestFarm, _ job: String) -> Bool {
      farm.root.appending("dist/quick").names.contains { $0.hasPrefix(job) }
    }

    @Test(.enabled(if: Needs.fuse, "needs bindfs"))
    func `while drops are read from it holds up only what lies on it`() async throws {
      let drops = 40
      let (farm, daemon, server) = try await farm(drops: drops)
      #expect(await farm.logs("job.queued"))
      server.hang()

      try await farm.drop("still", at: "quick/near.blend")

      #expect(await eventually { isDelivered(farm, "near") }, "\(farm.log)")
      #expect(try await farm.farm("status").code == 0)
      server.goOn()
      #expect(await farm.logs("job.queued", times: drops + 1), "\(farm.log)")
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test(.enabled(if: Needs.fuse, "needs bindfs"))
    func `when frames are due there holds up only those`() async throws {
      let (farm, daemon, server) = try await farm(drops: 1)
      #expect(await farm.logs("job.queued"))
      server.hang()

      #expect(try await farm.farm("resume", "r").code == 0)
      // Its snapshot cannot be taken; a place is free again when it is told why.
      try await farm.drop("still", at: "quick/near.blend")

      #expect(await eventually { isDelivered(farm, "near") }, "\(farm.log)")
      // The watch gives it up later than the scheduler does.
      #expect(try await eventually { try await farm.farm("status").output.contains("does not answer") })
      server.goOn()
      #expect(await farm.logs("harvested files=1", times: 2), "\(farm.log)")
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test(.enabled(if: Needs.fuse && Needs.mounts, "needs bindfs"))
    func `does not keep a daemon whose ledger fails from starting anew`() async throws {
      let scratch = try ScratchFolder()
      let disk = try SmallDisk(size: "32m", at: scratch("disk"))
      let config = "state: \(disk.path)/state\nharvest_quiet: 1s\n"
      let (farm, daemon, server) = try await farm(drops: 40, config: config)
      #expect(await farm.logs("job.queued"))
      server.hang()
      try disk.fill()

      // The claims on the server wait for ever; the ledger cannot take this one.
      for name in ["b", "c", "d"] { try await farm.drop("still", at: "quick/\(name).blend") }
      #expect(await farm.logs("starting anew", within: .seconds(60)), "\(farm.log)")
      #expect(daemon.isRunning)
      server.goOn()
      try disk.removeFill()

      #expect(await farm.logs("harvested files=1", times: 3), "\(farm.log)")
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test(.enabled(if: Needs.fuse, "needs bindfs"))
    func `at a start holds up only its release, and not the next stop`() async throws {
      let farm = try await TestFarm()
      let server = try await BoundFolder(
        farm.scratch("far"), at: farm.root.appending("releases/r"), log: farm.scratch("bindfs.log"))
      let first = try await farm.start()
      try await farm.drop("slow", at: "releases/r/store/a.blend")
      #expect(await farm.logs("job.active"))
      first.send(SIGKILL)
      _ = await first.end()
      server.hang()

      let second = try farm.launch()
      try await farm.drop("still", at: "quick/near.blend")

      #expect(await eventually { isDelivered(farm, "near") }, "\(farm.log)")
      #expect(try await farm.farm("status").code == 0)
      #expect(try await farm.farm("show", "job", "r/a").output.contains("does not answer"))
      #expect(try await farm.farm("sync").code == 0)
      second.send(SIGTERM)
      #expect(await second.end(within: .seconds(10)) == 0)
      server.goOn()
      let third = try await farm.start()
      #expect(await farm.logs("harvested", times: 2), "\(farm.log)")
      third.send(SIGTERM)
      #expect(await third.end(within: .seconds(10)) == 0)
    }

    @Test(.enabled(if: Needs.fuse, "needs bindfs"))
    func `at a start that holds all releases holds up no quick job`() async throws {
      let farm = try await TestFarm()
      let server = try await BoundFolder(
        farm.scratch("far"), at: farm.root.appending("releases"), log: farm.scratch("bindfs.log"))
      try farm.scratch.folder("far/r/store")
      server.hang()

      let daemon = try farm.launch()
      try await farm.drop("still", at: "quick/near.blend")

      #expect(await eventually { isDelivered(farm, "near") }, "\(farm.log)")
      server.goOn()
      try await farm.drop("still", at: "releases/r/store/far.blend")
      #expect(await farm.logs("harvested", times: 2), "\(farm.log)")
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }
  }
}
