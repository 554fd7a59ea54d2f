import FarmModel
import FarmTesting
import Foundation
import Supervisor
import SystemPackage
import Testing
import VolumeFiles

extension EndToEnd.Crashes {
  /// What is lost when something is killed: nothing that was promoted.
  @Suite("A crash")
  struct CrashTests {
    private func blenders(of farm: TestFarm) -> [Int32] {
      FilePath("/proc").names.compactMap { Int32($0) }.filter { pid in
        let command = String(decoding: FilePath("/proc/\(pid)/cmdline").contents, as: UTF8.self)
        return command.contains("blender") && command.contains(farm.root.string)
      }
    }

    @Test func `of the daemon costs no promoted frame and leaves no Blender`() async throws {
      let farm = try await TestFarm(config: "harvest_quiet: 1s\n")
      let daemon = try await farm.start()
      #expect(try await farm.farm("plan", "release", "spring").code == 0)
      try await farm.drop("slow", at: "releases/spring/store/shot.blend")
      let out = farm.root.appending("releases/spring/out/shot")
      try #require(await eventually { out.names.count >= 2 })

      daemon.send(SIGKILL)
      #expect(await daemon.end() == -SIGKILL)
      #expect(await eventually(within: .seconds(10)) { blenders(of: farm).isEmpty })
      let promoted = try out.names.map { try FileStatus(at: out.appending($0))?.identity }
      #expect(promoted.count < 6)
      // The dead daemon's socket is still there; nobody waits for it.
      let asked = ContinuousClock.now
      #expect(try await farm.farm("status").output.contains("the daemon is not running"))
      #expect(try await farm.farm("sync").code == 3)
      #expect(ContinuousClock.now - asked < .seconds(30))

      let second = try await farm.start()
      #expect(await farm.logs("harvested files=6"))

      // The very files that were promoted before the crash were delivered.
      let dist = farm.root.appending("dist/spring")
      let delivered = try dist.names.map { try FileStatus(at: dist.appending($0))?.identity }
      #expect(delivered.count == 6)
      #expect(Set(promoted).isSubset(of: Set(delivered)))
      // One frame a slot was under way, and only that was begun twice.
      let logs = farm.root.appending(".farm/state/logs/spring/shot")
      let begun = logs.names.reduce(0) { count, name in
        let text = String(decoding: logs.appending(name).contents, as: UTF8.self)
        return count + text.components(separatedBy: "\"event\": \"frame\"").count - 1
      }
      #expect(begun <= 7)
      #expect(farm.root.appending("releases/spring/store").names == ["shot.blend"])
      second.send(SIGTERM)
      #expect(await second.end(within: .seconds(10)) == 0)
    }

    @Test func `of Blender costs one attempt of one frame`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("slow", at: "quick/shot.blend")
      let out = farm.root.appending("quick/out/shot")
      try #require(await eventually { !out.names.isEmpty })

      let killed = blenders(of: farm)
      try #require(!killed.isEmpty)
      for pid in killed { kill(pid, SIGKILL) }

      #expect(await farm.logs("harvested files=6"))
      let sheet = try await farm.farm("show", "job", "shot").output
      let attempts = sheet.split(separator: "\n").filter { $0.contains("harvested") }
        .compactMap { Int($0.split(separator: " ")[2]) }
      #expect(attempts.sorted() == [1, 1, 1, 1, 1, 2])
      #expect(farm.logged("renderer-crashed") == 1)
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }
  }
}
