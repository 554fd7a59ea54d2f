import FarmModel
import Supervisor

/// Decides that a Blender hangs: for a long time it used no processor and said nothing.
///
/// Silence alone proves nothing (Cycles printed nothing for 5 s between two samples, seen in 3.4), and neither does one
/// look: what counts is a row of looks that all saw the same.
struct HangRule: Hashable, Sendable {
  /// What one look at a running Blender shows.
  struct Sign: Hashable, Sendable {
    /// Processor time of the whole process group, in clock ticks.
    let processorTicks: Int64
    /// Lines that it has printed.
    let lines: Int
  }

  /// How long it may show no sign of life.
  let limit: Duration
  private var last: Sign?
  private var looksAlike = 0

  private static let looks = 20
  private static let framesWaited = 3

  /// - Parameter usualFrame: what a frame of the job usually takes; a slow job is given three times that.
  init(atLeast: Duration, usualFrame: Duration?) {
    limit = max(atLeast, (usualFrame ?? .zero) * Self.framesWaited)
  }

  /// Between two looks.
  var pause: Duration { limit / Self.looks }

  /// Takes in a look, one ``pause`` after the last one.
  /// - Returns: whether it hangs.
  mutating func looked(_ sign: Sign) -> Bool {
    looksAlike = sign == last ? looksAlike + 1 : 0
    last = sign
    return looksAlike >= Self.looks
  }

  /// What a frame that was lost to it shows.
  var problem: Problem {
    Problem(.hung, cause: "Blender used no processor and said nothing for \(limit.spelled), and was ended")
  }
}
