import FarmModel
import FarmTesting
import Foundation
import Logging
import Rendering
import Supervisor
import SystemPackage
import Testing
import VolumeFiles

@testable import LocalEngine

/// What the render script changes in an open file must not be seen in any picture, nor in the artist's folder.
@Suite("What the farm changes in a scene", .serialized)
struct UntouchedSceneTests {
  private static let programs = ["/usr/bin/blender"] + OtherBlenders.pythons

  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  /// What became of a task.
  private struct Outcome {
    var scene: OpenedScene?
    var frames: [RenderedFrame] = []
    var problem: Problem?
    var end: TaskEnd?

    var files: [String] { frames.flatMap { $0.pictures.map(\.file) } }
  }

  /// Renders frames of a file.
  /// - Parameters:
  ///   - mend: changes the render script's text.
  ///   - original: the artist's file, of which the file is the copy.
  private func rendered(
    _ blend: FilePath, of original: FilePath? = nil, by program: String = "/usr/bin/blender",
    frames: [FrameNumber] = [1, 2], part: RenderPart = RenderPart(), settings: RenderSettings = RenderSettings(),
    format: ImageFormat = .png, mend: (String) -> String = { $0 }
  ) async throws -> Outcome {
    let name = UUID().uuidString
    let engine = LocalEngine(
      LocalEngine.Setup(
        script: try scratch.write(mend(String(decoding: RenderScript.bytes, as: UTF8.self)), to: "\(name).py"),
        blenders: [program], slots: 1, temporary: scratch("tmp"), now: { .now }), log: Logger(label: "test"))
    let running = Task { await engine.run() }
    defer { running.cancel() }
    var reports = engine.reports.makeAsyncIterator()
    guard case .abilities(let able)? = await reports.next() else { return Outcome() }
    await engine.submit(
      RenderTask(
        id: 1, revision: 1, job: JobName(release: "quick", job: "untouched"), frames: FrameSet(frames),
        blend: blend.string, original: original?.string, part: part, settings: settings,
        folder: scratch("work-\(name)").string, format: format, blender: try #require(able.blenders.first),
        log: scratch("\(name).log").string))
    var outcome = Outcome()
    while outcome.end == nil, let report = await reports.next() {
      switch report {
      case .opened(_, let scene): outcome.scene = scene
      case .frame(_, let frame): outcome.frames.append(frame)
      case .frameFailed(_, _, let problem): outcome.problem = problem
      case .ended(_, let end):
        outcome.end = end
        if case .failed(let problem, _) = end { outcome.problem = problem }
      default: break
      }
    }
    return outcome
  }

  private func areEqual(_ a: String, _ b: String) async throws -> Bool {
    let words = ["--no-autopremult", "--fail", "0", "--failpercent", "0", a, b, "--diff"]
    return try await ChildProcess.output(of: ChildCommand("/usr/bin/oiiotool", words)).end.isSuccess
  }

  // MARK: - For speed

  @Test(arguments: [
    "switched", "switched_by_property", "switched_in_library", "shaded_by_switch", "shaded_by_threads",
  ])
  func `is not what a driver or a shader reads: the pictures are those that Blender gives by hand`(
    name: String
  ) async throws {
    let scene = try await Scenes.shared.path(name)
    var wanted = JobSettings()
    wanted.threads = 2

    let outcome = try await rendered(scene, settings: RenderSettings(wanted: wanted))

    let words = ["-b", "--factory-startup", "-noaudio", scene.string, "-o", scratch("hand_#").string, "-F", "PNG"]
    let hand = try await ChildProcess.output(
      of: ChildCommand("/usr/bin/blender", words + ["-x", "1", "-f", "1..2"]))
    try #require(hand.end.isSuccess, "\(hand)")
    try #require(outcome.files.count == 2, "\(outcome)")
    for (number, file) in outcome.files.enumerated() {
      #expect(try await areEqual(scratch("hand_\(number + 1).png").string, file), "frame \(number + 1)")
    }
  }

  @Test func `is refused where tiles need it and a shader reads it`() async throws {
    let scene = try await Scenes.shared.path("shaded_by_border")

    let whole = try await rendered(scene, frames: [1])
    let tile = try await rendered(
      scene, frames: [1], part: RenderPart(tile: TileGrid(columns: 2, rows: 1).tiles[0]))

    #expect(whole.end == .completed)
    #expect(tile.files.isEmpty)
    #expect(tile.problem?.problemClass == .notSupported)
    #expect(tile.problem?.cause.hasPrefix("a shader of Paint reads render.use_border") == true, "\(tile)")
  }

  // MARK: - The artist's path

  /// An artist's file and the farm's copy of it.
  private func copied(_ name: String) async throws -> (original: FilePath, copy: FilePath) {
    let bytes = try await Scenes.shared.path(name).contents
    return (try scratch.write(bytes, to: "share/shot é 1.blend"), try scratch.write(bytes, to: "share/.farm-1.blend"))
  }

  private func carries(_ file: String, _ path: FilePath) -> Bool {
    FilePath(file).contents.firstRange(of: Array(path.string.utf8)) != nil
  }

  @Test(arguments: programs)
  func `is not the name that pictures carry and show: it is the artist's, also in those of nodes`(
    program: String
  ) async throws {
    let (original, copy) = try await copied("stamped_name")

    let artists = try await rendered(original, by: program)
    let farms = try await rendered(copy, of: original, by: program)

    try #require(artists.files.count == 4 && farms.files.count == 4, "\(farms)")
    for (artist, farm) in zip(artists.files, farms.files) {
      #expect(try await areEqual(artist, farm))
      // Nodes write metadata from 4.2 on.
      #expect(carries(farm, original) == carries(artist, original) && !carries(farm, copy))
    }
    #expect(carries(farms.files[0], original))
    #expect(farms.scene?.notes.isEmpty == true)
    // The name is seen in the picture.
    let unnamed = try await rendered(copy, by: program)
    #expect(try await !areEqual(unnamed.files[0], farms.files[0]))
  }

  /// A Blender that keeps its path where the farm does not find it.
  private static func moved(_ script: String) -> String {
    script.replacingOccurrences(of: "MAIN_FILEPATH_BYTES = 16, ", with: "MAIN_FILEPATH_BYTES = 24, ")
  }

  @Test(arguments: [ImageFormat.png, .jpeg, .openEXR, .openEXRMultilayer])
  func `is not the path in metadata where Blender cannot be told another, and the name in the picture is said`(
    format: ImageFormat
  ) async throws {
    let (original, copy) = try await copied("stamped_name")

    let farms = try await rendered(copy, of: original, frames: [1], format: format, mend: Self.moved)
    let plain = try await rendered(copy, frames: [1], format: format)

    #expect(farms.scene?.notes.map(\.problemClass) == [.namesCopy])
    try #require(farms.files.count == 2 && plain.files.count == 2, "\(farms)")
    for (farm, plain) in zip(farms.files, plain.files) {
      #expect(carries(farm, original) == carries(plain, copy) && !carries(farm, copy))
      #expect(try await areEqual(farm, plain))
    }
    #expect(carries(farms.files[0], original))
    let verdict = FrameCheck.check(
      FilePath(farms.files[0]), as: FrameCheck.Wanted(format, size: PixelSize(width: 320, height: 36)))
    #expect(throws: Never.self) { try verdict.get() }
  }

  @Test func `is said no more when the file's name is not burnt in`() async throws {
    let (original, copy) = try await copied("still")

    let farms = try await rendered(copy, of: original, frames: [1], mend: Self.moved)

    #expect(farms.scene?.notes.isEmpty == true)
    #expect(carries(try #require(farms.files.first), original))
  }

  // MARK: - The artist's folder

  @Test(arguments: programs)
  func `are no files of a disk cache that is not baked: Blender would delete them`(program: String) async throws {
    let source = try await Scenes.shared.path("begun_cloth").removingLastComponent()
    let share = try scratch.folder("share")
    for name in ["begun_cloth.blend", "borrowed_cloth.blend", "blendcache_begun_cloth"] {
      try FileManager.default.copyItem(atPath: source.appending(name).string, toPath: share.appending(name).string)
    }
    let copy = try scratch.write(share.appending("begun_cloth.blend").contents, to: "share/.farm-1.blend")
    let (cache, link) = (share.appending("blendcache_begun_cloth"), share.appending("blendcache_.farm-1"))
    try FileManager.default.createSymbolicLink(atPath: link.string, withDestinationPath: cache.string)
    let before = cache.names
    let simulated = RenderSettings(isSimulated: true)

    let own = try await rendered(
      copy, of: share.appending("begun_cloth.blend"), by: program, frames: [1, 8], settings: simulated)
    let borrowed = try await rendered(
      share.appending("borrowed_cloth.blend"), by: program, frames: [1, 8], settings: simulated)

    #expect(before.count == 3 && cache.names == before)
    #expect(own.files.count == 2 && borrowed.files.count == 2, "\(borrowed)")
    #expect(try await !areEqual(own.files[0], own.files[1]))
    #expect(share.names.count == 5, "\(share.names)")
  }

  // MARK: - Siblings

  @Test(arguments: programs)
  func `does not hide that a driver needs scripts of a thing that the viewport does not show`(
    program: String
  ) async throws {
    let outcome = try await rendered(Scenes.shared.path("hidden_driven"), by: program, frames: [1])

    #expect(outcome.files.isEmpty)
    #expect(outcome.problem?.problemClass == .scriptsDisabled)
  }

  @Test(arguments: programs) func `leaves what a library holds as it is`(program: String) async throws {
    let outcome = try await rendered(Scenes.shared.path("linked"), by: program, frames: [1])

    #expect(outcome.end == .completed && outcome.files.count == 1, "\(outcome)")
  }
}
