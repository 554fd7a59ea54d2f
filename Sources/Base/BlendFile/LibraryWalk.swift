import FarmModel
import SystemPackage

/// One inspection under way: goes from a `.blend` through the libraries that it needs, and theirs.
struct LibraryWalk {
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
  /// The names of libraries that are packed, which are not looked into.
  private var packed: Set<String> = []
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
  var moves: Bool { !unreadable.isEmpty || !packed.isEmpty || visits.values.contains { !$0.summary.movers.isEmpty } }

  /// And may be simulated.
  var simulations: [String] { reached(\.simulated) + packed.sorted() }
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
      if file.isPacked {
        if reached.contains(file.owner) { packed.insert(summary.datablocks[file.owner].name) }
        continue
      }
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
      for file in visit.summary.files where !file.isPacked {
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
    case .between: return CacheLookup.Found(all: try members(of: file, isGapless: true, place))
    case .present: return CacheLookup.Found(all: try members(of: file, isGapless: false, place))
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

  /// The files of a sequence that are there, or of a gapless one all from the first of them to the last.
  private mutating func members(
    of file: BlendSummary.NamedFile, isGapless: Bool, _ place: ([UInt8]) -> CacheLookup.Place
  ) throws(BlendFailure) -> [CacheLookup.Place] {
    let own = place(file.path)
    guard let numbered = NumberedPath(file.path, isTiled: false), let resolved = own.resolved,
      let name = NumberedPath(Array(resolved.string.utf8), isTiled: false)
    else { return [own] }
    let numbers = disk.names(resolved.removingLastComponent()).compactMap(name.number(ofMember:)).sorted()
    guard let first = numbers.first, let last = numbers.last else { return [own] }
    // A stray file of a far number does not make a sequence of millions.
    let isPlausible = last - first < min(framesLeft, 10 * numbers.count + 100)
    let all = isGapless && isPlausible ? Array(first...last) : numbers
    try named(all.count)
    return all.map { place(numbered.path($0)) }
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
