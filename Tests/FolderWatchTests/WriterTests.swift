import CLinux
import FarmTesting
import Foundation
import SystemPackage
import Testing

/// Every way in which programs put files into folders: each whole file is told once, none before its writer is done.
@Suite("A file that is put into a watched volume", .serialized)
struct WriterTests {
  private let volume: ProbedVolume
  private let watch: RunningWatch
  private let root: FilePath
  private let blend: [UInt8]

  init() async throws {
    volume = try ProbedVolume()
    watch = try await volume.watch(looksOften: true)
    (root, blend) = (volume.root, volume.blend)
  }

  private func path(_ below: String) -> String { root.appending(below).string }

  private func write(_ bytes: some Sequence<UInt8>, to file: Int32) {
    let all = Array(bytes)
    #expect(Glibc.write(file, all, all.count) == all.count)
  }

  @Test func `without a name at first, and linked in before it is whole, is told when its writer is done`() async throws
  {
    let withoutName: Int32 = 0o20_200_000  // O_TMPFILE, which Swift's Glibc module does not know.
    let file = open(path("quick"), O_WRONLY | withoutName, 0o644)
    try #require(file >= 0)
    write(blend[..<200], to: file)
    #expect(linkat(AT_FDCWD, "/proc/self/fd/\(file)", AT_FDCWD, path("quick/a.blend"), AT_SYMLINK_FOLLOW) == 0)

    #expect(await watch.tells("stalled quick/a.blend: some process still has it open for writing"))
    write(blend[200...], to: file)
    try await watch.barrier()
    #expect(watch.count(of: "settled quick/a.blend") == 0)
    close(file)

    #expect(await watch.tells("settled quick/a.blend"))
    try await watch.settle()
    #expect(watch.count(of: "settled quick/a.blend") == 1)
  }

  @Test func `through a mapping is told when the mapping is gone`() async throws {
    let file = open(path("quick/a.blend"), O_RDWR | O_CREAT, 0o644)
    ftruncate(file, blend.count)
    let memory = mmap(nil, blend.count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
    close(file)
    // Its last bytes first: by its blocks it is whole before it is.
    for index in blend.indices.reversed() { memory?.storeBytes(of: blend[index], toByteOffset: index, as: UInt8.self) }

    #expect(await watch.tells("stalled quick/a.blend: some process still has it open for writing"))
    #expect(watch.count(of: "settled quick/a.blend") == 0)
    munmap(memory, blend.count)

    #expect(await watch.tells("settled quick/a.blend"))
  }

  @Test(
    .enabled(if: Needs.rsync, "needs rsync"),
    arguments: [
      [], ["--inplace"], ["--append-verify"], ["--whole-file"], ["--partial-dir=.rsync-partial"], ["--delay-updates"],
      ["--temp-dir=TEMP", "--sparse"], ["--fsync", "--preallocate"],
    ])
  func `by rsync is told once, and not again when nothing was copied`(options: [String]) async throws {
    for name in ["a", "b", "c"] {
      try volume.scratch.write(TestFiles.blend(scenes: [(name, 1, 2)], padding: 1 << 20), to: "from/\(name).blend")
    }
    // What an earlier copy left.
    try Data(volume.scratch("from/b.blend").contents.prefix(5000)).write(to: URL(filePath: path("quick/b.blend")))
    let temporary = try volume.scratch.folder("elsewhere").string
    let words =
      ["--archive"] + options.map { $0.replacingOccurrences(of: "TEMP", with: temporary) } + [
        volume.scratch("from/").string + "/", path("quick/"),
      ]
    for _ in 1...2 {
      let rsync = try RunningProgram(path: "/usr/bin/rsync", words, output: volume.scratch("rsync.log"))
      #expect(await rsync.end() == 0, "\(rsync.text)")
      try await watch.settle()
    }

    for name in ["a", "b", "c"] { #expect(watch.count(of: "settled quick/\(name).blend") == 1, "\(watch.text)") }
    #expect(watch.lines.allSatisfy { !$0.contains(".rsync") && !$0.contains("blend.") })
  }

  @Test func `under one name after the other is told under its last`() async throws {
    try volume.drop("quick/a.blend")
    for (from, to) in ["ab", "bc", "cd", "de"].map({ ($0.prefix(1), $0.suffix(1)) }) {
      rename(path("quick/\(from).blend"), path("quick/\(to).blend"))
    }

    try await watch.settle()
    let last = { (name: String) in watch.lines.last { $0.hasSuffix("quick/\(name).blend") } }
    #expect(last("e") == "settled quick/e.blend")
    for name in ["a", "b", "c", "d"] { #expect(last(name) == nil || last(name) == "vanished quick/\(name).blend") }
  }

  @Test func `and exchanged with another is told anew, like the other`() async throws {
    try volume.drop("quick/a.blend")
    try volume.drop("quick/b.blend", TestFiles.blend(scenes: [("Other", 1, 9)]))
    try await watch.settle()

    #expect(linux_rename_exchange(path("quick/a.blend"), path("quick/b.blend")) == 0)

    try await watch.settle()
    for name in ["a", "b"] { #expect(watch.count(of: "settled quick/\(name).blend") == 2) }
    #expect(!watch.text.contains("vanished"))
  }

  @Test func `by a hard link is told for each of its names`() async throws {
    let far = try volume.scratch.write(blend, to: "volume/releases/r/store/a.blend")
    #expect(link(far.string, path("quick/b.blend")) == 0)

    try await watch.settle()
    #expect(watch.count(of: "settled releases/r/store/a.blend") == 1)
    #expect(watch.count(of: "settled quick/b.blend") == 1)
  }

  @Test func `with a tree that was filled elsewhere is told once`() async throws {
    for number in 1...30 { try volume.scratch.write(blend, to: "far/r\(number)/store/a.blend") }
    for number in 1...30 {
      #expect(rename(volume.scratch("far/r\(number)").string, path("releases/r\(number)")) == 0)
    }

    try await watch.settle()
    for number in 1...30 { #expect(watch.count(of: "settled releases/r\(number)/store/a.blend") == 1) }
  }

  @Test func `with the old size and time, but other bytes, is told anew`() async throws {
    try volume.drop("quick/a.blend")
    try await watch.settle()
    var before = stat()
    stat(path("quick/a.blend"), &before)

    let file = open(path("quick/a.blend"), O_WRONLY)
    write([0x42], to: file)
    futimens(file, [before.st_atim, before.st_mtim])
    pwrite(file, blend, blend.count, 0)
    futimens(file, [before.st_atim, before.st_mtim])
    close(file)

    try await watch.settle()
    #expect(watch.count(of: "settled quick/a.blend") == 2)
  }

  @Test func `while others come every few milliseconds does not wait for them`() async throws {
    try Data(blend).write(to: URL(filePath: path("quick/first.blend")))
    var count = 0
    while watch.count(of: "settled quick/first.blend") == 0 && count < 2000 {
      count += 1
      try Data(blend).write(to: URL(filePath: path("quick/\(count).blend")))
      usleep(5000)
    }

    #expect(watch.count(of: "settled quick/first.blend") == 1)
    try await watch.settle()
    #expect(watch.lines.count { $0.hasPrefix("settled quick/") } == count + 1)
  }
}

/// What another user writes: only with CAP_LEASE can a daemon ask whether somebody still does.
@Suite("A file of another user", .serialized)
struct ForeignFileTests {
  private static let nobody: UInt32 = 65_534
  private let volume: ProbedVolume

  init() throws {
    volume = try ProbedVolume()
    for folder in [".farm", ".farm/cookies"] {
      chown(volume.root.appending(folder).string, Self.nobody, Self.nobody)
    }
  }

  @Test(.enabled(if: Needs.root, "needs root"))
  func `that is open for writing is waited for by whoever has CAP_LEASE`() async throws {
    let watch = try await volume.watch(looksOften: true, user: Self.nobody, capabilities: ["lease"])
    let writer = open(volume.root.appending("quick/a.blend").string, O_WRONLY | O_CREAT, 0o644)
    #expect(write(writer, volume.blend, volume.blend.count) == volume.blend.count)

    #expect(await watch.tells("stalled quick/a.blend: some process still has it open for writing"))
    #expect(watch.count(of: "settled quick/a.blend") == 0)
    close(writer)

    #expect(await watch.tells("settled quick/a.blend"))
  }

  @Test(.enabled(if: Needs.root, "needs root"))
  func `is told after two quiet seconds without it, and never while it is not whole`() async throws {
    let watch = try await volume.watch(looksOften: true, user: Self.nobody)
    let writer = open(volume.root.appending("quick/a.blend").string, O_WRONLY | O_CREAT, 0o644)
    #expect(write(writer, volume.blend, volume.blend.count - 10) == volume.blend.count - 10)

    #expect(await watch.tells("stalled quick/a.blend: the file ends at byte"))
    let begun = ContinuousClock.now
    #expect(write(writer, Array(volume.blend.suffix(10)), 10) == 10)
    close(writer)

    #expect(await watch.tells("settled quick/a.blend"))
    #expect(ContinuousClock.now - begun >= .seconds(2))
  }
}
