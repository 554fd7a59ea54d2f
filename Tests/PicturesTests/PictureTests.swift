import FarmModel
import FarmTesting
import Pictures
import Supervisor
import SystemPackage
import Testing

@Suite("A picture")
struct PictureTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  /// A picture of 64×36 pixels as oiiotool writes it.
  private func picture(_ name: String, _ options: [String] = []) async throws -> FilePath {
    let path = scratch(name)
    let arguments = ["--pattern", "noise:seed=1", "64x36", "3", "-d", name.hasSuffix("exr") ? "half" : "uint8"]
    let (end, lines) = try await ChildProcess.output(
      of: ChildCommand("/usr/bin/oiiotool", arguments + options + ["-o", path.string]))
    try #require(end.isSuccess, "\(lines)")
    return path
  }

  private static let kinds: [(String, ImageFormat, [String])] = [
    ("a.png", .png, []), ("a.jpg", .jpeg, []), ("scan.exr", .openEXR, ["--compression", "zip"]),
    ("none.exr", .openEXR, ["--compression", "none"]), ("piz.exr", .openEXR, ["--compression", "piz"]),
    ("tiled.exr", .openEXR, ["--tile", "16", "16"]), ("a.tif", .tiff, []),
    ("lzw.tif", .tiff, ["--compression", "lzw"]),
    ("tiled.tif", .tiff, ["--tile", "16", "16"]), ("a.webp", .webp, []),
  ]

  @Test(arguments: kinds)
  func `that is whole tells its size`(name: String, format: ImageFormat, options: [String]) async throws {
    let path = try await picture(name, options)

    let read = try Picture(at: path, expecting: format)

    #expect(read.size == PixelSize(width: 64, height: 36))
    #expect(read.bytes == path.contents.count)
  }

  @Test(arguments: kinds)
  func `cut anywhere is refused`(name: String, format: ImageFormat, options: [String]) async throws {
    let whole = try await picture(name, options).contents
    var random = SeededGenerator(seed: 7)
    let cuts =
      (0..<80).map { _ in Int.random(in: 0..<whole.count, using: &random) } + [whole.count - 1, whole.count - 12]

    for cut in cuts {
      let path = try scratch.write(whole[..<cut], to: "cut")
      #expect(throws: PictureFailure.self, "cut to \(cut) of \(whole.count) bytes") {
        try Picture(at: path, expecting: format)
      }
    }
  }

  /// Not of a WebP: its container says nothing of what lies inside a chunk.
  @Test(arguments: kinds.filter { $0.1 != .webp })
  func `with zeros at its end is refused`(name: String, format: ImageFormat, options: [String]) async throws {
    let whole = try await picture(name, options).contents
    let path = try scratch.write(
      whole[..<(whole.count / 2)] + [UInt8](repeating: 0, count: whole.count - whole.count / 2), to: "zeros")

    #expect(throws: PictureFailure.self) { try Picture(at: path, expecting: format) }
  }

  @Test func `with one bit turned in a PNG is refused`() throws {
    var bytes = TestFiles.png()
    bytes[bytes.count - 20] ^= 1
    let path = try scratch.write(bytes, to: "bit.png")

    let failure = #expect(throws: PictureFailure.self) { try Picture(at: path, expecting: .png) }

    #expect(failure?.description.contains("checksum of chunk IDAT is wrong") == true, "\(failure?.description ?? "")")
  }

  @Test func `whose pixels are fewer or more than its size asks for is refused, though every checksum is right`() throws
  {
    // Three lines of four pixels in three colours, each with its filter.
    let line = 1 + 4 * 3
    let few = try scratch.write(TestFiles.png(pixels: [UInt8](repeating: 0, count: 2 * line)), to: "few.png")
    let many = try scratch.write(TestFiles.png(pixels: [UInt8](repeating: 0, count: 4 * line)), to: "many.png")

    let tooFew = #expect(throws: PictureFailure.self) { try Picture(at: few, expecting: .png) }
    let tooMany = #expect(throws: PictureFailure.self) { try Picture(at: many, expecting: .png) }

    #expect(
      tooFew?.description.contains("its pixels: 26 of 39 bytes are there") == true, "\(tooFew?.description ?? "")")
    #expect(tooMany?.description.contains("more pixels than its size says") == true, "\(tooMany?.description ?? "")")
    let right = try scratch.write(TestFiles.png(pixels: [UInt8](repeating: 0, count: 3 * line)), to: "right.png")
    #expect(try Picture(at: right, expecting: .png).channels == 3)
  }

  @Test(arguments: ["none", "zip", "piz"])
  func `with a hole of zeros in an EXR is refused, though its table and its end are right`(compression: String)
    async throws
  {
    let path = scratch("hole.exr")
    let words = ["--pattern", "noise", "300x200", "3", "--compression", compression, "-d", "half", "-o", path.string]
    let (end, lines) = try await ChildProcess.output(of: ChildCommand("/usr/bin/oiiotool", words))
    try #require(end.isSuccess, "\(lines)")
    var bytes = path.contents
    #expect(throws: Never.self) { try Picture(at: path, expecting: .openEXR) }
    // A chunk of PIZ has 32 lines.
    let hole = bytes.count / 3..<bytes.count / 3 * 2
    bytes.replaceSubrange(hole, with: repeatElement(0, count: hole.count))
    let damaged = try scratch.write(bytes, to: "damaged.exr")

    let failure = #expect(throws: PictureFailure.self) { try Picture(at: damaged, expecting: .openEXR) }

    #expect(
      failure?.description.contains("a chunk is not what the table says") == true, "\(failure?.description ?? "")")
  }

  @Test func `is blamed by the tool that reads it only when the tool got so far`() async throws {
    let path = try scratch.write([1, 2, 3], to: "none.exr")
    let refused = await #expect(throws: ToolFailure.self) { try await OIIOTool.size(of: path) }
    #expect(refused?.isOfInput == true)

    let asked = Task { () throws(ToolFailure) -> PixelSize? in
      withUnsafeCurrentTask { $0?.cancel() }
      return try await OIIOTool.size(of: path)
    }
    let canceled = await #expect(throws: ToolFailure.self) { try await asked.value }
    #expect(canceled?.isOfInput == false)
  }

  @Test func `with a line that is filtered in a way that there is not is refused`() throws {
    var lines = [UInt8](repeating: 0, count: 3 * 13)
    lines[13] = 5
    let path = try scratch.write(TestFiles.png(pixels: lines), to: "filter.png")

    let failure = #expect(throws: PictureFailure.self) { try Picture(at: path, expecting: .png) }

    #expect(failure?.description.contains("filtered in a way that there is not") == true)
  }

  @Test(arguments: [
    ("constant:color=0,0,0", 3, "uint8", true), ("constant:color=0.006,0,0.006", 3, "uint8", true),
    ("constant:color=0,0.02,0", 3, "uint8", false), ("constant:color=0,0,0,1", 4, "uint8", true),
    ("constant:color=1,1,1,0", 4, "uint8", true), ("constant:color=1,1,1,0", 4, "uint16", true),
    ("constant:color=0,0.02,0,1", 4, "uint16", false), ("constant:color=0", 1, "uint16", true),
    ("constant:color=0.02", 1, "uint8", false), ("constant:color=0.02,1", 2, "uint8", false),
    ("noise:mean=0.001:stddev=0.0008", 3, "uint8", true), ("checker:color2=0.02,0,0", 3, "uint8", false),
    ("noise", 4, "uint8", false), ("noise:mean=0.001:stddev=0.0008", 3, "uint16", true),
  ])
  func `looks dark when it may show nothing, dithered or not`(
    pattern: String, channels: Int, depth: String, isDark: Bool
  ) async throws {
    let path = scratch("dark.png")
    let words = ["--pattern", pattern, "37x5", "\(channels)", "-d", depth, "-o", path.string]
    let (end, lines) = try await ChildProcess.output(of: ChildCommand("/usr/bin/oiiotool", words))
    try #require(end.isSuccess, "\(lines)")

    #expect(try Picture(at: path, expecting: .png).looksDark == isDark)
  }

  @Test(arguments: kinds)
  func `with wrong bytes is read or refused, whatever they are`(
    name: String, format: ImageFormat, options: [String]
  ) async throws {
    let whole = try await picture(name, options).contents
    var (random, refused) = (SeededGenerator(seed: 7), 0)
    let count = Needs.patience ? 20_000 : 300
    for _ in 0..<count {
      let path = try scratch.write(TestFiles.damaged(whole, &random), to: "x")
      do throws(PictureFailure) { _ = try Picture(at: path, expecting: format) } catch {
        #expect(!error.description.isEmpty)
        refused += 1
      }
    }
    #expect(refused > count / 4, "the damage hits something")
  }

  @Test func `whose EXR claims tiles beyond all numbers is refused`() async throws {
    var bytes = try await picture("huge.exr", ["--tile", "16", "16"]).contents
    for name in ["dataWindow", "displayWindow"] {
      // name, NUL, "box2i", NUL, length; then from and to.
      let at = try #require(bytes.firstRange(of: Array(name.utf8))).upperBound + 1 + 6 + 4
      bytes.replaceSubrange(at..<at + 8, with: [0, 0, 0, 0x80, 0, 0, 0, 0x80])
      bytes.replaceSubrange(at + 8..<at + 16, with: [0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F])
    }
    let tiles = try #require(bytes.firstRange(of: Array("tiledesc".utf8))).upperBound + 1 + 4
    bytes.replaceSubrange(tiles..<tiles + 8, with: [1, 0, 0, 0, 1, 0, 0, 0])
    let path = try scratch.write(bytes, to: "huge.exr")

    let failure = #expect(throws: PictureFailure.self) { try Picture(at: path, expecting: .openEXR) }

    #expect(failure?.description.contains("it promises too many chunks") == true, "\(failure?.description ?? "")")
  }

  @Test(arguments: [("1", 1), ("3", 3), ("4", 4)])
  func `tells its channels`(count: String, channels: Int) async throws {
    let kinds = [("c.png", ImageFormat.png), ("c.jpg", .jpeg), ("c.tif", .tiff), ("c.exr", .openEXR)]
    for (name, format) in kinds where !(channels == 4 && format == .jpeg) && !(channels == 1 && format == .openEXR) {
      let path = scratch(name)
      let words = ["--pattern", "noise:seed=1", "64x36", count, "-d", "uint8", "-o", path.string]
      let (end, lines) = try await ChildProcess.output(of: ChildCommand("/usr/bin/oiiotool", words))
      try #require(end.isSuccess, "\(lines)")

      #expect(try Picture(at: path, expecting: format).channels == channels)
    }
  }

  @Test(arguments: [(64, 36), (1, 1), (5, 3), (9, 17)])
  func `that is interlaced is counted too`(width: Int, height: Int) async throws {
    let path = scratch("adam.png")
    // Written by hand: neither oiiotool nor Blender interlaces.
    let passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    var count = 0
    for (column, line, columnStep, lineStep) in passes {
      let columns = Array(stride(from: column, to: width, by: columnStep)).count
      let lines = Array(stride(from: line, to: height, by: lineStep)).count
      if columns > 0 { count += lines * (1 + columns * 3) }
    }
    let bytes = TestFiles.png(
      width: width, height: height, pixels: [UInt8](repeating: 0, count: count), isInterlaced: true)
    try path.write(bytes)

    #expect(try Picture(at: path, expecting: .png).size == PixelSize(width: width, height: height))
  }

  @Test func `whose EXR table was never written is refused with that reason`() async throws {
    var bytes = try await picture("table.exr", ["--compression", "none"]).contents
    let headerEnd = try #require(
      bytes.indices.first { at in at > 8 && bytes[at...].starts(with: Array("screenWindowWidth".utf8)) })
    // name, NUL, "float", NUL, length, four bytes, and the empty name that ends the header.
    let table = headerEnd + 17 + 1 + 6 + 4 + 4 + 1
    for at in table..<(table + 36 * 8) { bytes[at] = 0 }
    let path = try scratch.write(bytes, to: "dead.exr")

    let failure = #expect(throws: PictureFailure.self) { try Picture(at: path, expecting: .openEXR) }

    #expect(failure?.description.contains("table of chunks was never written") == true, "\(failure?.description ?? "")")
  }

  @Test func `of another format is refused`() throws {
    let path = try scratch.write(TestFiles.png(), to: "a.exr")

    #expect(throws: PictureFailure.wrongFormat(.openEXR)) { try Picture(at: path, expecting: .openEXR) }
    #expect(throws: PictureFailure.truncated(atByte: 0, while: "nothing was written")) {
      try Picture(at: scratch.write([], to: "empty.png"), expecting: .png)
    }
  }
}
