import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Life {
  /// Who works on what, who did what when, and two people at once.
  @Suite("Work and its history")
  struct WorkTests {
    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test func `is shown by worker and task, and a task can be run by hand`() async throws {
      let farm = try await TestFarm(config: "chunk: 2\nharvest_quiet: 1s\n")
      let daemon = try await farm.start()
      #expect(try await eventually { try await farm.farm("list", "workers").output.hasSuffix("local-1  free\n") })
      try await farm.drop("slow", at: "quick/a.blend")
      #expect(await farm.logs("job.active job=quick/a"))

      #expect(try await eventually { try await farm.farm("list", "workers").output.contains("local-1  quick/a  1") })
      let tasks = try await farm.farm("list", "tasks", "a", "--json").output
      let line = try #require(try JSONDecoder().decode([TaskLine].self, from: Data(tasks.utf8)).last)
      // The first frame alone, then the last one and the middle one.
      #expect(line.id == 1 && line.frames == "1")
      #expect(try await farm.farm("show", "task", "1").output.contains("frames    1\n"))
      #expect(try await eventually { try await farm.farm("show", "task", "4").output.contains("frames    2-3\n") })
      #expect(try await farm.farm("kill", "jobs", "a").code == 0)
      #expect(try await farm.farm("show", "task", "4").output.hasPrefix("task 4  canceled\n"))
      let unknown = try await farm.farm("show", "task", "99")
      #expect(unknown.code == 1 && unknown.output.contains("there is no task 99"), "\(unknown.output)")
      #expect(try await farm.farm("list", "tasks", "nothing").output == "no task fits\n")
      await stop(daemon)
    }

    @Test func `has one line that runs a task by hand, also when it is over`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("anim", at: "quick/it's a job.blend")
      #expect(await farm.logs("harvested files=6"))

      // After the first, the last and the middle frame as many at once as are good.
      let line = try await farm.farm("show", "task", "4", "--command").output
      let shell = try RunningProgram(path: "/bin/sh", ["-c", line], output: farm.scratch("shell.out"))
      #expect(await shell.end() == 0, "\(line)\n\(shell.text)")
      let folder = FilePath("/tmp/farm-task-4")
      #expect(folder.names == ["2.png"], "\(shell.text)")
      try FileManager.default.removeItem(atPath: folder.string)
      await stop(daemon)
    }

    @Test func `is remembered: who dropped, killed, paused what, and what was delivered`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("still", at: "quick/a.blend")
      #expect(await farm.logs("harvested files=1"))
      #expect(try await farm.farm("pause").code == 0)
      try await farm.drop("still", at: "quick/b.blend")
      #expect(try await farm.farm("sync").code == 0)
      #expect(try await farm.farm("kill", "jobs", "b").code == 0)

      let text = try await farm.farm("history", "--json").output
      let lines = try JSONDecoder().decode([HistoryLine].self, from: Data(text.utf8))
      let me = String(cString: try #require(getpwuid(getuid())).pointee.pw_name)
      let told = lines.map { "\($0.who) \($0.what) \($0.job ?? $0.release ?? "")" }
      #expect(
        told.filter { !$0.hasSuffix("canceled b") } == [
          "\(me) dropped a", "farm completed a", "farm delivered quick", "\(me) paused ", "\(me) dropped b",
          "\(me) killed b",
        ], "\(told)")
      #expect(lines.map(\.at) == lines.map(\.at).sorted())
      #expect(try await farm.farm("history", "owner:\(me)", "b", "--limit", "1").output.contains("killed"))
      #expect(try await farm.farm("history", "nobody*").output == "nothing fits\n")
      await stop(daemon)
    }

    @Test func `is steered by two at once: each job is killed once, and both are told the truth`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      #expect(try await farm.farm("pause").code == 0)
      for number in 1...6 { try await farm.drop("still", at: "quick/shot_\(number).blend") }
      #expect(try await farm.farm("sync").code == 0)

      async let one = farm.farm("kill", "jobs", "*", "--yes")
      async let other = farm.farm("kill", "jobs", "*", "--yes")
      let (first, second) = try await (one, other)

      #expect(first.code == 0 && second.code == 0)
      let killed = (first.output + second.output).split(separator: "\n").filter { $0.hasPrefix("killed ") }
      #expect(
        killed.sorted() == (1...6).map { "killed quick/shot_\($0)" }, "\(first.output)\(second.output)\(farm.log)")
      await stop(daemon)
    }

    @Test func `is answered when the daemon stops in between`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let follower = try RunningProgram(
        "farm", ["logs", "a", "-f", "--root", farm.root.string], output: farm.scratch("logs"))
      try await farm.drop("slow", at: "quick/a.blend")
      #expect(await farm.logs("job.active job=quick/a"))
      daemon.send(SIGKILL)
      _ = await daemon.end()

      #expect(await follower.end().map { [0, 1, 3].contains($0) } == true, "\(follower.text)")
      let late = try await farm.farm("kill", "jobs", "*")
      #expect(late.code == 3 && late.output.contains("no daemon holds the volume"), "\(late.output)")
    }
  }
}
