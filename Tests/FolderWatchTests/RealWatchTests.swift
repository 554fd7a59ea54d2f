import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

/// Real kernels, limits, mounts and servers that do not answer.
@Suite("A watched volume in hard places", .serialized)
struct RealWatchTests {
  private let scratch: ScratchFolder
  private let root: FilePath
  private let blend = TestFiles.blend(scenes: [("Scene", 1, 2)])

  init() throws {
    scratch = try ScratchFolder()
    root = try scratch.makeVolume().root
  }

  private func probe(through: [String] = []) async throws -> RunningProgram {
    let probe = try RunningProgram(
      "WatchProbe", [root.string, "--fast"], through: through, output: scratch("probe.log"))
    try #require(await eventually { probe.text.contains("barrier 1") || !probe.isRunning })
    return probe
  }

  private func lines(_ probe: RunningProgram) -> [String] { probe.text.split(separator: "\n").map(String.init) }

  private func tells(_ probe: RunningProgram, _ line: String) async -> Bool {
    await eventually(within: .seconds(60)) { lines(probe).contains { $0.hasPrefix(line) } }
  }

  /// Asks for a barrier and waits for it.
  /// - Returns: its line, with the counts.
  private func barrier(_ probe: RunningProgram, _ number: Int) async throws -> String {
    try Data().write(to: URL(filePath: root.appending(".farm/cookies/probe-\(number)").string))
    try #require(await tells(probe, "barrier \(number) "))
    return lines(probe).first { $0.hasPrefix("barrier \(number) ") } ?? ""
  }

  private func drop(_ path: FilePath) throws {
    let part = path.removingLastComponent().appending(".part")
    try Data(blend).write(to: URL(filePath: part.string))
    guard rename(part.string, path.string) == 0 else { throw POSIXError(.EIO) }
  }

  // MARK: - Limits

  private func within(_ limit: String, _ value: Int) -> [String] {
    let script = "echo \(value) > /proc/sys/user/\(limit) && exec \"$0\" \"$@\""
    return ["/usr/bin/unshare", "-Ur", "/bin/sh", "-c", script]
  }

  private func set(_ limit: String, _ value: Int, of probe: RunningProgram) async throws {
    let words = ["-t", "\(probe.pid)", "-U", "/bin/sh", "-c", "echo \(value) > /proc/sys/user/\(limit)"]
    let setter = try RunningProgram(path: "/usr/bin/nsenter", words, output: scratch("nsenter.log"))
    #expect(await setter.end() == 0)
  }

  @Test(.enabled(if: Needs.namespaces, "needs user namespaces"))
  func `without watches left is polled, and watched again when there are more`() async throws {
    for number in 1...4 { try scratch.folder("volume/releases/r\(number)/store") }
    let probe = try await probe(through: within("max_inotify_watches", 5))

    #expect(await tells(probe, "troubled"))
    #expect(probe.text.contains("the inotify watch limit is reached"))
    for number in 1...4 { try drop(root.appending("releases/r\(number)/store/a.blend")) }
    for number in 1...4 { #expect(await tells(probe, "settled releases/r\(number)/store/a.blend")) }
    let few = try await barrier(probe, 2)
    #expect(few.contains("watches=4 polled=7"), "\(few)")
    try await set("max_inotify_watches", 100, of: probe)

    var number = 2
    let areAllWatched = try await eventually {
      number += 1
      return try await barrier(probe, number).contains("watches=11 polled=0")
    }
    #expect(areAllWatched)
    for number in 1...4 {
      #expect(lines(probe).filter { $0 == "settled releases/r\(number)/store/a.blend" }.count == 1)
    }
  }

  @Test(.enabled(if: Needs.namespaces, "needs user namespaces"))
  func `without an inotify instance is polled`() async throws {
    let probe = try await probe(through: within("max_inotify_instances", 0))

    #expect(probe.text.contains("the limit of inotify instances is reached"))
    try drop(root.appending("quick/a.blend"))

    #expect(await tells(probe, "settled quick/a.blend"))
    #expect(lines(probe).contains { $0.hasPrefix("barrier 1 watches=0") })
  }

  @Test func `of which the kernel lost events is listed, and nothing is lost or told twice`() async throws {
    // The queue holds 16,384 events, and each drop makes four.
    let count = Needs.patience ? 20_000 : 4200
    let probe = try await probe()
    probe.send(SIGSTOP)
    for number in 0..<count { try drop(root.appending("quick/\(number).blend")) }
    probe.send(SIGCONT)

    let done = await eventually(within: .seconds(120)) {
      lines(probe).count { $0.hasPrefix("settled") } >= count
    }
    #expect(done)
    let told = lines(probe).filter { $0.hasPrefix("settled") }
    #expect(told.count == count)
    #expect(Set(told).count == count)
    #expect(try await !barrier(probe, 2).contains("overflows=0"))
  }

  // MARK: - Mounts

  @Test(.enabled(if: Needs.fuse, "needs bindfs"))
  func `of which a part lies on a file server is polled there, and watched elsewhere`() async throws {
    let far = scratch("far")
    let server = try await BoundFolder(far, at: root.appending("releases"), log: scratch("bindfs.log"))
    try scratch.folder("far/r/store")
    let probe = try await probe()

    try drop(root.appending("quick/near.blend"))
    try drop(far.appending("r/store/silent.blend"))
    try Data(blend.dropLast(10)).write(to: URL(filePath: far.appending("r/store/half.blend").string))

    #expect(await tells(probe, "settled quick/near.blend"))
    #expect(await tells(probe, "settled releases/r/store/silent.blend"))
    #expect(await tells(probe, "stalled releases/r/store/half.blend"))
    #expect(!lines(probe).contains("settled releases/r/store/half.blend"))
    #expect(try await barrier(probe, 2).contains("polled=3"))
    withExtendedLifetime(server) {}
  }

  @Test(.enabled(if: Needs.fuse, "needs bindfs"))
  func `of which a file server does not answer goes on elsewhere, and there when it answers again`() async throws {
    let far = scratch("far")
    let server = try await BoundFolder(far, at: root.appending("releases"), log: scratch("bindfs.log"))
    try scratch.folder("far/r/store")
    let probe = try await probe()
    #expect(await tells(probe, "folder releases/r/store"))

    server.hang()
    #expect(await tells(probe, "troubled releases"))
    #expect(probe.text.contains("its file system (fuse) does not answer"))
    try drop(root.appending("quick/near.blend"))
    #expect(await tells(probe, "settled quick/near.blend"))
    _ = try await barrier(probe, 2)
    try drop(far.appending("r/store/a.blend"))
    server.goOn()

    #expect(await tells(probe, "settled releases/r/store/a.blend"))
    #expect(!probe.text.contains("vanished"))
  }

  @Test(.enabled(if: Needs.mounts, "needs the right to mount"))
  func `of which a disk is unmounted has lost its files, not had them deleted`() async throws {
    try scratch.folder("volume/releases/r/store")
    let store = root.appending("releases/r/store")
    do {
      let disk = try SmallDisk(size: "1m", at: store)
      try drop(store.appending("a.blend"))
      let probe = try await probe()
      #expect(await tells(probe, "settled releases/r/store/a.blend"))

      withExtendedLifetime(disk) {}
      umount2(store.string, Int32(MNT_DETACH))

      #expect(await tells(probe, "lost releases/r/store/a.blend"))
      #expect(!probe.text.contains("vanished"))
      // The folder beneath is watched now.
      try drop(store.appending("b.blend"))
      #expect(await tells(probe, "settled releases/r/store/b.blend"))
    }
  }

  @Test(.enabled(if: Needs.samba, "needs smbd, smbclient and python3-impacket"))
  func `that is a share is told each file of Explorer, Finder and smbclient once, and only when it is whole`()
    async throws
  {
    let server = try await SambaServer(serving: root)
    let probe = try await probe()
    let file = try scratch.write(TestFiles.blend(scenes: [("Share", 1, 200)], padding: 3 << 20), to: "file.blend")

    #expect(try await server.write(file, as: "quick/explorer.blend", inTheWayOf: "explorer") == 0)
    #expect(try await server.write(file, as: "quick/finder.blend", inTheWayOf: "finder") == 0)
    #expect(try await server.client("put \(file) quick\\client.blend") == 0)

    for name in ["explorer", "finder", "client"] { #expect(await tells(probe, "settled quick/\(name).blend")) }
    _ = try await barrier(probe, 2)
    for name in ["explorer", "finder", "client"] {
      #expect(lines(probe).count { $0 == "settled quick/\(name).blend" } == 1)
    }
    // The stall in the middle was longer than any quiet time.
    #expect(lines(probe).contains("unsettled quick/explorer.blend"))
  }

  // MARK: - Hostile names

  @Test func `in which files are swapped for links never tells one that leads away`() async throws {
    let outside = try scratch.write(blend, to: "outside.blend")
    let probe = try await probe()
    let path = root.appending("quick/x.blend")
    for round in 0..<1000 {
      try drop(path)
      if round % 3 == 0 { usleep(200) }
      symlink(outside.string, root.appending("quick/.link").string)
      rename(root.appending("quick/.link").string, path.string)
    }

    #expect(await tells(probe, "refused quick/x.blend: it is a symbolic link, not a file"))
    _ = try await barrier(probe, 2)
    try drop(path)
    #expect(await eventually { lines(probe).last { $0.contains("quick/x.blend") } == "settled quick/x.blend" })
  }
}
