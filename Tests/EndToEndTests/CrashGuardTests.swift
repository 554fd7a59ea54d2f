import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Crashes {
  /// No single drop takes the farm down for ever: a file on which farmd died twice is rejected until it changes.
  @Suite("A drop that crashes the daemon")
  struct CrashGuardTests {
    private typealias Crash = (crash: String, signal: Int32, backtrace: String)

    /// Signal, the step at which farmd crashes, and whether Swift's own handlers are there too.
    private static let crashes: [Crash] = [
      ("SEGV look", SIGSEGV, "enable=no"), ("ILL name", SIGILL, "enable=no"),
      ("TRAP claim", SIGTRAP, "enable=yes,symbolicate=off,threads=crashed"),
      ("STACK inspect", SIGSEGV, "enable=no"), ("ABRT record", SIGABRT, "enable=no"),
    ]
    private static let rendered = Needs.patience ? crashes : [crashes[0]]

    /// Without a Blender a daemon starts at once, and what it takes in is held up by that.
    private static let noBlender = "blenders: [/nowhere/blender]\n"

    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    private func note(_ farm: TestFarm, _ file: String) -> String {
      String(decoding: farm.root.appending("quick/\(file).PROBLEM.txt").contents, as: UTF8.self)
    }

    private func has(_ farm: TestFarm, _ file: String, _ problem: String) async -> Bool {
      await eventually { note(farm, file).contains(problem) }
    }

    /// Has farmd die twice; without a backtrace, which takes seconds, where the environment does not say so.
    private func die(_ farm: TestFarm, by signal: Int32, _ environment: [String: String]) async throws {
      let environment = ["SWIFT_BACKTRACE": "enable=no"].merging(environment) { $1 }
      for _ in 1...2 {
        let doomed = try farm.launch(environment: environment)
        #expect(await doomed.end() == -signal, "\(farm.log)")
      }
    }

    @Test(arguments: rendered)
    func `twice is rejected at the next start, and rendered when it was saved again`(
      crash: (crash: String, signal: Int32, backtrace: String)
    ) async throws {
      let farm = try await TestFarm()
      let environment = ["FARM_CRASH": "\(crash.crash) bad.blend", "SWIFT_BACKTRACE": crash.backtrace]
      for name in ["good", "bad"] { try await farm.drop("still", at: "quick/\(name).blend") }
      try await die(farm, by: crash.signal, environment)

      // Still with the cause of the crash: only the file that is not touched cannot crash it.
      let third = try farm.launch(environment: environment)
      #expect(await farm.logs("harvested files=1"), "\(farm.log)")
      #expect(await has(farm, "bad.blend", "crashed-the-farm"), "\(farm.log)")
      await stop(third)

      // Saved again, as the remedy says, and nothing is wrong with it any more.
      let fourth = try await farm.start()
      try await farm.drop("still", at: "quick/bad.blend")
      #expect(await farm.logs("harvested files=1", times: 2), "\(farm.log)")
      #expect(await eventually { note(farm, "bad.blend").isEmpty })
      await stop(fourth)
    }

    @Test(arguments: crashes)
    func `twice holds up no other drop, however it crashes, until it changes`(
      crash: (crash: String, signal: Int32, backtrace: String)
    ) async throws {
      let farm = try await TestFarm(config: Self.noBlender)
      let environment = ["FARM_CRASH": "\(crash.crash) bad.blend", "SWIFT_BACKTRACE": crash.backtrace]
      for name in ["good", "bad", "other"] { try await farm.drop("still", at: "quick/\(name).blend") }
      try await die(farm, by: crash.signal, environment)

      let third = try farm.launch(environment: environment)
      for name in ["good", "other"] { #expect(await has(farm, "\(name).blend", "no-blender"), "\(farm.log)") }
      #expect(await has(farm, "bad.blend", "crashed-the-farm"), "\(farm.log)")
      #expect(note(farm, "bad.blend").contains("save it again"))
      #expect(try await farm.farm("status").output.contains("crashed-the-farm"))
      #expect(third.isRunning)
      await stop(third)

      let fourth = try await farm.start()
      #expect(try await farm.farm("status").output.contains("crashed-the-farm"))
      try await farm.drop("still", at: "quick/bad.blend")
      #expect(await has(farm, "bad.blend", "no-blender"), "\(farm.log)")
      await stop(fourth)
    }

    @Test func `through its sidecar holds up its job alone, until the sidecar is written anew`() async throws {
      let farm = try await TestFarm(config: Self.noBlender)
      let environment = ["FARM_CRASH": "BUS sidecar bad.farm.yaml"]
      for name in ["good", "bad"] { try await farm.drop("still", at: "quick/\(name).blend") }
      let sidecar = farm.root.appending("quick/bad.farm.yaml").string
      try "samples: 1\n".write(toFile: sidecar, atomically: false, encoding: .utf8)
      try await die(farm, by: SIGBUS, environment)

      let third = try farm.launch(environment: environment)
      #expect(await has(farm, "good.blend", "no-blender"), "\(farm.log)")
      #expect(await has(farm, "bad.blend", "crashed-the-farm"), "\(farm.log)")
      await stop(third)

      let fourth = try await farm.start()
      try "samples: 2\n".write(toFile: sidecar, atomically: false, encoding: .utf8)
      #expect(await has(farm, "bad.blend", "no-blender"), "\(farm.log)")
      await stop(fourth)
    }

    @Test(arguments: [("SEGV picture", SIGSEGV), ("ABRT assemble", SIGABRT)])
    func `through its pictures is blocked at the next start, and rendered when it was saved again`(
      crash: (crash: String, signal: Int32)
    ) async throws {
      let farm = try await TestFarm()
      let environment = ["FARM_CRASH": "\(crash.crash) bad"]
      for name in ["good", "bad"] { try await farm.drop("still", at: "quick/\(name).blend") }
      try await die(farm, by: crash.signal, environment)

      let third = try farm.launch(environment: environment)
      #expect(await farm.logs("harvested files=1"), "\(farm.log)")
      #expect(await has(farm, "bad.blend", "crashed-the-farm"), "\(farm.log)")
      #expect(note(farm, "bad.blend").contains("this job's pictures"))
      await stop(third)

      // Another start alone does not have it go on.
      let fourth = try await farm.start()
      #expect(try await farm.farm("show", "job", "bad").output.contains("crashed-the-farm"))
      try await farm.drop("still", at: "quick/bad.blend")
      #expect(await farm.logs("harvested files=1", times: 2), "\(farm.log)")
      await stop(fourth)
    }

    @Test(arguments: [("linked", "lib/chair.blend"), ("textured", "wood.png")])
    func `through a file that it needs goes on when that file changes`(scene: String, file: String) async throws {
      let farm = try await TestFarm()
      let needed = farm.root.appending("quick").pushing(FilePath(file))
      func save() async throws {
        if scene == "textured" { return try await EndToEnd.paint(needed, "1,0,0") }
        let library = try await Scenes.shared.path(scene).removingLastComponent().pushing(FilePath(file))
        try farm.scratch.write(library.contents, to: "volume/quick/\(file)")
      }
      try await save()
      try await farm.drop(scene, at: "quick/bad.blend")
      let environment = ["FARM_CRASH": "SEGV dependency \(needed.lastComponent?.string ?? "")"]
      try await die(farm, by: SIGSEGV, environment)

      let third = try farm.launch(environment: environment)
      #expect(await has(farm, "bad.blend", "crashed-the-farm"), "\(farm.log)")
      #expect(note(farm, "bad.blend").contains(file) && note(farm, "bad.blend").contains("Save that file again"))
      #expect(third.isRunning)
      await stop(third)

      let fourth = try await farm.start()
      #expect(await has(farm, "bad.blend", "crashed-the-farm"), "\(farm.log)")
      try await save()
      #expect(await farm.logs("harvested files=1"), "\(farm.log)")
      await stop(fourth)
    }

    @Test func `by SIGKILL in the middle of its intake is never rejected for that`() async throws {
      try await kill(times: 3)
    }

    @Test(.enabled(if: Needs.patience)) func `by fifty times SIGKILL is not rejected either`() async throws {
      try await kill(times: 50)
    }

    private func kill(times: Int) async throws {
      let farm = try await TestFarm(config: Self.noBlender)
      try await farm.drop("still", at: "quick/a.blend")
      for _ in 1...times {
        let doomed = try farm.launch(environment: ["FARM_CRASH": "KILL look a.blend"])
        #expect(await doomed.end() == -SIGKILL)
      }

      let daemon = try await farm.start()
      #expect(await has(farm, "a.blend", "no-blender"), "\(farm.log)")
      #expect(farm.logged("rejected") == 0 && farm.logged("crashed-the-farm") == 0)
      await stop(daemon)
    }
  }
}
