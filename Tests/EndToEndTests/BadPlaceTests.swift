import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

extension EndToEnd.Trouble {
  /// Rights, full disks, folders and programs that are gone: said with the remedy, and it goes on when mended.
  @Suite("A place that does not work")
  struct BadPlaceTests {
    private static let nobody: UInt32 = 65_534

    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    private func note(_ farm: TestFarm, _ path: String) -> String {
      String(decoding: farm.root.appending("\(path).PROBLEM.txt").contents, as: UTF8.self)
    }

    private func setMode(_ mode: mode_t, _ path: FilePath) { #expect(chmod(path.string, mode) == 0) }

    @Test(.enabled(if: Needs.root)) func `to read from is told, and read once it may be`() async throws {
      let farm = try await TestFarm(config: "settle_stall: 1s\n", user: Self.nobody)
      let daemon = try await farm.start()
      try await farm.drop("still", at: "quick/.hidden")
      let file = farm.root.appending("quick/secret.blend")
      setMode(0o000, farm.root.appending("quick/.hidden"))
      rename(farm.root.appending("quick/.hidden").string, file.string)

      #expect(await eventually { note(farm, "quick/secret.blend").contains("Permission denied") })
      #expect(note(farm, "quick/secret.blend").contains("chmod"))
      setMode(0o644, file)

      #expect(await farm.logs("harvested files=1"))
      #expect(await eventually { note(farm, "quick/secret.blend").isEmpty })
      await stop(daemon)
    }

    @Test(.enabled(if: Needs.root)) func `to write frames to blocks the job before anything is rendered`() async throws
    {
      let farm = try await TestFarm(user: Self.nobody)
      let daemon = try await farm.start()
      let out = farm.root.appending("quick/out")
      setMode(0o555, out)
      try await farm.drop("anim", at: "quick/a.blend")

      #expect(await farm.logs("job.blocked"))
      let sheet = try await farm.farm("show", "job", "a").output
      #expect(sheet.contains("not-writable: a checked frame cannot be put into place: cannot make"), "\(sheet)")
      #expect(sheet.contains("chmod"), "\(sheet)")
      setMode(0o755, out)

      #expect(await farm.logs("harvested files=6"))
      #expect(farm.logged("task.") == 0)
      await stop(daemon)
    }

    @Test(.enabled(if: Needs.root)) func `to write a note to has its note elsewhere`() async throws {
      let farm = try await TestFarm(user: Self.nobody)
      let daemon = try await farm.start()
      try await farm.drop("no_camera", at: "releases/.x")
      let store = farm.root.appending("releases/r/store")
      try FileManager.default.createDirectory(atPath: store.string, withIntermediateDirectories: true)
      rename(farm.root.appending("releases/.x").string, store.appending("a.blend").string)

      #expect(
        await eventually { farm.root.appending("PROBLEMS").names == ["r-a.blend.PROBLEM.txt"] },
        "\(farm.root.appending("PROBLEMS").names)\n\(farm.log)")
      try FileManager.default.removeItem(atPath: store.appending("a.blend").string)
      #expect(await eventually { farm.root.appending("PROBLEMS").names.isEmpty })
      await stop(daemon)
    }

    @Test(.enabled(if: Needs.root)) func `to deliver to keeps the release waiting with the reason`() async throws {
      let farm = try await TestFarm(user: Self.nobody)
      let daemon = try await farm.start()
      let dist = farm.root.appending("dist")
      setMode(0o555, dist)
      try await farm.drop("still", at: "quick/a.blend")

      #expect(await farm.logs("harvesting quick: cannot make"))
      let status = try await farm.farm("status").output
      #expect(status.contains("not-writable: cannot make") && status.contains("chmod"), "\(status)")
      setMode(0o755, dist)
      // Tried again once a minute, and after a restart.
      await stop(daemon)
      let second = try await farm.start()
      #expect(await farm.logs("harvested files=1"))
      #expect(farm.logged("job.queued") == 1)
      await stop(second)
    }

    @Test(.enabled(if: Needs.mounts)) func `because the ledger's disk is full goes on with room`() async throws {
      let scratch = try ScratchFolder()
      let disk = try SmallDisk(size: "3m", at: scratch("disk"))
      let farm = try await TestFarm(config: "state: \(disk.path)/state\nharvest_quiet: 1s\n")
      let daemon = try await farm.start()
      try await farm.drop("anim", at: "quick/a.blend")
      #expect(await farm.logs("harvested files=6"))

      try disk.fill()
      for name in ["b", "c", "d"] { try await farm.drop("still", at: "quick/\(name).blend") }
      #expect(await farm.logs("the disk of the ledger is full; starting anew in 5 s"))
      #expect(
        try await eventually { try await farm.farm("status").output.contains("Free space on the disk of the `state:`") }
      )
      try disk.removeFill()

      #expect(await farm.logs("harvested files=1", times: 3))
      #expect(farm.root.appending("dist/quick").names.count == 9)
      #expect(daemon.isRunning)
      await stop(daemon)
    }

    @Test(.enabled(if: Needs.mounts)) func `refusing the last status tells of the full ledger`() async throws {
      let farm = try await TestFarm()
      let disk = try SmallDisk(size: "40m", at: farm.root.appending(".farm"))
      let daemon = try await farm.start()

      try disk.fill()
      try await farm.drop("still", at: "quick/a.blend")
      #expect(await farm.logs("cannot write the last status"))
      #expect(await farm.logs("the disk of the ledger is full; starting anew in 5 s"))
      try disk.removeFill()

      #expect(await farm.logs("harvested files=1"))
      #expect(daemon.isRunning)
      await stop(daemon)
    }

    @Test(.enabled(if: Needs.mounts), arguments: [".farm/work", "dist"])
    func `because its disk is full is waited for`(folder: String) async throws {
      let farm = try await TestFarm()
      let disk = try SmallDisk(size: "32m", at: farm.root.pushing(FilePath(folder)))
      try disk.fill()
      let daemon = try await farm.start()
      try await farm.drop("still", at: "quick/a.blend")

      #expect(
        try await eventually {
          let status = try await farm.farm("status").output
          return status.contains("No space left on device") && status.contains("Free space on")
        })
      try disk.removeFill()

      #expect(await farm.logs("harvested files=1"))
      let sheet = try await farm.farm("show", "job", "a", "--json").output
      #expect(sheet.contains("\"attempts\" : 1"), "\(sheet)")
      await stop(daemon)
    }

    @Test(.enabled(if: Needs.mounts)) func `because it is read-only now is waited for`() async throws {
      let farm = try await TestFarm(config: "chunk: 1\nharvest_quiet: 1s\n")
      let disk = try SmallDisk(size: "64m", at: farm.root.appending("quick"))
      let daemon = try await farm.start()
      try await farm.drop("slow", at: "quick/a.blend")
      try #require(await eventually { farm.root.appending("quick/out/a").names.count > 1 })

      try await disk.setReadOnly(true)
      #expect(await farm.logs("job.blocked"))
      let sheet = try await farm.farm("show", "job", "a").output
      #expect(sheet.contains("Read-only file system") && sheet.contains("Mount the file system writable"), "\(sheet)")
      try await disk.setReadOnly(false)

      #expect(await farm.logs("harvested files=6"))
      #expect(farm.root.appending("quick").names == ["a.blend", "out"])
      await stop(daemon)
    }

    @Test func `because the folder of drops was taken away holds its jobs until it is back`() async throws {
      let farm = try await TestFarm(config: "chunk: 1\nharvest_quiet: 1s\n")
      let daemon = try await farm.start()
      #expect(try await farm.farm("plan", "release", "spring").code == 0)
      try await farm.drop("slow", at: "releases/spring/store/shot.blend")
      let out = farm.root.appending("releases/spring/out/shot")
      try #require(await eventually { !out.names.isEmpty })
      let store = farm.root.appending("releases/spring/store").string

      rename(store, store + "-away")
      #expect(await farm.logs("a folder of drops is gone, its jobs wait"))
      try await farm.drop("still", at: "quick/other.blend")
      #expect(await farm.logs("harvested files=1"))
      #expect(try await farm.farm("status").output.contains("releases/spring/store is gone: its jobs wait until it is"))
      rename(store + "-away", store)

      #expect(await farm.logs("harvested files=6"))
      #expect(farm.logged("job.removed") == 0)
      #expect(farm.logged("job.superseded") == 0)
      await stop(daemon)
    }

    @Test func `because Blender is gone, may not be run or was replaced is said, and it goes on`() async throws {
      let scratch = try ScratchFolder()
      let program = scratch("blender")
      let wrapper = "#!/bin/sh\nexec /usr/bin/blender \"$@\"\n"
      let farm = try await TestFarm(config: "blenders: [\(program)]\n")
      let daemon = try await farm.start()
      try await farm.drop("still", at: "quick/a.blend")
      #expect(await farm.logs("job.blocked"))
      #expect(
        try await farm.farm("show", "job", "a").output.contains("no-blender: no Blender was found on this machine"))

      try scratch.write(wrapper, to: "blender")
      setMode(0o644, program)
      setMode(0o755, program)
      #expect(await farm.logs("harvested files=1"))

      setMode(0o644, program)
      try await farm.drop("anim", at: "quick/b.blend")
      #expect(await farm.logs("no-blender", times: 2))
      try FileManager.default.removeItem(atPath: program.string)
      try scratch.write("#!/bin/sh\n# another\nexec /usr/bin/blender \"$@\"\n", to: "blender")
      setMode(0o755, program)
      #expect(await farm.logs("harvested files=6"))
      #expect(farm.logged("a frame failed") == 0)
      await stop(daemon)
    }
  }
}
