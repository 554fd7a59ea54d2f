import FarmAPI
import FarmTesting
import Foundation
import SystemPackage
import Testing

extension EndToEnd.Drops {
  /// What is no news, and what is, although it looks like none.
  @Suite("A file that was rendered")
  struct SameFileTests {
    private let blend = TestFiles.blend(scenes: [("Scene", 1, 2)])

    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    /// What comes before is settled anew at the next start, unless it is decided by then.
    private func isBlenderKnown(_ farm: TestFarm) async throws {
      #expect(try await eventually { try await farm.farm("list", "workers").output.contains("free") })
    }

    /// A farm that renders nothing, with one job.
    private func pausedFarm() async throws -> (farm: TestFarm, daemon: RunningProgram, path: String) {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await isBlenderKnown(farm)
      #expect(try await farm.farm("pause").code == 0)
      let path = farm.root.appending("quick/a.blend").string
      try Data(blend).write(to: URL(filePath: path))
      #expect(await farm.logs("job.queued"))
      return (farm, daemon, path)
    }

    /// Everything that may happen to a file without making it another one.
    private func disturb(_ path: String) throws {
      utimes(path, nil)
      chmod(path, 0o600)
      chmod(path, 0o664)
      try Data(blend).write(to: URL(filePath: path))
      try Data(blend).write(to: URL(filePath: path), options: .atomic)
      utimes(path, [timeval(tv_sec: 1_500_000_000, tv_usec: 0), timeval(tv_sec: 1_500_000_000, tv_usec: 0)])
      link(path, path + ".away")
      rename(path + ".away", path)
    }

    @Test func `and is touched, saved again or copied over itself is no news, also while the daemon is down`()
      async throws
    {
      let (farm, daemon, path) = try await pausedFarm()

      try disturb(path)
      #expect(try await farm.farm("sync").code == 0)
      await stop(daemon)
      try disturb(path)
      let again = try await farm.start()
      #expect(try await farm.farm("sync").code == 0)

      #expect(farm.logged("job.queued") == 1)
      #expect(farm.logged("job.superseded") == 0)
      await stop(again)
    }

    @Test func `and has other bytes with the old size and time is another revision, also while the daemon is down`()
      async throws
    {
      let (farm, daemon, path) = try await pausedFarm()
      var before = stat()
      stat(path, &before)
      let change = { (name: String) in
        let other = TestFiles.blend(scenes: [(name, 1, 2)])
        #expect(other.count == Int(before.st_size))
        try Data(other).write(to: URL(filePath: path))
        utimensat(AT_FDCWD, path, [before.st_atim, before.st_mtim], 0)
      }

      try change("Other")
      #expect(await farm.logs("job.queued", times: 2))
      await stop(daemon)
      try change("Third")
      let again = try await farm.start()

      #expect(await farm.logs("job.queued", times: 3))
      #expect(farm.logged("job.superseded") == 2)
      await stop(again)
    }

    @Test func `costs the ledger nothing at a start, however many there are`() async throws {
      let (farm, daemon, path) = try await pausedFarm()
      await stop(daemon)
      let few = try await writtenByAStart(of: farm)
      let again = try await farm.start()
      try await isBlenderKnown(farm)
      for number in 1...100 { try Data(blend).write(to: URL(filePath: path + "\(number).blend")) }
      #expect(await farm.logs("job.queued", times: 101))
      await stop(again)

      #expect(try await writtenByAStart(of: farm) == few)
    }

    /// Bytes that a start, with all files compared, writes to the ledger's log.
    private func writtenByAStart(of farm: TestFarm) async throws -> Int {
      let daemon = try await farm.start()
      #expect(try await farm.farm("sync").code == 0)
      let log = farm.root.appending(".farm/state/ledger.sqlite-wal")
      let written = log.contents.count
      await stop(daemon)
      // Nothing is left in it for the next start.
      #expect(log.contents.isEmpty)
      return written
    }

    @Test func `of which nothing is new is not written of again and again`() async throws {
      let farm = try await TestFarm()
      // Looked at each second, as it waits for a person to harvest it.
      try farm.scratch.write("jobs: [b]\nharvest: manual\n", to: "volume/releases/r/release.yaml")
      let daemon = try await farm.start()
      try await farm.drop("still", at: "releases/r/store/b.blend")
      #expect(await farm.logs("job.completed"))
      let status = farm.root.appending(".farm/status.json").string

      var (seen, since) = (UInt(0), ContinuousClock.now)
      #expect(
        await eventually {
          var now = stat()
          stat(status, &now)
          if now.st_ino != seen { (seen, since) = (now.st_ino, .now) }
          return ContinuousClock.now - since > .seconds(4)
        })
      await stop(daemon)
    }

    /// Snapshots, frames, notes and deliveries lie beside drops, in folders that are watched.
    @Test func `leaves nothing in the watched folders that is taken for a drop, or looked at on and on`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      try await farm.drop("anim", at: "quick/a.blend")
      try await farm.drop("no_camera", at: "quick/bad.blend")
      try await farm.drop("still", at: "releases/r/store/b.blend")
      #expect(await farm.logs("harvested files=6"))
      #expect(await farm.logs("harvested files=1"))
      #expect(await eventually { farm.root.appending("quick/bad.blend.PROBLEM.txt").isThere })
      #expect(await eventually { farm.root.appending("STATUS.txt").isThere })
      #expect(await farm.logs("release.harvested release=r"))

      #expect(try await farm.farm("sync").code == 0)
      let (watched, lines) = (try await watch(farm), farm.log.split(separator: "\n"))
      for _ in 1...5 { #expect(try await farm.farm("sync").code == 0) }

      #expect(try await watch(farm).rescans == watched.rescans)
      #expect(watched.unsettled == 0 && watched.overflows == 0)
      #expect(farm.log.split(separator: "\n").dropFirst(lines.count) == [])
      #expect(farm.logged("job.settling") <= 3)
      let jobs = try await farm.farm("list", "jobs", "--json").output
      #expect(jobs.components(separatedBy: "\"job\" :").count - 1 == 3, "\(jobs)")
      await stop(daemon)
    }

    private func watch(_ farm: TestFarm) async throws -> WatchStatus {
      let text = try await farm.farm("status", "--json").output
      return try #require(try JSONDecoder().decode(FarmStatus.self, from: Data(text.utf8)).daemon.watch)
    }
  }
}
