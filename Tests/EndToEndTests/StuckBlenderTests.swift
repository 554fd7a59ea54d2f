import FarmTesting
import Glibc
import SystemPackage
import Testing

extension EndToEnd.Trouble {
  @Suite("A Blender that never says what it is")
  struct StuckBlenderTests {
    /// Beside others, or alone.
    private func farm(besides others: String...) async throws -> (TestFarm, ScratchFolder) {
      let scratch = try ScratchFolder()
      let stuck = try scratch.write("#!/bin/sh\nexec sleep 100000\n", to: "stuck/blender")
      #expect(stuck.withPlatformString { chmod($0, 0o755) } == 0)
      let blenders = ([stuck.string] + others).joined(separator: ", ")
      return (try await TestFarm(config: "harvest_quiet: 1s\nblenders: [\(blenders)]\n"), scratch)
    }

    @Test func `holds up nothing that another one renders`() async throws {
      let (farm, scratch) = try await farm(besides: Scenes.blender)
      let daemon = try await farm.start()

      try await farm.drop("still", at: "quick/a.blend")

      #expect(
        await eventually { farm.root.appending("dist/quick").names.contains { $0.hasPrefix("a") } }, "\(farm.log)")
      // All that happened while the other was still being asked.
      #expect(farm.logged("a Blender does not work") == 0)
      #expect(try await farm.farm("doctor").output.contains("has not answered yet"))
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
      withExtendedLifetime(scratch) {}
    }

    @Test func `has drops known and queued, and says for what they wait`() async throws {
      let (farm, scratch) = try await farm()
      let daemon = try await farm.start()

      try await farm.drop("still", at: "quick/a.blend")

      #expect(await farm.logs("job.queued"))
      #expect(try await farm.farm("sync").code == 0)
      #expect(try await farm.farm("status", "--json").output.contains("\"queued\""))
      #expect(try await farm.farm("show", "job", "a").output.contains("are asked for their versions"))
      #expect(farm.logged("a Blender does not work") == 0)
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
      withExtendedLifetime(scratch) {}
    }
  }
}
