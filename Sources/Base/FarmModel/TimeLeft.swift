/// How long a job will take yet, as a range: a single number would claim to know.
package struct TimeLeft: Codable, Hashable, Sendable {
  /// Seconds, when its frames are as quick as the quicker quarter was, and as slow as the slower one.
  package let leastSeconds: Int
  package let mostSeconds: Int

  package init(leastSeconds: Int, mostSeconds: Int) {
    self.leastSeconds = leastSeconds
    self.mostSeconds = mostSeconds
  }

  /// - Parameters:
  ///   - frames: that are not done.
  ///   - workers: that share them.
  ///   - longest: for how long the one of them that was begun first is rendered.
  /// - Returns: nil when no frame was measured, or none is left.
  package init?(_ times: FrameTimes, frames: Int, workers: Int, longest: Duration = .zero) {
    guard frames > 0, let least = times.quantile(0.25), let most = times.quantile(0.75) else { return nil }
    let rounds = Double((frames + max(1, workers) - 1) / max(1, workers))
    self.init(
      leastSeconds: Int((rounds * (least / .seconds(1))).rounded()),
      // Of a frame that takes longer than others nobody knows how long; as long again is a guess that grows with it.
      mostSeconds: Int(max(rounds * (most / .seconds(1)), longest > most ? longest / .seconds(1) : 0).rounded(.up)))
  }

  /// `2-3m left`, `40-90s left`, `1h-1h 20m left`: in the unit that fits.
  package var words: String {
    let (least, most) = (Self.words(leastSeconds), Self.words(mostSeconds))
    if least == most { return "\(most) left" }
    let unit = most.last.map(String.init) ?? ""
    let shared = least.hasSuffix(unit) && !least.contains(" ") && !most.contains(" ")
    return "\(shared ? String(least.dropLast()) : least)-\(most) left"
  }

  private static func words(_ seconds: Int) -> String {
    switch seconds {
    case ..<100: return "\(seconds)s"
    case ..<5400: return "\((seconds + 30) / 60)m"
    case ..<172_800:
      let (hours, minutes) = ((seconds + 300) / 3600, (seconds + 300) / 600 % 6 * 10)
      return minutes == 0 ? "\(hours)h" : "\(hours)h \(minutes)m"
    default: return "\((seconds + 43_200) / 86_400)d"
    }
  }
}
