import FoundationEssentials

/// A moment of the wall clock, in nanoseconds since 1970-01-01 UTC.
package struct Timestamp: Codable, Hashable, Comparable, Sendable {
  package let nanoseconds: Int64

  package init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// Reads what ``rfc3339`` wrote; nil when it is nothing like that.
  package init?(rfc3339 text: String) {
    guard let match = text.wholeMatch(of: /([0-9T:\-]{19})\.(\d{9})Z/), let rest = Int64(match.2),
      let date = try? Date("\(match.1)Z", strategy: .iso8601)
    else { return nil }  // Another program wrote it.
    let (whole, isTooFar) = Int64(date.timeIntervalSince1970).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isFarther) = whole.addingReportingOverflow(rest)
    // Nanoseconds in 64 bits reach from 1677 to 2262; an archive of others may name any year.
    guard !isTooFar, !isFarther else { return nil }
    nanoseconds = sum
  }

  package static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanoseconds < b.nanoseconds }

  /// The time from `earlier` to this moment; negative when the wall clock was set back meanwhile.
  package func since(_ earlier: Timestamp) -> Duration {
    .nanoseconds(nanoseconds - earlier.nanoseconds)
  }

  /// Whole seconds since 1970, and the nanoseconds after them; before 1970 the seconds are rounded down, for the rest
  /// counts upwards.
  package var parts: (seconds: Int64, nanoseconds: Int64) {
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return rest < 0 ? (seconds - 1, rest + 1_000_000_000) : (seconds, rest)
  }

  /// RFC 3339 with nine digits of the second, in UTC: `2026-11-22T07:00:18.000000042Z`.
  package var rfc3339: String {
    let (seconds, rest) = parts
    let date = Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    let digits = String(rest)
    return date.dropLast() + "." + String(repeating: "0", count: 9 - digits.count) + digits + "Z"
  }
}

/// Where the wall clock's time comes from; tests set their own.
package struct WallClock: Sendable {
  package let now: @Sendable () -> Timestamp

  package init(now: @escaping @Sendable () -> Timestamp) {
    self.now = now
  }
}

extension Duration {
  /// Seconds as a floating point number, for people and for ratios.
  package var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }

  /// Whole milliseconds, rounded down.
  package var inMilliseconds: Int64 {
    components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
  }
}
