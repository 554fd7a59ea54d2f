import FarmModel
import FarmTesting
import Foundation
import Supervisor
import SystemPackage
import Testing
import VolumeFiles

@testable import Archiving

/// A release's folder with everything that people put into one, and its archive.
struct ArchiveBench {
  let scratch: ScratchFolder
  var folder: FilePath { scratch("releases/spring") }
  var dist: FilePath { scratch("dist/spring") }
  func archive(_ format: ArchiveFormat = .gz) -> FilePath { scratch(format.fileName(of: "spring")) }

  init() throws {
    scratch = try ScratchFolder()
    try scratch.write("jobs: [shot]\n", to: "releases/spring/release.yaml")
    try scratch.write([1, 2, 3], to: "releases/spring/store/shot.blend")
    try scratch.folder("releases/spring/out")
    try scratch.write(Self.noise(300_000, seed: 7), to: "dist/spring/shot_0001.png")
  }

  /// Bytes that cannot be packed.
  static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed | 1
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
  }

  static let head = ArchiveManifest.Head(
    release: "spring", archivedAt: Timestamp(nanoseconds: 0), farm: "test", order: ReleaseOrder(), isPaused: false)

  func tree() throws -> ReleaseTree { try ReleaseTree(of: folder, dist: dist) }

  @discardableResult
  func pack(_ format: ArchiveFormat = .gz) throws -> ArchiveManifest {
    try Archiver(format, lanes: 2, progress: ArchiveProgress()).write(
      tree(), to: archive(format), manifest: ArchiveManifest(head: Self.head)
    ) { $0.string == "dist/shot_0001.png" ? ("shot", 1) : nil }
  }

  func check(_ format: ArchiveFormat = .gz) throws -> ArchiveManifest {
    try Archiver(format, lanes: 2, progress: ArchiveProgress()).check(archive(format))
  }

  @discardableResult
  func unpack(
    _ format: ArchiveFormat = .gz, from: FilePath? = nil, floor: Int64 = 0, delivered: FilePath? = nil
  ) throws -> ArchiveManifest {
    try Unpacker(
      from ?? archive(format), format: format, into: scratch("restored"), progress: ArchiveProgress(),
      floorBytes: floor, delivered: delivered
    ).unpack().manifest
  }

  /// Everything below a folder as it is to `find`: kind, rights, links, times, size and bytes.
  static func listing(_ folder: FilePath) async throws -> [String] {
    let script = """
      cd "$1" && LC_ALL=C find . -mindepth 1 -printf '%P %y %m %T@ %l %n\\n' | LC_ALL=C sort
      LC_ALL=C find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
      """
    return try await run("/bin/bash", ["-c", script, "list", folder.string])
  }

  static func run(_ program: String, _ words: [String]) async throws -> [String] {
    let (end, lines) = try await ChildProcess.output(of: ChildCommand(FilePath(program), words))
    try #require(end.isSuccess, "\(program) \(words): \(lines)")
    return lines
  }
}

@Suite("An archive")
struct ArchiveTests {
  /// Names and kinds that a tar file has trouble with.
  private func addOddities(_ bench: ArchiveBench) async throws {
    let store = "releases/spring/store/"
    for name in [
      "J\u{FC}rgen.png", "-rf", "a b", "new\nline", "tab\t", "\"quoted\"", String(repeating: "n", count: 255),
    ] {
      try bench.scratch.write(name, to: store + name)
    }
    let bad = bench.folder.appending("store").appending(FileName(bytes: [0x62, 0xE9, 0xFF, 0x2E, 0x70]))
    OpenFile.close(try OpenFile.making(bad, mode: 0o600))
    let deep = store + (0..<20).map { "a_folder_in_a_folder_\($0)" }.joined(separator: "/")
    try bench.scratch.write("deep", to: deep + "/end.txt")
    try bench.scratch.folder(store + "empty")
    try bench.scratch.write([], to: store + "nothing")
    try bench.scratch.write([UInt8](repeating: 65, count: 5_000_000), to: store + "even.txt")
    try bench.scratch.write(ArchiveBench.noise(5_000_000, seed: 3), to: store + "noise.bin")
    let manager = FileManager.default
    let root = bench.folder.string + "/store/"
    try manager.linkItem(atPath: root + "noise.bin", toPath: root + "other_name.bin")
    try manager.createSymbolicLink(atPath: root + "leads_out", withDestinationPath: "/etc/hostname")
    try manager.createSymbolicLink(atPath: root + "leads_nowhere", withDestinationPath: "gone/ß")
    try manager.setAttributes([.posixPermissions: 0o640], ofItemAtPath: root + "even.txt")
    try manager.setAttributes([.posixPermissions: 0o2775], ofItemAtPath: root + "empty")
    for (file, time) in [("noise.bin", "@1.5"), ("nothing", "@-3")] {
      _ = try await ArchiveBench.run("/usr/bin/touch", ["-d", time, root + file])
    }
  }

  @Test(arguments: ArchiveFormat.allCases)
  func `unpacked is what was packed, byte by byte, with names, rights, links and times`(format: ArchiveFormat)
    async throws
  {
    let bench = try ArchiveBench()
    try await addOddities(bench)
    try FileManager.default.setAttributes([.posixPermissions: 0o2750], ofItemAtPath: bench.folder.string)

    let packed = try bench.pack(format)
    let checked = try bench.check(format)
    try bench.unpack(format)

    let entries = try bench.tree().entries.count
    #expect(packed.files == checked.files && packed.files.count == entries)
    #expect(packed.files.first { $0.path == "dist/shot_0001.png" }?.job == "shot")
    let restored = bench.scratch("restored")
    #expect(try await ArchiveBench.listing(restored.appending("dist")) == ArchiveBench.listing(bench.dist))
    try FileManager.default.removeItem(atPath: restored.appending("dist").string)
    #expect(try await ArchiveBench.listing(restored) == ArchiveBench.listing(bench.folder))
    #expect(packed.head.folder?.mode == 0o2750)
    #expect(try FileStatus(at: restored)?.mode == 0o2750)
  }

  @Test func `is not what was put into it when its manifest says something else of a file, or has one more`() throws {
    let bench = try ArchiveBench()
    let written = try bench.pack()
    let archiver = Archiver(.gz, lanes: 2, progress: ArchiveProgress())

    #expect(try archiver.check(bench.archive(), expected: written).files == written.files)
    for change in ["job", "mode", "more"] {
      var other = written
      switch change {
      case "job": other.files[0].job = "another"
      case "mode": other.head.folder = nil
      default: other.files.append(written.files[0])
      }
      #expect(throws: ArchiveFailure.self, "\(change)") { try archiver.check(bench.archive(), expected: other) }
    }
  }

  @Test func `unpacks nothing that lies in the delivery as it was, but what is missing there, further names too`()
    async throws
  {
    let bench = try ArchiveBench()
    let manager = FileManager.default
    let first = bench.dist.string + "/shot_0001.png"
    for name in ["kept.png", "gone.png"] { try manager.linkItem(atPath: first, toPath: "\(bench.dist)/\(name)") }
    try manager.linkItem(atPath: first, toPath: bench.folder.string + "/out/mine.png")
    try bench.scratch.write([5, 6], to: "dist/spring/a.png")
    try manager.linkItem(atPath: "\(bench.dist)/a.png", toPath: "\(bench.dist)/b.png")
    try bench.pack()
    let whole = try await ArchiveBench.listing(bench.dist)
    let gone = ["gone.png", "b.png"]
    for name in gone { try manager.removeItem(atPath: "\(bench.dist)/\(name)") }

    try bench.unpack(delivered: bench.dist)

    let restored = bench.scratch("restored")
    #expect(
      restored.filesBelow == ["dist/b.png", "dist/gone.png", "out/mine.png", "release.yaml", "store/shot.blend"])
    for name in gone { try manager.moveItem(atPath: "\(restored)/dist/\(name)", toPath: "\(bench.dist)/\(name)") }
    let links = { (line: String) in line.replacing(/\ \d$/, with: "") }
    #expect(try await ArchiveBench.listing(bench.dist).map(links) == whole.map(links))
  }

  /// What Macs write, and others: the same to read, but other bytes. bsdtar makes one of both.
  @Test func `keeps names apart that are the same but for how their accents are written`() async throws {
    let bench = try ArchiveBench()
    let store = "releases/spring/store/"
    let names = ["u\u{308}ber", "\u{FC}ber", "A\u{30A}", "\u{C5}", "\u{212B}", "\u{AC00}", "\u{1100}\u{1161}"]
    for name in names { try bench.scratch.write(name, to: store + name + "/" + name) }
    let (manager, root) = (FileManager.default, bench.folder.string + "/store/")
    try manager.createSymbolicLink(atPath: root + "leads", withDestinationPath: "u\u{308}ber/u\u{308}ber")
    try manager.linkItem(atPath: root + "u\u{308}ber/u\u{308}ber", toPath: root + "o\u{308}ther")
    let packed = try bench.pack()

    _ = try bench.check()
    try bench.unpack()
    let folder = try bench.scratch.folder("tar")
    _ = try await ArchiveBench.run("/usr/bin/tar", ["-xzf", bench.archive().string, "-C", folder.string])

    // Texts that differ in that alone are equal to Swift.
    let bytes = { (folder: FilePath) in
      try await ArchiveBench.listing(folder.appending("store")).map { Array($0.utf8) }
    }
    let whole = try await bytes(bench.folder)
    for other in [bench.scratch("restored"), folder] { #expect(try await bytes(other) == whole) }
    let file = try #require(packed.files.first { $0.path == "store/\u{FC}ber/\u{FC}ber" })
    let twin = packed.files.filter { $0.path == file.path }
    #expect(twin.count == 2 && !twin[0].isSame(as: twin[1]))
  }

  @Test func `is read by GNU tar, bsdtar, 7z and gzip, and begins with what it says`() async throws {
    let bench = try ArchiveBench()
    try await addOddities(bench)
    try bench.pack()
    let archive = bench.archive().string

    _ = try await ArchiveBench.run("/usr/bin/gzip", ["-t", archive])
    for (name, words) in [("tar", ["-xzf", archive, "-C"]), ("bsdtar", ["-xpf", archive, "-C"])] {
      let folder = try bench.scratch.folder(name)
      let said = try await ArchiveBench.run("/usr/bin/\(name)", words + [folder.string])
      // Of a name that is no text GNU tar says that it knows a newer word for it, and old times are news to it.
      let news = said.filter { !$0.contains("hdrcharset") && !$0.contains("implausibly old") }
      #expect(news.isEmpty, "\(name): \(news)")
      try FileManager.default.removeItem(atPath: folder.appending("MANIFEST.json").string)
      try FileManager.default.removeItem(atPath: folder.appending("dist").string)
      let (theirs, ours) = (
        Set(try await ArchiveBench.listing(folder)), Set(try await ArchiveBench.listing(bench.folder))
      )
      #expect(theirs == ours, "\(name): \(theirs.subtracting(ours)), not \(ours.subtracting(theirs))")
    }
    let seven = try bench.scratch.folder("seven")
    _ = try await ArchiveBench.run("/usr/bin/7z", ["x", archive, "-o\(seven.string)", "-y"])
    let tar = try #require(seven.names.first)
    _ = try await ArchiveBench.run("/usr/bin/7z", ["x", seven.string + "/" + tar, "-o\(seven.string)/all", "-y"])
    #expect(seven.appending("all/store/noise.bin").contents == bench.folder.appending("store/noise.bin").contents)
    #expect(seven.appending("all/store/J\u{FC}rgen.png").isThere)
    let names = try await ArchiveBench.run("/usr/bin/bsdtar", ["-tzf", archive])
    #expect(names.last == "MANIFEST.json")
    #expect(
      Set(names.compactMap { $0.split(separator: "/").first.map(String.init) }) == [
        "release.yaml", "store", "out", "dist", "MANIFEST.json",
      ])
  }

  @Test func `stores what cannot be packed, packs the rest as gzip does, and is one member`() async throws {
    let bench = try ArchiveBench()
    try await addOddities(bench)
    try bench.pack()
    let theirs = bench.scratch("theirs.tar.gz").string

    _ = try await ArchiveBench.run("/usr/bin/tar", ["czf", theirs, "-C", bench.folder.string, "."])

    let (mine, other) = (bench.archive().contents, FilePath(theirs).contents)
    #expect(Double(mine.count) < Double(other.count + 300_000) * 1.02, "\(mine.count) of \(other.count)")
    let members = mine.indices.dropLast(3).count {
      mine[$0] == 0x1F && mine[$0 + 1] == 0x8B && mine[$0 + 2] == 8 && mine[$0 + 3] == 0
    }
    #expect(members == 1)
  }

  /// Nine gigabytes take a minute of a processor; a tar file writes sizes of more than eight in another way.
  @Test(arguments: [UInt64(300) << 20] + (Needs.patience ? [UInt64(9) << 30] : []))
  func `keeps holes as holes, also in a file of more than eight gigabytes`(size: UInt64) async throws {
    let bench = try ArchiveBench()
    let file = try bench.scratch.write("begin", to: "releases/spring/store/cache.vdb")
    let handle = try FileHandle(forUpdating: URL(filePath: file.string))
    try handle.seek(toOffset: size / 2)
    try handle.write(contentsOf: Data("middle".utf8))
    try handle.truncate(atOffset: size)
    try handle.close()

    let manifest = try bench.pack()
    try bench.unpack()

    #expect(manifest.files.first { $0.path == "store/cache.vdb" }?.size == Int64(size))
    #expect(bench.archive().contents.count < 20 << 20)
    var status = stat()
    #expect(stat(bench.scratch("restored/store/cache.vdb").string, &status) == 0)
    #expect(status.st_size == off_t(size) && status.st_blocks < 10_000)
    let listed = try await ArchiveBench.run("/usr/bin/tar", ["-tvzf", bench.archive().string])
    #expect(listed.contains { $0.contains(" \(size) ") })
  }

  @Test(arguments: [2000] + (Needs.patience ? [50_000] : []))
  func `of very many small files holds each of them`(count: Int) async throws {
    let bench = try ArchiveBench()
    for number in 0..<count {
      try bench.scratch.write("\(number)", to: "releases/spring/store/cache_\(number % 50)/\(number).vdb")
    }

    let packed = try bench.pack()
    let unpacked = try bench.unpack()

    #expect(packed.files == unpacked.files && packed.files.count { $0.kind == .file } == count + 3)
    try FileManager.default.removeItem(atPath: bench.scratch("restored/dist").string)
    #expect(try await ArchiveBench.listing(bench.scratch("restored")) == ArchiveBench.listing(bench.folder))
  }

  @Test func `is refused when one byte of it is another, wherever that is`() throws {
    let bench = try ArchiveBench()
    try bench.pack()
    let good = bench.archive().contents

    for place in stride(from: 10, to: good.count, by: good.count / 60) + [good.count - 1, good.count - 6] {
      var bad = good
      bad[place] ^= 0x40
      try bench.archive().write(bad)
      #expect(throws: ArchiveFailure.self, "byte \(place)") { try bench.check() }
      #expect(throws: ArchiveFailure.self, "byte \(place)") { try bench.unpack() }
      #expect(!bench.scratch("restored").isThere, "byte \(place)")
    }
    for length in [0, 5, 20, good.count / 2, good.count - 1] {
      try bench.archive().write(Array(good.prefix(length)))
      #expect(throws: ArchiveFailure.self, "cut to \(length)") { try bench.check() }
    }
    try bench.archive().write(good + [1, 2, 3])
    #expect(throws: ArchiveFailure.self, "more behind it") { try bench.check() }
  }

  @Test func `is not made of what changes meanwhile, nor of pipes, mounts and names of its own`() throws {
    let bench = try ArchiveBench()
    let before = try bench.tree()
    try bench.scratch.write([9, 9, 9], to: "releases/spring/store/shot.blend")
    let archiver = Archiver(.gz, lanes: 2, progress: ArchiveProgress())

    #expect(throws: ArchiveFailure.changed(bench.folder.appending("store/shot.blend"))) {
      try archiver.write(before, to: bench.archive(), manifest: ArchiveManifest(head: ArchiveBench.head)) { _ in nil }
    }
    #expect(!bench.archive().isThere)
    #expect(before.difference(to: try bench.tree()) == bench.folder.appending("store/shot.blend"))
    try bench.scratch.write("", to: "releases/spring/MANIFEST.json")
    #expect(
      throws: ArchiveFailure.notStorable(
        bench.folder.appending("MANIFEST.json"), what: "the archive needs that name for itself")
    ) {
      try bench.tree()
    }
    try FileManager.default.removeItem(atPath: bench.folder.string + "/MANIFEST.json")
    #expect(mkfifo(bench.folder.string + "/store/pipe", 0o600) == 0)
    #expect(throws: ArchiveFailure.self) { try bench.tree() }
  }

  @Test(.enabled(if: Needs.mounts), arguments: ArchiveFormat.allCases)
  func `leaves nothing on a disk that is full before it is written`(format: ArchiveFormat) throws {
    let bench = try ArchiveBench()
    let disk = try SmallDisk(size: "4m", at: bench.scratch("small"))
    try bench.scratch.write(ArchiveBench.noise(9_000_000, seed: 4), to: "releases/spring/store/noise.bin")
    let place = disk.path.appending("spring.tar.gz")

    #expect(throws: ArchiveFailure.files(FileFailure("write", place, errno: ENOSPC))) {
      try Archiver(format, lanes: 2, progress: ArchiveProgress()).write(
        bench.tree(), to: place, manifest: ArchiveManifest(head: ArchiveBench.head)
      ) { _ in nil }
    }

    #expect(disk.path.names.isEmpty)
  }

  @Test func `is not finished when nobody wants it any more`() throws {
    let bench = try ArchiveBench()
    let progress = ArchiveProgress()
    #expect(progress.cancel())

    #expect(throws: ArchiveFailure.canceled) {
      try Archiver(.gz, lanes: 2, progress: progress).write(
        bench.tree(), to: bench.archive(), manifest: ArchiveManifest(head: ArchiveBench.head)
      ) { _ in nil }
    }

    #expect(!bench.archive().isThere)
  }
}

@Suite("What an archive packs")
struct PackingTests {
  /// The first letters of the alphabet at random: four bits a byte.
  private static let text = ArchiveBench.noise(1 << 20, seed: 2).map { $0 & 15 + 97 }

  private static let examples: [(bytes: [UInt8], packing: Packing)] = [
    (ArchiveBench.noise(1 << 20, seed: 1), .stored), (text, .packed), ([UInt8](repeating: 0, count: 1 << 20), .packed),
    (ArchiveBench.noise(1 << 19, seed: 1) + text.prefix(1 << 19), .packed), ([], .packed),
    (ArchiveBench.noise(1 << 20, seed: 1).map { $0 % 180 }, .shortened),
    ((0..<400).flatMap { _ in ArchiveBench.noise(2600, seed: 1).map { $0 % 180 } }, .packed),
  ]

  @Test(arguments: examples.indices)
  func `is as hard as its bytes are uneven, and not at all where they are dice`(number: Int) {
    let (bytes, packing) = Self.examples[number]

    #expect(bytes.withUnsafeBytes { BlockPacker().packing(for: $0) } == packing)
  }
}
