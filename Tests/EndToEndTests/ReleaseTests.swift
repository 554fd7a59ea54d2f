import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Life {
  /// What people want of a release, from the plan to the names in `dist/`.
  @Suite("A release")
  struct ReleaseTests {
    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test func `is planned with its files, and delivered by hand under names that say how the object is turned`()
      async throws
    {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let file = farm.scratch("turn.blend").string
      try FileManager.default.copyItem(atPath: try await Scenes.shared.path("anim").string, toPath: file)

      let planned = try await farm.farm(
        "plan", "release", "spring", "--harvest", "manual", "--naming", "cube_{rx:3}_{ry:3}_{rz:3}.png", file)
      #expect(planned.code == 0 && planned.output.hasSuffix("copied turn\n"), "\(planned.output)")
      #expect(await farm.logs("job.completed job=spring/turn"))
      let shown = try await farm.farm("harvest", "release", "spring", "--dry-run").output
      let names = shown.split(separator: "\n").compactMap { $0.components(separatedBy: "dist/spring/").last }.dropLast()
      #expect(shown.hasPrefix("releases/spring/out/turn/000001.png -> dist/spring/cube_000_000_000.png\n"), "\(shown)")
      #expect(shown.hasSuffix("cube_000_000_090.png\n6 files would be delivered\n"), "\(shown)")
      #expect(farm.root.appending("dist").filesBelow.isEmpty)

      #expect(try await farm.farm("harvest", "release", "spring").output == "delivered 6 files of spring\n")
      #expect(farm.root.appending("dist/spring").names == names.sorted())
      #expect(try await farm.farm("harvest", "release", "spring").output == "nothing is to be delivered\n")
      let sheet = try await farm.farm("show", "release", "spring").output
      #expect(sheet.hasPrefix("spring  harvested\n") && sheet.contains("dist/spring (6 files there)"), "\(sheet)")
      #expect(sheet.contains("as a whole, with turn") && sheet.contains("cube_{rx:3}_{ry:3}_{rz:3}.png"), "\(sheet)")
      await stop(daemon)
    }

    @Test func `is what its release.yaml says, as soon as that is changed`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try farm.scratch.write("harvest: manual\npriority: 70\n", to: "volume/releases/r/release.yaml")
      #expect(await farm.logs("release.planned release=r"))
      try await farm.drop("still", at: "releases/r/store/b.blend")
      #expect(await farm.logs("job.completed job=r/b"))
      #expect(try await farm.farm("list", "releases").output.contains("70"))

      try farm.scratch.write("harvest: auto\npriority: high\n", to: "volume/releases/r/release.yaml")
      #expect(await farm.logs("reading the plan of r"))
      let wrong = try await farm.farm("show", "release", "r").output
      #expect(wrong.contains("release.yaml:2:11: the value of \"priority\" is not in its range: 0 to 100"), "\(wrong)")
      #expect(wrong.contains("harvest      manual") && wrong.contains("priority     70"), "\(wrong)")
      #expect(try await farm.farm("harvest", "release", "r").output.contains("nothing is delivered until then"))
      #expect(farm.root.appending("dist").filesBelow.isEmpty)

      try farm.scratch.write("harvest: auto\npriority: 20\n", to: "volume/releases/r/release.yaml")
      #expect(await farm.logs("harvested files=1 release=r"))
      let mended = try await farm.farm("show", "release", "r").output
      #expect(!mended.contains("bad-release") && mended.contains("priority     20"), "\(mended)")
      await stop(daemon)
    }

    @Test func `is not delivered with something missing, unless asked for what there is`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      #expect(try await farm.farm("plan", "release", "spring", "--jobs", "a,b", "--naming", "x.{ext}").code == 0)
      try await farm.drop("still", at: "releases/spring/store/a.blend")
      #expect(await farm.logs("job.completed job=spring/a"))

      let early = try await farm.farm("harvest", "release", "spring")
      #expect(early.code == 1 && early.output.contains("it waits for a drop of b"), "\(early.output)")
      let partial = try await farm.farm("harvest", "release", "spring", "--partial").output
      #expect(partial == "delivered 1 file of spring\nnot delivered: a drop of b\n", "\(partial)")

      try await farm.drop("still", at: "releases/spring/store/b.blend")
      #expect(await farm.logs("harvesting spring: spring/b and spring/a would both be delivered as x.png"))
      #expect(farm.root.appending("dist/spring").names == ["x.png"])
      #expect(try await farm.farm("show", "release", "spring").output.contains("Write `naming: '{job}[_{scene}]"))
      await stop(daemon)
    }
  }
}
