import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

extension EndToEnd.Crashes {
  /// The daemon dies right after a commit, for each that a drop makes on its way to `dist/`; the next start goes
  /// on from there.
  @Suite("A death right after a commit")
  struct FailpointTests {
    @Test func `is one from which the next start ends in the same dist, for every commit of the way`() async throws {
      let farm = try await TestFarm()
      var expected: [String] = []
      func drop(_ job: String) async throws {
        expected += (1...2).map { "quick/\(job)_000\($0).png" }
        try await farm.drop("overwrite_off", at: "quick/\(job).blend")
      }
      // Which commits there are, a whole way tells.
      try await drop("first")
      let whole = try farm.launch(environment: ["FARM_FAILPOINT": ""])
      #expect(await eventually { farm.log.contains("release.harvested") })
      whole.send(SIGTERM)
      #expect(await whole.end(within: .seconds(10)) == 0)
      let acts = Set(
        farm.log.split(separator: "\n").compactMap { line in
          line.hasPrefix("committed: ") ? String(line.dropFirst("committed: ".count)) : nil
        })
      #expect(acts.count >= 15, "\(acts)")

      for (number, act) in acts.sorted().enumerated() {
        try await drop("job_\(number)")
        let doomed = try farm.launch(environment: ["FARM_FAILPOINT": act])
        #expect(await doomed.end() == -SIGKILL, "after \"\(act)\"")
        try await recovers(farm, "job_\(number)", expected, after: act)
      }
    }

    /// What a person orders, and after which of its commits the daemon dies; what is done to go on does not pass the
    /// next one's.
    private static let orders: [(words: [String], act: String)] = [
      (["harvest", "release", "spring"], "end harvest"),
      (["replace", "job", "a", "--frames", "2"], "move revision to queued"),
      (["replace", "job", "a"], "record a revision of"), (["harvest", "release", "spring"], "journal a harvest"),
    ]

    @Test func `of an order is one from which the next start goes on, as if nothing had happened`() async throws {
      let farm = try await TestFarm()
      let first = try await farm.start()
      #expect(try await farm.farm("plan", "release", "spring", "--harvest", "manual").code == 0)
      try await farm.drop("overwrite_off", at: "releases/spring/store/a.blend")
      #expect(await farm.logs("job.completed job=spring/a"))
      try await stop(first)

      for (words, act) in Self.orders {
        let doomed = try farm.launch(environment: ["FARM_FAILPOINT": act])
        try await isWhole(farm, before: words)
        let order = try RunningProgram(
          "farm", words + ["--root", farm.root.string], output: farm.scratch("order-\(UUID().uuidString)"))
        #expect(await doomed.end() == -SIGKILL, "\(words) after \"\(act)\"")
        #expect(await order.end() == 3, "\(words) after \"\(act)\": \(order.text)")
      }

      let last = try await farm.start()
      try await isWhole(farm, before: [])
      #expect(
        await eventually { farm.root.appending("dist").filesBelow == ["spring/a_0001.png", "spring/a_0002.png"] })
      #expect(farm.root.appending("releases/spring/out/a").names.filter { $0.hasSuffix(".png") }.isEmpty)
      #expect(farm.root.appending(".farm/work").filesBelow.isEmpty)
      try await stop(last)
    }

    @Test(.enabled(if: Needs.mounts), arguments: ["journal a harvest", "note harvested files", "end harvest"])
    func `in a harvest onto another disk is one from which each picture ends there once`(act: String) async throws {
      let farm = try await TestFarm()
      let disk = try SmallDisk(size: "16m", at: farm.root.appending("dist"))
      let first = try await farm.start()
      #expect(try await farm.farm("plan", "release", "spring", "--harvest", "manual").code == 0)
      try await farm.drop("overwrite_off", at: "releases/spring/store/a.blend")
      #expect(await farm.logs("job.completed job=spring/a"))
      try await stop(first)

      let doomed = try farm.launch(environment: ["FARM_FAILPOINT": act])
      try await isWhole(farm, before: [act])
      let order = try RunningProgram(
        "farm", ["harvest", "release", "spring", "--root", farm.root.string], output: farm.scratch("order"))
      #expect(await doomed.end() == -SIGKILL)
      #expect(await order.end() == 3, "\(order.text)")
      let last = try await farm.start()

      #expect(await eventually { disk.path.filesBelow == ["spring/a_0001.png", "spring/a_0002.png"] })
      #expect(farm.root.appending("releases/spring/out/a").names.filter { $0.hasSuffix(".png") }.isEmpty)
      try await stop(last)
    }

    /// The job is completed with both its frames.
    private func isWhole(_ farm: TestFarm, before words: [String]) async throws {
      let sheet = { try await farm.farm("show", "job", "a").output }
      #expect(
        try await eventually {
          let text = try await sheet()
          return text.hasPrefix("spring/a  completed\n") && text.contains("(2 of 2 done, 0 failed)")
        }, "before \(words)\n\(farm.log)")
    }

    private func stop(_ daemon: RunningProgram) async throws {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    /// The next start delivers the job, once, with every frame rendered at the first try and nothing left behind.
    private func recovers(_ farm: TestFarm, _ job: String, _ expected: [String], after act: String) async throws {
      let next = try await farm.start()
      #expect(
        await eventually { farm.root.appending("dist").filesBelow.sorted() == expected.sorted() },
        "after \(act)\n\(farm.log)")
      let sheet = { try await farm.farm("show", "job", job, "--json").output }
      #expect(try await eventually { try await sheet().contains("\"state\" : \"completed\"") })
      let detail = try JSONDecoder().decode(JobDetail.self, from: Data(try await sheet().utf8))
      // Two frames, and what a node writes beside each.
      #expect(detail.outputs.map(\.attempts) == [1, 1, 1, 1], "after \(act)")
      #expect(detail.revision == 1, "after \(act)")
      #expect(farm.root.appending("quick").names.filter { $0.hasPrefix(".farm-") }.isEmpty, "after \(act)")
      next.send(SIGTERM)
      #expect(await next.end(within: .seconds(10)) == 0)
      #expect(farm.root.appending(".farm/work").filesBelow.isEmpty, "after \(act)")
    }
  }
}
