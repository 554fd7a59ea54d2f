import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Pictures {
  /// Baked simulations that are copied more slowly than the files that need them.
  @Suite("A cache that is only half there")
  struct HalfCacheTests {
    /// A scene, the folder of its cache, and the frames that cannot be rendered without the second half.
    private static let scenes = [
      (name: "half_draped", cache: "blendcache_half_draped", frames: "frames 3-6"),
      (name: "smoky", cache: "cache_smoky", frames: "frames 3-4"),
      (name: "sea", cache: "cache_sea", frames: "frames 3-4"),
    ]

    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    /// The files of a scene's cache below the folder of the scenes, those of the first two frames first.
    private func files(_ cache: String) async throws -> [String] {
      let scenes = try await Scenes.shared.path("still").removingLastComponent()
      let below = scenes.appending(cache).filesBelow.map { "\(cache)/\($0)" }
      let isLate = { (path: String) in path.contains("0003") || path.contains("0004") }
      return below.filter { !isLate($0) }.sorted() + below.filter(isLate).sorted()
    }

    private func copy(_ file: String, _ farm: TestFarm, to folder: String) async throws {
      let source = try await Scenes.shared.path("still").removingLastComponent().pushing(FilePath(file))
      let target = farm.root.appending(folder).pushing(FilePath(file))
      try FileManager.default.createDirectory(
        atPath: target.removingLastComponent().string, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: source.string, toPath: target.string)
    }

    private func expectSame(_ farm: TestFarm, _ scene: String, frames: ClosedRange<Int>) async throws {
      for frame in frames {
        let name = "\(scene)_000\(frame).png"
        let same = try await EndToEnd.areEqual(
          farm.root.appending("dist/quick/\(name)"), farm.root.appending("dist/whole/\(name)"))
        #expect(same, "\(name)")
      }
    }

    @Test func `holds up its job until its last file is there: the pictures are those of the whole one`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      for (scene, cache, _) in Self.scenes {
        let files = try await files(cache)
        for file in files { try await copy(file, farm, to: "releases/whole/store") }
        for file in files.prefix(files.count / 2) { try await copy(file, farm, to: "quick") }
        try await farm.drop(scene, at: "releases/whole/store/\(scene).blend")
        try await farm.drop(scene, at: "quick/\(scene).blend")
      }
      #expect(await farm.logs("job.blocked job=quick/", times: 3))
      for (scene, _, frames) in Self.scenes {
        let sheet = try await farm.farm("show", "job", "quick/\(scene)").output
        #expect(sheet.contains("which is not there") && sheet.contains("\(frames) cannot be rendered"), "\(sheet)")
      }

      // All but the last file of each come, and the farm has time for another job meanwhile.
      var last: [String] = []
      for (_, cache, _) in Self.scenes {
        let files = try await files(cache)
        for file in files.dropFirst(files.count / 2).dropLast() { try await copy(file, farm, to: "quick") }
        last += files.suffix(1)
      }
      try await farm.drop("anim", at: "quick/other.blend")
      #expect(await farm.logs("job.completed job=quick/other"))
      for (scene, _, _) in Self.scenes { #expect(farm.logged("job.active job=quick/\(scene)") == 0) }
      for file in last { try await copy(file, farm, to: "quick") }

      for (scene, _, _) in Self.scenes {
        #expect(await farm.logs("job.completed job=quick/\(scene)"), "\(scene)")
        #expect(await farm.logs("job.completed job=whole/\(scene)"), "\(scene)")
      }
      let delivered = await eventually(within: .seconds(60)) {
        farm.root.appending("dist/quick").names.count == 20 && farm.root.appending("dist/whole").names.count == 14
      }
      #expect(delivered)
      try await expectSame(farm, "half_draped", frames: 1...6)
      try await expectSame(farm, "smoky", frames: 1...4)
      try await expectSame(farm, "sea", frames: 1...4)
      // Of frames behind the end of the cache the job has a note.
      let sheet = try await farm.farm("show", "job", "quick/half_draped").output
      #expect(sheet.contains("is baked up to frame 4: frames 5-6 show it as it is then"), "\(sheet)")
      await stop(daemon)
    }

    @Test func `is rendered where the artist wants that, and again when the rest comes`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let files = try await files("blendcache_half_draped")
      for file in files {
        try await copy(file, farm, to: "releases/whole/store")
        if file != files[3] { try await copy(file, farm, to: "quick") }
      }
      try Data("on_missing: warn\n".utf8).write(
        to: URL(filePath: farm.root.appending("quick/half_draped.farm.yaml").string))
      try await farm.drop("half_draped", at: "releases/whole/store/half_draped.blend")
      try await farm.drop("half_draped", at: "quick/half_draped.blend")
      #expect(await farm.logs("harvested files=6 release=quick"))
      #expect(await farm.logs("harvested files=6 release=whole"))
      let last = ("dist/quick/half_draped_0006.png", "dist/whole/half_draped_0006.png")
      #expect(try await !EndToEnd.areEqual(farm.root.appending(last.0), farm.root.appending(last.1)))

      try await copy(files[3], farm, to: "quick")

      #expect(await farm.logs("harvested files=6 release=quick", times: 2))
      try await expectSame(farm, "half_draped", frames: 1...6)
      await stop(daemon)
    }
  }
}
