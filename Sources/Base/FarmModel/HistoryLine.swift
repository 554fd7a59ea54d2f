/// One thing that happened: to a job, or to a release when no job is named.
package struct HistoryLine: Codable, Hashable, Sendable {
  /// RFC 3339.
  package let at: String
  /// The user who did it: who owns the dropped file, or who typed the command; `farm` for the daemon itself.
  package let who: String
  /// `dropped`, `again` for the same bytes once more, `delivered`, the state that a revision ended in, or what a person
  /// did: `planned`, `killed`, `paused`, …
  package let what: String
  /// Nil: the whole farm.
  package let release: String?
  package let job: String?
  package let revision: Int?
  /// More of it, in words.
  package let detail: String?

  package init(
    at: String, who: String, what: String, release: String?, job: String? = nil, revision: Int? = nil,
    detail: String? = nil
  ) {
    self.at = at
    self.who = who
    self.what = what
    self.release = release
    self.job = job
    self.revision = revision
    self.detail = detail
  }

  /// Whether a query for jobs means this line: `owner:` is who did it, `state:` what, `age` since when.
  package func fits(_ query: JobQuery, now: Timestamp) -> Bool {
    query.words.allSatisfy { word in
      switch word {
      case .name(let glob):
        [job, release, release.map { "\($0)/\(job ?? "")" }].contains { $0.map(glob.matches) ?? false }
      case .state(let state): what == state.rawValue
      case .release(let glob): release.map(glob.matches) ?? false
      case .owner(let glob): glob.matches(who)
      case .problem(let text): detail?.contains(text) ?? false
      case .age(let comparison, let age): comparison.holds(now.since(Timestamp(rfc3339: at) ?? now), age)
      case .priority, .uses: false
      }
    }
  }
}

/// What a person did, to be remembered.
package struct Act: Hashable, Sendable {
  package let who: String
  package let what: Deed
  package let release: String?
  package let job: String?
  package let detail: String?

  /// What people do.
  package enum Deed: String, Sendable {
    case planned, harvested, refreshed, checked, replaced, seeded, killed, retried, paused, resumed, archived, restored
    case tidied
  }

  package init(_ who: String, _ what: Deed, release: String?, job: String? = nil, detail: String? = nil) {
    self.who = who
    self.what = what
    self.release = release
    self.job = job
    self.detail = detail
  }
}
