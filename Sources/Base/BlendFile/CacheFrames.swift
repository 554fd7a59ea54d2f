import FarmModel

/// The frames that a baked simulation holds, and which of them Blender reads to show a frame of the scene. A value; the
/// rules are those that `strace` showed of Blender 3.4, 4.2 and 5.0.
struct CacheFrames: Hashable, Sendable {
  /// What Blender reads at frames outside the cache's own range.
  enum Outside: Hashable, Sendable {
    /// Nothing before the range, its last frame after it: cloth, soft bodies, particles, dynamic paint.
    case last
    /// The nearest frame of the range on both sides: oceans, bakes of geometry nodes.
    case ends
    /// Nothing on both sides: Blender shows fluids without any fluid.
    case nothing
  }

  var first: Int
  var last: Int
  /// At most so many frames lie between two files.
  var step = 1
  /// The cache plays so many frames later than it was baked.
  var delay = 0
  var outside: Outside

  /// Whether it is a range that Blender can have; a damaged file may name any.
  var isPlausible: Bool {
    let frames = -Int(FrameSet.last)...Int(FrameSet.last)
    return first <= last && frames.contains(first) && frames.contains(last) && frames.contains(delay) && step > 0
  }

  /// The frames that have a file, ascending.
  ///
  /// A simulation that is baked in memory and then copied to disk has a file every `step` frames. One that is baked to
  /// disk has its second file after `step` frames and from there on one every two (3.4 to 5.0). Both have the last.
  /// - Parameter present: those whose files are there, which tell the two apart.
  func stored(with present: Set<Int>) -> [Int] {
    guard step > 1 else { return Array(first...last) }
    let regular = Set(stride(from: first, through: last, by: step)).union([last])
    let bakedToDisk = Set([first, last]).union(stride(from: first + step, through: last, by: 2))
    let inRange = present.filter { (first...last).contains($0) }
    // In doubt it was baked to disk: a file more is asked for then, none less.
    if inRange.isSubset(of: bakedToDisk) { return bakedToDisk.sorted() }
    return inRange.union(regular).sorted()
  }

  /// The stored frames that Blender reads at any time of a span of the scene's time: the exact one, else both beside
  /// it, between which it interpolates.
  func read(during span: ClosedRange<Int>, stored: [Int]) -> Set<Int> {
    Set(span.flatMap { read(at: $0 - delay, stored: stored) })
  }

  private func read(at frame: Int, stored: [Int]) -> [Int] {
    if frame < first { return outside == .ends ? [first] : [] }
    if frame > last { return outside == .nothing ? [] : [last] }
    let next = stored.partitioningIndex { $0 >= frame }
    guard next < stored.count else { return stored.suffix(1) }
    return stored[next] == frame || next == 0 ? [stored[next]] : [stored[next - 1], stored[next]]
  }
}

extension [Int] {
  /// The index of the first element, in an ascending list, that fulfils a condition which all later ones fulfil too.
  fileprivate func partitioningIndex(where isLater: (Int) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if isLater(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// At which times of a scene Blender computes it for one frame. A value.
struct FrameTiming: Hashable, Sendable {
  /// Time remapping: the scene's time for each frame.
  var scale = 1.0
  /// Whole frames before and after that motion blur looks at.
  var blur = 0

  /// The whole frames of the scene's time between which Blender computes.
  func span(of frame: Int) -> ClosedRange<Int>? {
    let (low, high) = (Double(frame - blur) * scale, Double(frame + blur) * scale)
    guard low.isFinite, high.isFinite, abs(low) < 1e7, abs(high) < 1e7, low <= high else { return nil }
    return Int(low.rounded(.down))...Int(high.rounded(.up))
  }
}

/// The files of a cache: in its folder, each with the number of a frame in its name. A value.
struct CacheFiles: Hashable, Sendable {
  /// What stands before and after the number.
  struct Name: Hashable, Sendable {
    var head: String
    var digits: Int
    var tail: String

    func name(_ frame: Int) -> String {
      let digits = String(abs(frame))
      let zeros = String(repeating: "0", count: max(0, self.digits - digits.count - (frame < 0 ? 1 : 0)))
      return head + (frame < 0 ? "-" : "") + zeros + digits + tail
    }

    /// The frame of a name in the folder; nil for one of another cache.
    func frame(of name: String) -> Int? {
      let (bytes, head, tail) = (Array(name.utf8), Array(self.head.utf8), Array(self.tail.utf8))
      guard bytes.count > head.count + tail.count, bytes.starts(with: head),
        bytes.suffix(tail.count).elementsEqual(tail)
      else { return nil }
      return Int(String(decoding: bytes[head.count..<bytes.count - tail.count], as: UTF8.self))
    }
  }

  var frames: CacheFrames
  /// Each frame has a file of each of these names, below the folder.
  var names: [Name]
  /// Folders below it in which files of other names may lie too, `<name>_<4 digits>.uni`: grids that a fluid has from
  /// some frame on.
  var othersIn: [String] = []
}

/// What a modifier of geometry nodes baked to disk, in 4.1 and later. A value.
struct NodesBake: Hashable, Sendable {
  /// One frame, which is shown at all times.
  var isStill: Bool
  /// Its own range; nil: the scene's.
  var range: ClosedRange<Int>?
}
