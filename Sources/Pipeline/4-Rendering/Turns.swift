import FarmModel

/// Who was served for how long, so that equally urgent work takes turns: first by release, then within a release by
/// owner. A value; what has waited for nothing for a while has no claim to what it might have had meanwhile.
package struct Turns: Hashable, Sendable {
  /// On whose behalf something is rendered.
  package struct Party: Hashable, Sendable {
    package let release: String
    package let owner: String

    package init(release: String, owner: String) {
      self.release = release
      self.owner = owner
    }
  }

  private var releases = Shares()
  private var owners: [String: Shares] = [:]

  package init() {}

  /// How long a release was served.
  package func served(_ release: String) -> Duration { releases.served(release) }

  /// How long an owner was served in a release.
  package func served(_ party: Party) -> Duration { (owners[party.release] ?? Shares()).served(party.owner) }

  /// A party has its turn, and is expected to take so long; ``took(_:_:of:)`` sets that right.
  package mutating func begin(_ party: Party, expected: Duration) {
    releases.begin(party.release, expected)
    owners[party.release, default: Shares()].begin(party.owner, expected)
  }

  /// A turn has ended.
  package mutating func took(_ party: Party, _ time: Duration, of expected: Duration) {
    releases.add(party.release, time - expected)
    owners[party.release, default: Shares()].add(party.owner, time - expected)
  }

  /// Time served by name. Who comes later begins where the others are.
  private struct Shares: Hashable {
    private var times: [String: Duration] = [:]
    /// What who had the last turn had been served before it.
    private var level = Duration.zero

    func served(_ name: String) -> Duration { max(times[name] ?? .zero, level) }

    mutating func begin(_ name: String, _ expected: Duration) {
      level = served(name)
      times[name] = level + expected
    }

    mutating func add(_ name: String, _ time: Duration) {
      times[name] = max(.zero, (times[name] ?? level) + time)
      // Who lies below the level has no more to remember than who never came.
      times = times.filter { $0.value > level }
    }
  }
}
