import FarmModel

/// One line of `farm list jobs`.
package struct JobLine: Codable, Hashable, Sendable {
  package let release: String
  package let job: JobStatus

  package init(release: String, job: JobStatus) {
    self.release = release
    self.job = job
  }

  package var name: JobName { JobName(release: release, job: job.name) }
}

/// What `farm show job` says.
package struct JobDetail: Codable, Hashable, Sendable {
  package let name: JobName
  package let path: String
  package let owner: String
  package let state: JobState
  package let revision: Int
  package let digest: Digest?
  package let savedBy: BlenderVersion?
  package let blender: BlenderProgram?
  package let frames: String
  package let counts: FrameCounts
  /// By its sidecar and `defaults:` of its release.
  package let wanted: JobSettings
  package let problem: Problem?
  /// What was noticed and holds up nothing.
  package let notes: [Problem]
  /// Why nothing of it runs right now; nil when something does, or nothing is to be done.
  package let waitsFor: String?
  package let outputs: [OutputLine]
  /// The files besides the `.blend` from which it is rendered, or that it lacks.
  package let files: [FileLine]
  package let log: String?

  package init(
    name: JobName, path: String, owner: String, state: JobState, revision: Int, digest: Digest?,
    savedBy: BlenderVersion?, blender: BlenderProgram?, frames: String, counts: FrameCounts,
    wanted: JobSettings = JobSettings(), problem: Problem?, notes: [Problem], waitsFor: String?, outputs: [OutputLine],
    files: [FileLine] = [],
    log: String?
  ) {
    self.name = name
    self.path = path
    self.owner = owner
    self.state = state
    self.revision = revision
    self.digest = digest
    self.savedBy = savedBy
    self.blender = blender
    self.frames = frames
    self.counts = counts
    self.wanted = wanted
    self.problem = problem
    self.notes = notes
    self.waitsFor = waitsFor
    self.outputs = outputs
    self.files = files
    self.log = log
  }

  /// A file that a job needs, as `farm show job` lists it.
  package struct FileLine: Codable, Hashable, Sendable {
    /// Below the volume's root, or whole.
    package let path: String
    /// Bytes, and modification time in RFC 3339, when its frames were begun; nil for one that is not there.
    package let size: Int64?
    package let modifiedAt: String?
    /// Of its bytes, once it was seen to change.
    package let digest: Digest?
    /// What names it, for one that is not there.
    package let neededBy: String?

    package init(
      path: String, size: Int64? = nil, modifiedAt: String? = nil, digest: Digest? = nil, neededBy: String? = nil
    ) {
      self.path = path
      self.size = size
      self.modifiedAt = modifiedAt
      self.digest = digest
      self.neededBy = neededBy
    }
  }

  /// One output, as `farm show job` lists it.
  package struct OutputLine: Codable, Hashable, Sendable {
    package let path: String
    package let frame: FrameNumber
    package let kind: OutputKind
    package let state: OutputState
    package let attempts: Int
    package let size: PixelSize?
    package let bytes: Int64?
    package let renderMilliseconds: Int64?
    /// The most memory that the renderer took for it.
    package let peakBytes: Int64?
    package let problem: Problem?

    package init(_ output: Output) {
      path = output.path
      frame = output.frame
      kind = output.kind
      state = output.state
      attempts = output.attempts
      size = output.size
      bytes = output.bytes
      renderMilliseconds = output.renderMilliseconds
      peakBytes = output.peakBytes
      problem = output.problem
    }
  }
}

/// Asks for a new release.
package struct PlanRequest: Codable, Hashable, Sendable {
  /// Nil: the daemon takes `r-<date>`.
  package let name: String?
  package let order: ReleaseOrder

  package init(name: String?, order: ReleaseOrder) {
    self.name = name
    self.order = order
  }
}

/// The release that was planned.
package struct PlanAnswer: Codable, Hashable, Sendable {
  package let release: String
  /// Where its drops go.
  package let store: String

  package init(release: String, store: String) {
    self.release = release
    self.store = store
  }
}

/// Asks to cancel jobs, or to try them again.
package struct SteerRequest: Codable, Hashable, Sendable {
  /// What becomes of the jobs.
  package enum Act: String, Codable, Sendable {
    case kill, retry

    /// What was done, as it is told.
    package var past: String {
      switch self {
      case .kill: "killed"
      case .retry: "retried"
      }
    }
  }

  package let act: Act
  package let query: [String]
  /// Only jobs of this release.
  package let release: String?
  /// Whether nothing is done but saying which jobs are meant.
  package let isDryRun: Bool
  /// Only these; nil: all that the query finds.
  package let jobs: [JobName]?

  package init(_ act: Act, query: [String], release: String?, isDryRun: Bool, jobs: [JobName]?) {
    self.act = act
    self.query = query
    self.release = release
    self.isDryRun = isDryRun
    self.jobs = jobs
  }
}

/// The jobs that a command touched.
package struct TouchedJobs: Codable, Hashable, Sendable {
  package let jobs: [JobName]

  package init(jobs: [JobName]) {
    self.jobs = jobs
  }
}

/// Asks to pause or resume.
package struct PauseRequest: Codable, Hashable, Sendable {
  /// Nil: the whole farm.
  package let release: String?
  package let paused: Bool

  package init(release: String?, paused: Bool) {
    self.release = release
    self.paused = paused
  }
}

/// A task's log, or its last part.
package struct LogAnswer: Codable, Hashable, Sendable {
  package let path: String
  package let text: String
  /// Where the next part begins, in bytes.
  package let next: Int
  /// Whether more may come: the job is not done.
  package let goesOn: Bool

  package init(path: String, text: String, next: Int, goesOn: Bool) {
    self.path = path
    self.text = text
    self.next = next
    self.goesOn = goesOn
  }
}

/// Nothing to say but that it was done.
package struct Done: Codable, Hashable, Sendable {
  package init() {}
}
