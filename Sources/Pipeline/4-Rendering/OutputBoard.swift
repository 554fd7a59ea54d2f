import BitCollections
import FarmModel

/// What a revision owes, and how far each output is. A value; what is asked for each frame is answered without walking
/// over all of them, for there may be a hundred thousand.
package struct OutputBoard: Sendable {
  /// By frame.
  package private(set) var outputs: [Output]
  package private(set) var times = FrameTimes()
  private var places: [Int64: Int] = [:]
  private var placesOfFrames: [FrameNumber: Int] = [:]
  /// The places of what nobody works on.
  private var owed = BitSet()
  private var counts: [OutputState: Int] = [:]

  /// - Parameter outputs: all of one revision.
  package init(_ outputs: [Output]) {
    self.outputs = outputs.sorted { ($0.frame, $0.path) < ($1.frame, $1.path) }
    for (place, output) in self.outputs.enumerated() {
      places[output.id] = place
      placesOfFrames[output.frame] = place
      counts[output.state, default: 0] += 1
      if output.state == .owed { owed.insert(place) }
      if output.state.isDone, let time = output.renderMilliseconds { times.add(milliseconds: time) }
    }
  }

  package subscript(frame: FrameNumber) -> Output? { placesOfFrames[frame].map { outputs[$0] } }

  /// Puts an output's new state in the place of its old one.
  /// - Returns: whether it is one of these.
  @discardableResult
  package mutating func put(_ output: Output) -> Bool {
    guard let place = places[output.id] else { return false }
    let before = outputs[place].state
    outputs[place] = output
    counts[before, default: 0] -= 1
    counts[output.state, default: 0] += 1
    if output.state == .owed { owed.insert(place) } else { owed.remove(place) }
    if !before.isDone, output.state.isDone, let time = output.renderMilliseconds { times.add(milliseconds: time) }
    return true
  }

  /// Somebody works on these frames now.
  package mutating func begin(_ frames: FrameSet) {
    for frame in frames.frames {
      guard var output = self[frame] else { continue }
      output.state = .active
      put(output)
    }
  }

  /// How many frames nobody works on.
  package var owedCount: Int { counts[.owed] ?? 0 }
  /// The first of them.
  package func owed(first count: Int) -> [FrameNumber] { owed.lazy.prefix(count).map { outputs[$0].frame } }

  /// Whether nobody works on a frame.
  package func isOwed(_ frame: FrameNumber) -> Bool { self[frame]?.state == .owed }

  package var frameCounts: FrameCounts {
    FrameCounts(expected: outputs.count, done: doneCount, failed: counts[.failed] ?? 0)
  }
  package var doneCount: Int { (counts[.done] ?? 0) + (counts[.harvested] ?? 0) }
  package var isDone: Bool { doneCount == outputs.count }
  /// Whether it is all there, or can come no more.
  package var isOver: Bool { doneCount + (counts[.failed] ?? 0) == outputs.count }
}
