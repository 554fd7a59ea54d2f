import BlendFile
import FarmModel

/// Whether the pictures of a scene are cut into tiles. A value.
///
/// Only where nobody can see it afterwards: Cycles renders each pixel for itself, what looks at pixels beside does not.
struct TileRule: Hashable, Sendable {
  /// From so many pixels on `auto` cuts.
  private static let pixelsMin = 8_000_000
  /// How often each worker should get a tile.
  private static let shares = 2
  private static let sideMax = 16

  private let scene: BlendScene
  private let size: PixelSize
  private let reason: String?

  init(_ scene: BlendScene, format: ImageFormat, _ wanted: JobSettings, isComposited: Bool, isSimulated: Bool) {
    let percentage = wanted.percentage ?? scene.percentage
    self.scene = scene
    size = PixelSize(
      width: (scene.size.first ?? 0) * percentage / 100, height: (scene.size.last ?? 0) * percentage / 100)
    let reasons: [(Bool, String)] = [
      (scene.engine != "CYCLES", "only Cycles renders each pixel for itself, and its engine is \(scene.engine)"),
      (isComposited, "it is composited"), (wanted.denoise ?? scene.denoising, "it is denoised"),
      (scene.stamps, "what Blender stamps into pictures would stand in each tile"),
      (scene.freestyle, "its lines are drawn by Freestyle, which sees no further than a tile"),
      (scene.timeLimited, "its samples are limited by time, so that no two pictures of it are the same"),
      (scene.sequencer, "its sequencer is rendered"), (scene.multiview, "it has stereo views"),
      (!format.isOneLosslessPicture, "\(format.rawValue) cannot be put together without a loss"),
      (format == .openEXR && scene.lossy, "the codec of its EXRs would lose something twice"),
      (scene.guiding, "what its path guiding learns depends on all pixels"),
      (isSimulated, "what is simulated would be simulated for each tile"),
    ]
    reason = reasons.first(where: \.0)?.1
  }

  /// How it is cut, or why not although it was wanted.
  /// - Parameters:
  ///   - frames: of the scene.
  ///   - workers: that share them.
  func grid(for wish: TileWish?, frames: Int, workers: Int) -> (grid: TileGrid?, note: Problem?) {
    let wanted: TileGrid
    switch wish {
    case nil, .never: return (nil, nil)
    case .auto:
      guard size.width * size.height >= Self.pixelsMin, workers > frames, frames > 0 else { return (nil, nil) }
      let least = (Self.shares * workers + frames - 1) / frames
      let side = (2...Self.sideMax).first { $0 * $0 >= least } ?? Self.sideMax
      wanted = TileGrid(columns: side, rows: side)
    case .grid(let grid): wanted = grid
    }
    guard reason == nil, wanted.columns <= size.width, wanted.rows <= size.height else {
      return (nil, Self.whole(scene, because: reason ?? "its pictures have only \(size) pixels"))
    }
    return (wanted, nil)
  }

  /// What can be seen of the edges between tiles; nil when nothing can.
  var edges: Problem? {
    guard scene.adaptive else { return nil }
    return Problem(
      .tileEdges,
      cause: "Cycles samples scene \(scene.name) adaptively, and looks at pixels beside for that: single pixels at the"
        + " edges of tiles may have a few samples more or less than in a whole picture")
  }

  static func whole(_ scene: BlendScene, because reason: String) -> Problem {
    Problem(
      .notTiled, cause: "the frames of scene \(scene.name) are rendered whole, not in tiles: \(reason)",
      remedy: "Nothing, or change that in the scene and save again.")
  }
}
