@testable import BlendFile
import FarmModel
import FarmTesting
import Testing

@testable import Segmentation

@Suite("What a job owes")
struct SegmentationTests {
  static func scene(named name: String = "Main") -> BlendScene {
    BlendScene(
      name: name, frames: BlendScene.Frames(start: 1, end: 3, step: 1, current: 2), fps: 24, size: [1920, 1080],
      percentage: 100, engine: "CYCLES", camera: "Camera", cameraMarkers: [],
      viewLayers: [BlendScene.ViewLayer(name: "ViewLayer", used: true)], format: "PNG", movie: false, multiview: false,
      views: [], compositing: false, sequencer: false, border: nil, denoising: false, stamps: false,
      freestyle: false, timeLimited: false)
  }

  static func inspection(_ scenes: [BlendScene], renders: [String]? = nil, moves: Bool = true) -> BlendInspection {
    BlendInspection(
      version: "3.4", wrapper: .none, whole: true, activeScene: scenes.first?.name, scenes: scenes,
      renders: renders ?? scenes.map(\.name), dependencies: [], moves: moves, simulations: [], denoisers: [],
      scripts: [], notice: nil)
  }

  private func owed(
    _ scenes: [BlendScene], renders: [String]? = nil, moves: Bool = true, workers: Int = 1,
    _ change: (inout JobSettings) -> Void = { _ in }
  ) -> Segmentation {
    var wanted = JobSettings()
    change(&wanted)
    return Segmentation(
      of: Self.inspection(scenes, renders: renders, moves: moves), wanted: wanted, still: .auto, workers: workers)
  }

  private func paths(_ segmentation: Segmentation) -> [String] { segmentation.outputs.map(\.path) }

  @Test func `is its active scene's frames when no more is known of the file`() {
    let scenes = [
      BlendFacts.SceneRange(name: "A", start: 3, end: 5), BlendFacts.SceneRange(name: "B", start: 1, end: 100),
    ]
    let facts = BlendFacts(version: BlenderVersion(major: 3, minor: 4), wrapper: .none, scenes: scenes)

    #expect(Segmentation(of: facts).frames == FrameSet(3...5))
    #expect(Segmentation(of: facts).outputs.count == 3)
    #expect(Segmentation(of: nil).outputs.isEmpty)
  }

  @Test func `is in folders of their own for scenes that differ in nothing but Unicode form`() {
    let scenes = ["\u{E9}", "e\u{301}", "../\u{301}x", "\u{0600}/y"].map(Self.scene(named:))

    let owed = owed(scenes)

    #expect(owed.outputs.count == 12 && Set(owed.outputs.map { $0.path.lowercased() }).count == 12)
    #expect(owed.outputs.allSatisfy { $0.path.utf8.count { $0 == UInt8(ascii: "/") } == 1 })
    #expect(Set(owed.outputs.map(\.kind)).count == 4)
  }

  @Test func `names a layer as the file does, also when it was typed in another Unicode form`() {
    var scene = Self.scene()
    scene.viewLayers = [BlendScene.ViewLayer(name: "Cafe\u{301}", used: true)]

    let owed = owed([scene]) { $0.layers = .named(["Caf\u{E9}"]) }

    #expect(owed.problem == nil && !owed.outputs.isEmpty)
    #expect(owed.outputs.allSatisfy { $0.kind.part.layer?.isSameBytes(as: "Cafe\u{301}") == true })
  }

  @Test func `is nothing where a damaged file names frames that no Blender renders, in two scenes too`() {
    var (first, second) = (Self.scene(), Self.scene(named: "Second"))
    first.frames = BlendScene.Frames(start: -2_147_483_648, end: -2_147_483_640, step: 1, current: 1)
    second.frames = BlendScene.Frames(start: 2_147_483_640, end: 2_147_483_647, step: 1, current: 1)

    #expect(owed([first]).problem?.cause.contains("Blender renders -1048574 to 1048574") == true)
    #expect(owed([first, second]).outputs.isEmpty)
    #expect(FrameSet([.min, .max]).description == "\(FrameNumber.min),\(FrameNumber.max)")
  }

  @Test func `of nodes lies beside its picture, also where a folder begins with a combining mark`() {
    let picture = OwedOutput(path: "Main/\u{301}Sky/000001.png", frame: 1)

    let beside = Segmentation.beside([picture], nodes: [NodePicture(node: "Out", slot: nil, fileExtension: "png")])

    #expect(beside.map(\.path) == ["Main/\u{301}Sky/nodes/Out/000001.png"])
  }

  @Test(arguments: [(1, "000001.png"), (1_048_574, "1048574.png"), (-3, "-00003.png"), (0, "000000.png")])
  func `has six digits in its names`(frame: FrameNumber, name: String) {
    #expect(Segmentation.fileName(frame, .png) == name)
  }

  @Test func `is what the file says, and what is wanted besides`() {
    #expect(paths(owed([Self.scene()])) == ["000001.png", "000002.png", "000003.png"])
    #expect(paths(owed([Self.scene()], moves: false)) == ["000002.png"])
    let wanted = owed([Self.scene()], moves: false) {
      ($0.frames, $0.format) = (FrameSet([7, -1]), .openEXR)
    }
    #expect(paths(wanted) == ["-00001.exr", "000007.exr"])
  }

  @Test func `has the file's own format, and is PNG where that is none of ours`() {
    var scene = Self.scene()
    scene.format = "WEBP"
    #expect(owed([scene]).format == .webp)

    scene.format = "TARGA"
    let targa = owed([scene])
    #expect(targa.format == .png)
    #expect(targa.notes.map(\.cause) == ["scene Main is set to TARGA, which is rendered as PNG"])

    (scene.format, scene.movie) = ("FFMPEG", true)
    #expect(owed([scene]).notes.isEmpty, "preflight says that of movies")
  }

  @Test func `has a picture for each view`() {
    var scene = Self.scene()
    (scene.multiview, scene.views, scene.frames.end) = (true, ["left", "right"], 1)

    #expect(paths(owed([scene])) == ["000001_left.png", "000001_right.png"])
    #expect(owed([scene]).outputs.map(\.kind.view) == ["left", "right"])
    scene.viewsFormat = .all
    #expect(paths(owed([scene])) == ["000001_left.png", "000001_right.png"], "no PNG holds more than one")
    #expect(paths(owed([scene]) { $0.format = .openEXR }) == ["000001.exr"])
    scene.viewsFormat = .stereo
    #expect(paths(owed([scene])) == ["000001.png"])
  }

  @Test func `has a folder for each layer that is rendered apart`() {
    var scene = Self.scene()
    scene.frames.end = 1
    scene.viewLayers = [("Sky/far", true), ("Off", false), ("Ground", true)].map {
      BlendScene.ViewLayer(name: $0.0, used: $0.1)
    }

    #expect(paths(owed([scene]) { $0.layers = .all }) == ["Sky_far/000001.png", "Ground/000001.png"])
    #expect(paths(owed([scene]) { $0.layers = .named(["Off"]) }) == ["Off/000001.png"])
    scene.viewLayers = [BlendScene.ViewLayer(name: "Off", used: false)]
    #expect(owed([scene]) { $0.layers = .all }.problem?.problemClass == .noLayer)
    scene.viewLayers.append(BlendScene.ViewLayer(name: "Ground", used: true))
    let wrong = owed([scene]) { $0.layers = .named(["Grund"]) }
    #expect(wrong.problem?.cause == "scene Main has no view layer \"Grund\"; did you mean \"Ground\"?")
    #expect(wrong.outputs.isEmpty)
    scene.compositing = true
    #expect(owed([scene]) { $0.layers = .all }.notes.first?.cause.contains("its compositing is left out") == true)
  }

  @Test func `has a folder for each scene where there are several, whatever they are called`() {
    var scenes = ["A/b", "A_b", "nodes"].map { Self.scene(named: $0) }
    for index in scenes.indices { scenes[index].frames.end = index + 1 }

    let all = owed(scenes) { $0.scenes = .all }
    #expect(
      paths(all).filter { $0.hasSuffix("000001.png") } == ["A_b/000001.png", "A_b-2/000001.png", "nodes-2/000001.png"])
    #expect(all.notes.isEmpty)
    scenes[2].format = "OPEN_EXR"
    let note = owed(scenes) { $0.scenes = .all }.notes.first
    #expect(note?.cause == "nodes is set to another format than scene A/b, whose it gets")
    #expect(all.frames == FrameSet(1...3))
    #expect(all.outputs.count == 6)
    #expect(paths(owed(scenes, renders: ["A_b"])) == ["000001.png", "000002.png"])
    let wrong = owed(scenes, renders: ["Node"])
    #expect(wrong.problem?.cause == "the file has no scene \"Node\"; did you mean \"nodes\"?")
  }

  @Test func `has what nodes write in a folder of the node, each slot under its name`() {
    let pictures = ["left", "right"].map { (view: String) in
      OwedOutput(
        path: "Main/000001_\(view).png", frame: 1, kind: OutputKind(part: RenderPart(scene: "Main"), view: view))
    }
    let nodes = [
      NodePicture(node: "Depth", slot: nil, fileExtension: "exr", views: []),
      NodePicture(node: "Parts", slot: "Mist", fileExtension: "png", views: ["left", "right"]),
      NodePicture(node: "Parts", slot: "../etc", fileExtension: "tga", views: []),
    ]

    let beside = Segmentation.beside(pictures, nodes: nodes)

    #expect(
      beside.map(\.path) == [
        "Main/nodes/Depth/000001.exr", "Main/nodes/Parts/Mist_000001_left.png",
        "Main/nodes/Parts/Mist_000001_right.png", "Main/nodes/Parts/.._etc_000001.tga",
      ])
    #expect(beside.map(\.kind.node) == ["Depth", "Parts/Mist", "Parts/Mist", "Parts/../etc"])
    #expect(beside.map(\.kind.view) == [nil, "left", "right", nil], "each node holds its views in its own way")
    #expect(beside.allSatisfy { $0.frame == 1 })
  }

  @Test func `is nothing where there are no frames, and says why`() {
    var scene = Self.scene()
    scene.frames.end = 0
    #expect(owed([scene]).problem?.cause == "scene Main's frame range is empty: 1 to 0")
    scene.frames.end = 2_000_000
    #expect(owed([scene]).problem?.cause == "scene Main has 2000000 frames; a job may have 100000")
  }
}

@Suite("A picture is cut into tiles")
struct TileTests {
  private func cut(
    _ wish: TileWish?, workers: Int = 1, format: ImageFormat = .png, denoise: Bool? = nil, percentage: Int? = nil,
    _ change: (inout BlendScene) -> Void = { _ in }
  ) -> (grid: TileGrid?, note: Problem?) {
    var scene = SegmentationTests.scene()
    change(&scene)
    var wanted = JobSettings()
    (wanted.denoise, wanted.percentage) = (denoise, percentage)
    let rule = TileRule(scene, format: format, wanted, isComposited: scene.compositing, isSimulated: false)
    return rule.grid(for: wish, frames: 1, workers: workers)
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func `that have each of its pixels once`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let grid = TileGrid(columns: Int.random(in: 1...12, using: &random), rows: Int.random(in: 1...12, using: &random))
    let size = PixelSize(
      width: Int.random(in: grid.columns...90, using: &random), height: Int.random(in: grid.rows...90, using: &random))
    var count = [Int](repeating: 0, count: size.width * size.height)
    for tile in grid.tiles {
      let part = tile.rectangle(in: size)
      #expect(part.size.width > 0 && part.size.height > 0)
      for y in part.top..<part.top + part.size.height {
        for x in part.left..<part.left + part.size.width { count[y * size.width + x] += 1 }
      }
      #expect(Tile("\(tile)") == (grid.columns * grid.rows > 1 ? tile : nil))
    }
    #expect(count.allSatisfy { $0 == 1 })
  }

  @Test func `as it is wanted, or by itself when it is large and workers are idle`() {
    let large = { (scene: inout BlendScene) in scene.size = [4000, 2000] }

    #expect(cut(.grid(TileGrid(columns: 4, rows: 3))).grid == TileGrid(columns: 4, rows: 3))
    #expect(cut(nil, workers: 9, large).grid == nil)
    #expect(cut(.never, workers: 9, large).grid == nil)
    #expect(cut(.auto, workers: 9, large).grid == TileGrid(columns: 5, rows: 5))
    #expect(cut(.auto, workers: 1, large).grid == nil)
    #expect(cut(.auto, workers: 9).grid == nil)
    #expect(cut(.auto, workers: 9, percentage: 200).grid != nil)
  }

  @Test func `and says so where single pixels at their edges may differ`() {
    var scene = SegmentationTests.scene()
    #expect(TileRule(scene, format: .png, JobSettings(), isComposited: false, isSimulated: false).edges == nil)
    scene.adaptive = true
    let edges = TileRule(scene, format: .png, JobSettings(), isComposited: false, isSimulated: false).edges
    #expect(edges?.cause.contains("adaptively") == true)
    #expect(edges?.remedy.contains("Noise Threshold") == true)
  }

  @Test func `never where a seam would show, and says why`() {
    let wish = TileWish.grid(TileGrid(columns: 2, rows: 2))
    func why(_ cut: (grid: TileGrid?, note: Problem?)) -> String {
      cut.grid == nil ? String(cut.note?.cause.split(separator: ": ").last ?? "") : "it is cut"
    }

    #expect(why(cut(wish)) == "it is cut")
    #expect(why(cut(wish) { $0.compositing = true }) == "it is composited")
    #expect(why(cut(wish) { $0.denoising = true }) == "it is denoised")
    #expect(why(cut(wish, denoise: false) { $0.denoising = true }) == "it is cut")
    #expect(why(cut(wish, denoise: true)) == "it is denoised")
    #expect(why(cut(wish) { $0.sequencer = true }) == "its sequencer is rendered")
    #expect(why(cut(wish) { $0.multiview = true }) == "it has stereo views")
    #expect(why(cut(wish) { $0.engine = "BLENDER_EEVEE" }).hasSuffix("its engine is BLENDER_EEVEE"))
    #expect(why(cut(wish, format: .jpeg)) == "JPEG cannot be put together without a loss")
    #expect(why(cut(wish, format: .openEXRMultilayer)).hasPrefix("OPEN_EXR_MULTILAYER cannot be put together"))
    #expect(why(cut(wish) { $0.stamps = true }).contains("stamps"))
    #expect(why(cut(wish) { $0.guiding = true }).contains("path guiding"))
    #expect(why(cut(wish) { $0.lossy = true }) == "it is cut")
    #expect(why(cut(wish, format: .openEXR) { $0.lossy = true }).contains("codec"))
    #expect(why(cut(wish) { $0.freestyle = true }).contains("Freestyle"))
    #expect(why(cut(wish) { $0.timeLimited = true }).contains("limited by time"))
    #expect(why(cut(wish) { $0.size = [1, 9] }) == "its pictures have only 1×9 pixels")
  }
}
