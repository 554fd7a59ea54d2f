import FarmAPI
import FarmModel

/// `farm list jobs`, `workers`, `tasks` and `archives` for people.
struct WorkTable {
  private let table: CellTable

  init(jobs: [JobRow]) {
    table = CellTable(
      head: ["job", "state", "frames", "revision", "owner", "problem"],
      rows: jobs.map { job in
        [
          job.name.description, job.state.rawValue, job.frames.shown, "\(job.revision)", job.owner,
          job.problem?.rawValue ?? "",
        ]
      })
  }

  init(workers: [WorkerLine]) {
    table = CellTable(
      head: ["worker", "job", "task", "frame", "frames left", "since", "rests for"],
      rows: workers.map { worker in
        [
          worker.name, worker.job?.description ?? "free", worker.task.map { "\($0)" } ?? "", worker.shownFrame,
          worker.task == nil ? "" : "\(worker.framesLeft)", worker.since?.toSeconds ?? "",
          worker.restsFor.map(\.description).joined(separator: ", "),
        ]
      })
  }

  init(tasks: [TaskLine]) {
    table = CellTable(
      head: ["task", "job", "revision", "frames", "state", "worker", "started", "problem"],
      rows: tasks.map { task in
        [
          "\(task.id)", task.job.description, "\(task.revision)", task.shownFrames, task.state.rawValue,
          task.worker ?? "",
          task.startedAt.toSeconds, task.problem?.problemClass.rawValue ?? "",
        ]
      })
  }

  init(archives: [ArchiveLine]) {
    table = CellTable(
      head: ["archive", "size", "contents", "files", "jobs", "archived (UTC)", "verified (UTC)", "note"],
      rows: archives.map { archive in
        [
          archive.path, archive.size.asBytes, archive.contentBytes?.asBytes ?? "?",
          archive.files.map { "\($0)" } ?? "?",
          archive.jobs.map { "\($0)" } ?? "?", archive.archivedAt?.toSeconds ?? "?",
          archive.verifiedAt?.toSeconds
            ?? (archive.isOlder ? "?" : "`farm verify archive \(archive.release.quotedForShell)`"),
          archive.problem
            ?? (archive.isOlder ? "a newer one is there" : archive.isReleaseThere ? "its release is back" : ""),
        ]
      })
  }

  init(due: [DueArchives.Line]) {
    table = CellTable(
      head: ["release", "quiet for long enough at", "archived from", "kept from it now by"],
      rows: due.map { line in
        [
          line.release, line.dueLocally, line.beginsLocally ?? "never: the window does not open",
          line.reasons.joined(separator: "; "),
        ]
      })
  }

  func lines(_ terminal: Terminal) -> [String] { table.lines(terminal) }
}

extension TaskLine {
  /// `1-10`, `7, tile 2,1 of 4x4`.
  fileprivate var shownFrames: String { [frames, part].filter { !$0.isEmpty }.joined(separator: ", ") }
}

extension WorkerLine {
  /// `7, 45 %`.
  fileprivate var shownFrame: String {
    frame.map { frame in "\(frame)" + (part.map { ", \(Int($0 * 100)) %" } ?? "") } ?? ""
  }
}

/// `farm show task` for people.
struct TaskSheet {
  let task: TaskDetail

  func lines(_ terminal: Terminal) -> [String] {
    let line = task.line
    let facts: [(String, String?)] = [
      ("job", "\(line.job), revision \(line.revision)"), ("frames", line.shownFrames), ("worker", line.worker),
      ("process", task.pid.map { "\($0)" }), ("started", line.startedAt.toSeconds),
      ("ended", line.endedAt?.toSeconds), ("log", task.log),
      ("by hand", task.command.map { _ in "farm show task \(line.id) --command" }),
    ]
    var lines = [terminal.tinted("task \(line.id)", .strong) + "  \(line.state.rawValue)"]
    for case (let name, let value?) in facts {
      lines.append("  \(Terminal.fitted(name, 10))\(value.escapedForTerminal)")
    }
    if let problem = line.problem { lines.append("  " + terminal.tinted(problem.sentences.escapedForTerminal, .bad)) }
    return lines
  }
}

extension String {
  /// An RFC 3339 time without fractions of a second, as people read it.
  var toSeconds: String { String(prefix(19)).replacing("T", with: " ") }
}
