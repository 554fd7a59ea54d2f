import FarmAPI
import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Pictures {
  /// A texture is another than the one that was rendered.
  @Suite("A file that a scene needs, and that changes")
  struct DependencyTests {
    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test func `has exactly the jobs that need it rendered and delivered again`() async throws {
      let farm = try await TestFarm()
      let first = try await farm.start()
      let wood = farm.root.appending("quick/textures/wood.png")
      try farm.scratch.folder("volume/quick/textures")
      try await EndToEnd.paint(wood, "1,0,0")
      try await farm.drop("textured_below", at: "quick/a.blend")
      try await farm.drop("still", at: "quick/b.blend")
      #expect(await farm.logs("harvested files=1 release=quick", times: 2))
      #expect(try await farm.farm("list", "jobs", "uses:textures/*.png", "--json").output.contains("\"a\""))

      try await EndToEnd.paint(wood, "0,0,1")
      #expect(await farm.logs("harvested files=1 release=quick", times: 3))
      try await Self.isBlue(farm.root.appending("dist/quick/a.png"))
      #expect(try await farm.farm("show", "job", "a").output.contains("quick/textures/wood.png"))

      // The same bytes, another time: nothing, also when nobody watched.
      try farm.scratch.write(wood.contents, to: "volume/quick/textures/wood.png")
      #expect(try await farm.farm("sync").code == 0)
      await stop(first)
      try farm.scratch.write(wood.contents, to: "volume/quick/textures/wood.png")
      let second = try await farm.start()
      #expect(await farm.logs("ready", times: 2))
      #expect(try await farm.farm("sync").code == 0)
      #expect(farm.logged("job.queued job=quick/a") == 2)
      await stop(second)

      // Other bytes while nobody watched.
      try await EndToEnd.paint(wood, "1,0,0")
      let third = try await farm.start()
      #expect(await farm.logs("harvested files=1 release=quick", times: 4))
      #expect(farm.logged("job.queued job=quick/a") == 3)
      #expect(farm.logged("job.queued job=quick/b") == 1)
      #expect(farm.root.appending("dist/quick").names == ["a.png", "b.png"])
      await stop(third)
    }

    static func isBlue(_ picture: FilePath) async throws {
      let color = try await EndToEnd.average(picture)
      #expect(color[2] > 2 * color[0], "\(picture): \(color)")
    }

    @Test func `makes a delivered release stale, which a refresh mends`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let store = farm.root.appending("releases/r/store")
      #expect(try await farm.farm("plan", "release", "r").code == 0)
      try await EndToEnd.paint(store.appending("wood.png"), "1,0,0")
      try await farm.drop("textured", at: "releases/r/store/a.blend")
      try await farm.drop("still", at: "releases/r/store/b.blend")
      #expect(await farm.logs("harvested files=2 release=r"))
      let red = try await EndToEnd.average(farm.root.appending("dist/r/a.png"))
      #expect(red[0] > 2 * red[2], "\(red)")
      #expect(
        try await farm.farm("refresh", "release", "r").output == "nothing of r is older than what it depends on\n")

      try await EndToEnd.paint(store.appending("wood.png"), "0,0,1")
      #expect(await farm.logs("release.stale release=r"))
      let why = try await farm.farm("show", "release", "r").output
      #expect(why.contains("`farm refresh release`: releases/r/store/wood.png changed at "), "\(why)")
      #expect(why.contains("Z, and a depends on it"), "\(why)")
      #expect(farm.logged("job.queued job=r/a") == 1)
      let shown = try await farm.farm("refresh", "release", "r", "--dry-run").output
      #expect(shown == "would render r/a again: releases/r/store/wood.png changed\n", "\(shown)")
      let done = try await farm.farm("refresh", "release", "r").output
      #expect(done == "rendering r/a again: releases/r/store/wood.png changed\n", "\(done)")
      #expect(await farm.logs("harvested files=1 release=r"))

      #expect(await farm.logs("release.harvested release=r", times: 2))
      try await Self.isBlue(farm.root.appending("dist/r/a.png"))
      #expect(farm.root.appending("dist/r").names == ["a.png", "b.png"])
      #expect(farm.logged("job.queued job=r/b") == 1)
      // A texture beside the drops is none.
      #expect(farm.logged("job.rejected") == 0 && farm.logged("job=r/wood") == 0)
      #expect(store.names == ["a.blend", "b.blend", "wood.png"])
      #expect(try await farm.farm("refresh", "release", "nosuch").code == 1)
      await stop(daemon)
    }

    @Test func `while the job is rendered never gives frames of both`() async throws {
      let farm = try await TestFarm(config: "chunk: 1\nharvest_quiet: 1s\n")
      let daemon = try await farm.start()
      let wood = farm.root.appending("quick/wood.png")
      try await EndToEnd.paint(wood, "1,0,0")
      // Ready at hand: the job's frames are done in a second.
      try await EndToEnd.paint(farm.scratch("blue.png"), "0,0,1")
      let blue = farm.scratch("blue.png").contents
      try await farm.drop("textured_range", at: "quick/a.blend")
      #expect(await eventually { farm.root.appending("quick/out/a").names.contains("000001.png") })

      try wood.write(blue)

      #expect(await farm.logs("harvested files=4"))
      #expect(farm.logged("a job begins anew") == 1)
      let detail = try await farm.farm("show", "job", "a").output
      #expect(detail.contains("revision    2,"), "\(detail)")
      for frame in 1...4 {
        try await Self.isBlue(farm.root.appending("dist/quick/a_000\(frame).png"))
      }
      await stop(daemon)
    }

    /// Puts `layered` there with its libraries; returns the one that gives it its colour.
    static func dropLayered(_ farm: TestFarm) async throws -> (red: FilePath, blue: [UInt8]) {
      let scenes = try await Scenes.shared.path("layered").removingLastComponent()
      let red = "lib/paint/red.blend"
      try farm.scratch.folder("volume/quick/lib/paint")
      for name in ["lib/stool.blend", red] {
        try farm.scratch.write(scenes.pushing(FilePath(name)).contents, to: "volume/quick/\(name)")
      }
      try await farm.drop("layered", at: "quick/a.blend")
      let blue = scenes.pushing("lib/paint/blue.blend").contents
      return (farm.root.appending("quick").pushing(FilePath(red)), blue)
    }

    @Test func `has a scene rendered again also when only a library's library names it`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("still", at: "quick/b.blend")
      let (red, blue) = try await Self.dropLayered(farm)
      #expect(await farm.logs("harvested files=4 release=quick"))
      let before = try await EndToEnd.average(farm.root.appending("dist/quick/a_0001.png"))
      #expect(before[0] > 2 * before[2], "\(before)")

      try red.write(blue)

      #expect(await farm.logs("harvested files=4 release=quick", times: 2))
      for frame in 1...4 { try await Self.isBlue(farm.root.appending("dist/quick/a_000\(frame).png")) }
      #expect(farm.logged("job.queued job=quick/b") == 1)
      let uses = try await farm.farm("list", "jobs", "uses:paint/red.blend").output
      #expect(uses.contains("quick/a"), "\(uses)")
      await stop(daemon)
    }

    @Test func `while nobody watches and a frame is rendered gives no frame of both`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let (red, blue) = try await Self.dropLayered(farm)
      #expect(await eventually { farm.root.appending("quick/out/a").names.contains("000001.png") })

      daemon.send(SIGSTOP)
      try red.write(blue)
      daemon.send(SIGCONT)

      #expect(await farm.logs("harvested files=4"))
      for frame in 1...4 { try await Self.isBlue(farm.root.appending("dist/quick/a_000\(frame).png")) }
      #expect(farm.logged("a job begins anew") == 1)
      await stop(daemon)
    }

    @Test func `which is a baked simulation has the job rendered from what lies there now`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let (scenes, name) = (try await Scenes.shared.path("cloth").removingLastComponent(), "blendcache_cloth")
      let cache = farm.root.appending("quick").appending(name)
      try FileManager.default.copyItem(atPath: scenes.appending(name).string, toPath: cache.string)
      try await farm.drop("cloth", at: "quick/cloth.blend")
      #expect(await farm.logs("harvested files=1 release=quick"))
      let before = farm.scratch("before.png")
      try before.write(farm.root.appending("dist/quick/cloth.png").contents)

      // The last frame's place in the cache holds the first one's.
      let frames = cache.names.filter { $0.hasSuffix(".bphys") }.sorted()
      try cache.appending(frames[frames.count - 1]).write(cache.appending(frames[0]).contents)

      #expect(await farm.logs("harvested files=1 release=quick", times: 2))
      #expect(try await !EndToEnd.areSame(before, farm.root.appending("dist/quick/cloth.png")))
      await stop(daemon)
    }
  }
}
