/// The number of a frame. Blender clamps at 1,048,574 (seen in 3.4.1); scene ranges never start below 0, frame lists
/// may.
package typealias FrameNumber = Int32

/// An ordered set of frames: `1-10`, `1-100x5` (every 5th), `1-10y3` (all but every 3rd), comma lists, negatives.
package struct FrameSet: Hashable, Sendable {
  /// Ascending, without doubles.
  package let frames: [FrameNumber]

  /// More frames than this in one job are refused, with a hint.
  package static let countMax = 100_000
  /// The last one that Blender knows; it would render this in place of a later one.
  package static let last: FrameNumber = 1_048_574

  package init(_ frames: some Sequence<FrameNumber>) {
    self.frames = Set(frames).sorted()
  }

  /// Reads a frame set as people write it.
  /// - Throws: ``FrameSetFailure`` naming the part that is not understood.
  package init(parsing text: String) throws(FrameSetFailure) {
    guard !text.contains(":") else { throw .colon(text) }
    var found: Set<FrameNumber> = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let range = try FrameRangeText(part.filter { !$0.isWhitespace }, in: text)
      guard range.count + found.count <= Self.countMax else { throw .tooMany(text) }
      found.formUnion(range.frames)
    }
    self.init(found)
  }

  package var isEmpty: Bool { frames.isEmpty }
  package var count: Int { frames.count }
}

/// Why a frame set was refused.
package enum FrameSetFailure: Failure, Equatable {
  case colon(String)
  case notUnderstood(part: String, text: String)
  case tooMany(String)

  package var description: String {
    switch self {
    case .colon(let text): "frame set \"\(text)\" has a `:`, which means step in one system and interleave in another"
    case .notUnderstood(let part, let text): "\"\(part)\" in frame set \"\(text)\" is not a frame or a range of frames"
    case .tooMany(let text): "frame set \"\(text)\" names more than \(FrameSet.countMax) frames"
    }
  }

  package var remedy: String {
    switch self {
    case .colon: "Write every 5th frame as `1-100x5`."
    case .notUnderstood: "Write frames as `1-10,20,30-50x5`."
    case .tooMany: "Split the job into several files."
    }
  }

  package var kind: FailureKind { .wrongUse }
}

/// One part of a frame set between two commas.
private struct FrameRangeText {
  let first: FrameNumber
  let last: FrameNumber
  let step: FrameNumber
  let leavesOutSteps: Bool

  init(_ part: String, in text: String) throws(FrameSetFailure) {
    let pattern = /(-?\d{1,7})(?:-(-?\d{1,7})(?:([xy])(\d{1,7}))?)?/
    guard let match = part.wholeMatch(of: pattern), let first = FrameNumber(match.1),
      let last = match.2.map({ FrameNumber($0) }) ?? first, let step = match.4.map({ FrameNumber($0) }) ?? 1,
      step > 0, last >= first
    else { throw .notUnderstood(part: part, text: text) }
    self.first = first
    self.last = last
    self.step = step
    leavesOutSteps = match.3 == "y"
  }

  var count: Int {
    let steps = Int(last - first) / Int(step) + 1
    return leavesOutSteps ? Int(last - first) + 1 - steps : steps
  }

  var frames: [FrameNumber] {
    guard leavesOutSteps else { return Array(stride(from: first, through: last, by: Int(step))) }
    return (first...last).filter { ($0 - first) % step != 0 }
  }
}

extension FrameSet: CustomStringConvertible {
  /// The set written back, sorted and collapsed with `-` and `x` only: `1-3,9,20-40x2`.
  package var description: String {
    var parts: [String] = []
    var rest = frames[...]
    while let first = rest.first {
      let run = Self.leadingRun(of: rest)
      let last = rest[rest.startIndex + run.count - 1]
      switch (run.count, run.step) {
      case (1, _): parts.append("\(first)")
      case (_, 1): parts.append("\(first)-\(last)")
      default: parts.append("\(first)-\(last)x\(run.step)")
      }
      rest = rest.dropFirst(run.count)
    }
    return parts.joined(separator: ",")
  }

  /// How many frames from the start share one step; fewer than three with a step above 1 are written one by one.
  private static func leadingRun(of frames: ArraySlice<FrameNumber>) -> (count: Int, step: FrameNumber) {
    let start = frames.startIndex
    guard frames.count > 1 else { return (frames.count, 1) }
    // Wrapping: two frames may be farther apart than a frame's number reaches, and then share no step.
    let step = frames[start + 1] &- frames[start]
    var count = 2
    while start + count < frames.endIndex, frames[start + count] &- frames[start + count - 1] == step { count += 1 }
    return step == 1 || count > 2 ? (count, step) : (1, 1)
  }
}

extension FrameSet: Codable {
  package init(from decoder: any Decoder) throws {
    try self.init(parsing: decoder.singleValueContainer().decode(String.self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
