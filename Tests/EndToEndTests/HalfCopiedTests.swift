import FarmTesting
import Foundation
import Supervisor
import SystemPackage
import Testing

extension EndToEnd.Pictures {
  /// Blender shows what there is of some pictures and says nothing.
  @Suite("A texture that is only half there")
  struct HalfCopiedTests {
    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    /// The bytes of a blue picture of any size.
    private func blue(_ farm: TestFarm, _ ending: String) async throws -> [UInt8] {
      let path = farm.scratch("blue.\(ending)")
      let words = [
        "--pattern", "noise:mono=1", "64x64", "3", "--mulc", "0,0,1", "--addc", "0,0,0.4", "-d", "uint8", "-o",
        path.string,
      ]
      try #require(try await ChildProcess.output(of: ChildCommand("/usr/bin/oiiotool", words)).0.isSuccess)
      return path.contents
    }

    @Test func `is waited for, whatever its format`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      // A JPEG may have another name.
      let all = [
        ("textured", "wood.png", "jpg"), ("textured_tga", "wood.tga", "tga"), ("textured_webp", "wood.webp", "webp"),
      ]
      var whole: [String: [UInt8]] = [:]
      for (_, file, ending) in all {
        let bytes = try await blue(farm, ending)
        whole[file] = bytes
        try farm.scratch.write(bytes.prefix(bytes.count / 2), to: "volume/quick/\(file)")
      }
      for (scene, _, _) in all { try await farm.drop(scene, at: "quick/\(scene).blend") }
      #expect(await farm.logs("job.blocked", times: 3))
      for (scene, file, _) in all {
        let why = try await farm.farm("show", "job", scene).output
        #expect(why.contains("image Wood needs //\(file), which is not whole: it ends too soon"), "\(why)")
      }

      // A little more of each is not enough.
      for (file, bytes) in whole {
        try farm.scratch.write(bytes.prefix(bytes.count * 3 / 4), to: "volume/quick/\(file)")
      }
      #expect(try await farm.farm("sync").code == 0)
      for (file, bytes) in whole { try farm.scratch.write(bytes, to: "volume/quick/\(file)") }

      #expect(await farm.logs("harvested files=1 release=quick", times: 3))
      #expect(farm.logged("job.active") == 3)
      for (scene, _, _) in all { try await DependencyTests.isBlue(farm.root.appending("dist/quick/\(scene).png")) }
      await stop(daemon)
    }

    @Test func `and is held open by a program is used when that lets go of it`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let path = try farm.scratch.write(try await blue(farm, "webp"), to: "volume/quick/wood.webp")
      let writer = try FileDescriptor.open(path, .readWrite)
      try await farm.drop("textured_webp", at: "quick/a.blend")
      #expect(await farm.logs("image Wood needs //wood.webp, which is not whole: it is still being written"))

      try writer.close()

      #expect(await farm.logs("harvested files=1 release=quick"))
      try await DependencyTests.isBlue(farm.root.appending("dist/quick/a.png"))
      await stop(daemon)
    }

    @Test func `and stays so is decided about in the end`() async throws {
      let farm = try await TestFarm(config: "settle_stall: 1s\n")
      let daemon = try await farm.start()
      let jpeg = try await blue(farm, "jpg")
      // All pixels, and no end.
      try farm.scratch.write(jpeg.dropLast(2), to: "volume/quick/wood.png")
      try await farm.drop("textured", at: "quick/a.blend")

      #expect(await farm.logs("harvested files=1 release=quick"))
      try await DependencyTests.isBlue(farm.root.appending("dist/quick/a.png"))
      let shown = try await farm.farm("show", "job", "a").output
      #expect(shown.contains("note: not-whole: image Wood needs //wood.png, which ends too soon"), "\(shown)")

      try farm.scratch.write(jpeg.prefix(jpeg.count / 2), to: "volume/quick/wood.png")
      #expect(await farm.logs("image Wood needs //wood.png, which cannot be read as a picture"))
      try farm.scratch.write(jpeg, to: "volume/quick/wood.png")
      #expect(await farm.logs("harvested files=1 release=quick", times: 2))
      #expect(try await !farm.farm("show", "job", "a").output.contains("not-whole"))
      await stop(daemon)
    }
  }
}
