import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Crashes {
  /// The whole daemon beside people who drop, move and remove at random: in the end its jobs are the files that lie
  /// there. Nothing is rendered: the farm is paused, and its Blender only says that it is one.
  @Suite("What people do at random in a farm")
  struct ChurnTests {
    /// `FARM_CHURN_SEEDS=75,80` tries these again.
    private static let seeds: [UInt64] = {
      let wanted = ProcessInfo.processInfo.environment["FARM_CHURN_SEEDS"] ?? ""
      let seeds = wanted.split(separator: ",").compactMap { UInt64($0) }
      return seeds.isEmpty ? Needs.patience ? Array(1...300) : [1, 3] : seeds
    }()
    private static let operations = 300

    @Test(arguments: seeds)
    func `leaves a job for each file, and none besides`(seed: UInt64) async throws {
      let scratch = try ScratchFolder()
      let farm = try await TestFarm(config: "blenders: [\(try FakeBlender.make(in: scratch).string)]\n")
      var daemon = try await farm.start()
      #expect(try await farm.farm("pause").code == 0)
      var people = ChurningPeople(root: farm.root, seed: seed)
      // Each third seed has a daemon that is killed now and then.
      for _ in 0..<Self.operations {
        people.act()
        guard seed % 3 == 0, people.killsTheDaemon() else { continue }
        daemon.send(SIGKILL)
        _ = await daemon.end()
        for _ in 0..<3 { people.act() }
        daemon = try farm.launch()
      }

      // A file has to be gone for 5 s before its job is. Sooner than the watch's slow timer, which would mend it.
      var difference = "nothing was compared"
      let areSame = try await eventually(within: .seconds(45)) {
        guard try await farm.farm("sync").code == 0 else { return false }
        difference = try await self.difference(farm)
        return difference.isEmpty
      }

      #expect(areSame, "seed \(seed): \(difference)\n\(people.diary.joined(separator: "\n"))")
      if !areSame { print(farm.log) }
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(30)) == 0)
    }

    /// What jobs and files differ in; empty when they are the same.
    private func difference(_ farm: TestFarm) async throws -> String {
      let said = try await farm.farm("status", "--json").output
      let status = try JSONDecoder().decode(FarmStatus.self, from: Data(said.utf8))
      var jobs: [String: String] = [:]
      for release in status.releases {
        let folder = release.name == "quick" ? "quick" : "releases/\(release.name)/store"
        for job in release.jobs where job.state != .removed {
          // The jobs of a folder that is gone wait for it; so do those that were not in it when it came back.
          let file = farm.root.appending("\(folder)/\(job.name).blend")
          guard farm.root.appending(folder).isThere, job.problem?.problemClass != .fileGone || file.isThere else {
            continue
          }
          jobs["\(folder)/\(job.name).blend"] = "\(job.state.rawValue) \(job.frames.expected)"
        }
      }
      var files: [String: String] = [:]
      let releases = farm.root.appending("releases").names.map { "releases/\($0)/store" }
      for folder in ["quick"] + releases {
        for name in farm.root.appending(folder).names where name.hasSuffix(".blend") && !name.hasPrefix(".") {
          let path = farm.root.appending(folder).appending(name)
          files["\(folder)/\(name)"] = "queued \(ChurningPeople.frameCount(of: path))"
        }
      }
      let paths = Set(jobs.keys).union(files.keys).sorted()
      return paths.filter { jobs[$0] != files[$0] }
        .map { "\($0): job \(jobs[$0] ?? "none"), file \(files[$0] ?? "none")" }.joined(separator: "; ")
    }
  }
}

/// A program that answers as Blender does when it is asked what it is, and can do nothing else.
enum FakeBlender {
  static func make(in scratch: ScratchFolder) throws -> FilePath {
    let answer =
      #"@@farm {"event": "probed", "version": [3, 4, 1], "hash": "f", "can_denoise": true, "devices": ["CPU"]}"#
    let path = try scratch.write("#!/bin/sh\nread order\necho '\(answer)'\n", to: "blender")
    chmod(path.string, 0o755)
    return path
  }
}

/// Artists, their file managers and sync programs, by chance; what they do is the same for the same seed.
private struct ChurningPeople {
  private let root: FilePath
  private var random: SeededGenerator
  private var count: Int32 = 0
  private(set) var diary: [String] = []
  private static let stores = ["quick", "releases/r/store", "releases/s/store", "releases/t/store"]
  private static let folders = [
    "releases/r", "releases/s", "releases/t", "releases/r/store", "releases/s/store", "away", "away2",
  ]

  init(root: FilePath, seed: UInt64) {
    self.root = root
    random = SeededGenerator(seed: seed)
  }

  /// Each drop has another number of frames, by which its job shows whose it is.
  private mutating func blend() -> [UInt8] {
    count += 1
    return TestFiles.blend(scenes: [("Scene", 1, count)])
  }

  static func frameCount(of path: FilePath) -> Int32 {
    let bytes = path.contents
    // `BLENDER-v304`, a block's head of 24 bytes, the first frame, the last frame.
    guard bytes.count > 44 else { return -1 }
    return bytes[40..<44].reversed().reduce(0) { $0 << 8 | Int32($1) }
  }

  mutating func killsTheDaemon() -> Bool { Int.random(in: 0..<50, using: &random) == 0 }

  private mutating func anyFile() -> String {
    let store = Self.stores.randomElement(using: &random) ?? "quick"
    return "\(store)/\(["a", "b", "c"].randomElement(using: &random) ?? "a").blend"
  }

  private func full(_ path: String) -> String { root.appending(path).string }

  private func make(_ folder: String) {
    // Something else is in the way: nothing happens then.
    try? FileManager.default.createDirectory(atPath: full(folder), withIntermediateDirectories: true)
  }

  private func remove(_ folder: String) {
    // Not there: nothing to remove.
    try? FileManager.default.removeItem(atPath: full(folder))
  }

  /// Writes beside the place and renames, as most programs save; nothing happens where there is no folder.
  private mutating func drop(_ file: String) {
    let part = full(file) + ".part"
    guard FileManager.default.createFile(atPath: part, contents: Data(blend())) else { return }
    rename(part, full(file))
  }

  mutating func act() {
    let (a, b) = (anyFile(), anyFile())
    let folder = Self.folders.randomElement(using: &random) ?? "away"
    let other = Self.folders.randomElement(using: &random) ?? "away"
    let act = Int.random(in: 0..<15, using: &random)
    switch act {
    case 0, 1, 2:
      diary.append("drop \(a)")
      drop(a)
    case 3, 4:
      diary.append("write \(a)")
      // Nothing happens where there is no folder.
      _ = FileManager.default.createFile(atPath: full(a), contents: Data(blend()))
    case 5, 6:
      diary.append("unlink \(a)")
      unlink(full(a))
    case 7, 8:
      diary.append("rename \(a) \(b)")
      rename(full(a), full(b))
    case 9:
      diary.append("copy \(a) \(b); unlink \(a)")
      if a != b, copy(a, b) { unlink(full(a)) }
    case 10:
      diary.append("link \(a) \(b); unlink \(a)")
      if link(full(a), full(b)) == 0 { unlink(full(a)) }
    case 11:
      diary.append("make \(folder)")
      make(folder.hasSuffix("store") || folder.hasPrefix("away") ? folder : "\(folder)/store")
    case 12:
      diary.append("rename \(folder) \(other)")
      rename(full(folder), full(other))
    case 13:
      diary.append("remove \(folder)")
      remove(folder)
    default:
      let release = ["releases/r", "releases/s"].randomElement(using: &random) ?? "releases/r"
      diary.append("remove \(release); make it again; drop c into it")
      remove(release)
      make("\(release)/store")
      drop("\(release)/store/c.blend")
    }
    usleep(UInt32.random(in: 0...15_000, using: &random))
  }

  private func copy(_ a: String, _ b: String) -> Bool {
    guard let bytes = FileManager.default.contents(atPath: full(a)), !bytes.isEmpty else { return false }
    return FileManager.default.createFile(atPath: full(b), contents: bytes)
  }
}
