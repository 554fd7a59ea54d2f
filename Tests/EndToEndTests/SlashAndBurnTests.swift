import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Life {
  /// `farm slash-and-burn`: all is forgotten, and no artist's file is touched.
  @Suite("A reset of the farm")
  struct SlashAndBurnTests {
    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    /// One job that is delivered, one whose frames wait for a harvest, one that is being rendered.
    private func fill(_ farm: TestFarm) async throws {
      try await farm.drop("still", at: "quick/done.blend")
      #expect(await farm.logs("harvested files=1"))
      #expect(try await farm.farm("plan", "release", "spring", "--harvest", "manual").code == 0)
      try await farm.drop("still", at: "releases/spring/store/kept.blend")
      #expect(await farm.logs("job.completed job=spring/kept"))
      try await farm.drop("slow", at: "quick/busy.blend")
      #expect(await eventually { farm.root.appending("quick/out/busy").names.contains("000001.png") })
      try farm.scratch.write("mine", to: "volume/quick/out/notes.txt")
    }

    /// What lies in a folder of drops, but for notes, which a new start may have written by now, or is just writing.
    private func drops(in folder: FilePath) -> [String] {
      folder.names.filter { $0 != "out" && !$0.hasSuffix(".PROBLEM.txt") && !$0.hasSuffix(".PROBLEM.txt.part") }
    }

    /// What an artist made, and what was delivered, lies where it was; the rest is gone.
    private func isReset(_ farm: TestFarm, _ note: String) {
      #expect(
        drops(in: farm.root.appending("quick")) == ["busy.blend", "done.blend"], "\(note)")
      #expect(farm.root.appending("quick/out").filesBelow == ["notes.txt"], "\(note)")
      #expect(drops(in: farm.root.appending("releases/spring/store")) == ["kept.blend"], "\(note)")
      #expect(farm.root.appending("releases/spring").names == ["out", "release.yaml", "store"], "\(note)")
      #expect(farm.root.appending("releases/spring/out").names.isEmpty, "\(note)")
      #expect(farm.root.appending("dist").filesBelow == ["quick/done.png"], "\(note)")
      #expect(farm.root.appending(".farm/work").names.isEmpty, "\(note)")
      let ashes = farm.root.appending(".farm").names.filter { $0.hasPrefix("burnt-") }
      #expect(ashes.count == 1, "\(note)")
      let old = farm.root.appending(".farm").appending(ashes.first ?? "")
      #expect(old.names.contains("ledger.sqlite") && old.appending("manifests").filesBelow.count == 2, "\(note)")
    }

    /// Nothing of what lies there is rendered, until somebody wants it.
    private func isKnown(_ farm: TestFarm, _ note: String) async throws {
      let rendered = farm.logged("job.active")
      #expect(try await farm.farm("sync").code == 0)
      #expect(try await farm.farm("list", "jobs").output == "no job fits\n", "\(note)")
      #expect(try await farm.farm("history").output == "nothing fits\n", "\(note)")
      #expect(farm.logged("job.active") == rendered, "\(note)")
      #expect(try await farm.farm("seed", "job", "kept").code == 0)
      #expect(await farm.logs("job.completed job=spring/kept", times: 2))
      try await farm.drop("red", at: "quick/busy.blend")
      #expect(await farm.logs("job.completed job=quick/busy"))
      #expect(farm.logged("job.completed job=quick/done") == 1, "\(note)")
      // What was delivered before is still ours.
      let harvests = farm.logged("harvested files=1 release=quick")
      #expect(try await farm.farm("seed", "job", "done").code == 0)
      #expect(await farm.logs("job.completed job=quick/done", times: 2))
      #expect(await eventually { farm.logged("harvested files=1 release=quick") > harvests })
      #expect(!farm.root.appending("dist/quick").names.contains("done.new.png"), "\(note)")
    }

    @Test func `stops all, forgets all, and renders nothing until it is wanted`() async throws {
      let farm = try await TestFarm(config: "chunk: 1\nharvest_quiet: 1s\n")
      let daemon = try await farm.start()
      try await fill(farm)

      let unasked = try await farm.farm("slash-and-burn")
      #expect(unasked.code == 2 && unasked.output.contains("Say `--yes`."), "\(unasked.output)")
      let reset = try await farm.farm("slash-and-burn", "--yes")

      #expect(reset.code == 0 && reset.output.hasPrefix("the farm has forgotten everything"), "\(reset.output)")
      #expect(daemon.isRunning, "it is the same process")
      isReset(farm, "with a daemon")
      #expect(try await eventually { try await farm.farm("list", "workers").output.contains("free") })
      try await isKnown(farm, "with a daemon")
      await stop(daemon)
    }

    @Test func `works without a daemon`() async throws {
      let farm = try await TestFarm(config: "chunk: 1\nharvest_quiet: 1s\n")
      let first = try await farm.start()
      try await fill(farm)
      first.send(SIGKILL)
      _ = await first.end()

      #expect(try await farm.farm("slash-and-burn", "--yes").code == 0)
      isReset(farm, "without a daemon")
      #expect(blenders(of: farm).isEmpty)
      let second = try await farm.start()
      #expect(try await farm.farm("list", "jobs").output == "no job fits\n")
      #expect(farm.logged("job.active") == 3)
      await stop(second)
    }

    /// Processes that work in the volume.
    private func blenders(of farm: TestFarm) -> [String] {
      FilePath("/proc").names.filter { pid in
        let words = String(decoding: FilePath("/proc/\(pid)/cmdline").contents, as: UTF8.self)
        return words.contains("blender") && words.contains(farm.root.string)
      }
    }

    @Test(arguments: ["ledger put aside", "manifests put aside", "outputs removed", "work removed", "adopted"])
    func `that is killed half-way is finished by the next start`(step: String) async throws {
      let farm = try await TestFarm()
      let first = try await farm.start()
      await stop(first)
      for file in [
        "quick/busy.blend", "quick/done.blend", "quick/out/busy/000001.png", "quick/out/busy/.previous/000001.png",
        "quick/out/busy/contact-sheet.jpg", "quick/out/notes.txt", "quick/.farm-0123456789ab.blend",
        "dist/quick/done.png",
        "releases/spring/release.yaml", "releases/spring/out/kept/-00001.exr", "releases/spring/store/kept.blend",
        "releases/spring/store/.farm-0123456789ab.part", ".farm/work/7/1/000001.png", ".farm/manifests/quick/done.json",
        ".farm/manifests/spring/kept.json",
      ] {
        try farm.scratch.write("x", to: "volume/\(file)")
      }

      let doomed = try RunningProgram(
        "farmd", ["--slash-and-burn", "--root", farm.root.string], environment: ["FARM_FAILPOINT": step],
        output: farm.scratch("burn.out"))
      #expect(await doomed.end() == -SIGKILL, "after \"\(step)\"")
      let next = try await farm.start()

      isReset(farm, "after \"\(step)\"")
      await stop(next)
    }
  }
}
