import FarmModel

/// Why jobs were not delivered, and when their delivery is tried again. A value.
struct HarvestFailures: Hashable {
  /// The time between two tries.
  private static let pause = Duration.seconds(60)

  private struct Failed: Hashable {
    let at: Timestamp
    /// Nil for a job that waits for the culprit.
    var problem: Problem?
    /// Whether the return of its folder ends the wait.
    var isAway = false
  }

  private var failed: [JobName: Failed] = [:]
  /// Jobs whose folder came back after a failure. A further failure waits for the next try, so that a folder that seems
  /// to be there has a harvest fail twice a minute at most.
  private var returned: Set<JobName> = []

  /// Notes a harvest that failed.
  /// - Parameters:
  ///   - jobs: those that were to be delivered together.
  ///   - culprits: the jobs that show the problem.
  mutating func add(_ problem: Problem?, of culprits: Set<JobName>, among jobs: [JobName], at now: Timestamp) {
    for job in jobs { failed[job] = Failed(at: now) }
    for job in culprits {
      let isAway = problem?.problemClass == .folderGone && returned.remove(job) == nil
      failed[job] = Failed(at: now, problem: problem, isAway: isAway)
    }
  }

  /// Whether jobs may be delivered together at this time.
  func mayTry(_ jobs: [JobName], at now: Timestamp) -> Bool {
    let latest = jobs.compactMap { failed[$0]?.at }.max()
    return latest.map { now.since($0) >= Self.pause } ?? true
  }

  func problem(of job: JobName) -> Problem? { failed[job]?.problem }

  /// Jobs of a release that wait for their folder.
  func away(in release: String) -> Set<JobName> {
    Set(failed.lazy.filter { $0.key.release == release && $0.value.isAway }.map(\.key))
  }

  /// The folder of a job is back: all that waits with the job is tried at once.
  mutating func isBack(_ job: JobName) {
    returned.insert(job)
    forget(in: job.release)
  }

  /// A job was delivered, or is no longer to be delivered.
  mutating func forget(_ job: JobName) {
    failed[job] = nil
    returned.remove(job)
  }

  /// The cause is gone: jobs that failed together are tried together.
  mutating func forget(in release: String) {
    failed = failed.filter { $0.key.release != release }
  }

  /// Keeps of a release only what these jobs wait for.
  mutating func keep(_ waiting: Set<JobName>, of release: String) {
    for job in failed.keys where job.release == release && !waiting.contains(job) { forget(job) }
  }
}
