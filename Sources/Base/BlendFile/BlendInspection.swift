import FarmModel
import SystemPackage

/// All that is known of a `.blend` without Blender: what it says itself, and every file that it needs, libraries of
/// libraries too.
package struct BlendInspection: Codable, Hashable, Sendable {
  package var version: String
  package var wrapper: BlendWrapper
  package var whole: Bool
  package var activeScene: String?
  package var scenes: [BlendScene]
  /// The names of the scenes that are rendered, in their order.
  package var renders: [String]
  package var dependencies: [BlendDependency]
  /// Whether anything may differ from frame to frame, in it or in a library.
  package var moves: Bool
  /// The datablocks, as `OBCloth`, that what is rendered needs and that are simulated as they are rendered: each frame
  /// takes all that come before it.
  package var simulations: [String]
  /// The datablocks whose nodes denoise what is composited.
  package var denoisers: [String]
  package var scripts: [Script]
  /// Baked simulations that end before the frames that are rendered do.
  package var shortCaches: [ShortCache] = []
  /// What a reader should know: it was saved by a Blender that is newer than any whose files were looked into.
  package var notice: String?

  /// The newest version whose files were looked into.
  private static let newestKnown = BlenderVersion(major: 5, minor: 0)

  /// Python that it has run.
  package struct Script: Codable, Hashable, Sendable {
    /// The datablock.
    package var by: String
    /// The expression of a driver; nil for a text that is run when the file is opened.
    package var driver: String?
  }

  /// A baked simulation that has nothing for some of the frames that are rendered.
  package struct ShortCache: Codable, Hashable, Sendable {
    /// The datablock.
    package var by: String
    /// The last frame that it holds.
    package var last: Int
    /// The frames behind it that are rendered.
    package var frames: FrameSet
    /// Whether Blender shows the last frame for them; else nothing of the simulation.
    package var isHeld: Bool

    package init(by: String, last: Int, frames: FrameSet, isHeld: Bool) {
      self.by = by
      self.last = last
      self.frames = frames
      self.isHeld = isHeld
    }
  }

  /// Whether the file would need the very same files in another place: paths that begin with `//`, and the caches that
  /// Blender looks for beside it by its name, may lead to others there.
  /// - Parameters:
  ///   - place: where it was inspected.
  ///   - other: where it lay before, or will.
  package func needsTheSame(at place: FilePath, as other: FilePath, _ paths: BlendPaths) -> Bool {
    let (folder, cache) = (other.removingLastComponent(), place.ownCache)
    guard folder != place.removingLastComponent() || other.stem != place.stem else { return true }
    return dependencies.allSatisfy { file in
      guard file.reached || file.kind == .library, file.kind.isSeen else { return true }
      if let resolved = file.resolved, FilePath(resolved).starts(with: cache) { return false }
      return file.of != nil || paths.resolve(Array(file.path.utf8), in: folder)?.string == file.resolved
    }
  }

  static func notice(for version: BlenderVersion) -> String? {
    version > newestKnown
      ? "saved by Blender \(version); what came after \(newestKnown) is read as far as the file describes it" : nil
  }

  /// Whether one frame stands for a range in which all would be the same.
  package func isStill(_ scene: BlendScene, _ mode: StillMode) -> Bool {
    mode == .auto && !moves && scene.frames.end > scene.frames.start
  }

  /// The scenes that are rendered.
  package var rendered: [BlendScene] {
    renders.compactMap { name in
      // People may type another Unicode form; of two scenes that differ in that alone each is meant by its own.
      scenes.first { $0.name.isSameBytes(as: name) } ?? scenes.first { $0.name == name }
    }
  }
  /// The first of them.
  package var scene: BlendScene? { rendered.first }
}

/// Follows what a `.blend` needs through its libraries; reads each file once, however many ways lead there.
package struct BlendInspector: Sendable {
  /// What is asked of the disk.
  package struct Disk: Sendable {
    package let summary: @Sendable (FilePath) -> Result<BlendSummary, BlendFailure>
    /// Whether there is what the kind asks for: a file, or a folder.
    package let exists: @Sendable (FilePath, BlendDependency.Kind) -> Bool
    /// The names in a folder; none of one that is not there.
    package let names: @Sendable (FilePath) -> [String]
    /// The bytes of a small file; nil when it cannot be read.
    package let contents: @Sendable (FilePath) -> [UInt8]?

    package init(
      summary: @escaping @Sendable (FilePath) -> Result<BlendSummary, BlendFailure>,
      exists: @escaping @Sendable (FilePath, BlendDependency.Kind) -> Bool,
      names: @escaping @Sendable (FilePath) -> [String] = { _ in [] },
      contents: @escaping @Sendable (FilePath) -> [UInt8]? = { _ in nil }
    ) {
      self.summary = summary
      self.exists = exists
      self.names = names
      self.contents = contents
    }
  }

  /// More is called too much: a link to a folder above can lead ever deeper, and a damaged file can name any number of
  /// pictures.
  package struct Limits: Sendable {
    package let libraries: Int
    package let files: Int
    /// Frames at which sequences are looked up, of all sequences together.
    package let frames: Int

    package init(libraries: Int = 10_000, files: Int = 300_000, frames: Int = 1_000_000) {
      self.libraries = libraries
      self.files = files
      self.frames = frames
    }
  }

  private let disk: Disk
  private let paths: BlendPaths
  private let limits: Limits

  package init(_ disk: Disk, paths: BlendPaths = BlendPaths(), limits: Limits = Limits()) {
    self.disk = disk
    self.paths = paths
    self.limits = limits
  }

  /// - Parameters:
  ///   - scenes: those that are rendered; nil: the one that was active.
  ///   - frames: of each; nil: their own.
  package func inspect(
    _ blend: FilePath, scenes: NamesWish? = nil, frames: FrameSet? = nil
  ) throws(BlendFailure) -> BlendInspection {
    let summary = try disk.summary(blend).get()
    let rendered =
      switch scenes {
      case nil: [summary.activeScene].compactMap { $0 }
      case .all: summary.scenes.map(\.name)
      case .named(let names): names
      }
    let ranges =
      frames.map { $0.frames.map { BlendScene.Frames(start: Int($0), end: Int($0), step: 1, current: Int($0)) } }
      ?? summary.scenes.filter { rendered.contains($0.name) }.map(\.frames)
    let scenes = summary.scenes.filter { rendered.contains($0.name) }
    var walk = LibraryWalk(disk, paths, limits, ranges: ranges, scenes: scenes)
    try walk.begin(blend, summary, roots: Set(rendered.map { "SC\($0)" }))
    let dependencies = try walk.dependencies(of: blend)
    return BlendInspection(
      version: summary.version.description, wrapper: summary.wrapper, whole: true, activeScene: summary.activeScene,
      scenes: summary.scenes, renders: rendered, dependencies: dependencies, moves: walk.moves,
      simulations: walk.simulations, denoisers: walk.denoisers, scripts: walk.scripts, shortCaches: walk.shortCaches,
      notice: BlendInspection.notice(for: summary.version))
  }
}
