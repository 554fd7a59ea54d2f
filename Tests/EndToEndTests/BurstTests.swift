import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Crashes {
  /// A daemon that dies again and again while people drop hundreds of files, some of them slowly.
  @Suite("A burst of drops")
  struct BurstTests {
    private static let seeds: Range<UInt64> = Needs.patience ? 0..<10 : 4..<5
    private static let kills = Needs.patience ? 20 : 8
    private static let filesBetween = Needs.patience ? 100 : 60

    @Test(arguments: seeds)
    func `through kills at random moments becomes one revision a file, none of half a file`(seed: UInt64) async throws {
      let farm = try await TestFarm(config: "settle_stall: 1s\n")
      var daemon = try await farm.start()
      #expect(try await farm.farm("pause").code == 0)
      let burst = Burst(farm.root, files: Self.kills * Self.filesBetween)
      let people = Thread { burst.run() }
      people.start()

      var random = SeededGenerator(seed: seed)
      for kill in 1...Self.kills {
        let moment = kill * Self.filesBetween - Int.random(in: 0..<Self.filesBetween, using: &random)
        #expect(await eventually(within: .seconds(300)) { burst.count >= moment })
        daemon.send(SIGKILL)
        _ = await daemon.end()
        daemon = try farm.launch()
      }
      #expect(await eventually(within: .seconds(300)) { burst.isOver })

      #expect(try await eventually(within: .seconds(300)) { try await farm.farm("sync").code == 0 })
      let areAllKnown = try await eventually(within: .seconds(300)) { try await jobs(farm).count == burst.files }
      #expect(areAllKnown)
      for job in try await jobs(farm) {
        #expect(job.revision == 1 && job.state == .queued, "\(job.name)")
      }
      // Of those that came in two halves the whole is known.
      let whole = try await digest(farm, "fast_3")
      for number in stride(from: 0, to: min(burst.files, 500), by: 10) {
        #expect(try await digest(farm, "slow_\(number)") == whole)
      }
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    private func digest(_ farm: TestFarm, _ job: String) async throws -> Digest? {
      let sheet = try await farm.farm("show", "job", job, "--json").output
      return try JSONDecoder().decode(JobDetail.self, from: Data(sheet.utf8)).digest
    }

    private func jobs(_ farm: TestFarm) async throws -> [JobStatus] {
      let text = try await farm.farm("status", "--json").output
      return try JSONDecoder().decode(FarmStatus.self, from: Data(text.utf8)).releases.flatMap(\.jobs)
    }
  }
}

/// Drops files as fast as it can: of ten, seven renamed into place, one written in place, one copied in two halves a
/// second apart, and one linked.
private final class Burst: Sendable {
  let files: Int
  let blend = TestFiles.blend(scenes: [("Scene", 1, 2)])
  private let root: FilePath
  private let progress = Mutexed((count: 0, isOver: false))

  init(_ root: FilePath, files: Int) {
    self.root = root
    self.files = files
  }

  var count: Int { progress.with { $0.count } }
  var isOver: Bool { progress.with { $0.isOver } }

  /// What cannot be written is missed in the end.
  private func put(_ path: String) { _ = FileManager.default.createFile(atPath: path, contents: Data(blend)) }

  func run() {
    var halves: [(handle: FileHandle, due: Date)] = []
    for number in 0..<files {
      let isSlow = number % 10 == 0
      let path = root.appending("quick/\(isSlow ? "slow" : "fast")_\(number).blend").string
      switch number % 10 {
      case 0:
        guard FileManager.default.createFile(atPath: path, contents: Data(blend.prefix(blend.count / 2))),
          let handle = FileHandle(forWritingAtPath: path)
        else { continue }
        handle.seekToEndOfFile()
        halves.append((handle, Date(timeIntervalSinceNow: 1)))
      case 1: put(path)
      case 2:
        let first = root.appending("quick/fast_\(number - 1).blend").string
        link(first, path)
      default:
        put(path + ".part")
        rename(path + ".part", path)
      }
      progress.with { $0.count += 1 }
      while let half = halves.first, half.due < Date() || number == files - 1 {
        half.handle.write(Data(blend.suffix(blend.count - blend.count / 2)))
        half.handle.closeFile()
        halves.removeFirst()
      }
      usleep(1000)
    }
    progress.with { $0.isOver = true }
  }
}
