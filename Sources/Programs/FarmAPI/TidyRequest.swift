import FarmModel

/// Asks to take away what nobody has to keep any longer.
package struct TidyRequest: Codable, Hashable, Sendable {
  /// Whether nothing is done but saying what would go.
  package let isDryRun: Bool

  package init(isDryRun: Bool) { self.isDryRun = isDryRun }
}

/// What was taken away, or would be.
package struct TidyAnswer: Codable, Hashable, Sendable {
  package let items: [TidyItem]
  package let isDryRun: Bool

  package init(items: [TidyItem], isDryRun: Bool) {
    self.items = items
    self.isDryRun = isDryRun
  }
}

/// What the schedule will put into the archive.
package struct DueArchives: Codable, Hashable, Sendable {
  /// A release that may be archived some day.
  package struct Line: Codable, Hashable, Sendable {
    package let release: String
    /// RFC 3339: when it was quiet for long enough, and the first moment from then and now on in the window; nil when
    /// the window never opens.
    package let dueAt: String
    package let beginsAt: String?
    /// The same as clocks where the daemon stands show it.
    package let dueLocally: String
    package let beginsLocally: String?
    /// What would keep it from being archived now, each in words.
    package let reasons: [String]

    package init(
      release: String, dueAt: String, dueLocally: String, beginsAt: String?, beginsLocally: String?, reasons: [String]
    ) {
      self.release = release
      self.dueAt = dueAt
      self.dueLocally = dueLocally
      self.beginsAt = beginsAt
      self.beginsLocally = beginsLocally
      self.reasons = reasons
    }
  }

  /// Whether farm.yaml has a rule.
  package let isScheduled: Bool
  package let lines: [Line]

  package init(isScheduled: Bool, lines: [Line]) {
    self.isScheduled = isScheduled
    self.lines = lines
  }
}
