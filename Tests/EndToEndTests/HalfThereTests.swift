import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Drops {
  /// What editors, sync programs and full disks do to files for a while.
  @Suite("What is half there")
  struct HalfThereTests {
    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test func `as a plan that is emptied in place ends no plan, and what is written then counts`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try farm.scratch.write("jobs: [a, b]\npriority: 70\n", to: "volume/releases/r/release.yaml")
      #expect(await farm.logs("release.planned release=r"))
      try await farm.drop("still", at: "releases/r/store/a.blend")
      #expect(await farm.logs("job.completed job=r/a"))

      try farm.root.appending("releases/r/release.yaml").write([])
      #expect(await farm.logs("reading the plan of r: release.yaml is empty"))
      #expect(try await farm.farm("sync").code == 0)
      let shown = try await farm.farm("show", "release", "r").output
      #expect(shown.contains("release.yaml is empty") && shown.contains("priority     70"), "\(shown)")
      #expect(try await farm.farm("harvest", "release", "r").code == 1)
      #expect(farm.root.appending("dist").filesBelow.isEmpty)

      try farm.scratch.write("jobs: [a]\npriority: 70\n", to: "volume/releases/r/release.yaml")
      #expect(await farm.logs("harvested files=1 release=r"))
      #expect(farm.root.appending("dist").filesBelow == ["r/a.png"])
      await stop(daemon)
    }

    @Test func `as a drop is killed by its name, and is rendered when it is changed after it was whole`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("still", at: "whole.blend")
      let (whole, drop) = (farm.root.appending("whole.blend").contents, farm.root.appending("quick/shot.blend"))
      try drop.write(Array(whole.prefix(whole.count / 2)))
      #expect(await farm.logs("job.settling job=quick/shot"))

      #expect(try await farm.farm("kill", "jobs", "shot").output == "killed quick/shot\n")
      #expect(try await farm.farm("show", "job", "shot").output.contains("canceled"))
      try drop.write(whole)
      #expect(await farm.logs("job.canceled job=quick/shot", times: 2))
      #expect(try await farm.farm("sync").code == 0)
      #expect(try await farm.farm("list", "jobs", "state:canceled").output.contains("quick/shot"))

      try await farm.drop("anim", at: "quick/shot.blend")
      #expect(await farm.logs("harvested files=6"))
      await stop(daemon)
    }

    @Test func `as a delivery, for another job has the name, is told beside the drop until it is renamed`() async throws
    {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("anim", at: "quick/shot.blend")
      #expect(await farm.logs("harvested files=6"))
      try await farm.drop("still", at: "quick/shot_0002.blend")
      let note = farm.root.appending("quick/shot_0002.blend.PROBLEM.txt")
      #expect(await eventually { note.isThere })
      let text = String(decoding: note.contents, as: UTF8.self)
      #expect(text.contains("name-taken: quick/shot_0002 and quick/shot would both be delivered as shot_0002.png"))
      #expect(text.contains("Rename shot_0002.blend or shot.blend."), "\(text)")
      #expect(await farm.logs("job.completed job=quick/shot_0002"))
      #expect(try await farm.farm("show", "job", "shot_0002").output.contains("name-taken"))

      rename(farm.root.appending("quick/shot_0002.blend").string, farm.root.appending("quick/other.blend").string)

      #expect(await eventually { farm.root.appending("dist/quick/other.png").isThere })
      #expect(await eventually { !note.isThere })
      #expect(farm.logged("job.queued job=quick/") == 2)
      await stop(daemon)
    }
  }
}
