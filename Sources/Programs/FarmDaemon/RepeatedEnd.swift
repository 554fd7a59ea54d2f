import FarmModel

/// Why a program began anew last, and when that was said: what ends one run after another is said at once, and then
/// rarely. A value; each start hands it to the next one in the environment.
package struct RepeatedEnd: Hashable, Sendable {
  /// The variable of the environment.
  static let variable = "FARM_ENDED"
  private static let sayEvery = Duration.seconds(600)
  /// A run that lasted longer had recovered.
  private static let wellAfter = Duration.seconds(60)

  let reason: String
  let saidAt: Timestamp

  package init(_ reason: String, saidAt: Timestamp) {
    self.reason = reason
    self.saidAt = saidAt
  }

  /// - Parameter text: as ``text``; nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let time = Int64(parts[0]) else { return nil }
    self.init(String(parts[1]), saidAt: Timestamp(nanoseconds: time))
  }

  /// As it stands in the environment.
  package var text: String { "\(saidAt.nanoseconds) \(reason)" }

  /// Whether the next end needs no words: it is the same one, and was said not long ago.
  /// - Parameter lasted: how long the run lasted that ends now.
  package func covers(_ reason: String, at now: Timestamp, after lasted: Duration) -> Bool {
    reason == self.reason && lasted < Self.wellAfter && now >= saidAt && now.since(saidAt) < Self.sayEvery
  }
}
