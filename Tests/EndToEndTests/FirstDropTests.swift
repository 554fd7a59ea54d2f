import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import Supervisor
import SystemPackage
import Testing
import VolumeFiles

extension EndToEnd.Drops {
  /// The real `farmd`, `farm` and Blender, as a user has them.
  @Suite("A first drop")
  struct FirstDropTests {
    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    private func pixels(_ picture: FilePath) async throws -> String {
      let (end, lines) = try await ChildProcess.output(
        of: ChildCommand("/usr/bin/oiiotool", ["--hash", picture.string]))
      try #require(end.isSuccess, "\(lines)")
      return lines.joined().split(separator: " ").last.map(String.init) ?? ""
    }

    private func status(_ farm: TestFarm) async throws -> FarmStatus {
      try await JSONDecoder().decode(FarmStatus.self, from: Data(farm.farm("status", "--json").output.utf8))
    }

    @Test func `becomes checked pictures in dist, from a planned release and from quick`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let planned = try await farm.farm("plan", "release", "spring", "--jobs", "shot_010")
      #expect(planned.code == 0)
      #expect(planned.output.contains("releases/spring/store"))

      try await farm.drop("anim", at: "releases/spring/store/shot_010.blend")
      try await farm.drop("still", at: "quick/still.blend")
      #expect(try await farm.farm("sync").code == 0)
      #expect(try await farm.farm("show", "job", "shot_010").output.contains("frames      1-6"))

      #expect(await farm.logs("release.harvested", times: 2))
      let expected = (1...6).map { "spring/shot_010_000\($0).png" }
      #expect(farm.root.appending("dist").filesBelow == ["quick/still.png"] + expected)
      #expect(farm.root.appending("releases/spring/out/shot_010").filesBelow == ["contact-sheet.jpg"])
      #expect(farm.root.appending("releases/spring/store").names == ["shot_010.blend"])
      #expect(farm.root.appending(".farm/work").filesBelow.isEmpty)
      let status = try await status(farm)
      #expect(status.releases.map(\.state) == [.harvested, .harvested])
      #expect(status.releases.last?.jobs.first?.frames == FrameCounts(expected: 6, done: 6, failed: 0))
      await stop(daemon)
    }

    @Test func `of bytes that were rendered already renders nothing`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("still", at: "quick/still.blend")
      #expect(await farm.logs("harvested files=1"))
      let before = try FileStatus(at: farm.root.appending("dist/quick/still.png"))

      try await farm.drop("still", at: "quick/still.blend")
      #expect(try await farm.farm("sync").code == 0)

      #expect(farm.logged("the same bytes again") == 1)
      #expect(farm.logged("job.queued") == 1)
      #expect(try FileStatus(at: farm.root.appending("dist/quick/still.png")) == before)
      await stop(daemon)
    }

    @Test func `saved again while it renders is rendered as saved last, and only so`() async throws {
      let farm = try await TestFarm(config: "chunk: 1\nharvest_quiet: 1s\n")
      let daemon = try await farm.start()
      try await farm.drop("slow", at: "quick/shot.blend")
      let first = farm.root.appending("quick/out/shot/000001.png")
      try #require(await eventually { first.isThere })

      // As Blender saves: a new file beside it, renamed over.
      try await farm.drop("red", at: "quick/shot.blend@")
      rename(farm.root.appending("quick/shot.blend@").string, farm.root.appending("quick/shot.blend").string)

      #expect(await farm.logs("harvested files=6"))
      #expect(farm.logged("job.superseded") == 1)
      try await farm.drop("red", at: "quick/alone.blend")
      #expect(await farm.logs("harvested files=6", times: 2))
      for frame in 1...6 {
        let dist = farm.root.appending("dist/quick")
        let (again, alone) = try await (
          pixels(dist.appending("shot_000\(frame).png")), pixels(dist.appending("alone_000\(frame).png"))
        )
        #expect(again == alone, "frame \(frame)")
      }
      #expect(farm.root.appending("quick").names == ["alone.blend", "out", "shot.blend"])
      #expect(farm.root.appending("quick/out/shot").names == ["contact-sheet.jpg"])
      await stop(daemon)
    }

    @Test func `that is half copied waits, also over a restart, and goes on when the rest is there`() async throws {
      let farm = try await TestFarm(config: "settle_stall: 1s\n")
      let whole = try await Scenes.shared.path("still").contents
      let path = farm.root.appending("quick/half.blend")
      try Data(whole[..<(whole.count / 2)]).write(to: URL(filePath: path.string))
      let daemon = try await farm.start()
      #expect(await farm.logs("not-whole: the file ends at byte"))
      #expect(try await farm.farm("show", "job", "half").output.contains("not-whole: the file ends at byte"))
      let settling = try await farm.farm("list", "jobs", "state:settling").output
      #expect(settling.contains("quick/half"))
      #expect(farm.logged("job.queued") == 0)
      await stop(daemon)

      let second = try await farm.start()
      #expect(farm.logged("job.queued") == 0)
      let writer = try FileHandle(forWritingTo: URL(filePath: path.string))
      try writer.seekToEnd()
      try writer.write(contentsOf: Data(whole[(whole.count / 2)...]))
      try writer.close()

      #expect(await farm.logs("harvested files=1"))
      #expect(farm.logged("job.queued") == 1)
      await stop(second)
    }

    @Test func `into a release made by hand is delivered by itself`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let store = farm.root.appending("releases/by hand/store").string
      try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
      try await farm.drop("still", at: "releases/by hand/store/a.blend")

      #expect(await farm.logs("harvested files=1"))

      #expect(farm.root.appending("dist").filesBelow == ["by hand/a.png"])
      await stop(daemon)
    }

    @Test func `while the daemon is down is found at its start`() async throws {
      let farm = try await TestFarm()
      try await farm.drop("still", at: "quick/early.blend")

      let daemon = try await farm.start()

      #expect(await farm.logs("harvested files=1"))
      await stop(daemon)
      let down = try await farm.farm("status")
      #expect(down.code == 0)
      #expect(down.output.contains("the daemon is not running"))
      #expect(down.output.contains("early"))
      #expect(try await farm.farm("pause").code == 3)
    }

    @Test func `with a baked simulation renders as it does by hand`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let cloth = try await Scenes.shared.path("cloth")
      let caches = cloth.removingLastComponent().appending("blendcache_cloth").string
      try FileManager.default.copyItem(atPath: caches, toPath: farm.root.appending("quick/blendcache_cloth").string)
      try await farm.drop("cloth", at: "quick/cloth.blend")
      #expect(await farm.logs("harvested files=1"))

      let byHand = farm.scratch("hand_######")
      let arguments = [
        "-b", "-noaudio", "--factory-startup", cloth.string, "-o", byHand.string, "-F", "PNG", "-x", "1", "-f", "8",
      ]
      #expect(try await ChildProcess.output(of: ChildCommand(FilePath(Scenes.blender), arguments)).end.isSuccess)
      try await farm.drop("cloth", at: "quick/no_cache.blend")
      #expect(await farm.logs("job.blocked job=quick/no_cache"))
      #expect(try await farm.farm("replace", "job", "no_cache", "--anyway").code == 0)
      #expect(await farm.logs("harvested files=1", times: 2))

      let baked = try await pixels(farm.root.appending("dist/quick/cloth.png"))
      #expect(try await pixels(farm.scratch("hand_000008.png")) == baked)
      // The cache matters: without it the cloth hangs elsewhere.
      #expect(try await pixels(farm.root.appending("dist/quick/no_cache.png")) != baked)
      let names = ["blendcache_cloth", "cloth.blend", "no_cache.blend", "out"]
      #expect(await eventually { farm.root.appending("quick").names == names })
      await stop(daemon)
    }

    @Test func `whose own settings would lose pictures renders all the same`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()

      try await farm.drop("overwrite_off", at: "quick/mine.blend")

      #expect(await farm.logs("harvested files=2"))
      #expect(farm.root.appending("quick").names == ["mine.blend", "out"])
      let (_, lines) = try await ChildProcess.output(
        of: ChildCommand("/usr/bin/oiiotool", [farm.root.appending("dist/quick/mine_0001.png").string, "--printstats"]))
      // The artist's border would have left half of the picture black.
      #expect(lines.contains { $0.contains(#/Stats Min: [1-9]\d+ [1-9]\d+ [1-9]\d+/#) }, "\(lines)")
      await stop(daemon)
    }

    @Test func `that cannot be rendered says why, and the others go on`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("no_camera", at: "quick/no_camera.blend")
      try await farm.drop("denoised", at: "quick/denoised.blend")
      let newer = TestFiles.blend(version: BlenderVersion(major: 5, minor: 0), scenes: [("Scene", 1, 2)])
      try Data(newer).write(to: URL(filePath: farm.root.appending("quick/newer.blend").string))
      try Data(TestFiles.png()).write(to: URL(filePath: farm.root.appending("quick/picture.blend").string))
      try await farm.drop("still", at: "quick/still.blend")

      #expect(await farm.logs("harvested files=1"))
      #expect(await farm.logs("job.blocked", times: 3))
      let text = try await farm.farm("status").output
      for words in ["no-camera: scene Scene has no camera", "denoiser-missing", "wrong-blender", "is not a .blend"] {
        #expect(text.contains(words), "\(words) in\n\(text)")
      }
      #expect(
        try await farm.farm("show", "job", "newer").output.contains("waits for   wrong-blender: the file was saved by"))
      #expect(farm.root.appending("dist").filesBelow == ["quick/still.png"])
      await stop(daemon)
    }
  }
}
