import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import Supervisor
import SystemPackage
import Testing
import VolumeFiles

extension EndToEnd.Drops {
  /// Names that Swift, a terminal or another system reads otherwise than the disk does.
  @Suite("A drop whose name is hard to read")
  struct ForeignNamesTests {
    /// Its first letter is a combining mark, its last one joins what comes behind it.
    private static let release = "\u{301}r\u{0600}"
    private static let jobs = [
      "shot\u{0600}", "\u{301}first", "a\u{06DD}", "\u{05E9}\u{202E}b", "x'y\"z", "-v", "e\u{301}", "#1",
      "k[1]&{job}", "\u{0D4E}", String(repeating: "n", count: 200),
    ]
    private static let refused = [
      Array("s".utf8) + [0xFF] + Array(".blend".utf8), Array("line\nbreak.blend".utf8), Array("\u{301}end .blend".utf8),
    ]

    /// As bytes: some names are no text.
    private func names(_ folder: FilePath) throws -> Set<FileName> {
      Set(try FolderListing.names(in: folder).map { FileName($0) })
    }

    private func copy(_ scene: String, to path: FilePath) async throws {
      _ = try FileCopy.copy(try await Scenes.shared.path(scene), to: path)
    }

    @Test func `goes from drop to delivery, archive and back, by its bytes`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let volume = Volume(root: farm.root)
      let (store, dist) = (volume.store(of: Self.release), volume.dist(of: Self.release))
      try SharedFolder.make(store.removingLastComponent())
      try SharedFolder.make(store)
      for job in Self.jobs { try await copy("still", to: store.appending(FileName("\(job).blend"))) }
      for name in Self.refused { try await copy("still", to: store.appending(FileName(bytes: name))) }
      #expect(try await farm.farm("sync").code == 0)

      let delivered = Set(Self.jobs.map { FileName("\($0).png") })
      #expect(await eventually { (try? names(dist)) == delivered }, "\(farm.log)")
      #expect(daemon.isRunning)
      // A note beside each file that cannot be a job, and beside no other.
      let notes = await eventually {
        (try? names(store))?.count { $0.hasSuffix(caseless: ".problem.txt") } == Self.refused.count
      }
      #expect(notes)
      let json = try await farm.farm("status", "--json").output
      let status = try JSONDecoder().decode(FarmStatus.self, from: Data(json.utf8))
      let shown = status.releases.first { $0.name.isSameBytes(as: Self.release) }?.jobs.filter {
        $0.state == .completed
      }
      #expect(Set((shown ?? []).map { FileName($0.name) }) == Set(Self.jobs.map { FileName($0) }))
      for job in Self.jobs {
        #expect(try await farm.farm("show", "job", "\(Self.release)/\(job)").output.contains("completed"), "\(job)")
      }
      #expect(try await farm.farm("status").code == 0)
      #expect(try await farm.farm("show", "release", Self.release).code == 0)

      daemon.send(SIGKILL)
      #expect(await daemon.end() == -SIGKILL)
      let again = try await farm.start()
      let before = try names(store)
      #expect(try await farm.farm("archive", "release", Self.release, "--force").code == 0)
      #expect(!store.isThere)
      #expect(try await farm.farm("verify", "archive", Self.release).code == 0)
      let restored = try await farm.farm("restore", "release", Self.release)
      #expect(restored.code == 0, "\(restored.output)")
      // Notes are no part of an archive.
      #expect(
        try names(store).filter { $0.hasSuffix(caseless: ".blend") }
          == before.filter { $0.hasSuffix(caseless: ".blend") })
      #expect(try await farm.farm("sync").code == 0)
      #expect(try names(dist) == delivered)
      #expect(farm.logged("job.queued") == Self.jobs.count)

      again.send(SIGTERM)
      #expect(await again.end(within: .seconds(60)) == 0)
    }

    @Test func `may have scenes of any name, each in its own folder and none outside of its job's`() async throws {
      let farm = try await TestFarm()
      let script = try farm.scratch.write(
        #"""
        import bpy, sys
        scene = bpy.context.scene
        scene.render.engine = "CYCLES"
        scene.cycles.samples, scene.cycles.use_denoising = 1, False
        scene.render.resolution_x = scene.render.resolution_y = 16
        scene.frame_end = 1
        scene.name = "../\u0301x"
        for name in ("\u00e9", "e\u0301"):
            copy = scene.copy()
            copy.name, copy.use_fake_user = name, True
        bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1], copy=True)
        """#, to: "scenes.py")
      let blend = farm.scratch("scenes.blend")
      let words = ["-b", "--factory-startup", "-noaudio", "-P", script.string, "--", blend.string]
      let (end, lines) = try await ChildProcess.output(of: ChildCommand(FilePath(Scenes.blender), words))
      #expect(end.isSuccess, "\(lines)")
      let daemon = try await farm.start()
      try farm.scratch.write("scenes: all\n", to: "volume/quick/scenes.farm.yaml")
      _ = try FileCopy.copy(blend, to: farm.root.appending("quick/scenes.blend"))

      let isDelivered = await eventually { farm.root.appending("dist/quick").names.count == 3 }

      #expect(isDelivered, "\(farm.log)")
      let folded = Set(farm.root.appending("dist/quick").names.map { $0.lowercased() })
      #expect(folded.count == 3 && folded.contains("scenes_.._\u{301}x.png"), "\(folded)")
      #expect(farm.root.appending("quick/out").names == ["scenes"])
      #expect(farm.root.appending("quick").names == ["out", "scenes.blend", "scenes.farm.yaml"])
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test func `is killed by its name`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      #expect(try await farm.farm("pause").code == 0)
      for job in ["late\u{0600}", "\u{301}early"] {
        try await copy("still", to: farm.root.appending("quick").appending(FileName("\(job).blend")))
        #expect(try await farm.farm("sync").code == 0)

        let killed = try await farm.farm("kill", "jobs", job)

        #expect(
          killed.code == 0 && killed.output.contains("killed quick/\(job)".escapedForTerminal), "\(killed.output)")
      }
      #expect(daemon.isRunning)
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }
  }

  /// Files that are no drops though they look like some.
  @Suite("A file that is not picked up")
  struct OverlookedFileTests {
    private func overlooked(_ farm: TestFarm) async throws -> [OverlookedFile] {
      let json = try await farm.farm("status", "--json").output
      return try JSONDecoder().decode(FarmStatus.self, from: Data(json.utf8)).overlooked ?? []
    }

    @Test func `is told once in status and STATUS txt until it lies in its place`() async throws {
      let farm = try await TestFarm(config: "harvest_quiet: 1s\nignore: [\"wip_*\"]\n")
      let daemon = try await farm.start()
      #expect(try await farm.farm("plan", "release", "spring", "--jobs", "b").code == 0)
      let wrong = [
        "quick/sub/a.blend", "quick/wip_1.blend", "quick/x_conflict-20260101-101010.blend", "releases/spring/b.blend",
        "top.blend",
      ]
      for path in wrong { try await farm.drop("still", at: path) }
      try farm.scratch.write("PK", to: "volume/quick/pack.zip")
      #expect(try await farm.farm("sync").code == 0)

      #expect(try await overlooked(farm).map(\.path) == (wrong + ["quick/pack.zip"]).sorted())
      let text = try await farm.farm("status").output
      for path in wrong { #expect(text.contains("\(path): "), "\(text)") }
      #expect(
        await eventually {
          String(decoding: farm.root.appending("STATUS.txt").contents, as: UTF8.self)
            .contains("releases/spring/b.blend: it lies beside releases/spring/store/, not in it. Move it into")
        })
      #expect(farm.logged("job.queued") == 0)

      let (from, to) = (farm.root.appending("releases/spring/b.blend"), farm.root.appending("releases/spring/store"))
      try FileManager.default.moveItem(atPath: from.string, toPath: to.appending("b.blend").string)
      for path in wrong where path != "releases/spring/b.blend" {
        try FileManager.default.removeItem(atPath: farm.root.appending(path).string)
      }
      try FileManager.default.removeItem(atPath: farm.root.appending("quick/pack.zip").string)
      #expect(try await farm.farm("sync").code == 0)

      #expect(try await overlooked(farm).isEmpty)
      #expect(await farm.logs("release.harvested"))
      #expect(farm.root.appending("dist").filesBelow == ["spring/b.png"])
      #expect(
        await eventually {
          !String(decoding: farm.root.appending("STATUS.txt").contents, as: UTF8.self)
            .contains("Not picked up")
        })
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test func `is no release when it is a folder of a system`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      for folder in ["#recycle", "@eaDir", "$RECYCLE.BIN", "__MACOSX"] {
        try await farm.drop("still", at: "releases/\(folder)/store/a.blend")
      }
      try await farm.drop("still", at: "quick/#1.blend")
      #expect(try await farm.farm("sync").code == 0)

      #expect(await farm.logs("harvested files=1"))
      let status = try await farm.farm("status", "--json").output
      let read = try JSONDecoder().decode(FarmStatus.self, from: Data(status.utf8))
      #expect(read.releases.map(\.name) == ["quick"] && read.daemon.troubles.isEmpty && read.overlooked == nil)
      #expect(farm.root.appending("dist").filesBelow == ["quick/#1.png"])
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }
  }
}
