import FarmModel
import VolumeFiles

/// How long things must be quiet, and how often to look.
package struct SettleRules: Hashable, Sendable {
  /// After the last observed change of a file that was written in place.
  package var quiet: Duration
  /// The same of a file that is no drop, but that something depends on.
  package var followedQuiet: Duration
  /// The same where nobody can say whether someone writes: another user's file, a network file system.
  package var blindQuiet: Duration
  /// How long a file may stay incomplete before somebody is told.
  package var stall: Duration
  /// How long a file must be gone: Blender's own save makes it vanish for a moment.
  package var vanish: Duration
  /// Between looks at a file that is being written; doubles up to `lookMax`.
  package var lookMin: Duration
  package var lookMax: Duration

  package init(
    quiet: Duration = .milliseconds(100), followedQuiet: Duration = .seconds(1), blindQuiet: Duration = .seconds(2),
    stall: Duration = .seconds(60),
    vanish: Duration = .seconds(5), lookMin: Duration = .milliseconds(100), lookMax: Duration = .seconds(5)
  ) {
    self.quiet = quiet
    self.followedQuiet = followedQuiet
    self.blindQuiet = blindQuiet
    self.stall = stall
    self.vanish = vanish
    self.lookMin = lookMin
    self.lookMax = lookMax
  }

  /// For files that something depends on.
  var unhurried: SettleRules {
    var rules = self
    rules.quiet = followedQuiet
    return rules
  }
}

/// What one look at a file saw.
package enum Look: Hashable, Sendable {
  case gone
  case notAFile(String, Fingerprint)
  case file(Fingerprint, writer: LeaseProbe.Answer, wholeness: Wholeness?)
  case refused(String)
}

/// Decides for one file whether it has settled: whole, without a writer, unchanged for a quiet time.
///
/// Time is measured from the last *observed* change, never by the file's own mtime, which copying tools set in the
/// past. The window acts on nothing; it says when to look next and how deep.
package struct SettleWindow: Hashable, Sendable {
  package typealias Instant = ContinuousClock.Instant

  /// How the file came to be noticed.
  package enum Arrival: Hashable, Sendable {
    /// Renamed into place: whole by what everybody means by it, so no quiet time is needed.
    case renamed
    /// Written, linked, deleted or found by listing.
    case other
  }

  /// What to do next.
  package enum Action: Hashable, Sendable {
    /// Look again; a deep look also asks whether the file is whole.
    case look(after: Duration, deep: Bool)
    case settled(Fingerprint)
    case unchanged
    /// No further byte helps; nothing to do until it is another.
    case refused(String, Fingerprint)
    case vanished
    /// Tell the stall, then look again.
    case stalled(String, lookAfter: Duration)
  }

  private let rules: SettleRules
  private let known: Fingerprint?
  private var fingerprint: Fingerprint?
  private var needsQuiet: Bool
  private var lastChange: Instant
  private var goneSince: Instant?
  private var pause: Duration
  private var toldStall = false

  package init(known: Fingerprint?, arrival: Arrival, rules: SettleRules, at now: Instant) {
    self.rules = rules
    self.known = known
    needsQuiet = arrival == .other
    lastChange = now
    pause = rules.lookMin
  }

  /// Another event about the file: it may have changed again.
  package mutating func noticed(_ arrival: Arrival) {
    needsQuiet = arrival == .other
    pause = rules.lookMin
  }

  /// Takes in what a look saw and says what to do.
  package mutating func looked(_ look: Look, at now: Instant) -> Action {
    switch look {
    case .notAFile(let kind, let seen):
      return seen == known ? .unchanged : .refused("it is \(kind), not a file", seen)
    case .refused(let reason): return stalledOrLater(reason, at: now, deep: false)
    case .gone:
      let since = goneSince ?? now
      goneSince = since
      let left = rules.vanish - (now - since)
      return left <= .zero ? .vanished : .look(after: left, deep: false)
    case .file(let seen, let writer, let wholeness):
      goneSince = nil
      if seen == known { return .unchanged }
      return judged(seen, writer, wholeness, at: now)
    }
  }

  private mutating func judged(
    _ seen: Fingerprint, _ writer: LeaseProbe.Answer, _ wholeness: Wholeness?, at now: Instant
  ) -> Action {
    if let before = fingerprint, before != seen {
      lastChange = now
      needsQuiet = true
      pause = rules.lookMin
      toldStall = false
    }
    fingerprint = seen
    if writer == .writer {
      needsQuiet = true
      return stalledOrLater("some process still has it open for writing", at: now, deep: false)
    }
    let left = quietNeeded(writer) - (now - lastChange)
    if left > .zero { return .look(after: left, deep: true) }
    switch wholeness {
    case nil: return .look(after: .zero, deep: true)
    case .whole: return .settled(seen)
    case .never(let reason): return .refused(reason, seen)
    case .notYet(let reason): return stalledOrLater(reason, at: now, deep: true)
    }
  }

  private func quietNeeded(_ writer: LeaseProbe.Answer) -> Duration {
    if writer == .unknown { return rules.blindQuiet }
    return needsQuiet ? rules.quiet : .zero
  }

  /// Waits for more, ever more slowly; tells once when it takes too long.
  private mutating func stalledOrLater(_ reason: String, at now: Instant, deep: Bool) -> Action {
    let wait = pause
    pause = min(pause * 2, rules.lookMax)
    guard now - lastChange >= rules.stall, !toldStall else { return .look(after: wait, deep: deep) }
    toldStall = true
    return .stalled(reason, lookAfter: wait)
  }
}
