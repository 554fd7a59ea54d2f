import FarmModel

/// One line of `farm list workers`.
package struct WorkerLine: Codable, Hashable, Sendable {
  package let name: String
  /// The task that it works on; nil when it is free.
  package let task: Int64?
  package let job: JobName?
  /// Frames of the task that are still to come.
  package let framesLeft: Int
  /// The frame that it is at, and how much of it is done, from 0 to 1; nil while none is begun.
  package let frame: FrameNumber?
  package let part: Double?
  /// Since when it works on it, RFC 3339.
  package let since: String?
  /// Jobs of which it is given no frames, because they fail or take too long there and not elsewhere.
  package let restsFor: [JobName]

  package init(
    name: String, task: Int64? = nil, job: JobName? = nil, framesLeft: Int = 0, frame: FrameNumber? = nil,
    part: Double? = nil, since: String? = nil, restsFor: [JobName] = []
  ) {
    self.name = name
    self.restsFor = restsFor
    self.task = task
    self.job = job
    self.framesLeft = framesLeft
    self.frame = frame
    self.part = part
    self.since = since
  }
}

/// One line of `farm list tasks`.
package struct TaskLine: Codable, Hashable, Sendable {
  package let id: Int64
  package let job: JobName
  package let revision: Int
  package let frames: String
  /// Which pictures of them: `layer Sky`, `tile 2,1 of 4x4`; empty for whole ones.
  package let part: String
  package let state: TaskState
  /// Nil: none has begun it.
  package let worker: String?
  /// RFC 3339.
  package let startedAt: String
  package let endedAt: String?
  package let problem: Problem?

  package init(
    id: Int64, job: JobName, revision: Int, frames: String, part: String = "", state: TaskState, worker: String?,
    startedAt: String,
    endedAt: String?, problem: Problem?
  ) {
    self.id = id
    self.job = job
    self.revision = revision
    self.frames = frames
    self.part = part
    self.state = state
    self.worker = worker
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.problem = problem
  }
}

/// What `farm show task` says.
package struct TaskDetail: Codable, Hashable, Sendable {
  package let line: TaskLine
  /// On the daemon's machine.
  package let log: String
  package let pid: Int32?
  /// One line for a shell that renders the same frames into a folder of its own; nil when nothing can render it any
  /// more, because the file or its Blender is gone.
  package let command: String?

  package init(line: TaskLine, log: String, pid: Int32?, command: String?) {
    self.line = line
    self.log = log
    self.pid = pid
    self.command = command
  }
}
