import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Pictures {
  /// Files whose need shows at a frame alone, or that no datablock of their kind names.
  @Suite("A file that Blender reads at one frame alone")
  struct ShownFilesTests {
    /// Scenes with their frames, and the file that comes late.
    private static let scenes = [
      (name: "lifted", frames: 3, late: "lifted/f_0002.png"), (name: "rolled", frames: 3, late: "rolled/f_0005.png"),
      (name: "sculpted", frames: 2, late: "sculpted.btx"), (name: "early", frames: 4, late: "early/f_0000.png"),
    ]

    private func copy(_ file: String, _ farm: TestFarm) async throws {
      let source = try await Scenes.shared.path("still").removingLastComponent().pushing(FilePath(file))
      let target = farm.root.appending("quick").pushing(FilePath(file))
      try FileManager.default.createDirectory(
        atPath: target.removingLastComponent().string, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: source.string, toPath: target.string)
    }

    @Test func `holds up its job, or has it rendered anew, and then the pictures are as by hand`() async throws {
      let farm = try await TestFarm(config: "harvest_quiet: 1s\nslots: 2\n")
      let daemon = try await farm.start()
      let folder = try await Scenes.shared.path("still").removingLastComponent()
      for scene in Self.scenes {
        let files =
          scene.name == "sculpted" ? [] : folder.appending(scene.name).filesBelow.map { "\(scene.name)/\($0)" }
        for file in files where file != scene.late { try await copy(file, farm) }
        try await farm.drop(scene.name, at: "quick/\(scene.name).blend")
      }
      // Its library is in it.
      try await farm.drop("sealed", at: "quick/sealed.blend")

      for job in ["lifted", "rolled", "sculpted"] {
        #expect(await farm.logs("job.blocked job=quick/\(job)"), "\(job)")
        let late = try #require(Self.scenes.first { $0.name == job }?.late)
        let why = try await farm.farm("show", "job", job).output
        #expect(why.contains("\(late), which is not there"), "\(why)")
      }
      // The artist never had it either: it is rendered without.
      #expect(await farm.logs("job.completed job=quick/early"))
      for scene in Self.scenes { try await copy(scene.late, farm) }

      let delivered = Self.scenes.flatMap { scene in (1...scene.frames).map { "\(scene.name)_000\($0).png" } }
      let names = Set(delivered + (1...3).map { "sealed_000\($0).png" })
      let dist = farm.root.appending("dist/quick")
      #expect(await farm.logs("job.completed job=quick/early", times: 2))
      #expect(await eventually { names.isSubset(of: dist.names) }, "\(dist.names)")
      #expect(try await farm.farm("sync").code == 0)
      for scene in Self.scenes { try await EndToEnd.expectAsByHand(scene.name, frames: scene.frames, of: farm) }
      try await EndToEnd.expectAsByHand("sealed", frames: 3, of: farm)
      // What is packed is not looked into, and may be simulated.
      let sealed = try await farm.farm("show", "job", "sealed").output
      #expect(sealed.contains("library sealed_seat.blend is simulated as it is rendered"), "\(sealed)")
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test func `by way of a link is followed when that leads elsewhere, and a cache behind a link is used`()
      async throws
    {
      let farm = try await TestFarm(config: "harvest_quiet: 1s\n")
      let daemon = try await farm.start()
      for (version, color) in [("v1", "1,0,0"), ("v2", "0,0,1")] {
        try farm.scratch.folder("volume/quick/\(version)")
        try await EndToEnd.paint(farm.root.appending("quick/\(version)/wood.png"), color)
      }
      let link = farm.root.appending("quick/textures")
      try #require(symlink("v1", link.string) == 0)
      try await farm.drop("textured_below", at: "quick/a.blend")
      let cache = try await Scenes.shared.path("draped").removingLastComponent().appending("blendcache_draped")
      try #require(symlink(cache.string, farm.root.appending("quick/blendcache_draped").string) == 0)
      try await farm.drop("draped", at: "quick/draped.blend")
      #expect(await farm.logs("harvested files=1 release=quick"))
      #expect(await farm.logs("harvested files=4 release=quick"))

      let new = farm.root.appending("quick/new")
      try #require(symlink("v2", new.string) == 0)
      try #require(rename(new.string, link.string) == 0)

      #expect(await farm.logs("harvested files=1 release=quick", times: 2))
      try await DependencyTests.isBlue(farm.root.appending("dist/quick/a.png"))
      try await EndToEnd.expectAsByHand("draped", frames: 4, of: farm)
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }
  }
}
