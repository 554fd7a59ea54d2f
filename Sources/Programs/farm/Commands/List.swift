import ArgumentParser
import FarmAPI
import FarmModel
import ProgramMain

/// `farm list jobs|releases|workers|tasks|archives [<query>]`
struct List: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List jobs, releases, workers, tasks or archives.",
    discussion: .help(
      """
      A query for jobs is words that must all hold: a glob on the name (shot_0?0, spring/*) or state:failed
      release:spring owner:ann age>2d priority>50 problem:camera. Tasks take a query for their jobs; releases,
      workers and archives take globs on the name.
      """, "farm list jobs 'shot_*' state:failed", "farm list tasks release:spring --limit 20",
      "farm list archives --due"))

  enum What: String, CaseIterable, ExpressibleByArgument {
    case jobs, releases, workers, tasks, archives
  }

  @Argument(help: "jobs, releases, workers, tasks or archives")
  var what: What

  @Argument(help: "Which of them; all without a query.")
  var query: [String] = []

  @Option(help: ArgumentHelp("The newest n tasks.", valueName: "n"))
  var limit = 100

  @Flag(help: "Of archives: what the schedule will archive, when, and what keeps it from that.")
  var due = false

  @OptionGroup var options: VolumeOptions

  func validate() throws {
    if due && what != .archives { throw ValidationError("--due goes with archives: `farm list archives --due`") }
  }

  func run() async throws {
    switch what {
    case .workers: try await listWorkers()
    case .tasks: try await listTasks()
    case .jobs: try await listJobs()
    case .releases: try await listReleases()
    case .archives: try await due ? listDueArchives() : listArchives()
    }
  }

  private func listJobs() async throws {
    let parsed = try JobQuery(parsing: query)
    guard !options.json else { return try options.print(try await lines(parsed)) { _ in [] } }
    let rows: [JobRow]
    do { rows = try await askedRows() } catch is ClientFailure {
      rows = try await lines(parsed).map(JobRow.init)
    }
    if rows.isEmpty { ProgramMain.say("no job fits") }
    for line in WorkTable(jobs: rows).lines(Terminal.standardOutput) { print(line) }
  }

  private func askedRows() async throws -> [JobRow] {
    JobRow.rows(in: try await options.client().text(Route.jobs, ["query": query.joined(separator: " ")]))
  }

  private func lines(_ query: JobQuery) async throws -> [JobLine] {
    let status = try await options.status()
    let now = Timestamp(rfc3339: status.daemon.at) ?? Timestamp(nanoseconds: 0)
    let found: [JobLine]
    if query.used.isEmpty {
      found = status.jobs(matching: query, now: now)
    } else {
      // Which files jobs use does not stand in the status.
      let meant = Set(try await askedRows().map(\.name))
      found = status.jobs(matching: JobQuery(words: []), now: now).filter { meant.contains($0.name) }
    }
    if found.isEmpty, options.json { ProgramMain.say("no job fits") }
    return found
  }

  private func listWorkers() async throws {
    let patterns = query.map { Glob($0) }
    let found = try await options.client().get(Route.workers, as: [WorkerLine].self).filter { worker in
      patterns.allSatisfy { $0.matches(worker.name) }
    }
    if found.isEmpty { ProgramMain.say("no worker fits") }
    try options.print(found) { WorkTable(workers: found).lines($0) }
  }

  private func listTasks() async throws {
    _ = try JobQuery(parsing: query)
    let items = ["query": query.joined(separator: " "), "limit": "\(limit)"]
    let found = try await options.client().get(Route.tasks, items, as: [TaskLine].self)
    if found.isEmpty { ProgramMain.say("no task fits") }
    try options.print(found) { WorkTable(tasks: found).lines($0) }
  }

  private func listArchives() async throws {
    let patterns = query.map { Glob($0) }
    let found = try await options.client().get(Route.archives, as: [ArchiveLine].self).filter { archive in
      patterns.allSatisfy { $0.matches(archive.release) }
    }
    if found.isEmpty { ProgramMain.say(query.isEmpty ? "there is no archive yet" : "no archive fits") }
    try options.print(found) { WorkTable(archives: found).lines($0) }
  }

  private func listDueArchives() async throws {
    let patterns = query.map { Glob($0) }
    let found = try await options.client().get(Route.dueArchives, as: DueArchives.self)
    let lines = found.lines.filter { line in patterns.allSatisfy { $0.matches(line.release) } }
    if !found.isScheduled {
      ProgramMain.say("nothing is archived by itself: farm.yaml has no `archive:`")
    } else if lines.isEmpty {
      ProgramMain.say("no release fits")
    }
    try options.print(DueArchives(isScheduled: found.isScheduled, lines: lines)) { WorkTable(due: lines).lines($0) }
  }

  private func listReleases() async throws {
    let patterns = query.map { Glob($0) }
    let found = try await options.status().releases.filter { release in
      patterns.allSatisfy { $0.matches(release.name) }
    }
    if found.isEmpty { ProgramMain.say("no release fits") }
    try options.print(found) { terminal in
      CellTable(
        head: ["release", "state", "jobs", "priority", "waits for"],
        rows: found.map { release in
          [
            release.name, release.state.rawValue + (release.paused ? " (paused)" : ""), "\(release.jobs.count)",
            "\(release.priority)", release.planned ? release.waitsFor.joined(separator: "; ") : "",
          ]
        }
      ).lines(terminal)
    }
  }
}

extension JobRow {
  fileprivate init(_ line: JobLine) {
    self.init(
      line.name, state: line.job.state, frames: line.job.frames, revision: line.job.revision, owner: line.job.owner,
      problem: line.job.problem?.problemClass)
  }
}
