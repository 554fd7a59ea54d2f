/// A collection of jobs rendered in one context; the folder `releases/<name>`, or `quick`.
package struct Release: Codable, Hashable, Sendable, Identifiable {
  package let id: Int64
  package let name: String
  package var state: ReleaseState
  /// What people want of it.
  package var order: ReleaseOrder
  package var isPaused: Bool
  package var problem: Problem?
  package var changedAt: Timestamp

  /// Whether it has a plan: then it is harvested as a whole, else each job by itself.
  package var isPlanned: Bool { order.jobs != nil }
  /// Jobs that must be there before it is finished, named in the plan.
  package var plannedJobs: [String] { order.jobs ?? [] }

  package init(
    id: Int64, name: String, state: ReleaseState, order: ReleaseOrder, isPaused: Bool, problem: Problem?,
    changedAt: Timestamp
  ) {
    self.id = id
    self.name = name
    self.state = state
    self.order = order
    self.isPaused = isPaused
    self.problem = problem
    self.changedAt = changedAt
  }
}

/// One `.blend` of a release, with what is known of its newest whole revision.
package struct Job: Codable, Hashable, Sendable, Identifiable {
  package let id: Int64
  package let name: JobName
  /// The `.blend` below the volume's root.
  package var path: String
  /// The user who owns the file.
  package var owner: String
  package var state: JobState
  /// Counts from 1.
  package var revision: Int
  package var problem: Problem?
  package var priority: Int
  package var createdAt: Timestamp
  package var changedAt: Timestamp

  package init(
    id: Int64, name: JobName, path: String, owner: String, state: JobState, revision: Int, problem: Problem?,
    priority: Int, createdAt: Timestamp, changedAt: Timestamp
  ) {
    self.id = id
    self.name = name
    self.path = path
    self.owner = owner
    self.state = state
    self.revision = revision
    self.problem = problem
    self.priority = priority
    self.createdAt = createdAt
    self.changedAt = changedAt
  }
}

/// A job's content at one moment. Equal bytes and settings are the same revision: nothing is rendered twice.
package struct Revision: Codable, Hashable, Sendable, Identifiable {
  package let id: Int64
  package let job: Int64
  package var name: JobName
  /// Counts from 1 within the job.
  package let number: Int
  package let digest: Digest
  package var state: JobState
  package var frames: FrameSet
  package var format: ImageFormat
  /// The scene whose frames are owed; nil when the file names none.
  package var scene: String?
  package var settings: RenderSettings
  /// What was noticed and does not keep it from being rendered.
  package var notes: [Problem]
  /// The version of Blender that saved the file.
  package var savedBy: BlenderVersion?
  /// The program it is bound to, once its first frame has started.
  package var blender: BlenderProgram?
  /// The name of the snapshot beside the original, while there is one.
  package var snapshot: String?
  package var problem: Problem?
  package let createdAt: Timestamp

  package init(
    id: Int64, job: Int64, name: JobName, number: Int, digest: Digest, state: JobState, frames: FrameSet,
    format: ImageFormat, scene: String?, settings: RenderSettings = RenderSettings(), notes: [Problem],
    savedBy: BlenderVersion?, blender: BlenderProgram?, snapshot: String?, problem: Problem?, createdAt: Timestamp
  ) {
    self.id = id
    self.job = job
    self.name = name
    self.number = number
    self.digest = digest
    self.state = state
    self.frames = frames
    self.format = format
    self.scene = scene
    self.settings = settings
    self.notes = notes
    self.savedBy = savedBy
    self.blender = blender
    self.snapshot = snapshot
    self.problem = problem
    self.createdAt = createdAt
  }
}

/// One expected file of a revision, and how far it is.
package struct Output: Codable, Hashable, Sendable, Identifiable {
  package let id: Int64
  package let revision: Int64
  /// Below the job's `out/` folder: `000001.png`, `Sky/000001.png`, `nodes/Depth/000001.exr`.
  package let path: String
  package let frame: FrameNumber
  package let kind: OutputKind
  package var state: OutputState
  /// Tries so far that cost one; see ``RetryRule``.
  package var attempts: Int
  package var size: PixelSize?
  package var bytes: Int64?
  package var file: FileIdentity?
  package var renderMilliseconds: Int64?
  /// The most memory that the renderer took for it, in bytes.
  package var peakBytes: Int64?
  /// What was noted of the scene at its frame; nil until it is rendered.
  package var facts: FrameFacts?
  package var problem: Problem?

  package init(
    id: Int64, revision: Int64, path: String, frame: FrameNumber, kind: OutputKind = OutputKind(), state: OutputState,
    attempts: Int, size: PixelSize?, bytes: Int64?, file: FileIdentity?, renderMilliseconds: Int64?,
    peakBytes: Int64? = nil, facts: FrameFacts? = nil, problem: Problem?
  ) {
    self.id = id
    self.revision = revision
    self.path = path
    self.frame = frame
    self.kind = kind
    self.state = state
    self.attempts = attempts
    self.size = size
    self.bytes = bytes
    self.file = file
    self.renderMilliseconds = renderMilliseconds
    self.peakBytes = peakBytes
    self.facts = facts
    self.problem = problem
  }

  /// A person wants it once more: all its tries are before it.
  package mutating func oweAnew() {
    state = .owed
    attempts = 0
    problem = nil
  }
}

/// A checked output, and the name that it is to be delivered under.
package struct PlannedMove: Hashable, Sendable {
  package let output: Output.ID
  /// As it was checked; nil: it is not known, and cannot be moved.
  package let file: FileIdentity?
  package let job: JobName
  /// In `out/`, below the volume's root.
  package let source: String
  /// In `dist/`, below the volume's root.
  package let target: String

  package init(output: Output.ID, file: FileIdentity?, job: JobName, source: String, target: String) {
    self.output = output
    self.file = file
    self.job = job
    self.source = source
    self.target = target
  }
}

/// One file that a revision owes.
package struct OwedOutput: Hashable, Sendable {
  /// Below `out/<job>`: `000001.png`.
  package let path: String
  package let frame: FrameNumber
  package let kind: OutputKind

  package init(path: String, frame: FrameNumber, kind: OutputKind = OutputKind()) {
    self.path = path
    self.frame = frame
    self.kind = kind
  }
}

/// Which picture of its frame an output is.
package struct OutputKind: Codable, Hashable, Sendable {
  package var part: RenderPart
  /// Of a stereo scene with a picture for each eye: which.
  package var view: String?
  /// The File Output node, or its slot, that writes it; nil for the picture itself.
  package var node: String?

  package init(part: RenderPart = RenderPart(), view: String? = nil, node: String? = nil) {
    self.part = part
    self.view = view
    self.node = node
  }

  /// By bytes, as Blender compares names.
  package static func == (a: OutputKind, b: OutputKind) -> Bool {
    a.part == b.part && a.view.map(ExactText.init) == b.view.map(ExactText.init)
      && a.node.map(ExactText.init) == b.node.map(ExactText.init)
  }

  /// Of the bytes.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(part)
    hasher.combine(view.map(ExactText.init))
    hasher.combine(node.map(ExactText.init))
  }

  /// `layer Sky, view left`; empty for the only picture of its frame.
  package func words(withScene: Bool) -> String {
    var part = part
    if !withScene { part.scene = nil }
    return [part.words, view.map { "view \($0)" }, node.map { "node \($0)" }].compactMap { $0 }
      .filter { !$0.isEmpty }.joined(separator: ", ")
  }

  /// Whether it is a picture that people count: no tile of one, and nothing that is written beside it.
  package var isFrame: Bool { part.tile == nil && node == nil }
}

/// Which file, with which content as far as `stat` tells; stays the same over a rename.
///
/// The device's number is left out: network file systems and Btrfs give another one after the next mount.
package struct FileIdentity: Codable, Hashable, Sendable {
  package let inode: Int64
  /// Bytes.
  package let size: Int64
  package let mtimeNanoseconds: Int64

  package init(inode: Int64, size: Int64, mtimeNanoseconds: Int64) {
    self.inode = inode
    self.size = size
    self.mtimeNanoseconds = mtimeNanoseconds
  }

  /// Whether it is the file itself, or its copy on another file system or in a volume that was copied as a whole, which
  /// keeps size and time.
  package func isCopy(of other: FileIdentity) -> Bool {
    size == other.size && mtimeNanoseconds == other.mtimeNanoseconds
  }
}

/// How many of a revision's outputs are where.
package struct FrameCounts: Codable, Hashable, Sendable {
  package var expected: Int
  package var done: Int
  package var failed: Int
  /// Of those done: taken away when their time was over; absent when none was.
  package var purged: Int?

  package init(expected: Int = 0, done: Int = 0, failed: Int = 0, purged: Int = 0) {
    self.expected = expected
    self.done = done
    self.failed = failed
    self.purged = purged > 0 ? purged : nil
  }

  /// - Parameter outputs: everything that a revision owes.
  package init(_ outputs: [Output]) {
    let frames = outputs.filter(\.kind.isFrame)
    self.init(
      expected: frames.count, done: frames.count { $0.state.isDone }, failed: frames.count { $0.state == .failed },
      purged: frames.count { $0.state == .purged })
  }
}
