import BitCollections
import FarmModel

/// What a revision owes, and how far each output is. A value; what is asked for each frame is answered without walking
/// over all of them, for there may be a hundred thousand.
///
/// What one rendering of one frame gives is a unit: the picture, or one for each eye, and what nodes write beside it. A
/// picture that comes as tiles is in no unit: it is made when all of them are there.
package struct OutputBoard: Sendable {
  /// By part, in the order in which they were owed, and frame.
  package private(set) var outputs: [Output]
  package private(set) var times = FrameTimes()
  /// The most memory that one of its frames took, in bytes.
  package private(set) var peakBytes: Int64?
  private var places: [Int64: Int] = [:]
  /// The unit of each output; nil for one that comes as tiles.
  private var unitOfOutput: [Int?] = []
  private var units: [Unit] = []
  /// How many renderings are to come.
  package private(set) var unitsLeft = 0
  private var parts: [Part] = []
  private var partOf: [RenderPart: Int] = [:]
  private var frames: [OutputState: Int] = [:]
  private var rendered: [OutputState: Int] = [:]

  private struct Unit {
    let part: Int
    let frame: FrameNumber
    var outputs: Range<Int>
    var isDone = false
  }

  private struct Part {
    let part: RenderPart
    /// Of its frames, in ascending order.
    var units: Range<Int>
    /// Those that nobody works on.
    var owed = BitSet()
    var unitOfFrame: [FrameNumber: Int] = [:]
  }

  /// - Parameter outputs: all of one revision.
  package init(_ outputs: [Output]) {
    var order: [RenderPart: Int] = [:]
    for output in outputs.sorted(by: { $0.id < $1.id }) where order[output.kind.part] == nil {
      order[output.kind.part] = order.count
    }
    let key = { (output: Output) in (order[output.kind.part] ?? 0, output.frame, output.id) }
    self.outputs = outputs.sorted { key($0) < key($1) }
    let cut = Set(order.keys.filter { $0.tile != nil }.map(\.whole))
    for (place, output) in self.outputs.enumerated() {
      places[output.id] = place
      let isAssembled = output.kind.part.tile == nil && cut.contains(output.kind.part)
      unitOfOutput.append(isAssembled ? nil : add(output, at: place))
      count(output, at: place, 1)
      remember(output, at: place, after: nil)
    }
    unitsLeft = units.count
    for unit in units.indices { judge(unit) }
  }

  /// - Returns: the unit.
  private mutating func add(_ output: Output, at place: Int) -> Int {
    if let part = partOf[output.kind.part], let last = units.last, last.part == part, last.frame == output.frame {
      units[units.count - 1].outputs = last.outputs.lowerBound..<place + 1
      return units.count - 1
    }
    let part = partOf[output.kind.part] ?? parts.count
    if part == parts.count {
      partOf[output.kind.part] = part
      parts.append(Part(part: output.kind.part, units: units.count..<units.count))
    }
    units.append(Unit(part: part, frame: output.frame, outputs: place..<place + 1))
    parts[part].units = parts[part].units.lowerBound..<units.count
    parts[part].unitOfFrame[output.frame] = units.count - 1
    return units.count - 1
  }

  private mutating func count(_ output: Output, at place: Int, _ change: Int) {
    if output.kind.isFrame { frames[output.state, default: 0] += change }
    if unitOfOutput[place] != nil { rendered[output.state, default: 0] += change }
  }

  private mutating func remember(_ output: Output, at place: Int, after before: OutputState?) {
    guard before?.isDone != true, output.state.isDone else { return }
    if let time = output.renderMilliseconds, unitOfOutput[place] != nil { times.add(milliseconds: time) }
    peakBytes = [peakBytes, output.peakBytes].compactMap { $0 }.max()
  }

  /// A unit is owed when something of it is and nobody works on it.
  private mutating func judge(_ unit: Int) {
    var (isOwed, isBusy, isDone) = (false, false, true)
    for place in units[unit].outputs {
      let state = outputs[place].state
      isOwed = isOwed || state == .owed
      isBusy = isBusy || state == .active || state == .promoting
      isDone = isDone && state.isDone
    }
    if isDone != units[unit].isDone { unitsLeft += isDone ? -1 : 1 }
    units[unit].isDone = isDone
    if isOwed && !isBusy {
      parts[units[unit].part].owed.insert(unit)
    } else {
      parts[units[unit].part].owed.remove(unit)
    }
  }

  /// What the rendering of a frame of a part gives, in the order in which it was owed; empty for one that is not owed.
  ///
  /// A copy: whoever held a slice of them while one changes would have all of them copied.
  package subscript(part: RenderPart, frame: FrameNumber) -> [Output] {
    guard let unit = unit(part, frame) else { return [] }
    return units[unit].outputs.map { outputs[$0] }
  }

  private func unit(_ part: RenderPart, _ frame: FrameNumber) -> Int? {
    partOf[part].flatMap { parts[$0].unitOfFrame[frame] }
  }

  /// Puts an output's new state in the place of its old one.
  /// - Returns: whether it is one of these.
  @discardableResult
  package mutating func put(_ output: Output) -> Bool {
    guard let place = places[output.id] else { return false }
    count(outputs[place], at: place, -1)
    let before = outputs[place].state
    outputs[place] = output
    count(output, at: place, 1)
    remember(output, at: place, after: before)
    if let unit = unitOfOutput[place] { judge(unit) }
    return true
  }

  /// Somebody works on these frames of a part now.
  package mutating func begin(_ part: RenderPart, _ frames: FrameSet) {
    for frame in frames.frames {
      for var output in self[part, frame] where output.state == .owed {
        output.state = .active
        put(output)
      }
    }
  }

  /// How many renderings nobody works on.
  package var owedCount: Int { parts.reduce(0) { $0 + $1.owed.count } }
  /// The parts of which something is owed, in their order.
  package var owing: [RenderPart] { parts.filter { !$0.owed.isEmpty }.map(\.part) }
  /// How many frames of a part nobody works on.
  package func owedCount(of part: RenderPart) -> Int { partOf[part].map { parts[$0].owed.count } ?? 0 }
  /// The first of them.
  package func owed(first count: Int, of part: RenderPart) -> [FrameNumber] {
    partOf[part].map { parts[$0].owed.prefix(count).map { units[$0].frame } } ?? []
  }

  /// Whether nobody works on a frame of a part.
  package func isOwed(_ part: RenderPart, _ frame: FrameNumber) -> Bool {
    guard let unit = unit(part, frame) else { return false }
    return parts[units[unit].part].owed.contains(unit)
  }

  /// The frames of a part that show what is wrong anywhere: the first, the last, the middle one.
  package func scouts(of part: RenderPart) -> [FrameNumber] {
    guard let range = partOf[part].map({ parts[$0].units }), let first = range.first, let last = range.last else {
      return []
    }
    return [first, last, range[range.startIndex + range.count / 2]].map { units[$0].frame }
  }

  /// Pictures that cannot come because a tile of theirs failed, as they are then.
  package var failedPictures: [Output] {
    let failed = Dictionary(
      outputs.filter { $0.state == .failed && $0.kind.part.tile != nil }.map { ([$0.kind.part.whole: $0.frame], $0) }
    ) { first, _ in first }
    return outputs.indices.compactMap { place in
      guard unitOfOutput[place] == nil, let tile = failed[[outputs[place].kind.part: outputs[place].frame]] else {
        return nil
      }
      var picture = outputs[place]
      (picture.state, picture.problem) = (.failed, tile.problem)
      return picture
    }
  }

  /// Of what people count as frames.
  package var frameCounts: FrameCounts {
    FrameCounts(
      expected: frames.values.reduce(0, +), done: Self.done(frames), failed: frames[.failed] ?? 0,
      purged: frames[.purged] ?? 0)
  }

  package var hasAnyDone: Bool { Self.done(rendered) > 0 }
  /// Whether all that is rendered is there.
  package var isDone: Bool { Self.done(rendered) == rendered.values.reduce(0, +) }
  /// Whether it is all there, or can come no more.
  package var isOver: Bool { Self.done(rendered) + (rendered[.failed] ?? 0) == rendered.values.reduce(0, +) }

  private static func done(_ counts: [OutputState: Int]) -> Int {
    counts.reduce(0) { $0 + ($1.key.isDone ? $1.value : 0) }
  }
}
