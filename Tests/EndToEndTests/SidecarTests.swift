import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Drops {
  /// What people want of a job besides what its file says.
  @Suite("A sidecar")
  struct SidecarTests {
    private func write(_ text: String, _ farm: TestFarm, _ below: String) throws {
      try Data(text.utf8).write(to: URL(filePath: farm.root.appending(below).string))
    }

    private func size(of picture: FilePath) -> String {
      // Width and height of a PNG stand at byte 16.
      picture.contents.dropFirst(16).prefix(8).map { "\($0)" }.joined(separator: " ")
    }

    @Test func `with a mistake holds up its job alone, which goes on when it is mended`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try write("# mine\nframe: 2-3\n", farm, "quick/shot.farm.yaml")
      try await farm.drop("anim", at: "quick/shot.blend")
      try await farm.drop("still", at: "quick/other.blend")

      #expect(await farm.logs("job.blocked job=quick/shot"))
      #expect(await farm.logs("harvested files=1"))
      let sheet = try await farm.farm("show", "job", "shot").output
      #expect(sheet.contains("bad-settings: "), "\(sheet)")
      #expect(sheet.contains("quick/shot.farm.yaml:2:1: there is no key \"frame\"; did you mean \"frames\"?"))
      #expect(sheet.contains("etc/job.farm.yaml shows every key"))
      #expect(await eventually { farm.root.appending("quick/shot.blend.PROBLEM.txt").isThere })

      try write("frames: 2-3\npercentage: 50\n", farm, "quick/shot.farm.yaml")

      #expect(await farm.logs("harvested files=2"))
      let dist = farm.root.appending("dist/quick")
      #expect(dist.names.sorted() == ["other.png", "shot_0002.png", "shot_0003.png"])
      #expect(size(of: dist.appending("shot_0002.png")) == "0 0 0 32 0 0 0 18")
      #expect(await eventually { !farm.root.appending("quick/shot.blend.PROBLEM.txt").isThere })
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test func `that is changed renders its job anew where the pictures are others, also while the daemon was down`()
      async throws
    {
      let farm = try await TestFarm()
      let first = try await farm.start()
      try await farm.drop("anim", at: "quick/shot.blend")
      #expect(await farm.logs("harvested files=6"))

      try write("frames: 1-2\n", farm, "quick/shot.farm.yaml")
      #expect(await farm.logs("harvested files=2"))
      let dist = farm.root.appending("dist/quick")
      #expect(await eventually { dist.names.sorted() == ["shot_0001.png", "shot_0002.png"] })

      // A mistake now is a mistake, though the pictures are there already.
      try write("frames: 1-2\nsample: 9\n", farm, "quick/shot.farm.yaml")
      #expect(await farm.logs("job.note job=quick/shot problem=\"bad-settings: "))
      let wrong = try await farm.farm("show", "job", "shot").output
      #expect(wrong.contains("shot.farm.yaml:2:1: there is no key \"sample\"; did you mean \"samples\"?"), "\(wrong)")
      let note = farm.root.appending("quick/shot.blend.PROBLEM.txt")
      #expect(await eventually { note.isThere })
      #expect(String(decoding: note.contents, as: UTF8.self).contains("shot.blend stays as it was rendered"))
      #expect(dist.names.count == 2)

      try write("frames: 1-2\norder: ascending\npriority: 80\n", farm, "quick/shot.farm.yaml")
      #expect(await farm.logs("other settings, the same pictures"))
      #expect(try await farm.farm("list", "jobs", "priority>79").output.contains("quick/shot"))
      #expect(await eventually { !farm.root.appending("quick/shot.blend.PROBLEM.txt").isThere })
      first.send(SIGTERM)
      #expect(await first.end(within: .seconds(10)) == 0)

      try FileManager.default.removeItem(atPath: farm.root.appending("quick/shot.farm.yaml").string)
      let second = try await farm.start()

      #expect(await farm.logs("harvested files=6", times: 2))
      #expect(try await farm.farm("show", "job", "shot").output.contains("revision    3, "))
      #expect(dist.names.count == 6)
      second.send(SIGTERM)
      #expect(await second.end(within: .seconds(10)) == 0)
    }

    @Test func `that wants it all the same has a job go on that waits for a file`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("textured", at: "quick/shot.blend")
      #expect(await farm.logs("job.blocked job=quick/shot"))

      try write("on_missing: warn\n", farm, "quick/shot.farm.yaml")

      #expect(await farm.logs("harvested files=1"))
      #expect(try await farm.farm("show", "job", "shot").output.contains("revision    1, "))
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test func `that is changed is known when the sync returns`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try write("frames: 2\n", farm, "quick/a.farm.yaml")
      try await farm.drop("anim", at: "quick/a.blend")
      #expect(await farm.logs("harvested files=1"))

      try write("frames: 2-3\n", farm, "quick/a.farm.yaml")
      #expect(try await farm.farm("sync").code == 0)
      #expect(farm.logged("job.queued") == 2)

      #expect(await farm.logs("harvested files=2"))
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test func `of a whole release with a mistake holds up what is dropped there, until it is mended`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try FileManager.default.createDirectory(
        atPath: farm.root.appending("releases/spring/store").string, withIntermediateDirectories: true)
      try write("defaults:\n  percentag: 50\n", farm, "releases/spring/release.yaml")
      #expect(await farm.logs("did you mean \"percentage\"?"))
      try await farm.drop("still", at: "releases/spring/store/shot.blend")

      #expect(await farm.logs("job.blocked job=spring/shot"))
      let sheet = try await farm.farm("show", "job", "shot").output
      #expect(sheet.contains("release.yaml:2:3: there is no key \"percentag\""), "\(sheet)")

      try write("defaults:\n  percentage: 50\n", farm, "releases/spring/release.yaml")

      #expect(await farm.logs("harvested files=1"))
      #expect(size(of: farm.root.appending("dist/spring/shot.png")) == "0 0 0 32 0 0 0 18")

      // The same when it is mended while no daemon runs.
      try write("default: {}\n", farm, "releases/spring/release.yaml")
      #expect(await farm.logs("did you mean \"defaults\"?"))
      try await farm.drop("still", at: "releases/spring/store/late.blend")
      #expect(await farm.logs("job.blocked job=spring/late"))
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
      try write("defaults:\n  percentage: 50\n", farm, "releases/spring/release.yaml")
      let second = try await farm.start()
      #expect(await eventually { farm.root.appending("dist/spring/late.png").isThere })
      second.send(SIGTERM)
      #expect(await second.end(within: .seconds(10)) == 0)
    }

    @Test func `goes before the defaults of its release, which hold for all its jobs`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      #expect(try await farm.farm("plan", "release", "spring", "--jobs", "a,b,wrong").code == 0)
      let plan = farm.root.appending("releases/spring/release.yaml")
      let text = String(decoding: plan.contents, as: UTF8.self)
      try write(text + "defaults: {frames: 2, format: TIFF, layers: [Nope]}\n", farm, "releases/spring/release.yaml")
      #expect(await farm.logs("release.planned"))
      try write("layers: split\n", farm, "releases/spring/store/a.farm.yaml")
      try write("layers: split\nformat: WEBP\n", farm, "releases/spring/store/b.farm.yaml")
      for job in ["a", "b", "wrong"] { try await farm.drop("anim", at: "releases/spring/store/\(job).blend") }

      #expect(await farm.logs("job.blocked job=spring/wrong"))
      let sheet = try await farm.farm("show", "job", "spring/wrong").output
      #expect(sheet.contains("bad-settings: scene Scene has no view layer \"Nope\""))

      // Changed for all of them: the job that waited goes on by itself.
      try write(text + "defaults: {frames: 2, format: TIFF}\n", farm, "releases/spring/release.yaml")
      #expect(await farm.logs("harvested files=3"))
      #expect(
        farm.root.appending("dist/spring").names.sorted() == ["a.tif", "b.webp", "wrong.tif"])
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }
  }
}
