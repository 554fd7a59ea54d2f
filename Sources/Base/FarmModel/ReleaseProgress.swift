/// Derives the state of a release from its jobs, and says whether it may be harvested and what it waits for.
package struct ReleaseProgress: Hashable, Sendable {
  package var isPlanned: Bool
  package var plannedJobs: [String]
  package var harvest: HarvestMode
  /// State of each job by name; removed ones too.
  package var jobs: [String: JobState]
  /// Files that lie in the store and are not settled yet.
  package var unsettled: [String]
  /// Jobs completed but not delivered yet.
  package var undelivered: Set<String>
  /// Delivered jobs that are older than what they depend on, by name.
  package var stale: [String: StaleCause]
  /// Whether it went into the archive.
  package var isArchived: Bool
  /// How long nothing changed in it.
  package var quietFor: Duration
  /// How long nothing may have changed before a planned release is harvested.
  package var quietNeeded: Duration

  package init(
    isPlanned: Bool, plannedJobs: [String], harvest: HarvestMode, jobs: [String: JobState], unsettled: [String],
    undelivered: Set<String>, stale: [String: StaleCause] = [:], isArchived: Bool = false, quietFor: Duration,
    quietNeeded: Duration
  ) {
    self.isPlanned = isPlanned
    self.plannedJobs = plannedJobs
    self.harvest = harvest
    self.jobs = jobs
    self.unsettled = unsettled
    self.undelivered = undelivered
    self.stale = stale
    self.isArchived = isArchived
    self.quietFor = quietFor
    self.quietNeeded = quietNeeded
  }

  /// Jobs that count: all but those that are gone or were killed without being planned.
  private var counted: [String: JobState] {
    jobs.filter { name, state in
      switch state {
      case .removed, .rejected: false
      case .canceled: isPlanned && plannedJobs.contains(name)
      case .settling, .blocked, .queued, .active, .assembling, .completed, .failed, .superseded: true
      }
    }
  }

  package var state: ReleaseState {
    if isAtRestInArchive { return .archived }
    let states = Set(counted.values)
    if states.contains(.active) || states.contains(.assembling) { return .active }
    if !unsettled.isEmpty || states.contains(.queued) || states.contains(.settling) { return .open }
    if states.contains(.failed) { return .failed }
    if states.contains(.blocked) || states.contains(.canceled) { return .open }
    if states.isEmpty { return isPlanned ? .planned : .open }
    if !missingPlannedJobs.isEmpty { return .open }
    return !undelivered.isEmpty ? .completed : stale.isEmpty ? .harvested : .stale
  }

  /// Whether there is no job that somebody still wants, and none of a plan is to come.
  package var isIdle: Bool { isEmpty && missingPlannedJobs.isEmpty }

  private var isEmpty: Bool { counted.isEmpty && unsettled.isEmpty }

  /// Nothing was dropped since.
  private var isAtRestInArchive: Bool { isArchived && isEmpty }

  /// Jobs of the plan that nobody has dropped yet.
  package var missingPlannedJobs: [String] {
    plannedJobs.filter { jobs[$0] == nil || jobs[$0] == .removed }.sorted()
  }

  /// What it waits for before it is delivered, in words; empty when it can be.
  package var waitsFor: [String] {
    if isAtRestInArchive { return [] }
    if state == .stale { return staleWords }
    if lacks.isEmpty && quietFor < quietNeeded { return ["\(quietNeeded.spelled) without a change"] }
    return lacks
  }

  /// Which files changed when, and which jobs need them.
  private var staleWords: [String] {
    Dictionary(grouping: stale.keys.sorted()) { stale[$0] }.compactMap { cause, jobs in
      guard let cause else { return nil }
      let cost = cause.cost.map { ", which would take \($0.spelled) of rendering" } ?? ""
      return "`farm refresh release`: \(cause.file) changed at \(cause.at.rfc3339.prefix(19))Z, and "
        + "\(jobs.joined(separator: ", ")) \(jobs.count == 1 ? "depends" : "depend") on it\(cost)"
    }.sorted()
  }

  /// What keeps it from being finished, in words; empty when it is.
  package var lacks: [String] {
    var words: [String] = []
    let missing = missingPlannedJobs.filter { !unsettled.contains($0) }
    if !missing.isEmpty { words.append("a drop of \(missing.joined(separator: ", "))") }
    if counted.isEmpty && plannedJobs.isEmpty { words.append("a first drop") }
    if !unsettled.isEmpty { words.append("\(unsettled.sorted().joined(separator: ", ")) to be whole") }
    for state in JobState.allCases where state != .completed {
      let names = counted.filter { $0.value == state }.keys.sorted()
      if !names.isEmpty { words.append("\(names.joined(separator: ", ")) (\(state.rawValue))") }
    }
    return words
  }

  /// Whether the release as a whole may be harvested now; a release without a plan delivers job by job.
  package var isReadyForHarvest: Bool {
    isPlanned && harvest == .auto && !undelivered.isEmpty && waitsFor.isEmpty
  }
}
