import FarmAPI
import FarmModel
import FarmTesting
import Foundation
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
      #expect(try await farm.farm("verify", Self.release).code == 0)
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
}
