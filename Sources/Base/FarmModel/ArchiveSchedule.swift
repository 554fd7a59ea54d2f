/// What `archive:` in farm.yaml says: which releases go into the archive by themselves, and when.
package struct ArchiveRule: Hashable, Sendable {
  /// For a week after its last change no release is archived by itself.
  package static let leastAfter = Duration.seconds(7 * 86_400)

  /// How long after its delivery, and after its last change.
  package var after: Duration
  /// When one may begin; nil: at any time.
  package var window: WeeklyHours?
  package var format: ArchiveFormat
  package var keepsDist: Bool

  package init(
    after: Duration = .seconds(30 * 86_400), window: WeeklyHours? = nil, format: ArchiveFormat = .gz,
    keepsDist: Bool = true
  ) {
    self.after = after
    self.window = window
    self.format = format
    self.keepsDist = keepsDist
  }

  /// How long a release waits.
  /// - Parameter own: what its release.yaml says; it may make it later, never sooner.
  package func wait(_ own: Duration?) -> Duration { max(after, own ?? .zero) }
}

/// Decides which release is archived next. A value: it sees no clock and no release but those that it is given.
///
/// Each is tried once a night, and a night is the one in which the window opened: not twice when summer time ends and
/// its hours come twice, nor when the clock is set back or the daemon starts again. What has its turn when the window
/// closes is finished; the next one waits for the next night.
package struct ArchiveSchedule: Hashable, Sendable {
  /// A release that may be archived some day.
  package struct Candidate: Hashable, Sendable {
    package let release: String
    package let state: ReleaseState
    /// When it was delivered, or something in it changed last.
    package var quietSince: Timestamp
    /// What its release.yaml says; it may make it later, never sooner.
    package let after: Duration?
    /// The night in which it was tried last.
    package let triedNight: Int?
    /// Why it was not archived then, in words.
    package let problem: String?

    package init(
      release: String, state: ReleaseState, quietSince: Timestamp, after: Duration? = nil, triedNight: Int? = nil,
      problem: String? = nil
    ) {
      self.release = release
      self.state = state
      self.quietSince = quietSince
      self.after = after
      self.triedNight = triedNight
      self.problem = problem
    }
  }

  private let rule: ArchiveRule

  package init(_ rule: ArchiveRule) { self.rule = rule }

  /// When a release is due, whatever the window says.
  package func dueAt(_ candidate: Candidate) -> Timestamp {
    let wait = rule.wait(candidate.after)
    let (sum, isTooFar) = candidate.quietSince.nanoseconds.addingReportingOverflow(wait.inNanoseconds)
    return Timestamp(nanoseconds: isTooFar ? .max : sum)
  }

  /// The night that it is: the day on which the window opened; nil outside of it.
  package func night(at local: LocalTime) -> Int? {
    guard let window = rule.window else { return local.day }
    guard window.contains(local.ofWeek) else { return nil }
    return window.openedTheDayBefore(local.ofWeek) ? local.day - 1 : local.day
  }

  /// What is archived now: of what is due and was not tried this night, what has been due for longest.
  package func next(
    now: Timestamp, local: LocalTime, among candidates: [Candidate]
  ) -> (release: String, night: Int)? {
    guard let night = night(at: local) else { return nil }
    let due = candidates.filter { candidate in
      candidate.state == .harvested && dueAt(candidate) <= now && candidate.triedNight != night
    }
    return due.min { (dueAt($0), $0.release) < (dueAt($1), $1.release) }.map { ($0.release, night) }
  }

  /// When a release has its turn, as far as the time alone says: from now on, once it is due, in a night in which it
  /// was not tried.
  /// - Parameter local: what the clock on the wall shows at a moment.
  /// - Returns: nil when the window does not open within fifteen days of that.
  package func opening(
    for candidate: Candidate, now: Timestamp, local: (Timestamp) -> LocalTime
  ) -> Timestamp? {
    let (minute, daysMax): (Int64, Int64) = (60_000_000_000, 15)
    let first = max(dueAt(candidate), now).nanoseconds
    let whole = first - first % minute
    for step in 0...(daysMax * 1440) {
      let (later, isTooFar) = whole.addingReportingOverflow(step * minute)
      if isTooFar { return nil }
      let at = Timestamp(nanoseconds: max(first, later))
      if let night = night(at: local(at)), night != candidate.triedNight { return at }
    }
    return nil
  }
}

extension Duration {
  /// Whole nanoseconds; the largest number for what is longer.
  fileprivate var inNanoseconds: Int64 {
    let (product, isTooLong) = components.seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return isTooLong ? .max : product + components.attoseconds / 1_000_000_000
  }
}
