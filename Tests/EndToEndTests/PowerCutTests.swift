import FarmModel
import FarmTesting
import Foundation
import Pictures
import Supervisor
import SystemPackage
import Testing
import VolumeFiles

extension EndToEnd.Crashes {
  /// What a power cut leaves: names without their bytes, and a lock of another start of the machine.
  @Suite("A power cut")
  struct PowerCutTests {
    /// The volume as a disk without its last bytes would hold it: a copy in its place, these files cut to nothing.
    private func cut(_ farm: TestFarm, _ files: [FilePath]) throws {
      for file in files {
        let time = try #require(try FileStatus(at: file)?.fingerprint.mtimeNanoseconds)
        #expect(truncate(file.string, 0) == 0)
        let moment = timespec(tv_sec: Int(time / 1_000_000_000), tv_nsec: Int(time % 1_000_000_000))
        #expect(utimensat(AT_FDCWD, file.string, [moment, moment], 0) == 0)
      }
      let lock = farm.root.appending(".farm/lock")
      let text = String(decoding: lock.contents, as: UTF8.self)
      let mine = try #require(text.firstMatch(of: /"bootID":"([^"]*)"/))
      try Data(text.replacing(mine.1, with: "another-start").utf8).write(to: URL(filePath: lock.string))
    }

    /// How many frames of a job the ledger calls done.
    private func done(of job: String, in farm: TestFarm) async throws -> Int {
      let row = try await farm.farm("list", "jobs", job).output
      return row.firstMatch(of: /(\d+)\/\d+/).flatMap { Int($0.1) } ?? 0
    }

    @Test func `costs the pictures that did not reach the disk, and no other`() async throws {
      let farm = try await TestFarm(config: "chunk: 1\nharvest_quiet: 1s\n")
      let daemon = try await farm.start()
      try await farm.drop("anim", at: "quick/delivered.blend")
      #expect(await farm.logs("harvested files=6"))
      #expect(try await farm.farm("plan", "release", "spring").code == 0)
      try await farm.drop("slow", at: "releases/spring/store/shot.blend")
      let out = farm.root.appending("releases/spring/out/shot")
      try #require(await eventually { try await done(of: "shot", in: farm) >= 2 })
      daemon.send(SIGKILL)
      #expect(await daemon.end() == -SIGKILL)

      // The volume moves to another disk as a whole: every inode is another.
      let copy = farm.scratch("copy").string
      let copied = try await ChildProcess.output(of: ChildCommand("/bin/cp", ["-a", farm.root.string, copy]))
      try #require(copied.end.isSuccess, "\(copied.lines)")
      try FileManager.default.removeItem(atPath: farm.root.string)
      try FileManager.default.moveItem(atPath: copy, toPath: farm.root.string)
      // In the order in which they were rendered: of the first two the ledger knows.
      let promoted = try out.names.sorted {
        try FileStatus(at: out.appending($0))?.fingerprint.mtimeNanoseconds ?? 0
          < FileStatus(at: out.appending($1))?.fingerprint.mtimeNanoseconds ?? 0
      }
      let dist = farm.root.appending("dist/quick")
      let lost = promoted[1]
      try cut(farm, [dist.appending("delivered_0004.png"), out.appending(lost)])
      let kept = try [out.appending(promoted[0]), dist.appending("delivered_0001.png")]
        .map { try #require(try FileStatus(at: $0)?.identity) }

      let second = try await farm.start()

      #expect(await farm.logs("harvested files=6", times: 2))
      #expect(await farm.logs("harvested files=1"))
      #expect(farm.logged("pictures did not survive a power cut") == 2)
      let pictures = farm.root.appending("dist").filesBelow
      #expect(pictures == (1...6).map { "quick/delivered_000\($0).png" } + (1...6).map { "spring/shot_000\($0).png" })
      var identities: Set<FileIdentity> = []
      for picture in pictures {
        let path = farm.root.appending("dist").pushing(FilePath(picture))
        #expect(throws: Never.self) { try Picture(at: path, expecting: .png) }
        if let identity = try FileStatus(at: path)?.identity { identities.insert(identity) }
      }
      // What was whole was not rendered again.
      #expect(Set(kept).isSubset(of: identities))
      #expect(farm.root.appending(".farm/bad").names.count == 2)
      second.send(SIGTERM)
      #expect(await second.end(within: .seconds(10)) == 0)
    }
  }
}
