import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing

@testable import BlendFile

/// Files that Blender 3.4, 4.2 and 5.0 wrote (`files/make_files.py`), each with what that Blender's Python reads in it.
@Suite("What a .blend says without Blender")
struct InspectionTests {
  private static let folder = FilePath(#filePath).removingLastComponent().appending("files")
  static let versions = ["3.4", "4.2", "5.0"]

  private static let disk = BlendInspector.Disk(
    summary: { path in Result { () throws(BlendFailure) in try BlendSummary(of: path) } },
    exists: { path, _ in path.isThere })

  private func file(_ version: String, _ name: String) -> FilePath {
    Self.folder.appending(version).pushing(FilePath(name))
  }

  private func inspected(_ version: String, scenes: [String]? = nil) throws -> BlendInspection {
    try BlendInspector(Self.disk).inspect(file(version, "files.blend"), scenes: scenes.map { .named($0) })
  }

  /// Below the folder of the version.
  private func below(_ path: String?, _ version: String) -> String {
    String((path ?? "").trimmingPrefix(Self.folder.appending(version).string + "/"))
  }

  /// What Blender's Python said.
  private struct Said: Decodable {
    let version: String
    let activeScene: String
    let scenes: [BlendScene]
    let paths: [String]
  }

  private func said(_ version: String, _ name: String) throws -> Said {
    try JSONDecoder().decode(Said.self, from: Data(file(version, "\(name).json").contents))
  }

  @Test(arguments: versions, ["scenes", "files"])
  func `is of every scene what Blender's Python says`(version: String, name: String) throws {
    let said = try said(version, name)
    let summary = try BlendSummary(of: file(version, "\(name).blend"))

    #expect(summary.version.description == said.version)
    #expect(summary.activeScene == said.activeScene)
    let rounded = summary.scenes.sorted { $0.name < $1.name }.map { scene in
      var scene = scene
      scene.fps = (scene.fps * 10_000).rounded() / 10_000
      return scene
    }
    #expect(rounded == said.scenes.sorted { $0.name < $1.name })
    #expect(summary.wrapper == .zstd)
  }

  @Test func `says whether the file would need the same in another place`() throws {
    let blend = file("4.2", "files.blend")
    let (folder, away) = (blend.removingLastComponent(), FilePath("/away"))
    let inspection = try inspected("4.2")

    #expect(inspection.needsTheSame(at: blend, as: folder.appending("other.blend"), BlendPaths()))
    #expect(!inspection.needsTheSame(at: blend, as: away.appending("files.blend"), BlendPaths()))
    var bound = inspection
    bound.dependencies = inspection.dependencies.filter {
      $0.of != nil || $0.path.hasPrefix("/") && !$0.path.hasPrefix("//")
    }
    #expect(bound.needsTheSame(at: blend, as: away.appending("files.blend"), BlendPaths()))
  }

  @Test(arguments: versions)
  func `is every file that it needs, through libraries, each relative to the file that names it`(
    version: String
  ) throws {
    let found = try inspected(version).dependencies

    let needed = found.filter(\.reached).map { "\($0.kind.rawValue) \(below($0.resolved ?? $0.path, version))" }
    #expect(
      needed.sorted() == [
        "cache cube.mdd", "image Z:\\show\\textures\\brick.png", "image lib/wood/grain.png",
        "image textures/nowhere.png", "image textures/wood.png", "library lib/chair.blend",
        "library lib/wood/plank.blend", "script lamp.ies", "sequence sequence/f_0003.png",
        "sequence sequence/f_0004.png", "sequence sequence/f_0005.png", "tiles tiles/skin.1001.png",
        "tiles tiles/skin.1002.png", "tiles tiles/skin.1011.png", "volume smoke.vdb",
      ])
    // Nobody shows these: another part of the library, pictures that are only kept, a sound.
    let spare = found.filter { !$0.reached }.map { below($0.resolved, version) }
    #expect(spare.sorted() == ["bell.wav", "lib/marble.png", "lib/wood/unused.png", "textures/spare.png"])
    let missing = found.filter { !$0.exists }.map { below($0.resolved ?? $0.path, version) }
    #expect(
      missing.sorted() == [
        "Z:\\show\\textures\\brick.png", "cube.mdd", "lamp.ies", "smoke.vdb", "textures/nowhere.png",
      ])
    let grain = try #require(found.first { $0.path == "//grain.png" })
    #expect(grain.by == ["IMgrain.png"] && below(grain.of, version) == "lib/wood/plank.blend")
    #expect(found.first { $0.kind == .library }?.by == ["LIchair.blend"])
  }

  @Test(arguments: versions)
  func `leaves out no path that Blender's Python names`(version: String) throws {
    let found = Set(try inspected(version).dependencies.map { below($0.resolved, version) })

    let left = try said(version, "files").paths.filter {
      !found.contains($0) && !$0.hasSuffix("show/textures/brick.png")
    }
    // Of a sequence and of tiles the files that are used are named.
    #expect(left == ["sequence/f_0001.png", "tiles/skin.<UDIM>.png"])
  }

  @Test(arguments: versions)
  func `is read the same when it is not compressed, or with gzip`(version: String) throws {
    let scratch = try ScratchFolder()
    let path = file(version, "files.blend")
    let table = try PlainBytes(path: path).zstdSeekTable()
    let unpacked = try ZstdBytes(PlainBytes(path: path), table).next(Int(table.uncompressedBytes))

    let plain = try BlendSummary(of: scratch.write(unpacked, to: "plain.blend"))
    #expect(try plain.scenes == BlendSummary(of: path).scenes)
    #expect(plain.files.count == (try BlendSummary(of: path)).files.count)
    #expect(plain.wrapper == .none)
  }

  @Test func `is nothing that is rendered where another scene is`() throws {
    let found = try inspected("5.0", scenes: ["No such scene"]).dependencies

    #expect(!found.isEmpty && found.allSatisfy { !$0.reached })
  }

  @Test(arguments: [
    ("still", false), ("anim", true), ("textured", false), ("cloth", true), ("sequencer", true), ("reading", true),
  ])
  func `is whether anything can move`(scene: String, moves: Bool) async throws {
    let inspection = try await BlendInspector(Self.disk).inspect(Scenes.shared.path(scene))

    #expect(inspection.moves == moves)
  }

  @Test func `is not what a brush, a camera's background, a muted strip or a compositor that is off names`()
    async throws
  {
    let found = try await BlendInspector(Self.disk).inspect(Scenes.shared.path("idle")).dependencies

    #expect(Set(found.map(\.path)) == ["//brush.png", "//behind.png", "//composited.png", "//strip.png"])
    #expect(found.allSatisfy { !$0.reached }, "\(found.filter(\.reached).map(\.path))")
  }

  @Test func `is whether a scene must not be cut into tiles`() async throws {
    let scene = try await BlendSummary(of: Scenes.shared.path("stamped")).scenes[0]
    let plain = try await BlendSummary(of: Scenes.shared.path("still")).scenes[0]

    #expect(scene.stamps && scene.freestyle && scene.timeLimited)
    #expect(!plain.stamps && !plain.freestyle && !plain.timeLimited)
  }

  @Test func `is of a stereo picture what Blender made of its path for each eye`() async throws {
    let inspection = try await BlendInspector(Self.disk).inspect(Scenes.shared.path("eyes"))

    #expect(inspection.scene?.multiview == true)
    let names = inspection.dependencies.compactMap { $0.resolved.flatMap { FilePath($0).lastComponent?.string } }
    #expect(names == ["eye_L.png", "eye_R.png"])
    // Blender notes them whole, and the scenes were moved since: not asked is whether they are there.
    #expect(inspection.dependencies.allSatisfy { $0.reached })
  }

  /// Each object of `motion.blend` is called after what it does.
  @Test(arguments: versions)
  func `is what moves, what is simulated as it is rendered, and what needs Python`(version: String) throws {
    let (path, hasZones) = (file(version, "motion.blend"), version != "3.4")
    let (found, summary) = (try BlendInspector(Self.disk).inspect(path), try BlendSummary(of: path))

    let zones = hasZones ? ["NTClock", "NTZone"] : []
    let still = ["OBStill", "OBHair", "PAHair", "PALoose hair", "TXplain.py"]
    #expect(Set(summary.movers).isDisjoint(with: still))
    #expect(Set(zones).isSubset(of: summary.movers))
    let movers = [
      "OBCloth", "OBSoft", "PARain", "OBLoose hair", "OBTank", "OBStone", "OBDriver", "TXrun.py", "SCStamped",
    ]
    #expect(Set(movers).isSubset(of: summary.movers))
    let drawings = summary.movers.filter { $0.hasSuffix("Drawings") || $0.hasSuffix("One drawing") }
    #expect(drawings.count == 1 && drawings[0].hasSuffix("Drawings"))
    let simulated = ["OBCloth", "OBLoose hair", "OBRain", "OBSoft", "SCScene", "OBTank"]
    #expect(Set(found.simulations) == Set(simulated + (hasZones ? ["NTZone"] : [])))
    #expect(
      found.scripts == [
        BlendInspection.Script(by: "OBDriver", driver: "bpy.data.scenes[0].frame_start"),
        BlendInspection.Script(by: "TXrun.py", driver: nil),
      ])
  }

  @Test(arguments: BlendWriter.forms)
  func `is the same in every form that Blender has written`(form: BlendWriter.Form) throws {
    // With these `make fuzz` begins.
    let path = Self.folder.removingLastComponent().removingLastComponent().appending("Fuzz/seeds/blends")
      .appending(form.header)
    #expect(path.contents == BlendWriter(form).bytes)
    let (facts, found) = (try BlendFile.read(path), try BlendInspector(Self.disk).inspect(path))

    #expect(facts.activeScene == BlendFacts.SceneRange(name: "Main", start: 3, end: 9))
    let scene = try #require(found.scene)
    #expect(scene.name == "Main" && scene.frames == BlendScene.Frames(start: 3, end: 9, step: 2, current: 4))
    #expect(scene.fps == 20 && scene.size == [1920, 1080] && scene.percentage == 50)
    #expect(scene.engine == "CYCLES" && scene.camera == "Eye" && scene.format == "PNG")
    #expect(scene.viewLayers.map { "\($0.name) \($0.used)" } == ["Front true", "Back false"])
    #expect(scene.cameraMarkers == [BlendScene.CameraMarker(frame: -5, camera: "Eye")])
    let files = found.dependencies.map { "\($0.kind.rawValue) \($0.path) \($0.reached)" }
    #expect(files == ["image //wood.png true", "image //spare.png false", "library //chair.blend false"])
  }

  @Test func `of a later Blender is read, and said to be of one`() throws {
    let scratch = try ScratchFolder()
    let path = scratch("a.blend")
    let bytes = BlendWriter(BlendWriter.forms[8]).bytes
    try path.write(Array("BLENDER17-01v0502".utf8) + bytes.dropFirst(17))

    let found = try BlendInspector(Self.disk).inspect(path)
    #expect(
      found.notice == "saved by Blender 5.2; what came after 5.0 is read as far as the file describes it")
    #expect(found.scene?.name == "Main" && found.dependencies.count == 3)
    #expect(try inspected("5.0").notice == nil)
  }

  @Test func `is found though libraries name one another in a circle, and only once`() throws {
    let (a, b) = (FilePath("/v/a.blend"), FilePath("/v/lib/b.blend"))
    let circle = [
      a: summary(
        [("SCScene", [1], nil), ("OBchair", [2], 2), ("LIb.blend", [], nil)], [(.library, "//lib/b.blend", 2)]),
      b: summary(
        [("OBchair", [1, 3], nil), ("MAwood", [2], 2), ("LIa.blend", [], nil), ("IMx", [], nil)],
        [(.library, "//../a.blend", 2), (.image, "//x.png", 3)]),
    ]
    let disk = BlendInspector.Disk(
      summary: { path in circle[path].map { .success($0) } ?? .failure(.empty) }, exists: { _, _ in true })

    let found = try BlendInspector(disk).inspect(a).dependencies

    #expect(found.map(\.resolved) == ["/v/lib/b.blend", "/v/a.blend", "/v/lib/x.png"])
    #expect(found.allSatisfy { $0.reached })
  }

  @Test(arguments: versions)
  func `is of a sequence what its own nodes show, whatever other pictures there are`(version: String) throws {
    let summary = try BlendSummary(of: file(version, "files.blend"))
    let sequence = try #require(summary.files.first { $0.kind == .sequence })

    guard case .sequence(let users) = sequence.members else {
      Issue.record("nobody shows it")
      return
    }
    #expect(users.count == 1)
  }

  @Test func `is of a library's sequence what the frames that are rendered show, not the library's own`() throws {
    let user = SequenceUser(start: 1, length: 100, offset: 0, outside: .ends)
    let sequence = BlendSummary.NamedFile(
      kind: .sequence, path: Array("//f_0001.png".utf8), owner: 0, members: .sequence([user]))
    let library = summary([("OBSeat", [], nil)], [sequence])
    var scene = BlendScene.empty
    scene.frames = BlendScene.Frames(start: 4, end: 6, step: 2, current: 1)
    let shot = summary(
      [("SCScene", [2], nil), ("LIlib.blend", [], nil), ("OBSeat", [1], 1)],
      [BlendSummary.NamedFile(kind: .library, path: Array("//lib.blend".utf8), owner: 1)], scenes: [scene])
    let disk = BlendInspector.Disk(
      summary: { .success($0 == "/v/lib.blend" ? library : shot) }, exists: { path, _ in path != "/v/f_0006.png" })

    let found = try BlendInspector(disk).inspect("/v/a.blend").dependencies.filter { $0.kind == .sequence }

    #expect(found.map(\.resolved) == ["/v/f_0004.png", "/v/f_0006.png"])
    #expect(found.map(\.exists) == [true, false])
    #expect(found.allSatisfy { $0.reached })
  }

  @Test func `is given up where a link to the folder above leads ever deeper`() throws {
    let endless = summary(
      [("SCScene", [1, 2], nil), ("LIa.blend", [], nil), ("LIa.blend.001", [], nil)],
      [(.library, "//latest/a.blend", 1), (.library, "//newest/a.blend", 2)])
    // As the kernel gives up in the end.
    let disk = BlendInspector.Disk(
      summary: { $0.length < 200 ? .success(endless) : .failure(.empty) }, exists: { _, _ in true })
    let inspector = BlendInspector(disk, limits: BlendInspector.Limits(libraries: 100))

    let failure = #expect(throws: BlendFailure.self) { try inspector.inspect("/v/a.blend") }

    #expect(failure?.description == "the file cannot be read: it needs more than 100 libraries")
  }

  @Test func `is given up where more pictures are named than anybody looks for`() throws {
    let endless = BlendSummary.NamedFile(
      kind: .tiles, path: Array("//f_<UDIM>.png".utf8), owner: 0, members: .tiles(Array(1...400_000)))
    let found = summary([("SCScene", [], nil)], [endless])
    let disk = BlendInspector.Disk(summary: { _ in .success(found) }, exists: { _, _ in true })

    let failure = #expect(throws: BlendFailure.self) { try BlendInspector(disk).inspect("/v/a.blend") }

    #expect(
      failure?.description
        == "the file cannot be read: it and its libraries name more than 300000 files")
  }

  private func summary(
    _ datablocks: [(String, Set<Int>, Int?)], _ files: [(BlendDependency.Kind, String, Int)]
  ) -> BlendSummary {
    summary(datablocks, files.map { BlendSummary.NamedFile(kind: $0.0, path: Array($0.1.utf8), owner: $0.2) })
  }

  private func summary(
    _ datablocks: [(String, Set<Int>, Int?)], _ files: [BlendSummary.NamedFile], scenes: [BlendScene] = []
  ) -> BlendSummary {
    BlendSummary(
      version: BlenderVersion(major: 4, minor: 2), wrapper: .none, scenes: scenes, activeScene: "Scene", movers: [],
      simulated: [], denoisers: [], scripts: [],
      datablocks: datablocks.map { BlendSummary.Datablock(name: $0.0, needs: $0.1, library: $0.2) },
      files: files)
  }
}

extension BlendScene {
  fileprivate static let empty = BlendScene(
    name: "Scene", frames: Frames(start: 1, end: 1, step: 1, current: 1), fps: 24, size: [64, 36], percentage: 100,
    engine: "CYCLES", camera: "Camera", cameraMarkers: [], viewLayers: [], format: "PNG", movie: false,
    multiview: false, views: [], compositing: false, sequencer: false, border: nil, denoising: false, stamps: false,
    freestyle: false, timeLimited: false)
}

@Suite("Which file of a sequence is shown")
struct SequenceUserTests {
  private func numbers(_ outside: SequenceUser.Outside) -> [Int?] {
    // As measured: from frame 5 on, four files, ten added.
    let user = SequenceUser(start: 5, length: 4, offset: 10, outside: outside)
    return (1...15).map { user.number(at: $0) }
  }

  @Test func `is none outside of it, or the nearest, or it begins again, or goes back and forth`() {
    let within: [Int?] = [11, 12, 13, 14]
    #expect(numbers(.nothing) == [nil, nil, nil, nil] + within + [nil, nil, nil, nil, nil, nil, nil])
    #expect(numbers(.ends) == [11, 11, 11, 11] + within + [14, 14, 14, 14, 14, 14, 14])
    #expect(numbers(.last) == [nil, nil, nil, nil] + within + [14, 14, 14, 14, 14, 14, 14])
    #expect(numbers(.repeated) == within + within + within + [11, 12, 13])
    #expect(numbers(.reversed) == [13, 14, 13, 12, 11, 12, 13, 14, 13, 12, 11, 12, 13, 14, 13])
  }

  @Test func `is always the same when there is one`() {
    for outside: SequenceUser.Outside in [.ends, .repeated, .reversed] {
      let user = SequenceUser(start: 1, length: 1, offset: 0, outside: outside)
      #expect((-3...3).map { user.number(at: $0) } == [Int?](repeating: 1, count: 7))
    }
  }

  @Test func `is none where numbers end`() {
    let user = SequenceUser(start: .min, length: .max, offset: .max, outside: .ends)

    #expect(user.number(at: 5) == nil)
    #expect(SequenceUser(start: 1, length: 4, offset: .max, outside: .ends).number(at: 4) == nil)
  }
}

@Suite("A path in a .blend")
struct BlendPathTests {
  private let paths = BlendPaths(places: [
    SeenPlace(seenAs: "Z:\\show", folder: "/srv/show"),
    SeenPlace(seenAs: "/Volumes/show", folder: "/srv/show"),
    SeenPlace(seenAs: "\\\\server\\art", folder: "/srv/art"),
  ])

  @Test(
    arguments: [
      ("//wood.png", "/v/store/wood.png"), ("//textures\\wood.png", "/v/store/textures/wood.png"),
      ("//../../lib//./a.blend", "/lib/a.blend"), ("/abs/x.png", "/abs/x.png"), ("//..", "/v"),
      ("Z:\\show\\t\\x.png", "/srv/show/t/x.png"), ("z:/Show/t/x.png", "/srv/show/t/x.png"),
      ("/Volumes/show/x.png", "/srv/show/x.png"), ("\\\\server\\art\\x.png", "/srv/art/x.png"),
      ("Z:\\showroom\\x.png", nil), ("C:\\x.png", nil), ("\\\\other\\x.png", nil), ("x.png", nil), ("", nil),
    ] as [(String, String?)])
  func `is resolved by rule`(written: String, resolved: String?) {
    #expect(paths.resolve(Array(written.utf8), in: "/v/store")?.string == resolved)
  }

  @Test func `keeps names that are no UTF-8`() {
    let path = paths.resolve(Array("//t/".utf8) + [0xE4, 0x2E], in: "/v")

    #expect(path?.lastComponent?.withPlatformString { UInt8(bitPattern: $0[0]) } == 0xE4)
  }
}

@Suite("A member of a sequence")
struct NumberedPathTests {
  @Test(arguments: [
    ("wood_0007.png", 7), ("wood_12345.png", 12345), ("wood_.png", nil), ("wood_00x7.png", nil), ("wood_0007.exr", nil),
    ("Wood_0007.png", nil), ("wood_0007.png.part", nil), ("wood_-003.png", nil),
  ])
  func `is told by its name`(name: String, number: Int?) throws {
    let path = try #require(NumberedPath(Array("//textures/wood_0001.png".utf8), isTiled: false))

    #expect(path.number(ofMember: name) == number)
  }
}
