import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing

/// Long tests, run by `make soak`.
@Suite("Over a long time", .serialized, .enabled(if: ProcessInfo.processInfo.environment["FARM_SOAK"] != nil))
struct SoakTests {
  @Test(arguments: 1...5 as ClosedRange<UInt64>)
  func `a daemon killed at random moments ends in the same dist`(seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    let farm = try await TestFarm(config: "chunk: 2\nharvest_quiet: 1s\n")
    var daemon = try await farm.start()
    #expect(try await farm.farm("plan", "release", "spring").code == 0)
    for name in ["a", "b"] { try await farm.drop("slow", at: "releases/spring/store/\(name).blend") }
    for name in ["c", "d"] { try await farm.drop("anim", at: "quick/\(name).blend") }

    for _ in 1...8 {
      try await Task.sleep(for: .milliseconds(Int.random(in: 50...2500, using: &random)))
      daemon.send(SIGKILL)
      _ = await daemon.end()
      daemon = try await farm.start()
    }

    let expected = ["quick/c", "quick/d", "spring/a", "spring/b"].flatMap { job in (1...6).map { "\(job)_000\($0).png" }
    }
    #expect(await eventually(within: .seconds(300)) { farm.root.appending("dist").filesBelow == expected })
    #expect(farm.root.appending("quick").names == ["c.blend", "d.blend", "out"])
    #expect(farm.root.appending("releases/spring/store").names == ["a.blend", "b.blend"])
    daemon.send(SIGTERM)
    #expect(await daemon.end(within: .seconds(10)) == 0)
  }
}
