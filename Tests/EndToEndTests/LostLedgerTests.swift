import FarmAPI
import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Life {
  /// The ledger is deleted, cut, emptied, overwritten: manifests prove what was done, the rest is done again.
  @Suite("A ledger that is lost")
  struct LostLedgerTests {
    private static let damages: [(name: String, damage: @Sendable (FilePath) throws -> Void)] = [
      ("deleted", { unlink($0.string) }),
      ("cut to half", { truncate($0.string, $0.contents.count / 2) }),
      ("emptied", { truncate($0.string, 0) }),
      ("overwritten", { try Data(repeating: 65, count: 8192).write(to: URL(filePath: $0.string)) }),
    ]

    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    private func detail(_ job: String, _ farm: TestFarm) async throws -> JobDetail {
      let text = try await farm.farm("show", "job", job, "--json").output
      return try JSONDecoder().decode(JobDetail.self, from: Data(text.utf8))
    }

    @Test func `is made again, and of what is proven nothing is rendered, delivered or forgotten twice`() async throws {
      let farm = try await TestFarm()
      var daemon = try await farm.start()
      try await fill(farm)
      let before = try await [detail("done", farm), detail("spring/kept", farm), detail("killed", farm)]
      let delivered = farm.root.appending("dist").filesBelow

      for (number, (name, damage)) in Self.damages.enumerated() {
        await stop(daemon)
        let rendered = farm.logged("job.active")
        try damage(farm.root.appending(".farm/state/ledger.sqlite"))
        daemon = try await farm.start()

        #expect(farm.logged("the ledger was made again") == number + 1, "\(name)\n\(farm.log)")
        let after = try await [detail("done", farm), detail("spring/kept", farm), detail("killed", farm)]
        #expect(after.map(\.state) == before.map(\.state), "\(name)")
        #expect(after.map(\.revision) == before.map(\.revision), "\(name)")
        #expect(after.prefix(2).map(\.outputs) == before.prefix(2).map(\.outputs), "\(name)")
        #expect(after.map(\.counts) == before.map(\.counts), "\(name)")
        #expect(after.map(\.digest) == before.map(\.digest), "\(name)")
        #expect(
          try await eventually { try await detail("blocked", farm).problem?.problemClass == .noCamera }, "\(name)")
        #expect(
          await eventually { farm.root.appending("quick").names.contains("blocked.blend.PROBLEM.txt") }, "\(name)")
        #expect(farm.logged("job.active") - rendered <= 1, "only what blocked is looked at again, \(name)")
        #expect(farm.root.appending("dist").filesBelow == delivered, "\(name)")
      }
      let aside = farm.root.appending(".farm/state").names.filter { $0.hasSuffix(".damaged") }
      #expect(aside.count == 3, "all but the deleted one")
      #expect(try await farm.farm("harvest", "release", "spring").output == "delivered 1 file of spring\n")
      #expect(try await farm.farm("ledger", "check").output.hasSuffix("it is whole\n"))
      await stop(daemon)
    }

    /// Work in every state that lasts.
    private func fill(_ farm: TestFarm) async throws {
      try await farm.drop("still", at: "quick/done.blend")
      #expect(await farm.logs("harvested files=1"))
      #expect(try await farm.farm("plan", "release", "spring", "--harvest", "manual").code == 0)
      try await farm.drop("still", at: "releases/spring/store/kept.blend")
      #expect(await farm.logs("job.completed job=spring/kept"))
      try await farm.drop("slow", at: "quick/killed.blend")
      #expect(await farm.logs("job.active job=quick/killed"))
      #expect(try await farm.farm("kill", "jobs", "killed").code == 0)
      try await farm.drop("no_camera", at: "quick/blocked.blend")
      #expect(await farm.logs("job.blocked job=quick/blocked"))
      let manifests = farm.root.appending(".farm/manifests")
      #expect(
        await eventually { manifests.filesBelow == ["quick/done.json", "quick/killed.json", "spring/kept.json"] })
      #expect(
        await eventually {
          String(decoding: manifests.appending("quick/done.json").contents, as: UTF8.self).contains("dist/")
        })
    }

    @Test func `renders what was under way, and keeps frames that nothing proves until then`() async throws {
      let farm = try await TestFarm(config: "chunk: 1\nharvest_quiet: 1s\n")
      let first = try await farm.start()
      try await farm.drop("anim", at: "quick/a.blend")
      #expect(await eventually { farm.root.appending("quick/out/a").names.contains("000001.png") })
      first.send(SIGKILL)
      _ = await first.end()
      for part in ["", "-wal", "-shm"] { unlink(farm.root.appending(".farm/state/ledger.sqlite\(part)").string) }

      let second = try await farm.start()
      #expect(farm.root.appending("quick/out/a").filesBelow.contains { $0.hasSuffix("000001.png") })
      #expect(await farm.logs("job.completed job=quick/a"))
      #expect(try await detail("a", farm).outputs.allSatisfy { $0.attempts == 1 })
      await stop(second)
    }

    @Test func `that is put back from a copy knows what was done since, and what people did before`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      #expect(try await farm.farm("plan", "release", "spring", "--jobs", "s").code == 0)
      try await farm.drop("still", at: "quick/a.blend")
      #expect(await farm.logs("harvested files=1"))
      try await farm.drop("still", at: "releases/spring/store/s.blend")
      #expect(await farm.logs("release.harvested release=spring"))
      let copy = farm.scratch("copy.sqlite").string
      #expect(try await farm.farm("ledger", "backup", copy).code == 0)
      try await farm.drop("overwrite_off", at: "quick/b.blend")
      #expect(await farm.logs("harvested files=2"))
      #expect(try await farm.farm("archive", "release", "spring", "--force").code == 0)
      // Archived and left in place; its disk is away while the ledger is made again.
      #expect(try await farm.farm("plan", "release", "kept", "--jobs", "k").code == 0)
      try await farm.drop("still", at: "releases/kept/store/k.blend")
      #expect(await farm.logs("release.harvested release=kept"))
      #expect(try await farm.farm("archive", "release", "kept", "--force", "--keep").code == 0)
      let (files, renders) = (farm.root.appending("dist").filesBelow, farm.logged("job.active"))
      await stop(daemon)
      let (folder, elsewhere) = (farm.root.string + "/releases/kept", farm.scratch("elsewhere").string)
      try FileManager.default.moveItem(atPath: folder, toPath: elsewhere)

      let rebuilt = try await farm.farm("ledger", "rebuild", "--from", copy)
      #expect(rebuilt.code == 0 && rebuilt.output.contains("from \(copy) and the manifests; jobs: 3"), "\(rebuilt)")
      try FileManager.default.moveItem(atPath: elsewhere, toPath: folder)
      let second = try await farm.start()
      #expect(try await farm.farm("sync").code == 0)

      let jobs = try await farm.farm("list", "jobs").output
      #expect(jobs.contains("quick/a") && jobs.contains("quick/b") && !jobs.contains("spring"), "\(jobs)")
      #expect(jobs.contains("kept/k") && jobs.components(separatedBy: "completed").count == 4, "\(jobs)")
      #expect(try await farm.farm("list", "releases").output.contains("archived"))
      #expect(try await farm.farm("history").output.contains("planned"))
      #expect(try await farm.farm("restore", "release", "spring").code == 0)
      #expect(try await farm.farm("sync").code == 0)
      #expect(farm.root.appending("dist").filesBelow == files)
      #expect(farm.logged("job.active") == renders)
      await stop(second)
      let nothing = try await farm.farm("ledger", "rebuild", "--from", "/nonexistent.sqlite")
      #expect(nothing.code == 1 && nothing.output.contains("cannot open /nonexistent.sqlite"), "\(nothing.output)")
      let other = try farm.scratch.write("no database", to: "other.sqlite").string
      let wrong = try await farm.farm("ledger", "rebuild", "--from", other)
      #expect(wrong.code == 1 && wrong.output.contains("\(other) is no whole copy of a ledger"), "\(wrong.output)")
      #expect(wrong.output.contains("Take an older copy, or none"))
      #expect(farm.root.appending(".farm/state").names.filter { $0.contains(".new") }.isEmpty)
      #expect(try await farm.farm("ledger", "check").output.hasSuffix("it is whole\n"))
    }

    @Test func `is checked, copied and rebuilt by hand`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("still", at: "quick/a.blend")
      #expect(await farm.logs("harvested files=1"))
      let copy = farm.scratch("copy.sqlite")

      #expect(try await farm.farm("ledger", "check").output.hasSuffix("ledger.sqlite: it is whole\n"))
      #expect(try await farm.farm("ledger", "backup", copy.string).code == 0)
      #expect(copy.contents.count > 4096)
      let again = try await farm.farm("ledger", "backup", copy.string)
      #expect(again.code == 1 && again.output.contains("File exists"), "\(again.output)")
      let held = try await farm.farm("ledger", "rebuild")
      #expect(held.code == 1 && held.output.contains("is held by the daemon with pid"), "\(held.output)")
      await stop(daemon)

      #expect(try await farm.farm("ledger", "check").output.hasSuffix("it is whole\n"))
      let rebuilt = try await farm.farm("ledger", "rebuild")
      #expect(rebuilt.code == 0 && rebuilt.output.contains("jobs that manifests prove: 1"), "\(rebuilt.output)")
      #expect(try await farm.farm("ledger", "backup", farm.scratch("down.sqlite").string).code == 0)
      truncate(farm.root.appending(".farm/state/ledger.sqlite").string, 8192)
      let damaged = try await farm.farm("ledger", "check")
      #expect(damaged.code == 1 && damaged.output.contains("is damaged"), "\(damaged.output)")
    }
  }
}
