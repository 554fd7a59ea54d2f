import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

/// A real inotify instance, in a process of its own.
@Suite("A watched volume")
struct FolderWatcherTests {
  private let volume: ProbedVolume
  private let scratch: ScratchFolder
  private let root: FilePath
  private let blend: [UInt8]

  init() throws {
    volume = try ProbedVolume()
    (scratch, root, blend) = (volume.scratch, volume.root, volume.blend)
  }

  @Test func `finds what lay there before it began`() async throws {
    try scratch.write(blend, to: "volume/quick/early.blend")

    let watch = try await volume.watch()

    #expect(await watch.tells("settled quick/early.blend"))
  }

  @Test func `tells a file renamed into place`() async throws {
    let watch = try await volume.watch()

    try scratch.write(blend, to: "volume/quick/.x.part")
    try FileManager.default.moveItem(
      atPath: root.appending("quick/.x.part").string, toPath: root.appending("quick/x.blend").string)

    #expect(await watch.tells("settled quick/x.blend"))
  }

  @Test func `tells drops of a release made and filled in one go, once each`() async throws {
    let watch = try await volume.watch()

    for number in 1...20 { try scratch.write(blend, to: "volume/releases/r\(number)/store/a.blend") }

    for number in 1...20 { #expect(await watch.tells("settled releases/r\(number)/store/a.blend")) }
    for number in 1...20 {
      #expect(watch.count(of: "settled releases/r\(number)/store/a.blend") == 1)
    }
    #expect(!watch.text.contains("troubled"))
  }

  @Test func `tells nothing of a file that some process holds open, until it lets go`() async throws {
    let watch = try await volume.watch()
    let path = root.appending("quick/open.blend").string
    try Data().write(to: URL(filePath: path))
    let writer = try #require(FileHandle(forWritingAtPath: path))
    try writer.write(contentsOf: Data(blend))

    #expect(await watch.tells("stalled quick/open.blend: some process still has it open for writing"))
    #expect(!watch.lines.contains("settled quick/open.blend"))
    try writer.close()

    #expect(await watch.tells("settled quick/open.blend"))
  }

  @Test func `tells nothing of half a file, until the rest is there`() async throws {
    let watch = try await volume.watch()
    let half = blend.count / 2

    try scratch.write(blend[..<half], to: "volume/quick/half.blend")
    #expect(await watch.tells("stalled quick/half.blend"))
    #expect(!watch.lines.contains("settled quick/half.blend"))
    let writer = try #require(FileHandle(forWritingAtPath: root.appending("quick/half.blend").string))
    try writer.seekToEnd()
    try writer.write(contentsOf: Data(blend[half...]))
    try writer.close()

    #expect(await watch.tells("settled quick/half.blend"))
  }

  @Test func `goes on when a folder is deleted and made again`() async throws {
    let watch = try await volume.watch()
    try FileManager.default.removeItem(atPath: root.appending("quick").string)
    #expect(await watch.tells("gone quick"))

    try scratch.write(blend, to: "volume/quick/again.blend")

    #expect(await watch.tells("settled quick/again.blend"))
  }

  @Test func `goes on when it was away as a whole`() async throws {
    try volume.drop("quick/a.blend")
    let watch = try await volume.watch(looksOften: true)
    let away = scratch("away").string

    #expect(rename(root.string, away) == 0)
    #expect(await watch.tells("gone quick"))
    #expect(rename(away, root.string) == 0)
    try volume.drop("quick/b.blend")

    #expect(await watch.tells("settled quick/b.blend"))
    #expect(!watch.text.contains("vanished"))
  }

  @Test func `tells a file that is gone, after a while`() async throws {
    try scratch.write(blend, to: "volume/quick/gone.blend")
    let watch = try await volume.watch()
    #expect(await watch.tells("settled quick/gone.blend"))

    try FileManager.default.removeItem(atPath: root.appending("quick/gone.blend").string)

    #expect(await watch.tells("vanished quick/gone.blend"))
  }

  @Test func `looks at once at a file that comes back, not when it would have been given up`() async throws {
    try scratch.write(blend, to: "volume/quick/back.blend")
    let watch = try await volume.watch()
    #expect(await watch.tells("settled quick/back.blend"))

    // Many times, for the moment between the two is short.
    for round in 2...6 {
      try FileManager.default.removeItem(atPath: root.appending("quick/back.blend").string)
      try scratch.write(TestFiles.blend(scenes: [("Round", 1, Int32(round))]), to: "volume/quick/back.blend")
      #expect(await watch.tells("settled quick/back.blend", times: round))
    }

    #expect(!watch.lines.contains { $0.hasPrefix("vanished") })
  }

  @Test func `sees one drop in Blender's own save`() async throws {
    let watch = try await volume.watch()
    for _ in 1...2 {
      try scratch.write(blend, to: "volume/quick/s.blend@")
      rename(root.appending("quick/s.blend").string, root.appending("quick/s.blend1").string)
      rename(root.appending("quick/s.blend@").string, root.appending("quick/s.blend").string)
      #expect(await watch.tells("settled quick/s.blend"))
    }

    #expect(watch.lines.allSatisfy { !$0.contains("s.blend@") && !$0.contains("s.blend1") })
    #expect(watch.lines.allSatisfy { !$0.hasPrefix("vanished") })
  }

  @Test func `refuses links, folders and pipes called like a drop`() async throws {
    let watch = try await volume.watch()

    symlink("/etc/passwd", root.appending("quick/link.blend").string)
    mkfifo(root.appending("quick/pipe.blend").string, 0o644)
    mkdir(root.appending("quick/folder.blend").string, 0o755)

    #expect(await watch.tells("refused quick/link.blend: it is a symbolic link, not a file"))
    #expect(await watch.tells("refused quick/pipe.blend: it is a device, pipe or socket, not a file"))
    #expect(await watch.tells("refused quick/folder.blend: it is a folder, not a file"))
  }
}
