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
    var walk = Walk(disk, paths, limits, ranges: ranges, scenes: scenes)
    try walk.begin(blend, summary, roots: Set(rendered.map { "SC\($0)" }))
    let dependencies = try walk.dependencies(of: blend)
    return BlendInspection(
      version: summary.version.description, wrapper: summary.wrapper, whole: true, activeScene: summary.activeScene,
      scenes: summary.scenes, renders: rendered, dependencies: dependencies, moves: walk.moves,
      simulations: walk.simulations, denoisers: walk.denoisers, scripts: walk.scripts, shortCaches: walk.shortCaches,
      notice: BlendInspection.notice(for: summary.version))
  }
}

/// One inspection under way.
private struct Walk {
  /// A `.blend`, and which of its datablocks are needed so far.
  private struct Visit {
    let summary: BlendSummary
    var reached: Set<Int> = []
    var isEntered = false
  }

  private let disk: BlendInspector.Disk
  private let paths: BlendPaths
  private var visits: [FilePath: Visit] = [:]
  private var order: [FilePath] = []
  private var unreadable: Set<FilePath> = []
  private let limits: BlendInspector.Limits
  private var filesLeft: Int
  private var framesLeft: Int
  /// The frames that are rendered.
  private let ranges: [BlendScene.Frames]
  private let caches: CacheLookup
  private(set) var shortCaches: [BlendInspection.ShortCache] = []

  init(
    _ disk: BlendInspector.Disk, _ paths: BlendPaths, _ limits: BlendInspector.Limits, ranges: [BlendScene.Frames],
    scenes: [BlendScene]
  ) {
    self.disk = disk
    self.paths = paths
    self.limits = limits
    self.ranges = ranges.filter { $0.end >= $0.start }
    caches = CacheLookup(disk, ranges: self.ranges, scenes: scenes, framesMax: limits.frames)
    filesLeft = limits.files
    framesLeft = limits.frames
  }

  /// What cannot be read may move.
  var moves: Bool { !unreadable.isEmpty || visits.values.contains { !$0.summary.movers.isEmpty } }

  var simulations: [String] { reached(\.simulated) }
  var denoisers: [String] { reached(\.denoisers) }

  private func reached(_ some: (BlendSummary) -> Set<Int>) -> [String] {
    each { visit in visit.reached.intersection(some(visit.summary)).map(visit.summary.name(of:)).sorted() }
  }

  var scripts: [BlendInspection.Script] {
    each { visit in
      visit.summary.scripts.filter { $0.driver == nil || visit.reached.contains($0.owner) }.map { script in
        BlendInspection.Script(by: visit.summary.name(of: script.owner), driver: script.driver)
      }
    }
  }

  private func each<Found>(_ find: (Visit) -> [Found]) -> [Found] { order.flatMap { visits[$0].map(find) ?? [] } }

  mutating func begin(_ blend: FilePath, _ summary: BlendSummary, roots: Set<String>) throws(BlendFailure) {
    visits[blend] = Visit(summary: summary)
    order.append(blend)
    // Each library is gone into again when more of it turns out to be needed.
    var next = [(blend, roots)]
    while let (path, names) = next.popLast() { next += try go(into: path, names) }
  }

  /// - Returns: the libraries to go into next, and what is needed there.
  private mutating func go(
    into path: FilePath, _ names: Set<String>
  ) throws(BlendFailure) -> [(FilePath, Set<String>)] {
    guard let visit = visits[path] else { return [] }
    let summary = visit.summary
    let reached = visit.reached.union(summary.reached(from: summary.numbers(of: names)))
    guard !visit.isEntered || reached.count > visit.reached.count else { return [] }
    visits[path]?.reached = reached
    visits[path]?.isEntered = true
    var next: [(FilePath, Set<String>)] = []
    for file in summary.files where file.kind == .library {
      try named(1)
      guard let library = paths.resolve(file.path, in: path.removingLastComponent()), try visitable(library) else {
        continue
      }
      let wanted = reached.filter { summary.datablocks[$0].library == file.owner }
      next.append((library, Set(wanted.map { summary.datablocks[$0].name })))
    }
    return next
  }

  private mutating func named(_ count: Int) throws(BlendFailure) {
    filesLeft -= count
    guard filesLeft >= 0 else { throw .notSupported("it and its libraries name more than \(limits.files) files") }
  }

  private mutating func visitable(_ library: FilePath) throws(BlendFailure) -> Bool {
    if visits[library] != nil { return true }
    guard !unreadable.contains(library), case .success(let summary) = disk.summary(library) else {
      unreadable.insert(library)
      return false
    }
    guard order.count <= limits.libraries else {
      throw .notSupported("it needs more than \(limits.libraries) libraries")
    }
    visits[library] = Visit(summary: summary)
    order.append(library)
    return true
  }

  /// Everything that was found, those of one file together.
  mutating func dependencies(of blend: FilePath) throws(BlendFailure) -> [BlendDependency] {
    var found: [ExactText: Int] = [:]
    var dependencies: [BlendDependency] = []
    for path in order {
      guard let visit = visits[path] else { continue }
      for file in visit.summary.files {
        let owner = visit.summary.datablocks[file.owner].name
        let reached = visit.reached.contains(file.owner) && !file.isIdle
        let places = try places(of: file, in: path, main: blend)
        if reached, let short = places.short { note(short, by: owner) }
        for place in places.all {
          let (written, resolved, kind) = (place.written, place.resolved, place.kind ?? file.kind)
          let exists = resolved.map { disk.exists($0, kind) } ?? false
          let key = ExactText("\(kind) \(resolved?.string ?? written)")
          if let index = found[key] {
            if reached { dependencies[index].need(for: place.frames, isNew: !dependencies[index].reached) }
            dependencies[index].reached = dependencies[index].reached || reached
            if !dependencies[index].by.contains(owner) { dependencies[index].by.append(owner) }
            continue
          }
          found[key] = dependencies.count
          dependencies.append(
            BlendDependency(
              path: written, resolved: resolved?.string, kind: kind, by: [owner],
              of: path == blend ? nil : path.string, exists: exists, reached: reached, frames: place.frames))
        }
      }
    }
    return dependencies
  }

  private mutating func note(_ short: CacheLookup.Short, by owner: String) {
    let cache = BlendInspection.ShortCache(by: owner, last: short.last, frames: short.frames, isHeld: short.isHeld)
    if !shortCaches.contains(cache) { shortCaches.append(cache) }
  }

  /// The files that are meant by one path: of a sequence, of tiles or of a cache each that is used.
  /// - Parameters:
  ///   - blend: the file that names the path.
  ///   - main: the file that is rendered.
  private mutating func places(
    of file: BlendSummary.NamedFile, in blend: FilePath, main: FilePath
  ) throws(BlendFailure) -> CacheLookup.Found {
    let folder = blend.removingLastComponent()
    let place = { [paths] (path: [UInt8]) in
      CacheLookup.Place(written: String(decoding: path, as: UTF8.self), resolved: paths.resolve(path, in: folder))
    }
    try named(1)
    switch file.members {
    case .one:
      return CacheLookup.Found(all: [file.kind == .bakedFolder ? Self.bakedFolder(beside: blend) : place(file.path)])
    case .cache(let cache, let isBesideMain):
      let whole =
        file.kind == .bakedFolder ? Self.bakedFolder(beside: isBesideMain ? main : blend) : place(file.path)
      let found = caches.files(of: cache, in: whole)
      try named(found.all.count)
      return found
    case .bake(let bake):
      let found = caches.files(of: bake, in: place(file.path))
      try named(found.all.count)
      return found
    case .tiles(let numbers):
      guard let numbered = NumberedPath(file.path, isTiled: true) else {
        return CacheLookup.Found(all: [place(file.path)])
      }
      try named(numbers.count)
      return CacheLookup.Found(all: numbers.map { place(numbered.path($0)) })
    case .sequence(let users): return CacheLookup.Found(all: try members(of: file, shownBy: users, place))
    }
  }

  private static func bakedFolder(beside blend: FilePath) -> CacheLookup.Place {
    let folder = blend.ownCache
    return CacheLookup.Place(written: "//\(folder.lastComponent?.string ?? "")", resolved: folder)
  }

  private mutating func members(
    of file: BlendSummary.NamedFile, shownBy users: [SequenceUser], _ place: ([UInt8]) -> CacheLookup.Place
  ) throws(BlendFailure) -> [CacheLookup.Place] {
    guard let numbered = NumberedPath(file.path, isTiled: false) else { return [place(file.path)] }
    let numbers = numbers(shownBy: users)
    try named(numbers.count)
    let all = numbers.map { (number: $0, place: place(numbered.path($0))) }
    // The length of a clip that Blender never loaded is unknown: it has as many files as are there. Its first one is
    // always asked for.
    let isOpen = users.contains(where: \.isOpen)
    let shown = all.filter { found in
      !isOpen || found.number == numbered.number
        || found.place.resolved.map { path in disk.exists(path, file.kind) } == true
    }.map(\.place)
    return shown.isEmpty ? [place(file.path)] : shown
  }

  /// The numbers of a sequence's files that are shown at the frames that are rendered; ascending.
  private mutating func numbers(shownBy users: [SequenceUser]) -> [Int] {
    var numbers: Set<Int> = []
    for user in users {
      for range in ranges {
        let (length, isTooLong) = range.end.subtractingReportingOverflow(range.start)
        guard !isTooLong, length < framesLeft else { continue }
        framesLeft -= length + 1
        for frame in stride(from: range.start, through: range.end, by: max(1, range.step)) {
          if let number = user.number(at: frame) { numbers.insert(number) }
        }
      }
    }
    return numbers.sorted()
  }
}
