import FarmModel

/// What `farm status --json` and `.farm/status.json` say. Fields may be added, none is taken away.
package struct FarmStatus: Codable, Hashable, Sendable {
  package var daemon: DaemonStatus
  package var releases: [ReleaseStatus]
  /// Releases at rest that are left out; nil in a whole status.
  package var moreReleases: Int?
  /// Files that artists may take for drops and that are none; left out when there is none.
  package var overlooked: [OverlookedFile]?
  /// How many more of them there are; left out when all are shown.
  package var moreOverlooked: Int?

  package init(
    daemon: DaemonStatus, releases: [ReleaseStatus], moreReleases: Int? = nil,
    overlooked: OverlookedFiles = OverlookedFiles()
  ) {
    self.daemon = daemon
    self.releases = releases
    self.moreReleases = moreReleases
    self.overlooked = overlooked.shown.isEmpty ? nil : overlooked.shown
    moreOverlooked = overlooked.more == 0 ? nil : overlooked.more
  }
}

extension FarmStatus {
  /// The jobs for which a query holds at the moment `now`; also of a status that was written down.
  package func jobs(matching query: JobQuery, now: Timestamp) -> [JobLine] {
    releases.flatMap { release in
      release.jobs.map { JobLine(release: release.name, job: $0) }.filter { line in
        // Reading times takes long, and only a query for ages needs them.
        let created = query.asksAge ? Timestamp(rfc3339: line.job.createdAt) ?? now : now
        let job = Job(
          id: 0, name: line.name, path: "", owner: line.job.owner, state: line.job.state, revision: line.job.revision,
          problem: line.job.problem, priority: release.priority, createdAt: created, changedAt: created)
        return query.matches(job, now: now)
      }
    }
  }
}

/// What the daemon says of itself.
package struct DaemonStatus: Codable, Hashable, Sendable {
  package var running: Bool
  package var version: String
  package var engine: String
  package var paused: Bool
  /// When this was true, RFC 3339.
  package var at: String
  /// Whether the engine has found out what it can do; before that it takes drops and renders nothing.
  package var ready: Bool
  /// Tasks that run now and that can run at once.
  package var slots: SlotCounts
  package var blenders: [BlenderProgram]
  /// What keeps the farm from working as it should, each with its remedy.
  package var troubles: [String]
  /// How the watch of the folders stands; absent in a status that an earlier version wrote.
  package var watch: WatchStatus?
  /// What is being packed or unpacked; absent when nothing is.
  package var archiving: [ArchiveProgressLine]?

  package init(
    running: Bool, version: String, engine: String, paused: Bool, at: String, ready: Bool, slots: SlotCounts,
    blenders: [BlenderProgram], troubles: [String], watch: WatchStatus? = nil,
    archiving: [ArchiveProgressLine]? = nil
  ) {
    self.running = running
    self.version = version
    self.engine = engine
    self.paused = paused
    self.at = at
    self.ready = ready
    self.slots = slots
    self.blenders = blenders
    self.troubles = troubles
    self.watch = watch
    self.archiving = archiving
  }
}

/// How the watch of the folders stands.
package struct WatchStatus: Codable, Hashable, Sendable {
  /// Folders watched by events, and how many the kernel allows a user.
  package var watches: Int
  package var watchesAllowed: Int?
  /// Folders that are looked at every 2 s, because the kernel tells nothing of them.
  package var polledFolders: Int
  /// How often the kernel lost events, so that everything was listed.
  package var overflows: Int
  /// Folders listed since the start.
  package var rescans: Int
  /// Files that are not whole yet, and for how many seconds the oldest has been on its way.
  package var unsettled: Int
  package var oldestUnsettledSeconds: Double

  package init(
    watches: Int, watchesAllowed: Int?, polledFolders: Int, overflows: Int, rescans: Int, unsettled: Int,
    oldestUnsettledSeconds: Double
  ) {
    self.watches = watches
    self.watchesAllowed = watchesAllowed
    self.polledFolders = polledFolders
    self.overflows = overflows
    self.rescans = rescans
    self.unsettled = unsettled
    self.oldestUnsettledSeconds = oldestUnsettledSeconds
  }
}

/// How many tasks run now, and how many can.
package struct SlotCounts: Codable, Hashable, Sendable {
  package var used: Int
  package var all: Int

  package init(used: Int, all: Int) {
    self.used = used
    self.all = all
  }
}

/// One release with its jobs.
package struct ReleaseStatus: Codable, Hashable, Sendable {
  package var name: String
  package var state: ReleaseState
  package var planned: Bool
  package var priority: Int
  package var paused: Bool
  package var problem: Problem?
  /// What it waits for, in words.
  package var waitsFor: [String]
  package var jobs: [JobStatus]
  /// Jobs at rest that are left out of `jobs`; nil in a status of everything.
  package var moreJobs: Int?

  package init(
    name: String, state: ReleaseState, planned: Bool, priority: Int, paused: Bool, problem: Problem?,
    waitsFor: [String], jobs: [JobStatus], moreJobs: Int? = nil
  ) {
    self.name = name
    self.state = state
    self.planned = planned
    self.priority = priority
    self.paused = paused
    self.problem = problem
    self.waitsFor = waitsFor
    self.jobs = jobs
    self.moreJobs = moreJobs
  }
}

/// One job of a release.
package struct JobStatus: Codable, Hashable, Sendable {
  package var name: String
  package var state: JobState
  package var revision: Int
  package var frames: FrameCounts
  package var problem: Problem?
  package var owner: String
  /// When it was first dropped, RFC 3339.
  package var createdAt: String
  /// The classes of what was noticed of its file and holds up nothing; left out when there is none.
  package var notes: [ProblemClass]?
  /// What it will take yet; left out while that is not known.
  package var timeLeft: TimeLeft?

  package init(
    name: String, state: JobState, revision: Int, frames: FrameCounts, problem: Problem?, owner: String,
    createdAt: String, notes: [ProblemClass]? = nil, timeLeft: TimeLeft? = nil
  ) {
    self.name = name
    self.state = state
    self.revision = revision
    self.frames = frames
    self.problem = problem
    self.owner = owner
    self.createdAt = createdAt
    self.notes = notes
    self.timeLeft = timeLeft
  }

  /// Written out so that `problem` is there as null: others test for it.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(state, forKey: .state)
    try container.encode(revision, forKey: .revision)
    try container.encode(frames, forKey: .frames)
    try container.encode(problem, forKey: .problem)
    try container.encode(owner, forKey: .owner)
    try container.encode(createdAt, forKey: .createdAt)
    try container.encodeIfPresent(notes, forKey: .notes)
    try container.encodeIfPresent(timeLeft, forKey: .timeLeft)
  }
}
