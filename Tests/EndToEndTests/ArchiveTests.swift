import FarmTesting
import Foundation
import Supervisor
import SystemPackage
import Testing
import VolumeFiles

extension EndToEnd.Life {
  /// What becomes of a release that is over.
  @Suite("A release that is archived")
  struct ArchiveTests {
    /// A farm with a delivered release, and what lay in it.
    private struct Delivered {
      let farm: TestFarm
      let before: [String]

      /// - Parameters:
      ///   - padding: bytes that are packed besides.
      ///   - user: whose rights the daemon has; what is dropped is ours.
      init(padding: Int = 0, user: UInt32? = nil) async throws {
        farm = try await TestFarm(user: user)
        let daemon = try await farm.start()
        #expect(try await farm.farm("plan", "release", "spring", "--jobs", "a").code == 0)
        try farm.scratch.write("a texture", to: "volume/releases/spring/store/textures/wood.txt")
        let noise = (0..<UInt8.max).map { _ in UInt8.random(in: 0...255) }
        let many = Data((0..<padding / noise.count).flatMap { _ in noise })
        try farm.scratch.write(many, to: "volume/releases/spring/store/textures/noise.bin")
        try await farm.drop("overwrite_off", at: "releases/spring/store/a.blend")
        #expect(await farm.logs("release.harvested"))
        daemon.send(SIGTERM)
        #expect(await daemon.end(within: .seconds(10)) == 0)
        before = try await Delivered.listing(farm)
      }

      /// Everything in the release and its delivery, with rights, times and bytes.
      static func listing(_ farm: TestFarm) async throws -> [String] {
        let script = """
          cd "$1" && LC_ALL=C find releases/spring dist/spring -printf '%p %y %m %T@ %l\\n' | LC_ALL=C sort
          LC_ALL=C find releases/spring dist/spring -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
          """
        let words = ["-c", script, "list", farm.root.string]
        return try await ChildProcess.output(of: ChildCommand("/bin/bash", words)).1
      }

      var hasRelease: Bool { farm.root.appending("releases/spring/store/a.blend").isThere }
      var archive: FilePath { farm.root.appending("archives/spring.tar.gz") }

      /// Nothing of ours is left on the way.
      var leftOvers: [String] {
        let own = farm.root.appending(".farm").names.filter { $0.hasPrefix("archived-") || $0.hasPrefix("restoring-") }
        return own + farm.root.appending("archives").names.filter { $0.hasPrefix(".") && $0 != ".older" }
      }
    }

    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    @Test func `is one file then, comes back as it was, and is not rendered again`() async throws {
      let delivered = try await Delivered()
      let farm = delivered.farm
      let daemon = try await farm.start()

      let early = try await farm.farm("archive", "release", "spring")
      #expect(
        early.code == 1 && early.output.contains("less than 7 days ago\nWait, or say `--force`."), "\(early.output)")
      let wrong = try await farm.farm("archive", "release", "sprin")
      #expect(wrong.code == 1 && wrong.output.contains("did you mean \"spring\"?"), "\(wrong.output)")
      #expect(try await farm.farm("archive", "release", "quick", "--force").output.contains("quick/ is never over"))
      let reader = try RunningProgram(
        path: "/usr/bin/tail", ["-f", farm.root.appending("dist/spring/a_0001.png").string], output: farm.scratch("t"))
      let busy = try await farm.farm("archive", "release", "spring", "--force")
      #expect(busy.code == 1 && busy.output.contains("tail (\(reader.pid)) has "), "\(busy.output)")
      reader.send(SIGKILL)
      _ = await reader.end()
      #expect(try await Delivered.listing(farm) == delivered.before)

      let done = try await farm.farm("archive", "release", "spring", "--force")
      #expect(done.code == 0 && done.output.hasPrefix("archived spring in archives/spring.tar.gz, "), "\(done.output)")
      #expect(!farm.root.appending("releases/spring").isThere && delivered.leftOvers.isEmpty)
      #expect(farm.root.appending("dist/spring").names == ["a_0001.png", "a_0002.png"])
      #expect(try await farm.farm("verify", "archive", "spring").code == 0)
      #expect(try await farm.farm("list", "archives").output.contains("archives/spring.tar.gz"))
      #expect(try await farm.farm("list", "releases").output.contains("archived"))
      #expect(try await farm.farm("status").output.contains("is gone") == false)

      try FileManager.default.removeItem(atPath: farm.root.string + "/dist/spring/a_0002.png")
      let (settled, queued) = (farm.logged("job.settling"), farm.logged("job.queued"))
      let back = try await farm.farm("restore", "release", "spring")
      #expect(back.code == 0, "\(back.output)")
      #expect(await farm.logs("release.harvested", times: 2))
      #expect(try await farm.farm("sync").code == 0)
      #expect(queued > 0 && farm.logged("job.queued") == queued, "nothing of it is new")
      #expect(farm.logged("job.settling") == settled, "nothing of it settles anew")
      let after = try await Delivered.listing(farm)
      // A picture came back into dist/, whose time is another by that.
      let differing = Set(after).symmetricDifference(delivered.before).filter { !$0.hasPrefix("dist/spring d ") }
      #expect(differing.isEmpty, "\(differing)")
      #expect(try await farm.farm("list", "jobs").output.contains("2/2"))
      let again = try await farm.farm("restore", "release", "spring")
      #expect(again.code == 1 && again.output.contains("is there already"), "\(again.output)")
      #expect(farm.logged("job.active") == 1)
      let history = try await farm.farm("history").output
      for what in ["dropped", "delivered", "archived", "restored"] {
        #expect(history.contains(what), "\(what) of \(history)")
      }
      await stop(daemon)
    }

    /// After each of these the daemon dies, while a release is archived or restored; and whether it is archived then.
    private static let deaths: [(words: [String], act: String, isArchived: Bool)] = [
      (["archive"], "archive packed", false), (["archive"], "record an archive of spring", false),
      (["archive"], "archive placed", false), (["archive"], "set an archive to removing", false),
      (["archive"], "release taken away", false), (["archive"], "forget release spring", true),
      (["restore"], "archive unpacked", true), (["restore"], "plan release spring", true),
      (["restore"], "restore release spring", false), (["archive"], "release deleted", true),
      (["restore"], "release restored", false), (["archive"], "set an archive to stored", true),
      (["restore"], "set an archive to kept", false),
    ]

    @Test func `is there or in the archive, whole, whenever the daemon dies`() async throws {
      let delivered = try await Delivered()
      let farm = delivered.farm

      for (words, act, isArchived) in Self.deaths {
        let doomed = try farm.launch(environment: ["FARM_FAILPOINT": act])
        #expect(try await eventually { try await farm.farm("sync").code == 0 }, "before \(act)")
        let force = words == ["archive"] ? ["--force"] : []
        let order = try RunningProgram(
          "farm", words + ["release", "spring", "--root", farm.root.string] + force,
          output: farm.scratch("order-\(UUID().uuidString)"))
        #expect(await doomed.end() == -SIGKILL, "\(words) after \"\(act)\": \(order.text)\n\(farm.log)")
        #expect(await order.end() == 3, "after \"\(act)\": \(order.text)")
        let next = try await farm.start()

        #expect(delivered.hasRelease == !isArchived, "after \"\(act)\"")
        #expect(await eventually { delivered.leftOvers.isEmpty }, "after \"\(act)\": \(delivered.leftOvers)")
        if isArchived {
          #expect(try await farm.farm("verify", "archive", "spring").code == 0, "after \"\(act)\"")
        } else {
          #expect(try await Delivered.listing(farm) == delivered.before, "after \"\(act)\"")
          #expect(
            try await eventually { try await farm.farm("list", "releases").output.contains("harvested") },
            "after \"\(act)\"")
        }
        await stop(next)
      }
      #expect(farm.logged("job.active") == 1)
    }

    /// What kills it comes at any moment of the way, there and back.
    @Test func `is there or in the archive, whole, after a kill at any moment`() async throws {
      let delivered = try await Delivered(padding: 40 << 20)
      let farm = delivered.farm
      var random = SeededGenerator(seed: 8)
      var kills = 0

      for round in 0..<(Needs.patience ? 60 : 6) {
        let daemon = try await farm.start()
        let wasThere = delivered.hasRelease
        let words = wasThere ? ["archive", "release", "spring", "--force"] : ["restore", "release", "spring"]
        let order = try RunningProgram(
          "farm", words + ["--root", farm.root.string], output: farm.scratch("round-\(round)"))
        try await Task.sleep(for: .milliseconds(Int.random(in: 0...1500, using: &random)))
        if order.isRunning { kills += 1 }
        daemon.send(SIGKILL)
        _ = await daemon.end()
        _ = await order.end()
        let next = try await farm.start()

        #expect(delivered.leftOvers.isEmpty, "round \(round): \(delivered.leftOvers)")
        if delivered.hasRelease {
          #expect(try await Delivered.listing(farm) == delivered.before, "round \(round)")
        } else {
          let verified = try await farm.farm("verify", "archive", "spring")
          #expect(verified.code == 0, "round \(round): \(verified.output)")
          #expect(!farm.root.appending("releases/spring").isThere, "round \(round)")
        }
        await stop(next)
      }
      #expect(kills > 0)
      #expect(farm.logged("job.active") == 1)
    }

    @Test func `comes back though the ledger was lost meanwhile`() async throws {
      let delivered = try await Delivered()
      let farm = delivered.farm
      let first = try await farm.start()
      #expect(try await farm.farm("archive", "release", "spring", "--force", "--prune-dist").code == 0)
      #expect(!farm.root.appending("dist/spring").isThere)
      await stop(first)
      for name in farm.root.appending(".farm/state").names where name.hasPrefix("ledger") {
        try FileManager.default.removeItem(atPath: farm.root.string + "/.farm/state/" + name)
      }

      let second = try await farm.start()
      let listed = try await farm.farm("list", "archives").output
      #expect(listed.contains("archives/spring.tar.gz") && listed.contains("`farm verify archive spring`"), "\(listed)")
      let back = try await farm.farm("restore", "release", "spring")
      #expect(back.code == 0, "\(back.output)")

      #expect(try await eventually { try await farm.farm("list", "releases").output.contains("harvested") })
      #expect(try await Delivered.listing(farm) == delivered.before)
      #expect(farm.logged("job.active") == 1)
      await stop(second)
    }

    @Test(.enabled(if: Needs.root))
    func `stays as it is where the daemon may not remove something of it, and says what`() async throws {
      let delivered = try await Delivered(user: 65_534)
      let (farm, manager) = (delivered.farm, FileManager.default)
      let textures = farm.root.appending("releases/spring/store/textures").string
      let daemon = try await farm.start()

      for (mode, why) in [
        (0o755, "the daemon may not remove what lies in \(textures) (`chmod g+rwX "),
        (0o1777, "\(textures) is sticky, and belongs to another user (`chmod -t "),
      ] {
        try manager.setAttributes([.posixPermissions: mode], ofItemAtPath: textures)
        let refused = try await farm.farm("archive", "release", "spring", "--force")
        #expect(refused.code == 1 && refused.output.contains(why), "\(refused.output)")
      }
      try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: textures)
      #expect(try await Delivered.listing(farm) == delivered.before && delivered.leftOvers.isEmpty)
      #expect(!delivered.archive.isThere)

      try manager.setAttributes([.posixPermissions: 0o777], ofItemAtPath: textures)
      let archived = try await farm.farm("archive", "release", "spring", "--force")
      #expect(archived.code == 0 && !delivered.hasRelease && delivered.archive.isThere, "\(archived.output)")
      #expect(archived.output.contains("files the daemon cannot know whether a program still had them open"))
      let restored = try await farm.farm("restore", "release", "spring")
      #expect(restored.code == 0, "\(restored.output)")
      #expect(restored.output.contains("files and folders belonged to others and are the daemon's now"))
      // Whose they were may be in the group; the bytes are the same.
      #expect(try FileStatus(at: farm.root.appending("releases/spring/store/a.blend"))?.mode == 0o664)
      let digests = { (lines: [String]) in lines.filter { $0.wholeMatch(of: /[0-9a-f]{64}  .*/) != nil } }
      #expect(try await digests(Delivered.listing(farm)) == digests(delivered.before))
      await stop(daemon)
    }

    @Test(.enabled(if: Needs.mounts))
    func `stays as it is where archives can take no file, and says why`() async throws {
      let delivered = try await Delivered()
      let farm = delivered.farm
      let disk = try SmallDisk(size: "40m", at: farm.root.appending("archives"))
      let daemon = try await farm.start()
      try disk.fill()

      let full = try await farm.farm("archive", "release", "spring", "--force")
      #expect(full.code == 1 && full.output.contains("less than `disk_floor:` keeps free"), "\(full.output)")
      #expect(full.output.contains("Free space there (`df -h "), "\(full.output)")
      try disk.removeFill()
      try await disk.setReadOnly(true)
      let closed = try await farm.farm("archive", "release", "spring", "--force")
      #expect(closed.code == 1 && closed.output.contains("Mount the file system writable"), "\(closed.output)")
      #expect(try await Delivered.listing(farm) == delivered.before && delivered.leftOvers.isEmpty)
      try await disk.setReadOnly(false)

      let open = try await farm.farm("archive", "release", "spring", "--force")
      #expect(open.code == 0, "\(open.output)")
      #expect(disk.path.names == ["spring.tar.gz"])
      #expect(try await farm.farm("restore", "release", "spring").code == 0)
      #expect(try await Delivered.listing(farm) == delivered.before)
      await stop(daemon)
    }
  }
}
