import FarmAPI
import FarmModel

/// Lines of cells, aligned.
struct CellTable {
  let head: [String]
  let rows: [[String]]

  /// The columns side by side, each as wide as its widest cell; the last takes what is left.
  func lines(_ terminal: Terminal) -> [String] {
    guard !rows.isEmpty else { return [] }
    let shown = rows.map { $0.map(\.escapedForTerminal) }
    let widths = head.indices.map { column in ([head] + shown).map { $0[column].columns }.max() ?? 0 }
    return ([head] + shown).enumerated().map { number, cells in
      let fitted = zip(cells, widths).map { Terminal.fitted($0, $1) }.joined(separator: "  ").trimmingEnd
      return number == 0 ? terminal.tinted(fitted, .quiet) : fitted
    }
  }
}

extension FrameCounts {
  /// `5/12`, or `-` when nothing is owed.
  var shown: String { expected == 0 ? "-" : "\(done)/\(expected)" }
}

/// `farm show job` for people.
struct JobSheet {
  let job: JobDetail

  func lines(_ terminal: Terminal) -> [String] {
    var lines = [
      terminal.tinted(job.name.description.escapedForTerminal, .strong) + "  "
        + terminal.tinted(job.state.rawValue, job.state.tint)
    ]
    let blender = job.blender.map { "\($0.fullVersion) (\($0.path))" }
    let counts = "\(job.frames) (\(job.counts.done) of \(job.counts.expected) done, \(job.counts.failed) failed)"
    let facts: [(String, String?)] = [
      ("file", job.path), ("owner", job.owner), ("revision", job.digest.map { "\(job.revision), \($0.short)" }),
      ("saved by", job.savedBy.map { "Blender \($0)" }), ("rendered by", blender.map { "Blender \($0)" }),
      ("frames", job.revision == 0 ? nil : counts), ("wanted", job.wanted.words), ("memory", memory),
      ("waits for", job.waitsFor), ("log", job.log),
    ]
    // Of a file that is no job yet little is known.
    for case (let name, let value?) in facts where !value.isEmpty {
      lines.append("  \(Terminal.fitted(name, 12))\(value.escapedForTerminal)")
    }
    if let problem = job.problem {
      let what = "\(problem.problemClass.rawValue): \(problem.cause)".escapedForTerminal
      lines.append("  " + terminal.tinted(what, .bad))
      lines.append("  " + problem.remedy.escapedForTerminal)
    }
    for file in job.problem?.missing ?? [] {
      lines.append("    \(file.path.escapedForTerminal) \(file.why) (\(file.neededBy.escapedForTerminal))")
    }
    lines += filesNeeded
    for (index, line) in FrameTimesSheet(job.outputs).lines.enumerated() {
      lines.append("  \(Terminal.fitted(index == 0 ? "times" : "", 12))\(line)")
    }
    for note in job.notes { lines.append("  note: " + note.sentences.escapedForTerminal) }
    let head = ["frame"] + (labels == nil ? [] : ["picture"]) + ["state", "tries", "size", "time", ""]
    return lines + (frameRows.isEmpty ? [] : [""]) + CellTable(head: head, rows: frameRows).lines(terminal)
  }

  private var memory: String? {
    job.outputs.compactMap(\.peakBytes).max().map { "\(($0 + (1 << 20) - 1) >> 20) MB at most for a frame" }
  }

  /// Which picture of its frame each output is; nil where each frame has one.
  private var labels: [OutputKind: String]? {
    let kinds = Set(job.outputs.map(\.kind))
    let isOneScene = Set(kinds.map(\.part.scene)).count == 1
    let labels = kinds.map { ($0, $0.words(withScene: !isOneScene)) }
    return labels.allSatisfy(\.1.isEmpty) ? nil : Dictionary(labels) { first, _ in first }
  }

  private static let filesMax = 10

  private var filesNeeded: [String] {
    let shown = job.files.prefix(Self.filesMax)
    let more = job.files.count - shown.count
    let lines = shown.enumerated().map { index, file in
      "  \(Terminal.fitted(index == 0 ? "needs" : "", 12))\(file.path.escapedForTerminal)"
        + (file.neededBy == nil ? "" : " (not there)")
    }
    return lines + (more > 0 ? ["  \(Terminal.fitted("", 12))and \(more) more (`--json` lists them)"] : [])
  }

  /// A row a picture; frames in a row of which the same is to be said share one. A tile that has gone into its picture
  /// has none.
  private var frameRows: [[String]] {
    var rows: [(first: FrameNumber, last: FrameNumber, cells: [String])] = []
    let labels = labels
    let shown = job.outputs.filter { $0.state != .assembled }
    let kinds = shown.map(\.kind).reduce(into: [OutputKind]()) {
      if $0.last != $1 && !$0.contains($1) { $0.append($1) }
    }
    let order = Dictionary(kinds.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
    for output in shown.sorted(by: { (order[$0.kind] ?? 0, $0.frame) < (order[$1.kind] ?? 0, $1.frame) }) {
      let cells =
        [labels?[output.kind]].compactMap { $0 } + [
          output.state.rawValue, "\(output.attempts)", output.size?.description ?? "",
          output.renderMilliseconds.map { "\(Double($0) / 1000) s" } ?? "", output.problem?.cause ?? "",
        ]
      if let last = rows.last, last.cells == cells, last.last + 1 == output.frame {
        rows[rows.count - 1].last = output.frame
      } else {
        rows.append((output.frame, output.frame, cells))
      }
    }
    return rows.map { row in [row.first == row.last ? "\(row.first)" : "\(row.first)-\(row.last)"] + row.cells }
  }
}
