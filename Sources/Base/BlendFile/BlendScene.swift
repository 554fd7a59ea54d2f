import FarmModel

/// What a scene says of how it is to be rendered.
package struct BlendScene: Codable, Hashable, Sendable {
  /// From, to and every how many; all inclusive.
  package struct Frames: Codable, Hashable, Sendable {
    package var start: Int
    package var end: Int
    package var step: Int
    package var current: Int
  }

  /// One view layer, in the order of the scene.
  package struct ViewLayer: Codable, Hashable, Sendable {
    package var name: String
    /// Whether it is rendered.
    package var used: Bool
  }

  /// From this frame on the scene is seen by this camera.
  package struct CameraMarker: Codable, Hashable, Sendable {
    package var frame: Int
    package var camera: String
  }

  /// Whether something sees it.
  package var hasCamera: Bool { camera != nil || !cameraMarkers.isEmpty }

  package var name: String
  package var frames: Frames
  /// Frames a second.
  package var fps: Double
  /// Width and height in pixels at 100 %.
  package var size: [Int]
  package var percentage: Int
  /// As Blender's Python spells it: `CYCLES`, `BLENDER_EEVEE`.
  package var engine: String
  /// The camera object's name; nil when there is none.
  package var camera: String?
  package var cameraMarkers: [CameraMarker]
  package var viewLayers: [ViewLayer]
  /// As Blender's Python spells it: `PNG`, `OPEN_EXR`, `FFMPEG`.
  package var format: String
  package var movie: Bool
  package var multiview: Bool
  /// The names of the views that are rendered, as `left` and `right`; none where there is one.
  package var views: [String]
  package var compositing: Bool
  /// Whether strips are rendered in place of the scene.
  package var sequencer: Bool
  /// The part that is rendered, as left, right, bottom, top in fractions from the lower left; nil: all of it.
  package var border: [Double]?
  /// Whether Cycles is to denoise.
  package var denoising: Bool
  /// Whether Blender writes metadata into the picture itself.
  package var stamps: Bool
  package var freestyle: Bool
  /// Whether Cycles ends a picture after some time, however far it is.
  package var timeLimited: Bool
  /// How pictures hold their views.
  package var viewsFormat = ViewsFormat.each
  /// Whether Cycles takes as many samples of a pixel as it and those beside it need.
  package var adaptive = false
  /// Whether Cycles learns from each pixel where light comes from.
  package var guiding = false
  /// Whether its EXRs lose something.
  package var lossy = false
  /// Time remapping: the time that one frame stands for; nil for one frame.
  package var timeScale: Double?
  /// Whole frames on each side that motion blur looks at; nil for none.
  package var blurFrames: Int?
  /// First and last frame of simulations in geometry nodes; nil: those of the scene.
  package var simulationFrames: [Int]?

  /// At which times Blender computes the scene.
  var timing: FrameTiming { FrameTiming(scale: timeScale ?? 1, blur: blurFrames ?? 0) }

  /// How pictures hold the views of a scene, as Blender's Python spells it.
  package enum ViewsFormat: String, Codable, Sendable {
    /// A picture for each.
    case each = "INDIVIDUAL"
    /// One picture of two eyes.
    case stereo = "STEREO_3D"
    /// One picture with all of them; only an EXR can, and of others there is one for each.
    case all = "MULTIVIEW"
  }

  /// The names of the views that become a picture each when they are written in a format; none where there is one
  /// picture.
  package func pictureViews(as format: String) -> [String] {
    let isOne = viewsFormat == .stereo || viewsFormat == .all && format.hasPrefix("OPEN_EXR")
    return isOne ? [] : views
  }
}

/// Numbers that Blender writes for settings, as measured in files of 3.4, 4.2 and 5.0.
enum SceneCodes {
  static let modeBorder = 0x200
  static let modeMotionBlur = 0x4000
  static let flagSimulationRange = 0x40
  static let modeFreestyle = 0x2000000
  static let stampDraws = 0x40
  static let schemeSequencer = 0x1
  static let schemeCompositing = 0x40
  static let schemeMultiview = 0x200000
  static let viewLayerUsed = 0x1
  static let viewUnused = 0x1
  static let viewsAreStereo = 0
  static let viewsFormats: [Int: BlendScene.ViewsFormat] = [0: .each, 1: .stereo, 2: .all]
  /// PXR24, B44, B44A, DWAA, DWAB.
  static let lossyCodecs: Set<Int> = [1, 6, 7, 8, 9]
  static let mediaIsVideo = 2

  static let formats: [Int: String] = [
    0: "TARGA", 1: "IRIS", 4: "JPEG", 14: "TARGA_RAW", 15: "AVI_RAW", 16: "AVI_JPEG", 17: "PNG", 20: "BMP", 21: "HDR",
    22: "TIFF", 23: "OPEN_EXR", 24: "FFMPEG", 26: "CINEON", 27: "DPX", 28: "OPEN_EXR_MULTILAYER", 30: "JPEG2000",
    35: "WEBP",
  ]
  static let movies: Set<String> = ["AVI_RAW", "AVI_JPEG", "FFMPEG"]
}

extension BlendReader {
  /// Every scene, as they stand in the file.
  func scenes() throws(BlendFailure) -> [BlendScene] {
    var scenes: [BlendScene] = []
    for block in blocks where block.code == BlockCode(("S", "C")) {
      if let record = try firstRecord(of: block), let scene = try scene(record) { scenes.append(scene) }
    }
    return scenes
  }

  /// The name of the scene that was active when the file was saved.
  func activeSceneName() throws(BlendFailure) -> String? {
    guard let global = blocks.first(where: { $0.code == .global }) else { return nil }
    return try name(at: firstRecord(of: global)?.pointer("curscene"))
  }

  /// The name of the datablock at an address, without the two letters of its kind.
  func name(at address: UInt64?) throws(BlendFailure) -> String? {
    guard let block = block(at: address) else { return nil }
    return try datablockName(of: block).map(DatablockName.plain)
  }

  private func scene(_ scene: BlendRecord) throws(BlendFailure) -> BlendScene? {
    guard let name = scene.record("id")?.string("name"), let render = scene.record("r") else { return nil }
    let (mode, scheme) = (render.int("mode") ?? 0, render.int("scemode") ?? 0)
    let image = render.record("im_format")
    let format = image?.int("imtype") ?? render.int("imtype") ?? -1
    let isVideo = image?.int("media_type") == SceneCodes.mediaIsVideo
    let word = SceneCodes.formats[format] ?? "\(format)"
    let base = render.float("frs_sec_base") ?? 1
    let hasStrips = try hasStrips(scene)
    return BlendScene(
      name: DatablockName.plain(name),
      frames: BlendScene.Frames(
        start: render.int("sfra") ?? 1, end: render.int("efra") ?? 1, step: max(1, render.int("frame_step") ?? 1),
        current: render.int("cfra") ?? 1),
      fps: Double(render.int("frs_sec") ?? 0) / (base > 0 ? base : 1),
      size: [render.int("xsch") ?? 0, render.int("ysch") ?? 0], percentage: render.int("size") ?? 100,
      engine: engine(render), camera: try self.name(at: scene.pointer("camera")),
      cameraMarkers: try cameraMarkers(scene), viewLayers: try viewLayers(scene, render),
      format: isVideo ? "FFMPEG" : word, movie: isVideo || SceneCodes.movies.contains(word),
      multiview: scheme & SceneCodes.schemeMultiview != 0, views: try views(render),
      compositing: scene.switches.composites,
      sequencer: scene.switches.sequences && hasStrips,
      border: mode & SceneCodes.modeBorder == 0 ? nil : border(render),
      denoising: try isSwitchedOn("use_denoising", of: scene, unlessSaid: isSinceThree),
      stamps: (render.int("stamp") ?? 0) & SceneCodes.stampDraws != 0,
      freestyle: mode & SceneCodes.modeFreestyle != 0, timeLimited: try isTimeLimited(scene),
      viewsFormat: SceneCodes.viewsFormats[image?.int("views_format") ?? 0] ?? .each,
      adaptive: try isSwitchedOn("use_adaptive_sampling", of: scene, unlessSaid: isSinceThree),
      guiding: try isSwitchedOn("use_guiding", of: scene, unlessSaid: false),
      lossy: SceneCodes.lossyCodecs.contains(image?.int("exr_codec") ?? 0),
      timeScale: timeScale(render), blurFrames: blurFrames(render, mode), simulationFrames: simulationFrames(scene))
  }

  private func timeScale(_ render: BlendRecord) -> Double? {
    guard let old = render.int("framapto"), let new = render.int("images"), old > 0, new > 0, old != new else {
      return nil
    }
    return Double(old) / Double(new)
  }

  private func blurFrames(_ render: BlendRecord, _ mode: Int) -> Int? {
    guard mode & SceneCodes.modeMotionBlur != 0 else { return nil }
    let (shutter, framesMax) = (render.float("blurfac") ?? render.float("motion_blur_shutter") ?? 1, 16.0)
    return Int(min(max(1, shutter.rounded(.up)), framesMax))
  }

  private func simulationFrames(_ scene: BlendRecord) -> [Int]? {
    guard (scene.int("flag") ?? 0) & SceneCodes.flagSimulationRange != 0,
      let start = scene.int("simulation_frame_start"),
      let end = scene.int("simulation_frame_end")
    else { return nil }
    return [start, end]
  }

  /// Up to 2.79 a number stood for Blender's own.
  private func engine(_ render: BlendRecord) -> String {
    render.string("engine") ?? "BLENDER_RENDER"
  }

  private func views(_ render: BlendRecord) throws(BlendFailure) -> [String] {
    guard (render.int("scemode") ?? 0) & SceneCodes.schemeMultiview != 0 else { return [] }
    let eyes: Set = ["left", "right"]
    let areEyes = render.int("views_format") == SceneCodes.viewsAreStereo
    let used = try list(render.record("views")).filter { (($0.int("viewflag") ?? 0) & SceneCodes.viewUnused) == 0 }
    let names = used.compactMap { $0.string("name") }.filter { !areEyes || eyes.contains($0) }
    return names.count > 1 ? names : []
  }

  private func border(_ render: BlendRecord) -> [Double]? {
    guard let border = render.record("border") else { return nil }
    let edges = ["xmin", "xmax", "ymin", "ymax"].compactMap { border.float($0) }
    return edges.count == 4 ? edges : nil
  }

  private func cameraMarkers(_ scene: BlendRecord) throws(BlendFailure) -> [BlendScene.CameraMarker] {
    var markers: [BlendScene.CameraMarker] = []
    for marker in try list(scene.record("markers")) {
      guard let camera = try name(at: marker.pointer("camera")) else { continue }
      markers.append(BlendScene.CameraMarker(frame: marker.int("frame") ?? 0, camera: camera))
    }
    return markers
  }

  /// Up to 2.79 they were in the render settings, and bits said which are not rendered.
  private func viewLayers(_ scene: BlendRecord, _ render: BlendRecord) throws(BlendFailure) -> [BlendScene.ViewLayer] {
    let disabled = 0x1
    guard scene.has("view_layers") else {
      let layers = try list(render.record("layers"))
      return layers.map { layer in
        BlendScene.ViewLayer(name: layer.string("name") ?? "", used: (layer.int("layflag") ?? 0) & disabled == 0)
      }
    }
    let layers = try list(scene.record("view_layers"))
    return layers.map { layer in
      BlendScene.ViewLayer(
        name: layer.string("name") ?? "", used: (layer.int("flag") ?? 1) & SceneCodes.viewLayerUsed != 0)
    }
  }

  private func hasStrips(_ scene: BlendRecord) throws(BlendFailure) -> Bool {
    try record(at: scene.pointer("ed"))?.record("seqbase")?.pointer("first") != nil
  }

  /// Whether much is on that was off before.
  private var isSinceThree: Bool { header.version >= BlenderVersion(major: 3, minor: 0) }

  /// A switch of Cycles; one that was never touched is not written.
  private func isSwitchedOn(
    _ name: String, of scene: BlendRecord, unlessSaid usual: Bool
  ) throws(BlendFailure) -> Bool {
    guard let said = try cyclesSetting(name, of: scene)?.int("val") else { return usual }
    return said != 0
  }

  private func isTimeLimited(_ scene: BlendRecord) throws(BlendFailure) -> Bool {
    // In seconds, of which zero is no limit; one number of 64 bits or of 32.
    let limit = try cyclesSetting("time_limit", of: scene)
    return limit?.int("val") ?? 0 != 0 || limit?.int("val2") ?? 0 != 0
  }

  /// Cycles' settings are properties of the scene.
  private func cyclesSetting(_ name: String, of scene: BlendRecord) throws(BlendFailure) -> BlendRecord? {
    for field in ["system_properties", "properties"] {
      guard let group = try record(at: scene.record("id")?.pointer(field)),
        let cycles = try property("cycles", of: group), let setting = try property(name, of: cycles)
      else { continue }
      return setting.record("data")
    }
    return nil
  }

  private func property(_ name: String, of group: BlendRecord) throws(BlendFailure) -> BlendRecord? {
    try list(group.record("data")?.record("group")).first { $0.string("name") == name }
  }
}

extension BlendRecord {
  /// Of a scene: whether its compositing and its sequencer are on.
  ///
  /// From 5.0 on the nodes are a datablock of their own, and there is no other switch.
  var switches: (composites: Bool, sequences: Bool) {
    let scheme = record("r")?.int("scemode") ?? 0
    let hasNodes =
      has("compositing_node_group")
      ? pointer("compositing_node_group") != nil : int("use_nodes") ?? 0 != 0 && pointer("nodetree") != nil
    return (scheme & SceneCodes.schemeCompositing != 0 && hasNodes, scheme & SceneCodes.schemeSequencer != 0)
  }

  /// Whether it is a node of the compositing that denoises, and not muted.
  var isDenoiser: Bool {
    let muted = 0x200
    return type == "bNode" && string("idname") == "CompositorNodeDenoise" && (int("flag") ?? 0) & muted == 0
  }
}
