/// What `tidy:` and `quick:` in farm.yaml say: how long things are kept that nobody has to keep; nil: for ever.
package struct TidyLimits: Hashable, Sendable {
  private static let day = Duration.seconds(86_400)

  /// The logs of tasks.
  package var logs: Duration? = day * 30
  package var thumbnails: Duration? = day * 30
  /// Damaged pictures in `.farm/bad`.
  package var bad: Duration? = day * 30
  /// What `farm slash-and-burn` put aside.
  package var burnt: Duration? = day * 90
  /// The pictures of quick jobs in `dist/quick`, from their delivery on; never their `.blend`s.
  package var quick: Duration?

  package init() {}
}

/// What is tidied away, and what for.
package struct TidyItem: Codable, Hashable, Sendable {
  /// What it is.
  package enum Kind: String, Codable, CaseIterable, Sendable {
    case log, thumbnail, bad, burnt, quick
    /// What nothing that is known needs any more: work of revisions that ended, copies of drops.
    case orphan
  }

  package let kind: Kind
  /// Below the volume's root, or absolute.
  package let path: String
  package let bytes: Int64

  package init(kind: Kind, path: String, bytes: Int64) {
    self.kind = kind
    self.path = path
    self.bytes = bytes
  }

  /// How much of what: `log: 3, 1.2 MB`.
  package static func summary(of items: [TidyItem]) -> [String] {
    Kind.allCases.compactMap { kind in
      let some = items.filter { $0.kind == kind }
      return some.isEmpty ? nil : "\(kind.rawValue): \(some.count), \(some.reduce(0) { $0 + $1.bytes }.asBytes)"
    }
  }
}

/// When the ledger is copied, and which copies are kept: `backup:` in farm.yaml. A value.
package struct BackupRule: Hashable, Sendable {
  package var every: Duration
  /// None: no copies are made.
  package var keep: Int

  package init(every: Duration = .seconds(6 * 3600), keep: Int = 8) {
    self.every = every
    self.keep = keep
  }

  /// Whether it is time for the next copy.
  /// - Parameter copies: when those that are there were made; one of a time to come was made by a clock that was wrong,
  ///   and does not count.
  package func isDue(now: Timestamp, copies: [Timestamp]) -> Bool {
    guard keep > 0 else { return false }
    guard let last = copies.filter({ $0 <= now }).max() else { return true }
    return now.since(last) >= every
  }

  /// Those that go when one was made just now: the oldest, and before them those of a time to come.
  package func surplus(now: Timestamp, copies: [Timestamp]) -> [Timestamp] {
    let past = copies.filter { $0 <= now }.sorted()
    let future = copies.filter { $0 > now }.sorted()
    return Array((future + past).dropLast(max(1, keep)))
  }
}

/// When something that failed is tried again: after a minute, then after twice as long each time, up to an hour.
package struct RetryPace: Hashable, Sendable {
  private static let (first, longest) = (Duration.seconds(60), Duration.seconds(3600))

  private var pause = Duration.zero
  private var failedAt: Timestamp?

  package init() {}

  /// Notes that it failed once more.
  package mutating func failed(at now: Timestamp) {
    failedAt = now
    pause = pause == .zero ? Self.first : min(pause * 2, Self.longest)
  }

  /// Whether it is too early; a clock that was set back does not make it later.
  package func isResting(at now: Timestamp) -> Bool {
    guard let failedAt, now >= failedAt else { return false }
    return now.since(failedAt) < pause
  }
}
