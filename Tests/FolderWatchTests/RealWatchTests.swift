import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

/// Real kernels, limits, mounts and servers that do not answer.
@Suite("A watched volume in hard places", .serialized)
struct RealWatchTests {
  private let volume: ProbedVolume
  private let scratch: ScratchFolder
  private let root: FilePath
  private let blend: [UInt8]

  init() throws {
    volume = try ProbedVolume()
    (scratch, root, blend) = (volume.scratch, volume.root, volume.blend)
  }

  // MARK: - Folders that come back

  /// The folder above is listed while the event of the new folder is on its way: both ask for its watch.
  @Test func `tells of a file in folders that were removed and made again before a barrier is reached`() async throws {
    let watch = try await volume.watch()
    var missed: [Int] = []
    for round in 1...(Needs.patience ? 2000 : 20) {
      let folder = root.appending("releases/r")
      try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
      usleep(UInt32(round % 10) * 40)
      let store = folder.appending("store")
      try FileManager.default.createDirectory(atPath: store.string, withIntermediateDirectories: true)
      usleep(UInt32(round % 3) * 100)
      try volume.drop("releases/r/store/a.blend")

      try await watch.barrier()

      if watch.count(of: "settled releases/r/store/a.blend") < round - missed.count { missed.append(round) }
      try FileManager.default.removeItem(atPath: folder.string)
      try await watch.barrier()
    }
    #expect(missed.isEmpty)
  }

  // MARK: - Limits

  private func within(_ limit: String, _ value: Int) -> [String] {
    let script = "echo \(value) > /proc/sys/user/\(limit) && exec \"$0\" \"$@\""
    return ["/usr/bin/unshare", "-Ur", "/bin/sh", "-c", script]
  }

  private func set(_ limit: String, _ value: Int, of watch: RunningWatch) async throws {
    let words = ["-t", "\(watch.program.pid)", "-U", "/bin/sh", "-c", "echo \(value) > /proc/sys/user/\(limit)"]
    let setter = try RunningProgram(path: "/usr/bin/nsenter", words, output: scratch("nsenter.log"))
    #expect(await setter.end() == 0)
  }

  @Test(.enabled(if: Needs.namespaces, "needs user namespaces"))
  func `without watches left is polled, and watched again when there are more`() async throws {
    for number in 1...4 { try scratch.folder("volume/releases/r\(number)/store") }
    let watch = try await volume.watch(looksOften: true, through: within("max_inotify_watches", 5))

    #expect(await watch.tells("troubled"))
    #expect(watch.text.contains("the inotify watch limit is reached"))
    for number in 1...4 { try volume.drop("releases/r\(number)/store/a.blend") }
    for number in 1...4 { #expect(await watch.tells("settled releases/r\(number)/store/a.blend")) }
    let few = try await watch.barrier()
    #expect(few.contains("watches=4 polled=7"), "\(few)")
    try await set("max_inotify_watches", 100, of: watch)

    let areAllWatched = try await eventually { try await watch.barrier().contains("watches=11 polled=0") }
    #expect(areAllWatched)
    for number in 1...4 {
      #expect(watch.count(of: "settled releases/r\(number)/store/a.blend") == 1)
    }
  }

  @Test(.enabled(if: Needs.namespaces, "needs user namespaces"))
  func `without an inotify instance is polled`() async throws {
    let watch = try await volume.watch(looksOften: true, through: within("max_inotify_instances", 0))

    #expect(watch.text.contains("the limit of inotify instances is reached"))
    try volume.drop("quick/a.blend")

    #expect(await watch.tells("settled quick/a.blend"))
    #expect(watch.lines.contains { $0.hasPrefix("barrier 1 watches=0") })
  }

  @Test func `of which the kernel lost events is listed, and nothing is lost or told twice`() async throws {
    // The queue holds 16,384 events, and each drop makes four.
    let count = Needs.patience ? 20_000 : 4200
    let watch = try await volume.watch(looksOften: true)
    watch.program.send(SIGSTOP)
    for number in 0..<count { try volume.drop("quick/\(number).blend") }
    watch.program.send(SIGCONT)

    let done = await eventually(within: .seconds(300)) {
      watch.lines.count { $0.hasPrefix("settled") } >= count
    }
    #expect(done)
    let told = watch.lines.filter { $0.hasPrefix("settled") }
    #expect(told.count == count)
    #expect(Set(told).count == count)
    #expect(try await !watch.barrier().contains("overflows=0"))
  }

  // MARK: - Mounts

  @Test(.enabled(if: Needs.fuse, "needs bindfs"))
  func `of which a part lies on a file server is polled there, and watched elsewhere`() async throws {
    let far = scratch("far")
    let server = try await BoundFolder(far, at: root.appending("releases"), log: scratch("bindfs.log"))
    try scratch.folder("far/r/store")
    let watch = try await volume.watch(looksOften: true)

    try volume.drop("quick/near.blend")
    try volume.drop(far.appending("r/store/silent.blend"))
    try Data(blend.dropLast(10)).write(to: URL(filePath: far.appending("r/store/half.blend").string))

    #expect(await watch.tells("settled quick/near.blend"))
    #expect(await watch.tells("settled releases/r/store/silent.blend"))
    #expect(await watch.tells("stalled releases/r/store/half.blend"))
    #expect(!watch.lines.contains("settled releases/r/store/half.blend"))
    #expect(try await watch.barrier().contains("polled=3"))
    withExtendedLifetime(server) {}
  }

  @Test(.enabled(if: Needs.fuse, "needs bindfs"))
  func `of which a file server does not answer goes on elsewhere, and there when it answers again`() async throws {
    let far = scratch("far")
    let server = try await BoundFolder(far, at: root.appending("releases"), log: scratch("bindfs.log"))
    try scratch.folder("far/r/store")
    let watch = try await volume.watch(looksOften: true, isImpatient: true)
    #expect(await watch.tells("folder releases/r/store"))

    server.hang()
    #expect(await watch.tells("troubled releases"))
    #expect(watch.text.contains("its file system (fuse) does not answer"))
    try volume.drop("quick/near.blend")
    #expect(await watch.tells("settled quick/near.blend"))
    try await watch.barrier()
    try volume.drop(far.appending("r/store/a.blend"))
    server.goOn()

    #expect(await watch.tells("settled releases/r/store/a.blend"))
    #expect(!watch.text.contains("vanished"))
  }

  @Test(.enabled(if: Needs.mounts, "needs the right to mount"))
  func `of which a disk is unmounted has lost its files, not had them deleted`() async throws {
    try scratch.folder("volume/releases/r/store")
    let store = root.appending("releases/r/store")
    do {
      let disk = try SmallDisk(size: "1m", at: store)
      try volume.drop(store.appending("a.blend"))
      let watch = try await volume.watch(looksOften: true)
      #expect(await watch.tells("settled releases/r/store/a.blend"))

      withExtendedLifetime(disk) {}
      umount2(store.string, Int32(MNT_DETACH))

      #expect(await watch.tells("lost releases/r/store/a.blend"))
      #expect(!watch.text.contains("vanished"))
      // The folder beneath is watched now.
      try volume.drop(store.appending("b.blend"))
      #expect(await watch.tells("settled releases/r/store/b.blend"))
    }
  }

  @Test(.enabled(if: Needs.samba, "needs smbd, smbclient and python3-impacket"))
  func `that is a share is told each file of Explorer, Finder and smbclient once, and only when it is whole`()
    async throws
  {
    let server = try await SambaServer(serving: root)
    let watch = try await volume.watch(looksOften: true)
    let file = try scratch.write(TestFiles.blend(scenes: [("Share", 1, 200)], padding: 3 << 20), to: "file.blend")

    #expect(try await server.write(file, as: "quick/explorer.blend", inTheWayOf: "explorer") == 0)
    #expect(try await server.write(file, as: "quick/finder.blend", inTheWayOf: "finder") == 0)
    #expect(try await server.client("put \(file) quick\\client.blend") == 0)

    for name in ["explorer", "finder", "client"] { #expect(await watch.tells("settled quick/\(name).blend")) }
    try await watch.barrier()
    for name in ["explorer", "finder", "client"] {
      #expect(watch.count(of: "settled quick/\(name).blend") == 1)
    }
    // The stall in the middle was longer than any quiet time.
    #expect(watch.lines.contains("unsettled quick/explorer.blend"))
  }

  // MARK: - Hostile names

  @Test func `in which files are swapped for links never tells one that leads away`() async throws {
    let outside = try scratch.write(blend, to: "outside.blend")
    let watch = try await volume.watch(looksOften: true)
    let path = root.appending("quick/x.blend")
    for round in 0..<1000 {
      try volume.drop(path)
      if round % 3 == 0 { usleep(200) }
      symlink(outside.string, root.appending("quick/.link").string)
      rename(root.appending("quick/.link").string, path.string)
    }

    #expect(await watch.tells("refused quick/x.blend: it is a symbolic link, not a file"))
    try await watch.barrier()
    try volume.drop(path)
    #expect(await eventually { watch.lines.last { $0.contains("quick/x.blend") } == "settled quick/x.blend" })
  }
}
