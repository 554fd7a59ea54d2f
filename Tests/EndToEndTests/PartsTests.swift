import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import Supervisor
import SystemPackage
import Testing

extension EndToEnd.Pictures {
  /// Jobs of more than one picture a frame, and frames of more than one task.
  @Suite("A job in parts")
  struct PartsTests {
    private func write(_ text: String, _ farm: TestFarm, _ below: String) throws {
      try Data(text.utf8).write(to: URL(filePath: farm.root.appending(below).string))
    }

    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    /// The frames of a scene as Blender renders them whole, without dithering.
    private func whole(_ scene: String, _ format: String, in folder: FilePath) async throws {
      let words = [
        "-b", try await Scenes.shared.path(scene).string, "-noaudio", "--python-expr",
        "import bpy; bpy.context.scene.render.dither_intensity = 0", "-o", "\(folder)/whole_####", "-F", format, "-a",
      ]
      let end = try await ChildProcess.output(of: ChildCommand(FilePath(Scenes.blender), words)).end
      try #require(end.isSuccess)
    }

    @Test(arguments: [
      ("PNG", "png", "record outputs"), ("OPEN_EXR", "exr", "record a picture of tiles"),
      ("TIFF", "tif", "note a picture of tiles"),
    ])
    func `in tiles is bit for bit what it is whole, also when the daemon is killed`(
      format: String, ending: String, act: String
    ) async throws {
      let farm = try await TestFarm(config: "slots: 2\n")
      let daemon = try farm.launch(environment: ["FARM_FAILPOINT": act])
      try write("tiles: 4x3\nformat: \(format)\n", farm, "quick/odd.farm.yaml")
      try await farm.drop("odd_anim", at: "quick/odd.blend")
      #expect(await daemon.end(within: .seconds(60)) == -SIGKILL)

      let second = try await farm.start()
      #expect(await farm.logs("harvested files=3"))

      try await whole("odd_anim", format, in: farm.scratch.path)
      for frame in 1...3 {
        let picture = farm.root.appending("dist/quick/odd_000\(frame).\(ending)")
        #expect(try await EndToEnd.areEqual(picture, farm.scratch("whole_000\(frame).\(ending)")))
      }
      #expect(farm.root.appending("dist/quick").names.count == 3)
      #expect(!farm.root.appending("quick/out/odd/.tiles").isThere)
      let sheet = try await farm.farm("show", "job", "odd").output
      #expect(sheet.contains("(3 of 3 done, 0 failed)") && sheet.contains("wanted      tiles 4x3, format \(format)"))

      // A frame that is wanted once more is rendered in tiles once more.
      #expect(try await farm.farm("replace", "job", "odd", "--frames", "2").code == 0)
      #expect(await farm.logs("harvested files=1"))
      #expect(
        try await EndToEnd.areEqual(
          farm.root.appending("dist/quick/odd_0002.\(ending)"), farm.scratch("whole_0002.\(ending)")))
      await stop(second)
    }

    /// One frame of a scene that need not be the active one, as Blender gives it, as `by_hand_0002.png`.
    private func byHand(_ frame: Int, of scene: String, _ file: String, in folder: FilePath) async throws {
      let place = "\(folder)/by_hand_####"
      let words = [
        "-b", try await Scenes.shared.path(file).string, "-noaudio", "-S", scene, "-o", place, "-f", "\(frame)",
      ]
      #expect(try await ChildProcess.output(of: ChildCommand(FilePath(Scenes.blender), words)).end.isSuccess)
    }

    @Test func `whose tile is taken away before it is a picture has it rendered again`() async throws {
      let farm = try await TestFarm()
      let daemon = try farm.launch(environment: ["FARM_FAILPOINT": "move revision to assembling"])
      try write("tiles: 2x2\n", farm, "quick/odd.farm.yaml")
      try await farm.drop("odd", at: "quick/odd.blend")
      #expect(await daemon.end(within: .seconds(60)) == -SIGKILL)
      let tile = farm.root.appending("quick/out/odd/.tiles/000001/1-0.png")
      try FileManager.default.removeItem(atPath: tile.string)

      let second = try await farm.start()

      #expect(await farm.logs("tiles were lost before they became a picture"))
      #expect(await farm.logs("harvested files=1"))
      try await whole("odd", "PNG", in: farm.scratch.path)
      #expect(
        try await EndToEnd.areEqual(farm.root.appending("dist/quick/odd.png"), farm.scratch("whole_0001.png")))
      await stop(second)
    }

    @Test func `that would show seams is rendered whole, with a note`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try write("tiles: 2x2\n", farm, "quick/composited.farm.yaml")
      try await farm.drop("composited", at: "quick/composited.blend")

      #expect(await farm.logs("harvested files=1"))

      let sheet = try await farm.farm("show", "job", "composited").output
      #expect(sheet.contains("not-tiled: the frames of scene Scene are rendered whole, not in tiles: it is composited"))
      await stop(daemon)
    }

    @Test func `has each layer, scene and eye in a picture of its own, and every name says which`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try write("layers: split\n", farm, "quick/layers.farm.yaml")
      try write("scenes: all\n", farm, "quick/scenes.farm.yaml")
      try write("layers: [Front]\n", farm, "quick/front.farm.yaml")
      try await farm.drop("two_layers", at: "quick/layers.blend")
      try await farm.drop("two_layers", at: "quick/front.blend")
      try await farm.drop("two_scenes", at: "quick/scenes.blend")
      try await farm.drop("stereo", at: "quick/stereo.blend")

      let dist = farm.root.appending("dist/quick")
      let delivered = [
        "front_0001.png", "front_0002.png", "layers_Back_far_0001.png", "layers_Back_far_0002.png",
        "layers_Front_0001.png", "layers_Front_0002.png", "scenes_Alpha_0001.png", "scenes_Alpha_0002.png",
        "scenes_Beta_0005.png", "scenes_Beta_0006.png", "stereo_left.png", "stereo_right.png",
      ]
      #expect(await eventually { dist.names.sorted() == delivered }, "\(dist.names)")
      #expect(try await EndToEnd.areSame(dist.appending("front_0001.png"), dist.appending("layers_Front_0001.png")))
      let blue = try await EndToEnd.average(dist.appending("scenes_Alpha_0001.png"))
      let red = try await EndToEnd.average(dist.appending("scenes_Beta_0005.png"))
      #expect(blue[2] > blue[0] && red[0] > red[2])
      // Of a scene that is not the file's active one too each picture is of its own frame.
      try await byHand(2, of: "Alpha", "two_scenes", in: farm.scratch.path)
      #expect(try await EndToEnd.areEqual(dist.appending("scenes_Alpha_0002.png"), farm.scratch("by_hand_0002.png")))
      #expect(!(try await EndToEnd.areSame(dist.appending("scenes_Alpha_0001.png"), farm.scratch("by_hand_0002.png"))))
      #expect(!(try await EndToEnd.areSame(dist.appending("stereo_left.png"), dist.appending("stereo_right.png"))))
      let sheet = try await farm.farm("show", "job", "layers").output
      #expect(sheet.contains("layer Back/far") && sheet.contains("(4 of 4 done, 0 failed)"))
      await stop(daemon)
    }

    @Test func `has beside its pictures what File Output nodes write, and never in the artist's folder`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("output_nodes", at: "quick/kept.blend")
      try write("deliver_nodes: yes\n", farm, "quick/given.farm.yaml")
      try await farm.drop("output_nodes", at: "quick/given.blend")

      #expect(await farm.logs("harvested files=2"))
      #expect(await farm.logs("harvested files=8"))

      #expect(
        farm.root.appending("quick/out/kept/nodes").filesBelow.sorted() == [
          "Both/Old_000001.tga", "Both/Old_000002.tga", "Both/Plain_000001.png", "Both/Plain_000002.png",
          "Depth/000001.exr", "Depth/000002.exr",
        ])
      #expect(!farm.root.appending("quick/artist").isThere)
      try await farm.drop("stereo_nodes", at: "quick/eyes.blend")
      #expect(await farm.logs("job.completed job=quick/eyes"))
      #expect(
        farm.root.appending("quick/out/eyes/nodes").filesBelow.sorted() == [
          "Both/000001.exr", "Each/000001_left.png", "Each/000001_right.png",
        ], "each holds its eyes in its own way")
      let dist = farm.root.appending("dist/quick")
      #expect(
        dist.names.filter { $0.contains("_0001") }.sorted() == [
          "given_0001.png", "given_Both_Old_0001.tga", "given_Both_Plain_0001.png", "given_Depth_0001.exr",
          "kept_0001.png",
        ])
      #expect(try await EndToEnd.areSame(dist.appending("given_0001.png"), dist.appending("given_Both_Plain_0001.png")))

      // Those that were kept are delivered when that is wanted later.
      try write("deliver_nodes: yes\n", farm, "quick/kept.farm.yaml")
      #expect(await farm.logs("harvested files=6"))
      #expect(dist.names.filter { $0.hasPrefix("kept_") }.count == 8)
      try await farm.drop("output_nodes", at: "quick/again.blend")
      #expect(await farm.logs("harvested files=2", times: 2))

      // One that is damaged is seen, and comes again with its frame.
      let old = farm.root.appending("quick/out/again/nodes/Both/Old_000002.tga")
      let whole = old.contents
      #expect(truncate(old.string, 30) == 0)
      let checked = try await farm.farm("check", "release", "quick")
      #expect(checked.output.contains("Old_000002.tga") && checked.code == 1, "\(checked.output)")
      _ = try await farm.farm("replace", "job", "again", "--bad")
      #expect(await eventually { old.contents.count == whole.count })
      await stop(daemon)
    }
  }
}
