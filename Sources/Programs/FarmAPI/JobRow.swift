import FarmModel

/// One line of `farm list jobs`, as short on the wire as it can be: there may be very many.
package struct JobRow: Hashable, Sendable {
  package let name: JobName
  package let state: JobState
  package let frames: FrameCounts
  package let revision: Int
  package let owner: String
  package let problem: ProblemClass?

  package init(
    _ name: JobName, state: JobState, frames: FrameCounts, revision: Int, owner: String, problem: ProblemClass?
  ) {
    self.name = name
    self.state = state
    self.frames = frames
    self.revision = revision
    self.owner = owner
    self.problem = problem
  }

  /// No name holds it: names have no control characters.
  private static let separator: Character = "\u{1F}"

  /// Rows as the daemon answers them: a line each, fields set apart by the unit separator of ASCII.
  package static func text(of rows: [JobRow]) -> String {
    var text = ""
    for row in rows {
      text +=
        "\(row.name.release)\(separator)\(row.name.job)\(separator)\(row.state.rawValue)\(separator)"
        + "\(row.frames.expected)\(separator)\(row.frames.done)\(separator)\(row.frames.failed)\(separator)"
        + "\(row.revision)\(separator)\(row.owner)\(separator)\(row.problem?.rawValue ?? "")\n"
    }
    return text
  }

  /// Reads what ``text(of:)`` wrote; lines of another form, as a newer daemon may have, are left out.
  package static func rows(in text: String) -> [JobRow] {
    text.utf8.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let fields = line.split(separator: 0x1F, omittingEmptySubsequences: false).map { String(Substring($0)) }
      guard fields.count >= 9, let state = JobState(rawValue: fields[2]), let expected = Int(fields[3]),
        let done = Int(fields[4]), let failed = Int(fields[5]), let revision = Int(fields[6])
      else { return nil }
      return JobRow(
        JobName(release: fields[0], job: fields[1]), state: state,
        frames: FrameCounts(expected: expected, done: done, failed: failed), revision: revision, owner: fields[7],
        problem: ProblemClass(rawValue: fields[8]))
    }
  }
}
