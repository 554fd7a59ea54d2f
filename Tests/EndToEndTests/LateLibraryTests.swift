import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Pictures {
  /// A library that comes after the drop, or is replaced, decides how the drop is rendered.
  @Suite("A library that comes or changes after the drop")
  struct LateLibraryTests {
    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    /// Puts `lib/<name>.blend` of the scenes in the place of the library.
    private func put(_ name: String, _ farm: TestFarm, as place: String = "late") async throws {
      let lib = try await Scenes.shared.path("late_seat").removingLastComponent().appending("lib")
      try farm.scratch.folder("volume/quick/lib")
      let new = try farm.scratch.write(lib.appending("\(name).blend").contents, to: "new.blend")
      let target = farm.root.appending("quick/lib").appending("\(place).blend")
      try #require(rename(new.string, target.string) == 0)
    }

    @Test func `gives the frames, and their order, that it would give had it been there`() async throws {
      let farm = try await TestFarm(config: "chunk: 1\nslots: 2\n")
      let daemon = try await farm.start()
      try await farm.drop("late_seat", at: "quick/a.blend")
      #expect(await farm.logs("job.blocked job=quick/a"))

      try await put("late_still", farm)
      #expect(await farm.logs("harvested files=1 release=quick"))
      #expect(farm.root.appending("dist/quick").names == ["a.png"])
      #expect(try await farm.farm("show", "job", "a").output.contains("can move: frame 1 alone is rendered"))

      // Moves by an action that its own library gives it.
      try await put("late_turn", farm, as: "late_turn")
      try await put("late_turning", farm)
      #expect(await farm.logs("harvested files=6 release=quick"))
      let dist = farm.root.appending("dist/quick")
      let last = dist.appending("a_0006.png")
      #expect(try await !EndToEnd.areSame(dist.appending("a_0001.png"), dist.appending("a_0003.png")))
      #expect(try await !farm.farm("show", "job", "a").output.contains("can move"))

      try await put("late_cloth", farm)
      #expect(await farm.logs("harvested files=6 release=quick", times: 2))
      let shown = try await farm.farm("show", "job", "a").output
      #expect(shown.contains("object Seat is simulated as it is rendered"), "\(shown)")
      let cloth = farm.scratch("late.png")
      try cloth.write(last.contents)
      // As it is when all is there from the beginning.
      try await farm.drop("late_seat", at: "quick/b.blend")
      #expect(await farm.logs("job.completed job=quick/b"))
      #expect(await eventually { dist.appending("b_0006.png").isThere })
      #expect(try await EndToEnd.areSame(cloth, dist.appending("b_0006.png")))
      await stop(daemon)
    }

    @Test func `counts as it is when the first task begins`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await put("late_turning", farm)
      try await put("late_turn", farm, as: "late_turn")
      #expect(try await farm.farm("pause").code == 0)
      try await farm.drop("late_seat", at: "quick/a.blend")
      #expect(await farm.logs("job.queued job=quick/a"))

      try await put("late_still", farm)
      #expect(await farm.logs("job.queued job=quick/a revision=2"))
      #expect(try await farm.farm("resume").code == 0)

      #expect(await farm.logs("harvested files=1 release=quick"))
      #expect(farm.root.appending("dist/quick").names == ["a.png"])
      #expect(farm.logged("job.active") == 1)
      await stop(daemon)
    }

    @Test func `and is cut short holds the job up until it is whole`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await put("late_still", farm)
      let library = farm.root.appending("quick/lib/late.blend")
      let whole = library.contents
      try library.write(Array(whole.prefix(whole.count / 2)))
      try await farm.drop("late_seat", at: "quick/a.blend")
      #expect(await farm.logs("job.blocked job=quick/a"))
      let why = try await farm.farm("show", "job", "a").output
      #expect(why.contains("library late.blend needs //lib/late.blend, which is not whole"), "\(why)")

      try library.write(whole)

      #expect(await farm.logs("harvested files=1 release=quick"))
      #expect(farm.root.appending("dist/quick").names == ["a.png"])
      await stop(daemon)
    }
  }
}
