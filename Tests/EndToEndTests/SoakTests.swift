import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import Pictures
import SystemPackage
import Testing
import VolumeFiles

extension EndToEnd.Crashes {
  /// Long tests, run by `make soak`; each ends with a look at everything that must be true of ledger and volume.
  @Suite("Over a long time", .enabled(if: Needs.patience))
  struct SoakTests {
    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test(arguments: 1...25 as ClosedRange<UInt64>)
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

      let expected = ["quick/c", "quick/d", "spring/a", "spring/b"].flatMap { job in
        (1...6).map { "\(job)_000\($0).png" }
      }
      #expect(await eventually(within: .seconds(300)) { farm.root.appending("dist").filesBelow == expected })
      try await Invariants(farm).check(completed: ["quick/c", "quick/d", "spring/a", "spring/b"])
      await stop(daemon)
    }

    @Test func `a library saved every second for a minute costs a job at most two revisions`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let (red, blue) = try await EndToEnd.Pictures.DependencyTests.dropLayered(farm)
      let first = red.contents
      let begun = ContinuousClock.now
      for save in 1...60 {
        // Once a second, whatever the machine does besides.
        try await Task.sleep(until: begun + .seconds(save))
        try red.write(save.isMultiple(of: 2) ? blue : first)
      }
      #expect(await farm.logs("harvested files=4"))
      for frame in 1...4 {
        try await EndToEnd.Pictures.DependencyTests.isBlue(farm.root.appending("dist/quick/a_000\(frame).png"))
      }
      // The drop's own, and two.
      #expect(farm.logged("job.queued job=quick/a") <= 3)
      await stop(daemon)
    }

    @Test func `none of a thousand truncated files is taken for a drop`() async throws {
      let farm = try await TestFarm(config: "settle_stall: 1s\nsettle_quiet: 10ms\n")
      let daemon = try await farm.start()
      var random = SeededGenerator(seed: 1)
      let wholes = try await [Scenes.shared.path("still").contents, Scenes.shared.path("anim").contents]
      let quick = farm.root.appending("quick")

      for batch in 0..<10 {
        for number in 0..<100 {
          let whole = wholes[number % 2]
          let cut = Int.random(in: 0..<whole.count, using: &random)
          try Data(whole[..<cut]).write(to: URL(filePath: quick.appending("cut_\(batch)_\(number).blend").string))
        }
        #expect(await farm.logs("problem=\"not-whole", times: 100 * (batch + 1)))
        for number in 0..<100 { unlink(quick.appending("cut_\(batch)_\(number).blend").string) }
      }

      #expect(farm.logged("job.queued") == 0)
      #expect(await eventually { quick.names == ["out"] })
      await stop(daemon)
    }

    /// FARM_SOAK_MINUTES says how long; an hour without it.
    @Test func `scripted artists and faults leave every picture that is owed, and nothing else`() async throws {
      let minutes = ProcessInfo.processInfo.environment["FARM_SOAK_MINUTES"].flatMap { Int($0) } ?? 60
      let farm = try await TestFarm(config: "chunk: 3\nsettle_stall: 2s\nhang_after: 20s\n")
      var artists = Artists(farm, seed: UInt64(minutes))
      var daemon = try await farm.start()
      let end = ContinuousClock.now + .seconds(60 * minutes)

      while ContinuousClock.now < end {
        if try await artists.act() == .killDaemon {
          daemon.send(SIGKILL)
          _ = await daemon.end()
          daemon = try await farm.start()
        }
      }
      try await artists.goHome()

      let jobs = artists.jobs
      let areDone = try await eventually(within: .seconds(1800)) {
        try await Invariants(farm).states().filter { $0.value != .removed } == jobs.mapValues { _ in .completed }
      }
      let states = try await Invariants(farm).states()
      #expect(areDone, "\(states)")
      try await Invariants(farm).check(completed: Set(jobs.keys))
      await stop(daemon)
    }
  }
}

/// People who drop, save, copy slowly, rename and delete, and what goes wrong meanwhile.
struct Artists {
  /// What somebody did.
  enum Act: CaseIterable {
    case drop, saveAgain, copySlowly, delete, killBlender, stopBlender, killDaemon, rest
  }

  private let farm: TestFarm
  private var random: SeededGenerator
  private var count = 0
  /// The scene that each job holds now.
  private(set) var jobs: [String: String] = [:]

  init(_ farm: TestFarm, seed: UInt64) {
    self.farm = farm
    random = SeededGenerator(seed: seed)
  }

  private func path(_ job: String) -> String { farm.root.appending(job).string + ".blend" }

  /// As Blender saves: beside it, then renamed over.
  private func save(_ scene: String, as job: String) async throws {
    let bytes = try await Scenes.shared.path(scene).contents
    try Data(bytes).write(to: URL(filePath: path(job) + "@"))
    rename(path(job) + "@", path(job))
  }

  mutating func act() async throws -> Act {
    let act = Act.allCases.randomElement(using: &random) ?? .rest
    let scene = ["still", "anim", "red", "overwrite_off"].randomElement(using: &random) ?? "still"
    let known = jobs.keys.sorted().randomElement(using: &random)
    switch act {
    case .drop where jobs.count < 12:
      count += 1
      jobs["quick/job_\(count)"] = scene
      try await save(scene, as: "quick/job_\(count)")
    case .saveAgain:
      guard let known else { break }
      jobs[known] = scene
      try await save(scene, as: known)
    case .copySlowly:
      guard let known else { break }
      jobs[known] = scene
      let bytes = try await Scenes.shared.path(scene).contents
      try Data().write(to: URL(filePath: path(known)))
      let file = try FileHandle(forWritingTo: URL(filePath: path(known)))
      for start in stride(from: 0, to: bytes.count, by: 100_000) {
        try file.write(contentsOf: Data(bytes[start..<min(start + 100_000, bytes.count)]))
        try await Task.sleep(for: .milliseconds(Int.random(in: 0...150, using: &random)))
      }
      try file.close()
    case .delete where jobs.count > 6:
      guard let known else { break }
      jobs[known] = nil
      unlink(path(known))
    case .killBlender: signalBlender(SIGKILL)
    case .stopBlender where Int.random(in: 0..<4, using: &random) == 0: signalBlender(SIGSTOP)
    case .killDaemon where Int.random(in: 0..<4, using: &random) == 0: return .killDaemon
    case .drop, .delete, .stopBlender, .killDaemon, .rest: break
    }
    try await Task.sleep(for: .milliseconds(Int.random(in: 100...3000, using: &random)))
    return .rest
  }

  /// Saves every job once more, so that frames that faults cost all their attempts are owed anew.
  mutating func goHome() async throws {
    for job in jobs.keys.sorted() {
      let other = jobs[job] == "still" ? "anim" : "still"
      jobs[job] = other
      try await save(other, as: job)
    }
  }

  private func signalBlender(_ signal: Int32) {
    for pid in FilePath("/proc").names.compactMap({ Int32($0) }) {
      let command = String(decoding: FilePath("/proc/\(pid)/cmdline").contents, as: UTF8.self)
      if command.contains("blender"), command.contains(farm.root.string) { kill(pid, signal) }
    }
  }
}

/// What must be true of ledger and volume once everything is quiet; see "What must stay true" in ARCHITECTURE.md.
struct Invariants {
  private let farm: TestFarm

  init(_ farm: TestFarm) {
    self.farm = farm
  }

  private func status() async throws -> FarmStatus {
    try await JSONDecoder().decode(FarmStatus.self, from: Data(farm.farm("status", "--json").output.utf8))
  }

  /// The state of every job.
  func states() async throws -> [String: JobState] {
    let jobs = try await status().releases.flatMap { release in
      release.jobs.map { ("\(release.name)/\($0.name)", $0.state) }
    }
    return Dictionary(jobs) { first, _ in first }
  }

  func check(completed: Set<String>) async throws {
    let dist = farm.root.appending("dist")
    #expect(await eventually { farm.root.appending(".farm/work").filesBelow.isEmpty }, "work folders are cleared away")
    var owed: Set<String> = []
    for job in completed {
      let sheet = try await farm.farm("show", "job", job, "--json").output
      let detail = try JSONDecoder().decode(JobDetail.self, from: Data(sheet.utf8))
      #expect(detail.state == .completed, "\(job)")
      #expect(await eventually { await isHarvested(job) }, "every output of \(job) is delivered, none twice")
      for output in detail.outputs {
        let isStill = detail.outputs.count == 1
        let number = String(repeating: "0", count: max(0, 4 - "\(output.frame)".count)) + "\(output.frame)"
        owed.insert(isStill ? "\(job).png" : "\(job)_\(number).png")
      }
    }
    #expect(Set(dist.filesBelow).isSuperset(of: owed), "what is owed is in dist")
    for file in dist.filesBelow {
      #expect(!file.contains(".new"), "nothing of ours was taken for somebody else's: \(file)")
      #expect(throws: Never.self, "\(file)") { try Picture(at: dist.pushing(FilePath(file)), expecting: .png) }
    }
    for folder in ["quick", "releases/spring/store"] {
      let left = farm.root.pushing(FilePath(folder)).names.filter {
        $0.hasPrefix(".farm-") || $0.hasPrefix("blendcache_.farm")
      }
      #expect(left.isEmpty, "no snapshot is left")
      #expect(!farm.root.pushing(FilePath(folder)).names.contains { $0.contains("PROBLEM") }, "no note is left")
    }
    let doctor = try await farm.farm("doctor", "--json").output
    #expect(try JSONDecoder().decode(DoctorReport.self, from: Data(doctor.utf8)).isWell, "\(doctor)")
  }

  private func isHarvested(_ job: String) async -> Bool {
    // Not answered: asked again.
    guard let sheet = try? await farm.farm("show", "job", job, "--json").output,
      let detail = try? JSONDecoder().decode(JobDetail.self, from: Data(sheet.utf8))
    else { return false }
    return detail.outputs.allSatisfy { $0.state == .harvested }
  }
}
