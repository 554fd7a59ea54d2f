import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Drops {
  /// What a person has rendered again, or first.
  @Suite("A job that is wanted again")
  struct AgainTests {
    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    private func inodes(_ farm: TestFarm, _ folder: String) -> [String: UInt] {
      farm.root.pushing(FilePath(folder)).names.reduce(into: [:]) { found, name in
        var status = stat()
        stat(farm.root.pushing(FilePath(folder)).appending(name).string, &status)
        found[name] = status.st_ino
      }
    }

    @Test func `is rendered anew as a whole, or only in the frames that are asked for, damaged or gone`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("anim", at: "quick/a.blend")
      #expect(await farm.logs("harvested files=6"))
      let first = inodes(farm, "dist/quick")

      let some = try await farm.farm("replace", "job", "a", "--frames", "2,5").output
      #expect(some == "rendering quick/a again: revision 1, frames 2,5\n", "\(some)")
      #expect(await farm.logs("harvested files=2"))
      let second = inodes(farm, "dist/quick")
      #expect(second.keys.filter { first[$0] != second[$0] }.sorted() == ["a_0002.png", "a_0005.png"])

      let dist = farm.root.appending("dist/quick")
      try Data("no picture".utf8).write(to: URL(filePath: dist.appending("a_0003.png").string))
      unlink(dist.appending("a_0004.png").string)
      let gone = try await farm.farm("replace", "job", "quick/a", "--missing").output
      #expect(gone == "rendering quick/a again: revision 1, frames 4\n", "\(gone)")
      #expect(await farm.logs("harvested files=1"))
      let bad = try await farm.farm("replace", "job", "quick/a", "--bad").output
      #expect(bad == "rendering quick/a again: revision 1, frames 3\n", "\(bad)")
      // What somebody wrote there is not ours to overwrite.
      #expect(await eventually { dist.names.contains("a_0003.new.png") })
      let none = try await farm.farm("replace", "job", "a", "--missing").output
      #expect(none == "nothing of quick/a is to be rendered again\n", "\(none)")
      #expect(
        try await farm.farm("replace", "job", "a", "--frames", "5-9").output.contains("has no frames 7-9; it has 1-6"))

      let all = try await farm.farm("replace", "job", "a").output
      #expect(all == "rendering quick/a again: revision 2, frames 1-6\n", "\(all)")
      #expect(await farm.logs("harvested files=6", times: 2))
      await stop(daemon)
    }

    @Test func `with another file is that file's next revision, and refuses what is none`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      #expect(try await farm.farm("pause").code == 0)
      try await farm.drop("still", at: "quick/a.blend")
      #expect(await farm.logs("job.queued"))
      let other = try await Scenes.shared.path("anim")

      let replaced = try await farm.farm("replace", "job", "a", other.string).output
      #expect(replaced == "replaced quick/a: revision 2 is queued\n", "\(replaced)")
      #expect(farm.root.appending("quick/a.blend").contents == other.contents)
      let none = try await farm.farm("replace", "job", "a", "/nowhere/x.blend")
      #expect(none.code == 2 && none.output.contains("cannot read /nowhere/x.blend: No such file"), "\(none.output)")
      #expect(try await farm.farm("replace", "job", "a", "/etc/hosts").output.contains("/etc/hosts is no .blend file"))
      await stop(daemon)
    }

    @Test func `is seeded ahead of all others, and never overwrites what lies there`() async throws {
      let farm = try await TestFarm(config: "chunk: 1\nharvest_quiet: 1s\n")
      let daemon = try await farm.start()
      try await farm.drop("slow", at: "quick/a.blend")
      #expect(await farm.logs("job.active job=quick/a"))
      try await farm.drop("slow", at: "quick/b.blend")
      let file = try await Scenes.shared.path("still").string

      let seeded = try await farm.farm("seed", "job", file, "hero").output
      #expect(seeded == "seeded quick/hero with priority 90\n", "\(seeded)")
      #expect(await farm.logs("job.completed job=quick/hero"))
      #expect(farm.logged("job.completed") == 1)
      let again = try await farm.farm("seed", "job", file, "hero")
      #expect(again.code == 1 && again.output.contains("is there already, and is not overwritten"), "\(again.output)")

      #expect(try await farm.farm("seed", "job", "b", "--frames", "1-2").output == "seeded quick/b with priority 90\n")
      #expect(await farm.logs("job.completed job=quick/b"))
      #expect(farm.logged("job.completed job=quick/a") == 0)
      #expect(await farm.logs("job.completed job=quick/a"))
      await stop(daemon)
    }
  }
}
