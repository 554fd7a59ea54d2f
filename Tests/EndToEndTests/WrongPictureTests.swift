import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Pictures {
  /// Files that Blender renders with exit code 0 to a wrong picture or none: none of them reaches `dist/`.
  @Suite("A wrong picture")
  struct WrongPictureTests {
    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    private static let blocked: [(scene: String, words: String)] = [
      ("layers_off", "no-layer: no view layer of scene Scene is switched on for rendering"),
      (
        "sequencer",
        "sequencer: the sequencer of scene Scene would be rendered in place of the scene itself: strip White"
      ),
      ("denoise_node", "denoiser-missing: the compositor of scene Scene denoises"),
      ("scripted", "scripts-disabled: text autorun.py is a script that runs when the file is opened"),
      ("textured", "missing-file: image Wood needs //wood.png, which is not there"),
      ("linked", "missing-file: library chair.blend needs //lib/chair.blend, which is not there"),
    ]

    @Test func `never comes of a file that Blender would render wrong, and each says why`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      for (scene, _) in Self.blocked { try await farm.drop(scene, at: "quick/\(scene).blend") }
      let empty = TestFiles.blend(scenes: [("Scene", 10, 5)])
      try Data(empty).write(to: URL(filePath: farm.root.appending("quick/empty_range.blend").string))

      #expect(await farm.logs("job.blocked", times: Self.blocked.count + 1))

      for (scene, words) in Self.blocked + [("empty_range", "no-frames: scene Scene's frame range is empty: 10 to 5")] {
        let sheet = try await farm.farm("show", "job", scene).output
        #expect(sheet.contains("blocked"), "\(scene)")
        #expect(sheet.contains(words), "\(words) in\n\(sheet)")
      }
      #expect(farm.root.appending("dist").filesBelow.isEmpty)
      #expect(farm.logged("a frame failed") == 0)
      await stop(daemon)
    }

    @Test func `is not made of a missing texture or library: the job goes on when they come`() async throws {
      let farm = try await TestFarm()
      let first = try await farm.start()
      try await farm.drop("textured", at: "quick/textured.blend")
      try await farm.drop("linked", at: "quick/linked.blend")
      #expect(await farm.logs("job.blocked", times: 2))
      // Known from the file alone: no Blender was started for it.
      #expect(farm.logged("job.active") == 0)
      #expect(await eventually { farm.root.appending("quick/textured.blend.PROBLEM.txt").isThere })
      let note = String(decoding: farm.root.appending("quick/textured.blend.PROBLEM.txt").contents, as: UTF8.self)
      #expect(note.contains("image Wood needs //wood.png, which is not there"), "\(note)")
      // Still known, and waited for, after a restart.
      await stop(first)
      let daemon = try await farm.start()
      #expect(try await farm.farm("sync").code == 0)
      #expect(farm.logged("job.blocked") == 2)

      try FileManager.default.createDirectory(
        atPath: farm.root.appending("quick/lib").string, withIntermediateDirectories: true)
      let scenes = try await Scenes.shared.path("textured").removingLastComponent()
      try Data("not a picture".utf8).write(to: URL(filePath: farm.root.appending("quick/wood.png").string))
      // Blender paints an empty picture pink and says nothing of it.
      #expect(await farm.logs("which cannot be read as a picture"))
      for name in ["wood.png", "lib/chair.blend"] {
        let target = farm.root.appending("quick").pushing(FilePath(name))
        try Data(scenes.pushing(FilePath(name)).contents).write(to: URL(filePath: target.string))
      }

      #expect(await farm.logs("harvested files=1", times: 2))
      let pink = try await EndToEnd.average(farm.root.appending("dist/quick/textured.png"))
      #expect(pink[0] < 2 * pink[1], "\(pink)")
      let green = try await EndToEnd.average(farm.root.appending("dist/quick/linked.png"))
      #expect(green[1] > green[0] + 0.1, "\(green)")
      await stop(daemon)
    }

    @Test func `is none between the frames that the scene wants, and waits for nothing that is not shown`() async throws
    {
      let farm = try await TestFarm()
      let daemon = try await farm.start()

      try await farm.drop("stepped", at: "quick/stepped.blend")

      #expect(await farm.logs("harvested files=3"))
      #expect(farm.root.appending("dist/quick").names == [1, 4, 7].map { "stepped_000\($0).png" })
      let sheet = try await farm.farm("show", "job", "stepped").output
      #expect(sheet.contains("note: missing-file: //spare.png, named by image Spare, is not there."), "\(sheet)")
      await stop(daemon)
    }

    @Test func `is not that of another scene`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()

      try await farm.drop("two_scenes", at: "quick/two.blend")
      try await farm.drop("gpu", at: "quick/gpu.blend")

      #expect(await farm.logs("harvested files=2"))
      #expect(await farm.logs("harvested files=1"))
      #expect(farm.root.appending("dist/quick").names == ["gpu.png", "two_0005.png", "two_0006.png"])
      let red = try await EndToEnd.average(farm.root.appending("dist/quick/two_0005.png"))
      #expect(red[0] > 2 * red[2], "\(red)")
      // A slow picture is a right picture; the artist is told.
      #expect(try await farm.farm("show", "job", "gpu").output.contains("no-gpu: scene Scene asks for a GPU"))
      await stop(daemon)
    }
  }
}
