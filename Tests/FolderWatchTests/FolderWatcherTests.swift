import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

/// A real inotify instance, in a process of its own.
@Suite("A watched volume")
struct FolderWatcherTests {
  private let scratch: ScratchFolder
  private let root: FilePath
  private let blend = TestFiles.blend(scenes: [("Scene", 1, 2)])

  init() throws {
    scratch = try ScratchFolder()
    root = try scratch.makeVolume().root
  }

  /// Starts the probe and waits until it watches.
  private func probe() async throws -> RunningProgram {
    let probe = try RunningProgram("WatchProbe", [root.string], output: scratch("probe.log"))
    try #require(await eventually { probe.text.contains("barrier") || !probe.isRunning })
    return probe
  }

  private func tells(_ probe: RunningProgram, _ line: String) async -> Bool {
    await eventually { lines(probe).contains { $0.hasPrefix(line) } }
  }

  private func lines(_ probe: RunningProgram) -> [String] { probe.text.split(separator: "\n").map(String.init) }

  @Test func `finds what lay there before it began`() async throws {
    try scratch.write(blend, to: "volume/quick/early.blend")

    let probe = try await probe()

    #expect(await tells(probe, "settled quick/early.blend"))
  }

  @Test func `tells a file renamed into place`() async throws {
    let probe = try await probe()

    try scratch.write(blend, to: "volume/quick/.x.part")
    try FileManager.default.moveItem(
      atPath: root.appending("quick/.x.part").string, toPath: root.appending("quick/x.blend").string)

    #expect(await tells(probe, "settled quick/x.blend"))
  }

  @Test func `tells drops of a release made and filled in one go, once each`() async throws {
    let probe = try await probe()

    for number in 1...20 { try scratch.write(blend, to: "volume/releases/r\(number)/store/a.blend") }

    for number in 1...20 { #expect(await tells(probe, "settled releases/r\(number)/store/a.blend")) }
    for number in 1...20 {
      #expect(lines(probe).filter { $0 == "settled releases/r\(number)/store/a.blend" }.count == 1)
    }
    #expect(!probe.text.contains("troubled"))
  }

  @Test func `tells nothing of a file that some process holds open, until it lets go`() async throws {
    let probe = try await probe()
    let path = root.appending("quick/open.blend").string
    try Data().write(to: URL(filePath: path))
    let writer = try #require(FileHandle(forWritingAtPath: path))
    try writer.write(contentsOf: Data(blend))

    #expect(await tells(probe, "stalled quick/open.blend: some process still has it open for writing"))
    #expect(!lines(probe).contains("settled quick/open.blend"))
    try writer.close()

    #expect(await tells(probe, "settled quick/open.blend"))
  }

  @Test func `tells nothing of half a file, until the rest is there`() async throws {
    let probe = try await probe()
    let half = blend.count / 2

    try scratch.write(blend[..<half], to: "volume/quick/half.blend")
    #expect(await tells(probe, "stalled quick/half.blend"))
    #expect(!lines(probe).contains("settled quick/half.blend"))
    let writer = try #require(FileHandle(forWritingAtPath: root.appending("quick/half.blend").string))
    try writer.seekToEnd()
    try writer.write(contentsOf: Data(blend[half...]))
    try writer.close()

    #expect(await tells(probe, "settled quick/half.blend"))
  }

  @Test func `goes on when a folder is deleted and made again`() async throws {
    let probe = try await probe()
    try FileManager.default.removeItem(atPath: root.appending("quick").string)
    #expect(await tells(probe, "gone quick"))

    try scratch.write(blend, to: "volume/quick/again.blend")

    #expect(await tells(probe, "settled quick/again.blend"))
  }

  @Test func `tells a file that is gone, after a while`() async throws {
    try scratch.write(blend, to: "volume/quick/gone.blend")
    let probe = try await probe()
    #expect(await tells(probe, "settled quick/gone.blend"))

    try FileManager.default.removeItem(atPath: root.appending("quick/gone.blend").string)

    #expect(await tells(probe, "vanished quick/gone.blend"))
  }

  @Test func `looks at once at a file that comes back, not when it would have been given up`() async throws {
    try scratch.write(blend, to: "volume/quick/back.blend")
    let probe = try await probe()
    #expect(await tells(probe, "settled quick/back.blend"))

    // Many times, for the moment between the two is short.
    for round in 2...6 {
      try FileManager.default.removeItem(atPath: root.appending("quick/back.blend").string)
      try scratch.write(TestFiles.blend(scenes: [("Round", 1, Int32(round))]), to: "volume/quick/back.blend")
      let count = { lines(probe).filter { $0 == "settled quick/back.blend" }.count }
      #expect(await eventually(within: .seconds(20)) { count() == round })
    }

    #expect(!lines(probe).contains { $0.hasPrefix("vanished") })
  }

  @Test func `sees one drop in Blender's own save`() async throws {
    let probe = try await probe()
    for _ in 1...2 {
      try scratch.write(blend, to: "volume/quick/s.blend@")
      rename(root.appending("quick/s.blend").string, root.appending("quick/s.blend1").string)
      rename(root.appending("quick/s.blend@").string, root.appending("quick/s.blend").string)
      #expect(await tells(probe, "settled quick/s.blend"))
    }

    #expect(lines(probe).allSatisfy { !$0.contains("s.blend@") && !$0.contains("s.blend1") })
    #expect(lines(probe).allSatisfy { !$0.hasPrefix("vanished") })
  }

  @Test func `refuses links, folders and pipes called like a drop`() async throws {
    let probe = try await probe()

    symlink("/etc/passwd", root.appending("quick/link.blend").string)
    mkfifo(root.appending("quick/pipe.blend").string, 0o644)
    mkdir(root.appending("quick/folder.blend").string, 0o755)

    #expect(await tells(probe, "refused quick/link.blend: it is a symbolic link, not a file"))
    #expect(await tells(probe, "refused quick/pipe.blend: it is a device, pipe or socket, not a file"))
    #expect(await tells(probe, "refused quick/folder.blend: it is a folder, not a file"))
  }
}
