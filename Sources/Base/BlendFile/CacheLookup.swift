import FarmModel
import SystemPackage

/// Finds the files of baked simulations that Blender reads to render some frames. A value.
struct CacheLookup {
  /// A file or folder that is meant.
  struct Place {
    var written: String
    var resolved: FilePath?
    /// Nil: that of the structure which names it.
    var kind: BlendDependency.Kind?
    /// The frames that need it; nil for all other files than those of caches.
    var frames: FrameSet?

    fileprivate func below(_ name: String, for frames: FrameSet) -> Place {
      let slash = written.hasByteSuffix("/") || written.hasByteSuffix("\\") ? "" : "/"
      return Place(
        written: written + slash + name, resolved: resolved?.pushing(FilePath(name)), kind: .cacheFile, frames: frames)
    }
  }

  /// Frames behind the last one of a cache.
  struct Short {
    var last: Int
    var frames: FrameSet
    var isHeld: Bool
  }

  /// What a named file means.
  struct Found {
    var all: [Place]
    var short: Short?
  }

  private let disk: BlendInspector.Disk
  /// Each frame that is rendered, with the frames of the scene's time at which Blender computes for it.
  private let spans: [(frame: Int, span: ClosedRange<Int>)]
  /// The range in which geometry nodes are baked, unless a bake has its own.
  private let simulated: ClosedRange<Int>?

  /// - Parameters:
  ///   - scenes: those that are rendered.
  ///   - framesMax: so many frames are looked at.
  init(_ disk: BlendInspector.Disk, ranges: [BlendScene.Frames], scenes: [BlendScene], framesMax: Int) {
    self.disk = disk
    let timings = Set(scenes.map(\.timing)).union(scenes.isEmpty ? [FrameTiming()] : [])
    var spans: [(Int, ClosedRange<Int>)] = []
    for range in ranges {
      let (length, isTooLong) = range.end.subtractingReportingOverflow(range.start)
      guard !isTooLong, length < framesMax - spans.count else { continue }
      for frame in stride(from: range.start, through: range.end, by: max(1, range.step)) {
        spans += timings.compactMap { timing in timing.span(of: frame).map { (frame, $0) } }
      }
    }
    self.spans = spans
    let all = scenes.compactMap { scene -> ClosedRange<Int>? in
      let said = scene.simulationFrames ?? [scene.frames.start, scene.frames.end]
      return said[0] <= said[1] ? said[0]...said[1] : nil
    }
    simulated = all.map(\.lowerBound).min().flatMap { low in all.map(\.upperBound).max().map { low...$0 } }
  }

  // MARK: - Caches of one file or more a frame

  func files(of cache: CacheFiles, in folder: Place) -> Found {
    let frames = cache.frames
    let stored = frames.stored(with: frames.step > 1 ? present(cache.names[0], in: folder) : [])
    let (readers, behind) = readers(of: frames, stored: stored)
    let others = others(of: cache, in: folder)
    let files = readers.sorted { $0.key < $1.key }.flatMap { number, readers in
      let names = cache.names + others.filter { $0.first <= number }.map(\.name)
      return names.map { folder.below($0.name(number), for: FrameSet(readers)) }
    }
    let short =
      behind.isEmpty
      ? nil
      : Short(
        last: frames.last + frames.delay, frames: FrameSet(behind), isHeld: frames.outside != .nothing)
    return Found(all: [folder] + files, short: short)
  }

  /// The grids of a fluid that are there besides those that each has, with the first frame that has them: from then on
  /// each frame has.
  private func others(of cache: CacheFiles, in folder: Place) -> [(name: CacheFiles.Name, first: Int)] {
    guard let path = folder.resolved else { return [] }
    return cache.othersIn.flatMap { part -> [(name: CacheFiles.Name, first: Int)] in
      var first: [CacheFiles.Name: Int] = [:]
      for file in disk.names(path.appending(part)) {
        guard let match = file.wholeMatch(of: /(.+_)(\d{4,})\.uni/), let frame = Int(match.2) else { continue }
        let name = CacheFiles.Name(head: "\(part)/\(match.1)", digits: 4, tail: ".uni")
        first[name] = min(frame, first[name] ?? frame)
      }
      return first.filter { !cache.names.contains($0.key) }.map { ($0.key, $0.value) }.sorted { $0.0.head < $1.0.head }
    }
  }

  private func present(_ name: CacheFiles.Name, in folder: Place) -> Set<Int> {
    guard let folder = folder.resolved else { return [] }
    return Set(disk.names(folder).compactMap(name.frame))
  }

  /// The frames that are rendered, by the frame of the cache that they read; and those behind its last.
  private func readers(
    of frames: CacheFrames, stored: [Int]
  ) -> (byStored: [Int: [FrameNumber]], behind: [FrameNumber]) {
    var byStored: [Int: [FrameNumber]] = [:]
    var behind: [FrameNumber] = []
    for (frame, span) in spans {
      guard let number = FrameNumber(exactly: frame) else { continue }
      for stored in frames.read(during: span, stored: stored) { byStored[stored, default: []].append(number) }
      if span.lowerBound > frames.last + frames.delay { behind.append(number) }
    }
    return (byStored, behind)
  }

  // MARK: - Bakes of geometry nodes

  /// Blender takes a bake for made when its folder holds a frame of it. Each frame is a text, which names the pieces of
  /// larger files that it consists of.
  func files(of bake: NodesBake, in folder: Place) -> Found {
    guard let path = folder.resolved else { return Found(all: [folder]) }
    let meta = CacheFiles.Name(head: "meta/", digits: 5, tail: "_00000.json")
    let inMeta = CacheFiles.Name(head: "", digits: 5, tail: "_00000.json")
    let present = Set(disk.names(path.appending("meta")).compactMap(inMeta.frame))
    guard let first = present.min(), let latest = present.max() else { return Found(all: []) }
    let range = bake.range ?? simulated ?? first...latest
    let isStill = bake.isStill
    let frames = CacheFrames(
      first: isStill ? first : range.lowerBound, last: isStill ? first : range.upperBound, outside: .ends)
    guard frames.isPlausible else { return Found(all: [folder]) }
    let (readers, behind) = readers(of: frames, stored: frames.stored(with: present))
    var files = [folder]
    var pieces: [String: [FrameNumber]] = [:]
    for (number, readers) in readers.sorted(by: { $0.key < $1.key }) {
      let text = folder.below(meta.name(number), for: FrameSet(readers))
      files.append(text)
      guard let place = text.resolved, let bytes = disk.contents(place) else { continue }
      for piece in Self.pieces(namedBy: bytes) { pieces[piece, default: []] += readers }
    }
    files += pieces.sorted { $0.key < $1.key }.map { folder.below("blobs/\($0.key)", for: FrameSet($0.value)) }
    let short = behind.isEmpty || isStill ? nil : Short(last: frames.last, frames: FrameSet(behind), isHeld: true)
    return Found(all: files, short: short)
  }

  /// The names of `.blob` files that stand in quotes in a text.
  private static func pieces(namedBy text: [UInt8]) -> Set<String> {
    let (quote, ending) = (UInt8(ascii: "\""), Array(".blob".utf8))
    return Set(
      text.split(separator: quote).filter { $0.count < 256 && $0.suffix(ending.count).elementsEqual(ending) }
        .map { String(decoding: $0, as: UTF8.self) }.filter { !$0.contains("/") })
  }
}
