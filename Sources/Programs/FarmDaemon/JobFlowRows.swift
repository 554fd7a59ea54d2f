import FarmAPI
import FarmModel
import FarmStore

/// Queries for jobs, which are to be quick with ten thousand of them.
extension JobFlow {
  /// The jobs that a query means, as they are shown; files that are no jobs yet too.
  /// - Parameter adopted: also those whose file lay there before the farm.
  func jobs(meantBy query: JobQuery, adopted: Bool) async throws(StoreFailure) -> [Job] {
    let now = setup.clock.now()
    let known = try await setup.ledger.jobs(adopted: adopted).map(shown)
    var users: [Glob: Set<Int64>] = [:]
    for file in query.used {
      let lacking = known.filter { $0.problem?.missing?.contains { file.matchesPath($0.path) } == true }
      users[file] = try await setup.ledger.jobs(using: file).union(lacking.map(\.id))
    }
    return (known + newcomers(besides: known)).filter { query.matches($0, now: now, users: users) }
  }

  func jobs(_ query: [String]) async throws -> [JobRow] {
    let meant = try await jobs(meantBy: JobQuery(parsing: query), adopted: false)
    let counts = try await frameCounts()
    return meant.map { job in
      JobRow(
        job.name, state: job.state, frames: counts[job.id] ?? FrameCounts(), revision: job.revision, owner: job.owner,
        problem: job.problem?.problemClass)
    }
  }

  /// A job as it is shown: its file may be another by now.
  private func shown(_ job: Job) -> Job {
    guard !unsettled.isEmpty || !rejected.isEmpty || !held.isEmpty || !nameProblems.isEmpty else { return job }
    var job = job
    (job.state, job.problem) = (shownState(of: job), shownProblem(of: job))
    return job
  }

  private func newcomers(besides known: [Job]) -> [Job] {
    let releases =
      Set(unsettled.keys.map(\.release)).union(killedDrops.releases).union(
        rejected.keys.compactMap { place.release(at: $0.removingLastComponent()) })
    let now = setup.clock.now()
    return releases.sorted().flatMap { release in
      let jobs = known.filter { $0.name.release == release }.map { ($0.name, $0.path) }
      return newcomers(in: release, besides: jobs).map { status in
        Job(
          id: 0, name: JobName(release: release, job: status.name), path: "", owner: status.owner, state: status.state,
          revision: 0, problem: status.problem, priority: ReleaseOrder.usualPriority, createdAt: now, changedAt: now)
      }
    }
  }
}
