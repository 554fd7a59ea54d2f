import FarmAPI
import FarmModel

/// `farm show release` for people.
struct ReleaseSheet {
  let release: ReleaseDetail
  let terminal: Terminal

  var lines: [String] {
    let (status, order) = (release.status, release.order)
    var lines = [
      terminal.tinted(status.name.escapedForTerminal, .strong) + "  "
        + terminal.tinted(status.state.rawValue + (status.paused ? " (paused)" : ""), status.state.tint)
    ]
    let plan = order.jobs.map { $0.isEmpty ? "delivered as a whole" : "as a whole, with \($0.joined(separator: ", "))" }
    let facts: [(String, String?)] = [
      ("drops in", release.store),
      ("delivers to", release.dist + (status.state == .archived ? "" : " (\(release.delivered.files) there)")),
      ("plan", plan ?? "none: each job is delivered when it is completed"), ("harvest", order.harvest.rawValue),
      ("priority", "\(order.priority)"), ("naming", order.naming), ("naming by", order.namingObject),
      ("defaults", order.defaults.words.isEmpty ? nil : order.defaults.words),
      ("archive", release.archive),
      ("waits for", status.waitsFor.isEmpty ? nil : status.waitsFor.joined(separator: "; ")),
    ]
    for case (let name, let value?) in facts {
      lines.append("  \(Terminal.fitted(name, 13))\(value.escapedForTerminal)")
    }
    if let problem = status.problem {
      lines.append(
        "  " + terminal.tinted("\(problem.problemClass.rawValue): \(problem.cause)".escapedForTerminal, .bad))
      lines.append("  " + problem.remedy.escapedForTerminal)
    }
    let rows = status.jobs.map { job in
      [job.name, job.state.rawValue, job.frames.shown, "\(job.revision)", job.problem?.sentences ?? ""]
    }
    let table = CellTable(head: ["job", "state", "frames", "revision", ""], rows: rows)
    return lines + (rows.isEmpty ? [] : [""]) + table.lines(terminal)
  }
}

extension Int {
  /// `1 file`, `2 files`.
  var files: String { "\(self) file\(self == 1 ? "" : "s")" }
}
