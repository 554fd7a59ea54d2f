import FarmTesting
import Foundation
import Supervisor
import SystemPackage
import Testing

extension EndToEnd.Pictures {
  /// Pictures by the daemon beside those of Blender's own command line.
  @Suite("What is delivered")
  struct SamePictureTests {
    /// Scenes, with the names of what is delivered of each.
    private static let scenes: [(name: String, frames: Int, format: String)] = [
      ("marked", 3, "png"), ("persistent", 4, "png"), ("falling", 5, "png"), ("falling_blurred", 5, "png"),
      ("remapped", 4, "png"), ("over_scene", 2, "png"), ("before_set", 2, "png"), ("many_layered", 1, "exr"),
      ("deep", 1, "png"), ("draped", 4, "png"), ("sprinkled", 4, "png"), ("furry", 2, "png"),
      ("stamped_name", 2, "png"), ("switched", 2, "png"),
    ]

    /// Rigid bodies that Blender simulates while it renders with `-a` differ from those that it bakes (seen in 3.4).
    private static let bake = """
      import bpy
      world = bpy.context.scene.rigidbody_world
      with bpy.context.temp_override(scene=bpy.context.scene, point_cache=world.point_cache):
          bpy.ops.ptcache.bake(bake=True)
      """

    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test func `equals what blender -b FILE -a gives, or the bake, pixel for pixel`() async throws {
      let farm = try await TestFarm(config: "slots: 2\nharvest_quiet: 1s\n")
      let daemon = try await farm.start()
      for scene in Self.scenes { try await farm.drop(scene.name, at: "quick/\(scene.name).blend") }
      let delivered = Self.scenes.flatMap { scene in
        scene.frames == 1
          ? ["\(scene.name).\(scene.format)"]
          : (1...scene.frames).map { "\(scene.name)_000\($0).\(scene.format)" }
      }
      let dist = farm.root.appending("dist/quick")
      #expect(await eventually { Set(delivered).isSubset(of: dist.names) }, "\(dist.names)")
      await stop(daemon)

      for scene in Self.scenes {
        let bake = scene.name.hasPrefix("falling") ? Self.bake : nil
        try await EndToEnd.expectAsByHand(scene.name, frames: scene.frames, scene.format, of: farm, baking: bake)
      }
      let stamped = dist.appending("stamped_name_0001.png").contents
      #expect(stamped.firstRange(of: Array(farm.root.appending("quick/stamped_name.blend").string.utf8)) != nil)
    }

    @Test func `is of one build when Blender is replaced in mid-job`() async throws {
      let scratch = try ScratchFolder()
      let farm = try await TestFarm(
        config: "blenders: [\(scratch("blender"))]\nchunk: 1\nslots: 2\nharvest_quiet: 1s\n")
      try install("first", scratch)
      let daemon = try await farm.start()
      try await farm.drop("slow", at: "quick/a.blend")
      let out = farm.root.appending("quick/out/a")
      #expect(await eventually { out.names.count { $0.hasSuffix(".png") } >= 2 })

      try install("second", scratch)

      #expect(await farm.logs("harvested files=6"), "\(farm.log)")
      let pictures = farm.root.appending("dist/quick").names
      #expect(pictures.count == 6)
      for picture in pictures {
        let bytes = farm.root.appending("dist/quick/\(picture)").contents
        #expect(bytes.firstRange(of: Array("built second".utf8)) != nil, "\(picture)")
        #expect(bytes.firstRange(of: Array("built first".utf8)) == nil, "\(picture)")
      }
      #expect(farm.logged("its Blender is another build; the job begins anew") == 1)
      #expect(farm.logged("a frame failed") == 0)
      await stop(daemon)
    }

    /// Puts a Blender in place that writes its build's name into each picture's metadata.
    private func install(_ build: String, _ scratch: ScratchFolder) throws {
      let mark = """
        import bpy
        @bpy.app.handlers.persistent
        def mark(*_):
            for scene in bpy.data.scenes:
                scene.render.use_stamp_note, scene.render.stamp_note_text = True, "built \(build)"
        bpy.app.handlers.load_post.append(mark)

        """
      let script = try scratch.write(mark, to: "\(build).py")
      let program = try scratch.write("#!/bin/sh\nexec /usr/bin/blender -b -P \(script) \"$@\"\n", to: build)
      #expect(program.withPlatformString { chmod($0, 0o755) } == 0)
      #expect(rename(program.string, scratch("blender").string) == 0)
    }
  }
}
