import FarmAPI
import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Pictures {
  /// What is known of a file before Blender opens it decides how it is rendered.
  @Suite("A drop that was looked into")
  struct InspectedDropTests {
    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    private func center(_ farm: TestFarm, _ path: String) async throws -> [Double] {
      try await EndToEnd.average(farm.root.appending(path))
    }

    @Test func `in which nothing can move is one frame, and all where somebody wants them`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("still_range", at: "quick/a.blend")
      try farm.scratch.write("still: never\n", to: "volume/releases/r/release.yaml")
      try farm.scratch.folder("volume/releases/r/store")
      #expect(try await farm.farm("sync").code == 0)
      try await farm.drop("still_range", at: "releases/r/store/b.blend")

      #expect(await farm.logs("harvested files=1 release=quick"))
      #expect(await farm.logs("harvested files=4 release=r"))
      #expect(farm.root.appending("dist/quick").names == ["a.png"])
      #expect(farm.root.appending("quick/out/a").names.filter { $0.hasSuffix(".png") }.isEmpty)
      let shown = try await farm.farm("show", "job", "quick/a").output
      #expect(shown.contains("can move: frame 3 alone is rendered, not 1 to 4"), "\(shown)")
      #expect(shown.contains("still: never"), "\(shown)")
      await stop(daemon)
    }

    @Test func `and is simulated as it is rendered is as if it were baked, also after a crash`() async throws {
      let farm = try await TestFarm(config: "chunk: 2\nslots: 2\n")
      let first = try await farm.start()
      let scenes = try await Scenes.shared.path("cloth").removingLastComponent()
      try FileManager.default.copyItem(
        atPath: scenes.appending("blendcache_cloth").string,
        toPath: farm.root.appending("quick/blendcache_cloth").string)
      try await farm.drop("cloth", at: "quick/cloth.blend")
      #expect(await farm.logs("harvested files=1 release=quick"))
      await stop(first)
      // Its frames take hundredths of a second: it dies with the first that are done.
      let doomed = try farm.launch(environment: ["FARM_FAILPOINT": "record outputs"])
      try await farm.drop("loose_cloth", at: "quick/loose.blend")
      #expect(await doomed.end() == -SIGKILL)
      let second = try await farm.start()
      let shown = try await farm.farm("show", "job", "loose").output
      #expect(shown.contains("object Grid is simulated as it is rendered"), "\(shown)")

      #expect(await farm.logs("harvested files=8 release=quick"))
      let (baked, loose) = (
        farm.root.appending("dist/quick/cloth.png"), farm.root.appending("dist/quick/loose_0008.png")
      )
      #expect(try await EndToEnd.areSame(baked, loose))
      let start = farm.root.appending("dist/quick/loose_0001.png")
      #expect(try await !EndToEnd.areSame(start, loose))
      // Not cut into parts, and nothing of it is left among the artist's files.
      let logs = farm.root.appending(".farm/state/logs/quick/loose").names
      #expect(logs.count == 2, "\(logs)")
      #expect(farm.root.appending("quick").names.filter { $0.contains("loose") } == ["loose.blend"])
      await stop(second)
    }

    @Test func `and lacks a file is rendered without where somebody wants it so`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("textured", at: "quick/a.blend")
      #expect(await farm.logs("job.blocked job=quick/a"))
      let again = try await farm.farm("replace", "job", "a", "--anyway")
      #expect(again.code == 0 && again.output == "rendering quick/a again: revision 1, frames 1\n", "\(again.output)")
      #expect(await farm.logs("harvested files=1 release=quick"))

      try farm.scratch.folder("volume/releases/r/store")
      try await farm.drop("textured", at: "releases/r/store/b.blend")
      #expect(await farm.logs("job.blocked job=r/b"))
      try farm.scratch.write("on_missing: warn\n", to: "volume/releases/r/release.yaml")
      #expect(await farm.logs("harvested files=1 release=r"))
      try await farm.drop("textured_range", at: "releases/r/store/c.blend")
      #expect(await farm.logs("harvested files=4 release=r"))
      #expect(farm.logged("job.blocked job=r/c") == 0)
      let shown = try await farm.farm("show", "job", "c").output
      #expect(shown.contains("image Wood needs //wood.png, which is not there"), "\(shown)")

      let copy = try await Scenes.shared.path("textured").string
      let seeded = try await farm.farm("seed", "job", copy, "seeded", "--anyway")
      #expect(seeded.code == 0, "\(seeded.output)")
      #expect(await farm.logs("harvested files=1 release=quick", times: 2))
      await stop(daemon)
    }

    @Test func `and was saved on Windows finds what it needs here`() async throws {
      let farm = try await TestFarm(config: "volume_seen_as: ['Z:\\show', /Volumes/show]\n")
      let daemon = try await farm.start()
      try farm.scratch.folder("volume/quick/textures")
      try farm.scratch.folder("volume/quick/lib")
      try await EndToEnd.paint(farm.root.appending("quick/textures/wood.png"), "0,0,1")
      let library = try await Scenes.shared.path("windows").removingLastComponent().appending("lib/box.blend")
      try farm.scratch.write(library.contents, to: "volume/quick/lib/box.blend")
      try await farm.drop("windows", at: "quick/a.blend")
      #expect(await farm.logs("job.blocked job=quick/a"))
      let why = try await farm.farm("show", "job", "a").output
      #expect(why.contains("Z:\\show\\quick\\lamp.ies, which is not there"), "\(why)")
      // The same in every direction.
      let profile = "IESNA:LM-63-1995\nTILT=NONE\n1 1000 1 2 1 1 1 0 0 0\n1 1 100\n0 90\n0\n1000 1000\n"
      try farm.scratch.write(profile, to: "volume/quick/lamp.ies")

      #expect(await farm.logs("harvested files=1 release=quick"))
      let color = try await center(farm, "dist/quick/a.png")
      #expect(color[2] > color[0] + 0.15 && color[0] < color[1] + 0.15, "\(color)")
      let uses = try await farm.farm("list", "jobs", "uses:quick/textures/wood.png").output
      #expect(uses.contains("quick/a"), "\(uses)")
      try farm.scratch.write(profile.replacing("1000 1000", with: "1 1"), to: "volume/quick/lamp.ies")
      #expect(await farm.logs("harvested files=1 release=quick", times: 2))
      #expect(try await center(farm, "dist/quick/a.png")[2] < 0.5 * color[2])
      await stop(daemon)
    }

    @Test func `whose driver needs Python is blocked, and rendered right once it is trusted`() async throws {
      let farm = try await TestFarm()
      let first = try await farm.start()
      try await farm.drop("driven", at: "quick/a.blend")
      #expect(await farm.logs("job.blocked job=quick/a"))
      let why = try await farm.farm("show", "job", "a").output
      #expect(why.contains("scripts-disabled") && why.contains("trust_scripts:"), "\(why)")
      #expect(farm.root.appending("dist/quick").names.isEmpty)
      await stop(first)

      try farm.scratch.write("trust_scripts: [quick]\ndisk_floor: 0%\n", to: "farm.yaml")
      let second = try await farm.start()
      try await farm.drop("still", at: "quick/b.blend")
      #expect(await farm.logs("harvested files=1 release=quick", times: 2))
      // The driver lifts the cube out of sight.
      let (lifted, there) = (try await center(farm, "dist/quick/a.png"), try await center(farm, "dist/quick/b.png"))
      #expect(lifted[0] < 0.5 * there[0], "\(lifted) \(there)")
      await stop(second)
    }

    private func put(_ farm: TestFarm, _ numbers: ClosedRange<Int>) async throws {
      try farm.scratch.folder("volume/quick/screen")
      for number in numbers {
        let name = "f_" + String(repeating: "0", count: number < 10 ? 3 : 2) + "\(number).png"
        try await EndToEnd.paint(farm.root.appending("quick/screen").appending(name), "0,0,1")
      }
    }

    @Test func `shows of a library's sequence what its own frames show, and waits for all of it`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let library = try await Scenes.shared.path("screened").removingLastComponent().appending("lib/screen.blend")
      try farm.scratch.write(library.contents, to: "volume/quick/lib/screen.blend")
      try await put(farm, 1...2)
      try await farm.drop("screened", at: "quick/a.blend")
      #expect(await farm.logs("job.blocked job=quick/a"))
      let why = try await farm.farm("show", "job", "a").output
      #expect(why.contains("f_0003.png is not there (image Film)") && why.contains("f_0004.png"), "\(why)")
      #expect(!why.contains("f_0002.png is not there") && !why.contains("f_0005"), "\(why)")
      #expect(try await farm.farm("list", "jobs", "uses:screen/f_0004.png").output.contains("quick/a"))
      #expect(try await farm.farm("list", "jobs", "problem:texture").output.contains("quick/a"))

      try await put(farm, 3...4)

      #expect(await farm.logs("harvested files=4 release=quick"))
      for frame in 1...4 {
        try await EndToEnd.Pictures.DependencyTests.isBlue(farm.root.appending("dist/quick/a_000\(frame).png"))
      }
      await stop(daemon)
    }

    @Test func `shows at a frame what is not there waits for it, though only Blender knows`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await put(farm, 13...13)
      try await farm.drop("keyed_screen", at: "quick/a.blend")
      #expect(await farm.logs("job.blocked job=quick/a"))
      let why = try await farm.farm("show", "job", "a").output
      #expect(why.contains("is not there (image Film)"), "\(why)")

      try await put(farm, 11...12)

      #expect(await farm.logs("harvested files=3 release=quick"))
      for frame in 1...3 {
        try await EndToEnd.Pictures.DependencyTests.isBlue(farm.root.appending("dist/quick/a_000\(frame).png"))
      }
      await stop(daemon)
    }

    @Test func `and names a missing file that only another scene shows is rendered, with a note`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("other_scene", at: "quick/a.blend")

      #expect(await farm.logs("harvested files=1 release=quick"))
      #expect(farm.logged("job.blocked") == 0)
      let shown = try await farm.farm("show", "job", "a").output
      #expect(shown.contains("//gone.png, named by image Wood, is not there"), "\(shown)")
      await stop(daemon)
    }

    @Test func `and that another one links is no job, though it came first`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let library = try await Scenes.shared.path("seated").removingLastComponent().appending("seat.blend")
      try farm.scratch.write(library.contents, to: "volume/quick/seat.blend")
      #expect(await farm.logs("job.blocked job=quick/seat"))
      try await farm.drop("seated", at: "quick/a.blend")

      #expect(await farm.logs("job.removed job=quick/seat"))
      #expect(await farm.logs("harvested files=1 release=quick"))
      let blue = try await Scenes.shared.path("layered").removingLastComponent().appending("lib/paint/blue.blend")
      try farm.scratch.write(blue.contents, to: "volume/quick/seat.blend")
      #expect(await farm.logs("harvested files=1 release=quick", times: 2))
      let color = try await center(farm, "dist/quick/a.png")
      #expect(color[2] > 2 * color[1], "\(color)")
      #expect(farm.logged("job.blocked") == 1)
      let listed = try await farm.farm("list", "jobs", "state:blocked").output
      #expect(!listed.contains("seat"), "\(listed)")
      #expect(try await !farm.farm("status").output.contains("seat"))
      await stop(daemon)
    }
  }
}
