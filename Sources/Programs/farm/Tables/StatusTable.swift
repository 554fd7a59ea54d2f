import FarmAPI
import FarmModel

/// `farm status` for people: each release with its jobs and how far they are.
struct StatusTable {
  let status: FarmStatus
  let terminal: Terminal

  private static let stateColumns = 10
  private static let countColumns = 11

  var lines: [String] {
    var lines = [head]
    for trouble in status.daemon.troubles {
      lines += Terminal.wrapped(trouble, terminal.width - 2).map { terminal.tinted("! \($0)", .bad) }
    }
    lines += (status.daemon.archiving ?? []).map { terminal.tinted($0.words.escapedForTerminal, .quiet) }
    for release in status.releases where !release.jobs.isEmpty || release.planned || (release.moreJobs ?? 0) > 0 {
      lines += [""] + block(release)
    }
    if let more = status.moreReleases, more > 0 {
      let text = "\(more) more \(more == 1 ? "release" : "releases") at rest: farm list releases"
      lines += ["", terminal.tinted(text, .quiet)]
    }
    let isEmpty = lines.count == 1
    lines += overlooked
    if isEmpty {
      let isOver = status.releases.contains { $0.state == .archived }
      let text = isOver ? "Everything is over: `farm list archives`." : "Nothing was dropped yet."
      lines += ["", text + " Copy a .blend into quick/."]
    }
    return lines
  }

  /// Files that artists may take for drops, a line each where the terminal is wide enough.
  private var overlooked: [String] {
    guard let files = status.overlooked, !files.isEmpty else { return [] }
    let more = (status.moreOverlooked ?? 0) > 0 ? ["and \(status.moreOverlooked ?? 0) more"] : []
    let texts = files.map { "\($0.path): \($0.why). \($0.remedy)" } + more
    return ["", terminal.tinted("not picked up", .strong)]
      + texts.flatMap { text in
        Terminal.wrapped(text, terminal.width - 4).enumerated().map { number, line in
          terminal.tinted((number == 0 ? "  " : "    ") + line, .bad)
        }
      }
  }

  private var head: String {
    let daemon = status.daemon
    let work =
      daemon.running
      ? (daemon.paused ? "paused" : "\(daemon.slots.used) of \(daemon.slots.all) slots at work") : "not running"
    let found = daemon.blenders.map(\.fullVersion).joined(separator: ", ")
    let blenders = daemon.ready || !daemon.running ? found : "being looked for"
    let text = "farm \(daemon.version) · \(work) · Blender \(blenders.isEmpty ? "none" : blenders)"
    let isWell = daemon.running && !daemon.paused && !blenders.isEmpty
    return terminal.tinted(Terminal.fitted(text, terminal.width).trimmingEnd, isWell ? .quiet : .bad)
  }

  private func block(_ release: ReleaseStatus) -> [String] {
    let paused = release.paused ? " (paused)" : ""
    var lines = [
      terminal.tinted(release.name.escapedForTerminal, .strong) + "  "
        + terminal.tinted(release.state.rawValue + paused, release.state.tint)
    ]
    if (release.planned || release.state == .stale) && !release.waitsFor.isEmpty {
      let text = "waits for " + release.waitsFor.joined(separator: "; ")
      lines += Terminal.wrapped(text, terminal.width - 2).map { "  " + terminal.tinted($0, .quiet) }
    }
    if let problem = release.problem { lines += self.lines(of: problem) }
    let nameColumns = min(release.jobs.map { $0.name.escapedForTerminal.count }.max() ?? 0, max(8, terminal.width / 3))
    for job in release.jobs { lines += row(job, nameColumns: nameColumns) }
    if let more = release.moreJobs, more > 0 {
      let command = "farm list jobs \("\(release.name)/*".quotedForShell)"
      let text = "  \(release.jobs.isEmpty ? "" : "and ")\(more) jobs at rest: \(command)"
      lines.append(terminal.tinted(Terminal.fitted(text, terminal.width).trimmingEnd, .quiet))
    }
    return lines
  }

  private func row(_ job: JobStatus, nameColumns: Int) -> [String] {
    let count = job.frames.expected == 0 ? "" : "\(job.frames.done)/\(job.frames.expected)"
    let tail = count.count + (job.frames.failed == 0 ? 0 : "\(job.frames.failed) failed".count + 1)
    let free = terminal.width - nameColumns - Self.stateColumns - max(tail, Self.countColumns) - 7
    let barColumns = max(0, min(30, free))
    let bar = job.frames.expected == 0 ? String(repeating: " ", count: barColumns) : self.bar(job.frames, barColumns)
    let failed = job.frames.failed == 0 ? "" : terminal.tinted(" \(job.frames.failed) failed", .bad)
    let line =
      "  \(Terminal.fitted(job.name, nameColumns))  "
      + terminal.tinted(Terminal.fitted(job.state.rawValue, Self.stateColumns), job.state.tint)
      + "  \(bar) \(count)\(failed)"
    let left = job.timeLeft.map { "  \($0.words)" } ?? ""
    // Only where there is room: nothing else is shortened for it.
    let fits = nameColumns + Self.stateColumns + barColumns + tail + left.count + 7 <= terminal.width
    return [(line + (fits ? terminal.tinted(left, .quiet) : "")).trimmingEnd] + (job.problem.map(lines(of:)) ?? [])
  }

  private func bar(_ frames: FrameCounts, _ columns: Int) -> String {
    let full = columns * frames.done / max(1, frames.expected)
    let tint: Terminal.Tint = frames.failed > 0 ? .bad : frames.done == frames.expected ? .good : .busy
    return terminal.tinted(String(repeating: "█", count: full), tint)
      + terminal.tinted(String(repeating: "░", count: columns - full), .quiet)
  }

  private func lines(of problem: Problem) -> [String] {
    Terminal.wrapped(problem.sentences, terminal.width - 6).enumerated().map { number, line in
      "    " + terminal.tinted((number == 0 ? "! " : "  ") + line, .bad)
    }
  }
}

extension String {
  /// Without the blanks at its end, which only make a terminal wrap.
  var trimmingEnd: String {
    // By bytes: a blank is one, and no other character ends with it.
    String(Substring(utf8.dropLast(utf8.reversed().prefix { $0 == UInt8(ascii: " ") }.count)))
  }
}
