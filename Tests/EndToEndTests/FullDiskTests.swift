import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Trouble {
  /// Places that the daemon itself writes to: it stays up, says what is wrong, and misses nothing meanwhile.
  @Suite("A disk that takes nothing")
  struct FullDiskTests {
    /// A farm whose whole volume lies on a disk of its own.
    private func farm(size: String) async throws -> (TestFarm, SmallDisk) {
      let farm = try await TestFarm()
      let disk = try SmallDisk(size: size, at: farm.root)
      #expect(try await farm.farm("init", farm.root.string).code == 0)
      return (farm, disk)
    }

    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    /// Scenes beside the folders of drops, so that a rename makes whole drops of them and needs no room.
    private func prepareDrops(_ count: Int, in farm: TestFarm) async throws -> [String] {
      let names = (1...count).map { "shot_\($0).blend" }
      for name in names { try await farm.drop("still", at: "away/\(name)") }
      return names
    }

    private func renameIn(_ names: [String], in farm: TestFarm) {
      for name in names {
        #expect(rename(farm.root.appending("away/\(name)").string, farm.root.appending("quick/\(name)").string) == 0)
      }
    }

    private func jobs(of farm: TestFarm) async throws -> Int {
      let list = try await farm.farm("list", "jobs", "shot_*", "--json")
      return list.output.components(separatedBy: "\"state\"").count - 1
    }

    @Test(.enabled(if: Needs.mounts)) func `full to its last byte misses none of twenty drops`() async throws {
      let (farm, disk) = try await farm(size: "64m")
      let names = try await prepareDrops(20, in: farm)
      let daemon = try await farm.start()
      #expect(try await farm.farm("pause").code == 0)
      try disk.fill()

      renameIn(names, in: farm)
      #expect(await farm.logs("the disk of the ledger is full; starting anew in 5 s"), "\(farm.log)")
      #expect(try await farm.farm("status").output.contains("Free space"))
      #expect(daemon.isRunning)
      try disk.removeFill()

      #expect(try await eventually { try await jobs(of: farm) == 20 }, "\(farm.log)")
      await stop(daemon)
    }

    @Test(.enabled(if: Needs.mounts))
    func `being read-only where barriers are made holds up no drop`() async throws {
      let scratch = try ScratchFolder()
      let farm = try await TestFarm(config: "state: \(scratch.path)/state\nharvest_quiet: 1s\n")
      let disk = try SmallDisk(size: "16m", at: farm.root.appending(".farm/cookies"))
      try await disk.setReadOnly(true)
      let daemon = try await farm.start()

      try await farm.drop("still", at: "quick/a.blend")
      #expect(await farm.logs("harvested files=1"), "\(farm.log)")
      #expect(try await farm.farm("sync").code == 0)
      #expect(await eventually { farm.root.appending("STATUS.txt").isThere })

      await stop(daemon)
    }

    @Test(.enabled(if: Needs.mounts)) func `full to its last byte is waited for by a daemon that starts there`()
      async throws
    {
      let (farm, disk) = try await farm(size: "64m")
      let names = try await prepareDrops(3, in: farm)
      await stop(try await farm.start())
      try disk.fill()
      renameIn(names, in: farm)

      let daemon = try farm.launch()
      #expect(await farm.logs("starting anew in 5 s"), "\(farm.log)")
      #expect(try await farm.farm("sync").output.contains("cannot serve now"))
      #expect(daemon.isRunning)
      try disk.removeFill()

      #expect(await farm.logs("harvested files=1", times: 3), "\(farm.log)")
      await stop(daemon)
    }

    @Test(.enabled(if: Needs.mounts)) func `on which nothing was ever served ends the daemon, with the reason`()
      async throws
    {
      let farm = try await TestFarm()
      let disk = try SmallDisk(size: "256k", at: farm.root.appending(".farm"))
      try disk.fill()

      let daemon = try farm.launch()

      #expect(await daemon.end() == 1)
      #expect(daemon.text.contains("No space left on device") && daemon.text.contains("Free space"), "\(daemon.text)")
    }

    /// Where farmd writes, and what it says of each.
    private static let places = [
      "/.farm/lock": "cannot write", "status.json": "cannot write what artists read",
      "STATUS.txt": "cannot write what artists read",
      ".PROBLEM.txt": "cannot write what artists read", "/state/logs/": "what Blender says is not kept",
      "/state/backups/": "copying the ledger",
    ]

    @Test(arguments: [EDQUOT, EIO])
    func `wherever farmd writes is survived, said of each place, and gone on with`(code: Int32) async throws {
      let farm = try await TestFarm()
      let refused = Self.places.keys.map { "\(code) \($0)\n" }.joined()
      let list = try farm.scratch.write(refused, to: "refused")
      try await farm.drop("no_camera", at: "quick/bad.blend")
      let daemon = try farm.launch(environment: ["FARM_REFUSE": list.string])
      try await farm.drop("still", at: "quick/a.blend")

      #expect(await farm.logs("harvested files=1"), "\(farm.log)")
      let reason = String(cString: strerror(code))
      for (place, words) in Self.places {
        let isSaid = await eventually {
          farm.log.split(separator: "\n").contains {
            $0.contains(place) && $0.contains(words) && $0.contains(": \(reason)")
          }
        }
        #expect(isSaid, "\(place) \(farm.log)")
      }
      #expect(!farm.root.appending("STATUS.txt").isThere)
      let said = "cannot write what artists read"
      let status = try await farm.farm("status")
      #expect(status.code == 0 && status.output.contains(said) && status.output.contains(reason), "\(status.output)")
      try Data().write(to: URL(filePath: list.string))

      for file in ["quick/bad.blend.PROBLEM.txt", "STATUS.txt", ".farm/status.json"] {
        #expect(await eventually { farm.root.appending(file).isThere }, "\(file)")
      }
      #expect(try await eventually { try await !farm.farm("status").output.contains(said) })
      await stop(daemon)
    }

    @Test(arguments: ["papers", "engine"])
    func `and a service that ends by itself are no reason to end without a word`(service: String) async throws {
      let farm = try await TestFarm()

      let daemon = try farm.launch(environment: ["FARM_RETURN": service])

      // It says so once, and tries again and again.
      #expect(await farm.logs("notice ready", times: 3), "\(farm.log)")
      #expect(farm.logged("the daemon's service \"\(service)\" ended by itself; starting anew in 5 s") == 1)
      #expect(daemon.isRunning)
    }
  }
}
