import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Life {
  /// The command line against the real daemon.
  @Suite("The command line")
  struct CommandTests {
    @Test func `pauses, resumes and kills, remembered over a restart`() async throws {
      let farm = try await TestFarm(config: "chunk: 1\n")
      let first = try await farm.start()
      #expect(try await farm.farm("pause").output == "paused the farm\n")
      try await farm.drop("slow", at: "quick/shot.blend")
      #expect(try await farm.farm("sync").code == 0)
      first.send(SIGINT)
      #expect(await first.end(within: .seconds(10)) == 0)

      let second = try await farm.start()
      #expect(try await farm.farm("show", "job", "shot").output.contains("waits for   the farm is paused"))
      #expect(farm.logged("job.active") == 0)
      #expect(try await farm.farm("resume").code == 0)
      #expect(await farm.logs("job.active"))

      #expect(try await farm.farm("kill", "jobs", "sho?", "state:active").output == "killed quick/shot\n")
      #expect(try await farm.farm("list", "jobs", "state:canceled").output.contains("quick/shot"))
      #expect(try await farm.farm("kill", "quick.jobs", "*").output == "no job to kill fits\n")
      #expect(try await farm.farm("kill", "nosuch.jobs", "*").code == 1)
      #expect(farm.root.appending("quick").names == ["out", "shot.blend"])
      second.send(SIGTERM)
      #expect(await second.end(within: .seconds(5)) == 0)
    }

    @Test func `reads a .blend without a daemon, and says what is wrong with one`() async throws {
      let farm = try await TestFarm()
      try await farm.drop("textured", at: "away/shot.blend")
      let shot = farm.root.appending("away/shot.blend")

      let sheet = try await farm.farm("inspect", shot.string)
      #expect(sheet.code == 0)
      #expect(sheet.output.contains("image  missing  \(farm.root.string)/away/wood.png"), "\(sheet.output)")
      let json = try await farm.farm("inspect", shot.string, "--json").output
      let found = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
      #expect(found?["whole"] as? Bool == true && found?["activeScene"] as? String == "Scene")

      let cut = farm.root.appending("away/cut.blend")
      try cut.write(shot.contents.dropLast(100))
      let told = try await farm.farm("inspect", cut.string)
      #expect(told.code == 1)
      #expect(told.output.hasPrefix("error: \(cut.string): the file ends at byte "), "\(told.output)")
      #expect(told.output.hasSuffix("Open the file in Blender and save it again, or copy it once more.\n"))
      let damage = try await farm.farm("inspect", cut.string, "--json")
      #expect(damage.code == 1)
      #expect(damage.output.contains("\"whole\" : false") && damage.output.contains("\"problem\" : \"the file ends"))
      let none = try await farm.farm("inspect", "/nowhere.blend").output
      let reason = "error: /nowhere.blend: the file cannot be read: No such file or directory\n"
      #expect(none == reason + "See that it is there, that it is a file, and that it may be read.\n")
    }

    @Test func `tells events as they happen, one object a line`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let follower = try RunningProgram(
        "farm", ["events", "--json", "--root", farm.root.string], output: farm.scratch("events"))
      // Followed once an event of ours arrives: the first drop may come too early for it.
      try await farm.drop("still", at: "quick/first.blend")
      #expect(await farm.logs("harvested files=1"))
      try await farm.drop("red", at: "quick/second.blend")
      #expect(await eventually { follower.text.contains("release.harvested") && follower.text.contains("second") })
      #expect(await eventually { events(follower).contains { $0.event == "job.completed" && $0.job == "second" } })
      #expect(events(follower).filter { $0.event == "frame.done" && $0.job == "second" }.count == 6)

      let second = events(follower).filter { $0.job == "second" && $0.event.hasPrefix("job.") }.map(\.event)
      #expect(
        second.filter { $0 != "job.settling" } == ["job.queued", "job.active", "job.assembling", "job.completed"])
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(5)) == 0)
      #expect(await follower.end() == 0)
    }

    private func events(_ follower: RunningProgram) -> [FarmEvent] {
      follower.text.split(separator: "\n").compactMap { try? JSONDecoder().decode(FarmEvent.self, from: Data($0.utf8)) }
    }

    @Test func `has a defined answer and exit code for what it cannot do`() async throws {
      let farm = try await TestFarm()
      let noDaemon = try await farm.farm("sync")
      #expect(noDaemon.code == 3)
      #expect(noDaemon.output.contains("Start it: `farmd --root"))
      let daemon = try await farm.start()

      let unknown = try await farm.farm("show", "job", "nothing")
      #expect(unknown.code == 1)
      #expect(unknown.output.contains("there is no job \"nothing\""))
      #expect(try await farm.farm("list", "jobs", "stat:active").code == 2)
      #expect(try await farm.farm("frobnicate").code == 2)
      #expect(try await farm.farm("pause", "no-such-release").code == 1)
      #expect(try await farm.farm("plan", "release", "a/b").code == 2)
      #expect(try await farm.farm("plan", "release", "quick").code == 2)
      #expect(try await farm.farm("--help").code == 0)
      #expect(try await farm.farm("list", "jobs").output == "no job fits\n")
      #expect(try await farm.farm("list", "jobs", "--json").output.contains("["))
      #expect(try await farm.farm("--version").output == "0.1.0\n")

      try await farm.drop("still", at: "quick/twice.blend")
      #expect(try await farm.farm("plan", "release", "spring").code == 0)
      try await farm.drop("still", at: "releases/spring/store/twice.blend")
      #expect(try await farm.farm("sync").code == 0)
      let twice = try await farm.farm("show", "job", "twice")
      #expect(twice.code == 2)
      #expect(twice.output.contains("quick/twice, spring/twice"))
      #expect(try await farm.farm("show", "job", "spring/twice").code == 0)
      let byDate = try await farm.farm("plan", "release")
      #expect(byDate.output.hasPrefix("planned release r-"))
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(5)) == 0)
    }

    @Test func `of a second daemon names the one that holds the volume`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()

      let second = try RunningProgram("farmd", ["--root", farm.root.string], output: farm.scratch("second.log"))

      #expect(await second.end() == 1)
      #expect(second.text.contains("is held by the daemon with pid \(daemon.pid) on host"))
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(5)) == 0)
    }

    @Test func `of a daemon with a wrong configuration or volume ends with what and how to mend it`() async throws {
      let farm = try await TestFarm()
      let wrong = try farm.scratch.write("slotz: 3\n", to: "wrong.yaml")

      let config = try RunningProgram(
        "farmd", ["--root", farm.root.string, "--config", wrong.string], output: farm.scratch("a.log"))
      #expect(await config.end() == 2)
      #expect(
        config.text.contains("wrong.yaml:1:1: there is no key \\\"slotz\\\"; did you mean \\\"slots\\\"?")
          || config.text.contains("wrong.yaml:1:1: there is no key \"slotz\"; did you mean \"slots\"?"))
      let folder = try RunningProgram(
        "farmd", ["--root", farm.scratch("nowhere").string, "--log-format", "json"], output: farm.scratch("b.log"))
      #expect(await folder.end() == 1)
      #expect(folder.text.contains("is not a farm volume"))
      #expect(folder.text.contains("farm init"))
      let none = try RunningProgram("farmd", [], environment: ["FARM_ROOT": ""], output: farm.scratch("c.log"))
      #expect(await none.end() == 2)
    }

    @Test func `adopts a folder: what lies there is known, not rendered`() async throws {
      let farm = try await TestFarm()
      let root = farm.scratch("old share")
      try farm.scratch.write("x", to: "old share/taxes.ods")
      try FileManager.default.createDirectory(atPath: root.appending("quick").string, withIntermediateDirectories: true)
      let still = try await Scenes.shared.path("still")
      try FileManager.default.copyItem(atPath: still.string, toPath: root.appending("quick/old.blend").string)
      #expect(try await farm.farm("init", root.string).code == 1)
      #expect(try await farm.farm("init", "--adopt", root.string).code == 0)

      let daemon = try RunningProgram("farmd", ["--root", root.string], output: farm.scratch("adopt.log"))
      #expect(await eventually { daemon.text.contains("what was in the volume is known") })
      // One line for all of them.
      #expect(daemon.text.contains("files=1") && !daemon.text.contains("job.canceled"))
      #expect(!daemon.text.contains("job.queued"))
      // None of the farm's work, until somebody wants it.
      #expect(try await !farm.farm("list", "jobs", "--root", root.string).output.contains("old"))
      #expect(try await farm.farm("retry", "jobs", "old", "--root", root.string).code == 0)
      #expect(await eventually { daemon.text.contains("harvested files=1") })
      let red = try await Scenes.shared.path("red")
      try FileManager.default.removeItem(atPath: root.appending("quick/old.blend").string)
      try FileManager.default.copyItem(atPath: red.string, toPath: root.appending("quick/old.blend").string)

      #expect(await eventually { daemon.text.contains("harvested files=6") })
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }
  }
}
