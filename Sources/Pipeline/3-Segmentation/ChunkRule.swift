import FarmModel

/// How many frames a task gets. A value.
///
/// Few long tasks cost little between them; but each is a share of what is left, so that all workers finish together.
struct ChunkRule: Hashable, Sendable {
  /// What a task should take, and what it may take with the slowest frame known.
  private static let aim = Duration.seconds(300)
  private static let most = Duration.seconds(900)
  /// Frame times that must be known.
  private static let timesNeeded = 2
  /// How often each worker should still get a task out of what is left.
  private static let sharesLeft = 2

  let size: ChunkSize

  /// - Parameters:
  ///   - left: frames that nobody works on.
  ///   - times: what frames of the job took.
  func count(left: Int, workers: Int, times: FrameTimes) -> Int {
    switch size {
    case .frames(let count): return count
    case .auto:
      guard times.count >= Self.timesNeeded, let median = times.median, let longest = times.longest else { return 1 }
      let share = left / (Self.sharesLeft * max(1, workers))
      let fitting = min(Self.fitting(median, into: Self.aim), Self.fitting(longest, into: Self.most))
      return max(1, min(share, fitting, ChunkSize.range.upperBound))
    }
  }

  private static func fitting(_ time: Duration, into whole: Duration) -> Int {
    Int(min(whole / max(time, .milliseconds(1)), Double(FrameSet.countMax)))
  }
}
