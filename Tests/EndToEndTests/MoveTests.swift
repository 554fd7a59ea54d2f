import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Drops {
  /// People tidy up while the farm works: what was rendered is not rendered again, and nothing is left under old names.
  @Suite("A file or folder that is moved")
  struct MoveTests {
    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    private func move(_ farm: TestFarm, _ from: String, _ to: String) {
      #expect(rename(farm.root.appending(from).string, farm.root.appending(to).string) == 0)
    }

    @Test func `from quick into a release is one render, delivered there`() async throws {
      let farm = try await TestFarm(config: "chunk: 1\nharvest_quiet: 1s\n")
      let daemon = try await farm.start()
      #expect(try await farm.farm("plan", "release", "spring", "--jobs", "shot").code == 0)
      try await farm.drop("slow", at: "quick/shot.blend")
      try #require(await eventually { farm.root.appending("quick/out/shot").names.count > 1 })

      move(farm, "quick/shot.blend", "releases/spring/store/shot.blend")

      #expect(await farm.logs("job.renamed"))
      #expect(await farm.logs("harvested files=6"))
      #expect(farm.root.appending("dist/spring").names.count == 6)
      #expect(farm.root.appending("dist/quick").names.isEmpty)
      #expect(!farm.root.appending("quick/out/shot").isThere)
      #expect(farm.logged("job.queued") == 1)
      let tasks = try await farm.farm("list", "tasks", "--json").output
      // Six frames, one a task, and at most the one that was stopped.
      #expect(tasks.components(separatedBy: "\"frames\"").count - 1 <= 7, "\(tasks)")
      await stop(daemon)
    }

    @Test func `when it is delivered already is delivered under its new name`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("anim", at: "releases/r/store/a.blend")
      #expect(await farm.logs("harvested files=6"))

      move(farm, "releases/r/store/a.blend", "releases/r/store/b.blend")

      #expect(await farm.logs("harvested files=6", times: 2))
      #expect(farm.root.appending("dist/r").names.sorted().first == "b_0001.png")
      #expect(farm.root.appending("dist/r").names.count == 6)
      #expect(farm.logged("job.active") == 1)
      #expect(await farm.logs("release.harvested", times: 1))
      #expect(try await !farm.farm("status").output.contains("a "))
      await stop(daemon)
    }

    @Test func `as a whole release while it renders ends under its new name, and no ghost of the old one is left`()
      async throws
    {
      let farm = try await TestFarm(config: "chunk: 1\nharvest_quiet: 1s\n")
      let daemon = try await farm.start()
      #expect(try await farm.farm("plan", "release", "spring", "--jobs", "shot").code == 0)
      try await farm.drop("slow", at: "releases/spring/store/shot.blend")
      try #require(await eventually { farm.root.appending("releases/spring/out/shot").names.count > 1 })

      move(farm, "releases/spring", "releases/summer")

      #expect(await farm.logs("release.renamed"))
      #expect(await farm.logs("harvested files=6"))
      #expect(farm.root.appending("dist").names == ["summer"])
      #expect(farm.root.appending("releases").names == ["summer"])
      #expect(farm.root.appending("dist/summer").names.count == 6)
      #expect(farm.logged("job.removed") == 0)
      #expect(farm.logged("job.queued") == 1)
      #expect(try await !farm.farm("status").output.contains("spring"))
      await stop(daemon)
    }

    @Test func `to where another picture has the name that it needs is rendered with that one`() async throws {
      let farm = try await TestFarm()
      for release in ["r", "bare"] { try farm.scratch.folder("volume/releases/\(release)/store") }
      try await EndToEnd.paint(farm.root.appending("quick/wood.png"), "1,0,0")
      try await EndToEnd.paint(farm.root.appending("releases/r/store/wood.png"), "0,0,1")
      let daemon = try await farm.start()
      try await farm.drop("textured", at: "quick/a.blend")
      #expect(await farm.logs("harvested files=1"))

      move(farm, "quick/a.blend", "releases/r/store/a.blend")

      #expect(await eventually { farm.root.appending("dist/r/a.png").isThere }, "\(farm.log)")
      let color = try await EndToEnd.average(farm.root.appending("dist/r/a.png"))
      #expect(color[2] > color[0], "\(color)")

      move(farm, "releases/r/store/a.blend", "releases/bare/store/b.blend")

      #expect(await farm.logs("job.blocked job=bare/b"), "\(farm.log)")
      #expect(try await farm.farm("show", "job", "bare/b").output.contains("releases/bare/store/wood.png"))
      await stop(daemon)
    }

    @Test func `while the daemon is down is followed at its start`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("anim", at: "releases/r/store/a.blend")
      try await farm.drop("still", at: "quick/b.blend")
      #expect(await farm.logs("harvested files=1"))
      #expect(await farm.logs("harvested files=6"))
      await stop(daemon)

      move(farm, "releases/r", "releases/s")
      move(farm, "quick/b.blend", "quick/c.blend")
      let again = try await farm.start()

      #expect(await farm.logs("release.renamed"))
      #expect(await farm.logs("job.renamed"))
      #expect(await eventually { farm.root.appending("dist/quick").names == ["c.png"] })
      #expect(await eventually { farm.root.appending("dist/s").names.count == 6 })
      #expect(!farm.root.appending("dist/r").isThere)
      #expect(farm.logged("job.active") == 2)
      await stop(again)
    }

    @Test func `together with its folder, and another folder is there, waits until it is back`() async throws {
      let farm = try await TestFarm(config: "chunk: 1\nharvest_quiet: 1s\n")
      let daemon = try await farm.start()
      try await farm.drop("slow", at: "releases/r/store/shot.blend")
      try #require(await eventually { farm.root.appending("releases/r/out/shot").names.count > 1 })
      let store = farm.root.appending("releases/r/store").string

      rename(store, store + "-away")
      #expect(await farm.logs("a folder of drops is gone, its jobs wait"))
      mkdir(store, 0o755)

      #expect(await farm.logs("job.blocked"))
      let shown = try await farm.farm("show", "job", "shot").output
      #expect(shown.contains("releases/r/store/shot.blend is gone"), "\(shown)")
      #expect(shown.contains("farm kill jobs"), "\(shown)")
      rename(store + "-away/shot.blend", store + "/shot.blend")

      #expect(await farm.logs("harvested files=6"))
      #expect(farm.logged("job.removed") == 0)
      await stop(daemon)
    }
  }
}
