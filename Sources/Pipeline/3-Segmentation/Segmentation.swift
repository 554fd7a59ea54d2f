import BlendFile
import FarmModel

/// Everything that a job owes, by what its file says and what people want besides. Pure.
///
/// A picture lies in `out/<job>/[<scene>/][<layer>/]<frame>[_<view>].<ext>`: in a folder of its scene where there are
/// several, of its layer where they are rendered apart.
package struct Segmentation: Hashable, Sendable {
  /// Of all its scenes together.
  package private(set) var frames = FrameSet([])
  package private(set) var format = ImageFormat.png
  /// The first of the scenes that are rendered.
  package private(set) var scene: String?
  /// In the order of scenes and layers, of frames, of tiles; a picture that comes as tiles stands before them.
  package private(set) var outputs: [OwedOutput] = []
  package private(set) var notes: [Problem] = []
  /// Why it cannot be rendered as it is wanted.
  package private(set) var problem: Problem?
  /// The wish that does not fit the file, when it is one.
  package private(set) var wrongWish: Wish?

  /// A wish that names something in the file.
  package enum Wish: Hashable, Sendable {
    case scenes, layers
  }

  /// A file that is only known by its face: the frames of its active scene, in one picture each.
  package init(of facts: BlendFacts?, wanted: JobSettings = JobSettings()) {
    let range = facts?.activeScene.map { Self.frames(from: Int($0.start), through: Int($0.end), by: 1) }
    self.init(
      wanted.frames ?? range ?? FrameSet([]), of: facts?.activeScene?.name, format: wanted.format ?? .png)
  }

  /// Frames of one scene, in one picture each.
  package init(_ frames: FrameSet, of scene: String?, format: ImageFormat) {
    (self.frames, self.scene, self.format) = (frames, scene, format)
    owe(frames, RenderPart(scene: scene), in: "", views: [])
  }

  /// - Parameter workers: how many there are to share the work.
  package init(of inspection: BlendInspection, wanted: JobSettings, still: StillMode, workers: Int) {
    let (scenes, known) = (inspection.rendered, inspection.scenes.map(\.name))
    for name in inspection.renders where !known.contains(name) {
      refuse(.badSettings, "the file has no scene \"\(name)\"" + Nearest.hint(to: name, among: known), .scenes)
    }
    guard let first = scenes.first else { return }
    scene = first.name
    choose(format: wanted.format, of: first)
    let others = scenes.filter { wanted.format == nil && $0.format != first.format }.map(\.name)
    if !others.isEmpty {
      let cause = "\(others.joined(separator: ", ")) is set to another format than scene \(first.name), whose it gets"
      notes.append(Problem(.notSupported, cause: cause, remedy: "Nothing; or render it as a job of its own."))
    }
    let folders = PathNames(scenes.map(\.name))
    var all: Set<FrameNumber> = []
    for scene in scenes {
      let frames = wanted.frames ?? Self.frames(of: scene, in: inspection, still: still)
      if frames.isEmpty { refuse(.noFrames, Self.noFrames(scene)) }
      all.formUnion(frames.frames)
      let folder = scenes.count > 1 ? folders[scene.name] + "/" : ""
      owe(frames, of: scene, in: folder, wanted, isSimulated: !inspection.simulations.isEmpty, workers: workers)
    }
    frames = FrameSet(all)
    if frames.count > FrameSet.countMax || outputs.count > Self.outputsMax {
      let cause =
        "\(frames.count) frames with \(outputs.count) pictures are wanted; a job may have \(FrameSet.countMax)"
      refuse(.noFrames, cause)
    }
    if problem != nil { outputs = [] }
  }

  private static let outputsMax = 10 * FrameSet.countMax
  /// The frames that Blender can render (`MINAFRAME` and `MAXFRAME` in its sources); a damaged file may name others.
  private static let frameRange = -1_048_574...1_048_574

  private static func noFrames(_ scene: BlendScene) -> String {
    let (start, end) = (scene.frames.start, scene.frames.end)
    if end - start + 1 > FrameSet.countMax {
      return "scene \(scene.name) has \(end - start + 1) frames; a job may have \(FrameSet.countMax)"
    }
    guard frameRange.contains(start), frameRange.contains(end) else {
      return "scene \(scene.name) has frames from \(start) to \(end), and Blender renders "
        + "\(frameRange.lowerBound) to \(frameRange.upperBound)"
    }
    return "scene \(scene.name)'s frame range is empty: \(start) to \(end)"
  }

  private mutating func refuse(_ problemClass: ProblemClass, _ cause: String, _ wish: Wish? = nil) {
    guard problem == nil else { return }
    (problem, wrongWish) = (Problem(problemClass, cause: cause), wish)
  }

  private mutating func choose(format wanted: ImageFormat?, of scene: BlendScene) {
    let own = ImageFormat(rawValue: scene.format)
    format = wanted ?? own ?? .png
    guard wanted == nil, own == nil, !scene.movie else { return }
    notes.append(
      Problem(
        .notSupported, cause: "scene \(scene.name) is set to \(scene.format), which is rendered as PNG",
        remedy: "Set one of \(ImageFormat.allCases.map(\.rawValue).joined(separator: ", ")) if PNG will not do."))
  }

  // MARK: - Frames

  /// The frames of a scene; of one in which nothing can move the current one alone; none when its range is empty or
  /// too long.
  private static func frames(of scene: BlendScene, in inspection: BlendInspection, still: StillMode) -> FrameSet {
    let (frames, isStill) = (scene.frames, inspection.isStill(scene, still))
    return isStill
      ? FrameSet([FrameNumber(clamping: min(max(frames.current, frameRange.lowerBound), frameRange.upperBound))])
      : Self.frames(from: frames.start, through: frames.end, by: max(1, frames.step))
  }

  private static func frames(from start: Int, through end: Int, by step: Int) -> FrameSet {
    guard start <= end, end - start < FrameSet.countMax, frameRange.contains(start), frameRange.contains(end) else {
      return FrameSet([])
    }
    return FrameSet(stride(from: start, through: end, by: step).map { FrameNumber(clamping: $0) })
  }

  // MARK: - Pictures

  private mutating func owe(
    _ frames: FrameSet, of scene: BlendScene, in folder: String, _ wanted: JobSettings, isSimulated: Bool, workers: Int
  ) {
    let layers = layers(of: scene, wanted.layers)
    if scene.compositing, layers != nil {
      let cause = "the layers of scene \(scene.name) are rendered apart, so its compositing is left out"
      notes.append(Problem(.notSupported, cause: cause, remedy: "Nothing, when they are combined elsewhere."))
    }
    let rule = TileRule(
      scene, format: format, wanted, isComposited: scene.compositing && layers == nil, isSimulated: isSimulated)
    let (grid, note) = rule.grid(for: wanted.tiles, frames: frames.count, workers: workers)
    notes += [note].compactMap { $0 }
    if grid != nil { notes += [rule.edges].compactMap { $0 } }
    let folders = PathNames(layers ?? [])
    for layer in layers.map({ $0.map(Optional.some) }) ?? [nil] {
      let part = RenderPart(scene: scene.name, layer: layer)
      owe(
        frames, part, in: folder + (layer.map { folders[$0] + "/" } ?? ""),
        views: scene.pictureViews(as: format.rawValue), grid)
    }
  }

  /// The layers that are rendered apart; nil: all in one picture.
  private mutating func layers(of scene: BlendScene, _ wanted: NamesWish?) -> [String]? {
    switch wanted {
    case nil: return nil
    case .all:
      let used = scene.viewLayers.filter(\.used).map(\.name)
      if used.isEmpty { refuse(.noLayer, "no view layer of scene \(scene.name) is switched on for rendering") }
      return used
    case .named(let names):
      let known = scene.viewLayers.map(\.name)
      for name in names where !known.contains(name) {
        let cause = "scene \(scene.name) has no view layer \"\(name)\""
        refuse(.badSettings, cause + Nearest.hint(to: name, among: known), .layers)
      }
      // As Blender spells them: people may type another Unicode form.
      return names.map { name in known.first { $0.isSameBytes(as: name) } ?? known.first { $0 == name } ?? name }
    }
  }

  private mutating func owe(
    _ frames: FrameSet, _ part: RenderPart, in folder: String, views: [String], _ grid: TileGrid? = nil
  ) {
    let suffixes = PathNames(views)
    for frame in frames.frames {
      for view in views.isEmpty ? [nil] : views.map(Optional.some) {
        let name = Self.fileName(frame, view: view.map { suffixes[$0] }, format)
        outputs.append(OwedOutput(path: folder + name, frame: frame, kind: OutputKind(part: part, view: view)))
      }
      for tile in grid?.tiles ?? [] {
        let place = "\(Self.tilesFolder)/\(folder)\(Self.number(frame))/\(tile.column)-\(tile.row)"
        let kind = OutputKind(part: RenderPart(scene: part.scene, layer: part.layer, tile: tile))
        outputs.append(OwedOutput(path: "\(place).\(format.fileExtension)", frame: frame, kind: kind))
      }
    }
  }

  /// What File Output nodes write beside pictures, as it turned out when the file was opened.
  /// - Parameter pictures: those of one part.
  package static func beside(_ pictures: [OwedOutput], nodes: [NodePicture]) -> [OwedOutput] {
    let folders = PathNames(nodes.map(\.node))
    let slots = Dictionary(grouping: nodes, by: { ExactText($0.node) }).mapValues { PathNames($0.compactMap(\.slot)) }
    var frames: Set<FrameNumber> = []
    return pictures.filter { frames.insert($0.frame).inserted }.flatMap { picture in
      let folder = picture.path.pieces(between: "/").dropLast().map { "\($0)/" }.joined()
      return nodes.flatMap { node in
        let slot = node.slot.map { slots[ExactText(node.node), default: PathNames([])][$0] + "_" } ?? ""
        let (place, suffixes) = ("\(folder)\(nodesFolder)/\(folders[node.node])/\(slot)", PathNames(node.views))
        return (node.views.isEmpty ? [nil] : node.views.map(Optional.some)).map { view in
          let stem = number(picture.frame) + (view.map { "_\(suffixes[$0])" } ?? "")
          return OwedOutput(
            path: "\(place)\(stem).\(node.fileExtension)", frame: picture.frame,
            kind: OutputKind(part: picture.kind.part, view: view, node: node.name))
        }
      }
    }
  }

  /// Below `out/<job>`: tiles until they are put together, and what File Output nodes write.
  package static let tilesFolder = ".tiles"
  package static let nodesFolder = "nodes"

  /// Six digits at least, the sign in front: `000012.png`, `-00003.png`, `000012_left.png`.
  package static func fileName(_ frame: FrameNumber, view: String? = nil, _ format: ImageFormat) -> String {
    number(frame) + (view.map { "_\($0)" } ?? "") + ".\(format.fileExtension)"
  }

  private static func number(_ frame: FrameNumber) -> String {
    let digits = String(frame.magnitude)
    let sign = frame < 0 ? "-" : ""
    return sign + String(repeating: "0", count: max(0, 6 - digits.count - sign.count)) + digits
  }
}
