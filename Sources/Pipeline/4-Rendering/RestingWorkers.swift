import FarmModel

/// Which workers are not given a job's frames: one on which they fail while others render them, and one that is to
/// leave a frame to another. A value.
package struct RestingWorkers: Hashable, Sendable {
  /// In a row, of one job.
  private static let failuresMax = 3

  private var failures: [Place: Int] = [:]
  private var succeeded: [Int64: Set<String>] = [:]
  private var left: [Int64: [Frame: String]] = [:]

  private struct Place: Hashable {
    let revision: Int64
    let worker: String
  }

  /// A frame of a part of a job.
  package struct Frame: Hashable, Sendable {
    package let part: RenderPart
    package let frame: FrameNumber

    package init(_ part: RenderPart, _ frame: FrameNumber) {
      self.part = part
      self.frame = frame
    }
  }

  package init() {}

  /// A frame of a revision is done.
  package mutating func rendered(_ frame: Frame, of revision: Int64, on worker: String) {
    failures[Place(revision: revision, worker: worker)] = nil
    succeeded[revision, default: []].insert(worker)
    left[revision]?[frame] = nil
  }

  /// A frame did not come.
  /// - Returns: whether the worker rests for the revision from now on.
  package mutating func failed(of revision: Int64, on worker: String, _ problem: ProblemClass) -> Bool {
    // What is in the file, or what somebody wanted, says nothing of the worker.
    guard !problem.isFinal, !problem.isFree else { return false }
    let place = Place(revision: revision, worker: worker)
    failures[place, default: 0] += 1
    return failures[place] == Self.failuresMax && rests(worker, revision)
  }

  /// A frame that took too long is another worker's until it is done.
  package mutating func leave(_ frame: Frame, of revision: Int64, on worker: String) {
    left[revision, default: [:]][frame] = worker
  }

  /// A revision has ended.
  package mutating func forget(_ revision: Int64) {
    failures = failures.filter { $0.key.revision != revision }
    succeeded[revision] = nil
    left[revision] = nil
  }

  /// Whether some worker may rest for a revision; cheap, for it is asked of all that wait.
  package func mayRest(for revision: Int64) -> Bool { !failures.isEmpty || left[revision] != nil }

  private func rests(_ worker: String, _ revision: Int64) -> Bool {
    let hasFailed = (failures[Place(revision: revision, worker: worker)] ?? 0) >= Self.failuresMax
    return hasFailed && succeeded[revision]?.contains { $0 != worker } == true
      || left[revision]?.values.contains(worker) == true
  }

  /// Those of these workers that are not given frames of a revision now; never all of them.
  package func resting(among workers: [String], for revision: Int64) -> Set<String> {
    let resting = Set(workers.filter { rests($0, revision) })
    return resting.count < workers.count ? resting : []
  }
}
