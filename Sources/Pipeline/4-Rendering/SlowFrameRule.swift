import FarmModel

/// Whether a frame that is being rendered takes suspiciously long. A value.
package struct SlowFrameRule: Hashable, Sendable {
  /// What is to be done about it.
  package enum Verdict: Hashable, Sendable {
    case usual, slow, tooSlow
  }

  /// Times that must be known.
  private static let timesNeeded = 3
  /// Below this a frame is not called slow, and below that it is not taken from its worker.
  private static let slowMin = Duration.seconds(5)
  private static let tooSlowMin = Duration.seconds(600)

  private let median: Duration?

  /// - Parameter times: what frames of its job took.
  package init(_ times: FrameTimes) {
    median = times.count >= Self.timesNeeded ? times.median : nil
  }

  /// - Parameter time: for which it has been rendered.
  package func verdict(after time: Duration) -> Verdict {
    guard let median else { return .usual }
    if time >= max(median * 3, Self.tooSlowMin) { return .tooSlow }
    return time >= max(median * 2, Self.slowMin) ? .slow : .usual
  }
}
