/// What `farm doctor` found, line by line.
package struct DoctorReport: Codable, Hashable, Sendable {
  package var lines: [Line]

  package init(lines: [Line]) {
    self.lines = lines
  }

  /// Whether nothing keeps the farm from working.
  package var isWell: Bool { !lines.contains { $0.verdict == .bad } }

  /// One thing that was looked at.
  package struct Line: Codable, Hashable, Sendable {
    package let topic: String
    package let verdict: Verdict
    package let text: String
    /// The command that mends it; with every line that is not good.
    package let remedy: String?

    package init(_ topic: String, _ verdict: Verdict, _ text: String, remedy: String? = nil) {
      self.topic = topic
      self.verdict = verdict
      self.text = text
      self.remedy = remedy
    }
  }

  /// How it is: a note slows the farm down or may become a trouble, what is bad keeps it from working.
  package enum Verdict: String, Codable, CaseIterable, Sendable {
    case good, note, bad
  }
}
