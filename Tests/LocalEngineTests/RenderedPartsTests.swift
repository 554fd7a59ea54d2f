import FarmModel
import FarmTesting
import Foundation
import Logging
import Rendering
import Supervisor
import SystemPackage
import Testing

@testable import LocalEngine

/// Tiles, layers, eyes and what nodes write, by Debian's Blender and by those that are installed besides.
@Suite("What a Blender renders of a frame", .serialized)
struct RenderedPartsTests {
  private static let programs = ["/usr/bin/blender"] + OtherBlenders.pythons

  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private struct Rendered: Sendable {
    var scene: OpenedScene?
    var pictures: [[RenderedPicture]] = []
    var end: TaskEnd?
  }

  /// Renders the first frame of a scene, or these, in each of these parts, one task after the other.
  private func rendered(
    _ name: String, by program: String, _ parts: [RenderPart], _ wanted: JobSettings = JobSettings(),
    frames: [FrameNumber] = [1]
  ) async throws -> [Rendered] {
    let volume = try scratch.makeVolume()
    let engine = LocalEngine(
      LocalEngine.Setup(
        script: try RenderScript.install(in: volume), blenders: [program], slots: 1, temporary: scratch("tmp"),
        now: { .now }), log: Logger(label: "test"))
    let (scene, scratch) = (try await Scenes.shared.path(name), scratch)
    let running = Task { await engine.run() }
    defer { running.cancel() }
    var reports = engine.reports.makeAsyncIterator()
    guard case .abilities(let able)? = await reports.next(), let blender = able.blenders.first else { return [] }
    var all: [Rendered] = []
    for (number, part) in parts.enumerated() {
      await engine.submit(
        RenderTask(
          id: Int64(number + 1), revision: 1, job: JobName(release: "quick", job: name), frames: FrameSet(frames),
          blend: scene.string, part: part, settings: RenderSettings(wanted: wanted),
          folder: scratch("work {x} ## \(number)").string, format: .png, blender: blender,
          log: scratch("\(number).log").string))
      var one = Rendered()
      while one.end == nil, let report = await reports.next() {
        switch report {
        case .opened(_, let scene): one.scene = scene
        case .frame(_, let frame): one.pictures.append(frame.pictures)
        case .ended(_, let end): one.end = end
        default: break
        }
      }
      all.append(one)
    }
    return all
  }

  private func oiiotool(_ words: String...) async throws -> Bool {
    try await ChildProcess.output(of: ChildCommand("/usr/bin/oiiotool", ["--wildcardoff", "--evaloff"] + words)).end
      .isSuccess
  }

  @Test(arguments: programs) func `is of tiles bit for bit the part of the whole`(program: String) async throws {
    let tiles = TileGrid(columns: 3, rows: 2).tiles
    let parts = [RenderPart()] + tiles.map { RenderPart(tile: $0) } + [RenderPart()]
    let all = try await rendered("smooth", by: program, parts)
    let size = try #require(all.first?.scene?.size)
    let whole = try #require(all.first?.pictures.first?.first?.file)

    #expect(size == PixelSize(width: 161, height: 91))
    #expect(all.first?.scene?.channels == 4)
    for (tile, one) in zip(tiles, all.dropFirst()) {
      let (place, file) = (tile.rectangle(in: size), try #require(one.pictures.first?.first?.file))
      let cut = "\(place.size.width)x\(place.size.height)+\(place.left)+\(place.top)"
      #expect(
        try await oiiotool(
          "--no-autopremult", "--fail", "0", whole, "--cut", cut, "--origin", "+0+0", "--fullpixels", file, "--diff"),
        "\(tile) of \(program)")
    }
    // The border of the last tile does not stay.
    let again = try #require(all.last?.pictures.first?.first?.file)
    #expect(try await oiiotool("--no-autopremult", "--fail", "0", whole, again, "--diff"))
  }

  @Test func `is of shapes that change bit for bit what Blender gives by hand`() async throws {
    let all = try await rendered("shaped", by: "/usr/bin/blender", [RenderPart()], frames: [1, 2, 3])
    let scene = try await Scenes.shared.path("shaped").string

    let words = ["-b", "--factory-startup", "-noaudio", scene, "-o", scratch("hand_#").string, "-F", "PNG", "-x", "1"]
    let hand = try await ChildProcess.output(of: ChildCommand("/usr/bin/blender", words + ["-f", "1..3"]))
    try #require(hand.end.isSuccess, "\(hand)")
    let files = try #require(all.first).pictures.compactMap(\.first?.file)
    #expect(files.count == 3)
    for (number, file) in files.enumerated() {
      #expect(try await oiiotool("--fail", "0", scratch("hand_\(number + 1).png").string, file, "--diff"))
    }
    #expect(!(try await oiiotool("--fail", "0.02", files[0], files[2], "--diff")))
  }

  @Test(arguments: programs) func `is of a layer that layer alone`(program: String) async throws {
    let all = try await rendered(
      "two_layers", by: program, [RenderPart(layer: "Front"), RenderPart(layer: "Back/far"), RenderPart(layer: "No")])

    #expect(all.map(\.pictures.count) == [1, 1, 0])
    let files = all.compactMap(\.pictures.first?.first?.file)
    #expect(!(try await oiiotool("--fail", "0.02", files[0], files[1], "--diff")))
  }

  @Test(arguments: programs) func `is of a stereo scene a picture for each eye`(program: String) async throws {
    let pictures = try #require(try await rendered("stereo", by: program, [RenderPart()]).first?.pictures.first)

    #expect(pictures.map(\.view) == ["left", "right"])
    #expect(Set(pictures.map(\.file)).count == 2)
    #expect(pictures.allSatisfy { FilePath($0.file).isThere })
  }

  @Test(arguments: programs) func `is beside it what nodes write, each under its name`(program: String) async throws {
    let one = try #require(try await rendered("output_nodes", by: program, [RenderPart()]).first)

    #expect(Set(one.scene?.nodes.map(\.name) ?? []) == ["Depth", "Both/Plain", "Both/Old"])
    #expect(Set(one.scene?.nodes.map(\.fileExtension) ?? []) == ["exr", "png", "tga"])
    let pictures = try #require(one.pictures.first)
    #expect(Set(pictures.map(\.node)) == [nil, "Depth", "Both/Plain", "Both/Old"])
    for picture in pictures {
      #expect(FilePath(picture.file).isThere)
      #expect(try await oiiotool(picture.file, "--printstats"))
    }
  }

  @Test(arguments: programs)
  func `is of nodes with one name, in groups, muted or open what they write, and nothing elsewhere`(
    program: String
  ) async throws {
    let one = try #require(try await rendered("odd_nodes", by: program, [RenderPart()]).first)

    let names = try #require(one.pictures.first).compactMap(\.node)
    #expect(names.count == 3 && Set(names).count == 3, "\(names)")
    #expect(Set(one.scene?.nodes.map(\.name) ?? []) == Set(names))
    let scene = try await Scenes.shared.path("odd_nodes")
    #expect(!scene.removingLastComponent().appending("artist").isThere)
  }

  @Test(arguments: programs) func `has the samples, the size and the device that are wanted`(program: String)
    async throws
  {
    var wanted = JobSettings()
    (wanted.samples, wanted.percentage, wanted.device) = (2, 50, .optix)
    let one = try #require(try await rendered("still", by: program, [RenderPart()], wanted).first)

    #expect(one.scene?.size == PixelSize(width: 32, height: 18))
    #expect(one.scene?.notes.map(\.cause) == ["device optix is wanted and none is here: it is rendered on the CPU"])
    #expect(one.end == .completed)
    let log = String(decoding: scratch("0.log").contents, as: UTF8.self)
    // Blender 5.0 says nothing of samples.
    #expect(log.contains("Sample 2/2") || program.contains("bpy-5"))
  }
}
