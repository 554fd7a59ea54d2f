import FarmModel

/// Schedules tasks on workers. Two kinds of it exist, one contract: `EngineContract` in FarmTesting.
///
/// Every submitted task ends with exactly one ``EngineReport/ended(task:end:)``, after all its other reports.
package protocol RenderEngine: Sendable {
  /// What happens to the tasks, in order; one reader.
  var reports: AsyncStream<EngineReport> { get }

  /// What it can do now; changes are told by ``EngineReport/abilities(_:)``.
  func abilities() async -> EngineAbilities

  /// One line for a shell that does what a worker does with a task, by hand.
  func commandLine(for task: RenderTask) -> String

  /// Takes a task; the caller keeps to `tasksAtOnce`.
  func submit(_ task: RenderTask) async

  /// Ends tasks; when it returns, no process of them is alive. Unknown and ended ones are passed over.
  func cancel(_ tasks: Set<RenderTask.ID>) async

  /// Has tasks end with the frame that they render now, ``TaskEnd/canceled`` when others are left: something more
  /// urgent waits. An engine that cannot passes over it.
  func finishEarly(_ tasks: Set<RenderTask.ID>) async

  /// Works until the surrounding task is cancelled; then ends all tasks first.
  func run() async
}

/// What an engine tells of its tasks.
package enum EngineReport: Hashable, Sendable {
  case abilities(EngineAbilities)
  /// A worker has begun; the process is named where it runs on this machine.
  case started(task: RenderTask.ID, worker: String, process: WorkerProcess?)
  case opened(task: RenderTask.ID, OpenedScene)
  /// Something that people should know of the job, whose frames go on.
  case noted(task: RenderTask.ID, Problem)
  /// A frame is being rendered, and how far it is: 0 at its start, 1 at its end.
  case progress(task: RenderTask.ID, frame: FrameNumber, part: Double)
  /// A frame was written, whole as far as the worker knows.
  case frame(task: RenderTask.ID, RenderedFrame)
  case frameFailed(task: RenderTask.ID, frame: FrameNumber, Problem)
  case ended(task: RenderTask.ID, end: TaskEnd)
}

/// A process of this machine, so that a later daemon can end what an earlier one left.
package struct WorkerProcess: Hashable, Sendable {
  package let pid: Int32
  package let startTicks: Int64

  package init(pid: Int32, startTicks: Int64) {
    self.pid = pid
    self.startTicks = startTicks
  }
}

/// What a worker says of a task's scene when its file is open.
package struct OpenedScene: Hashable, Sendable {
  /// Of whole pictures.
  package let size: PixelSize
  /// Of the pictures, as ``Picture/channels`` counts them; nil where it cannot tell.
  package let channels: Int?
  /// They hold up nothing.
  package let notes: [Problem]
  /// From which the pictures come besides.
  package let files: [SeenFile]
  /// What File Output nodes write beside each picture.
  package let nodes: [NodePicture]

  package init(
    size: PixelSize, channels: Int? = nil, notes: [Problem] = [], files: [SeenFile] = [], nodes: [NodePicture] = []
  ) {
    self.size = size
    self.channels = channels
    self.notes = notes
    self.files = files
    self.nodes = nodes
  }
}

/// A picture that a worker wrote, in its task's folder.
package struct RenderedPicture: Codable, Hashable, Sendable {
  package let file: String
  /// Which eye's; nil where there is one.
  package let view: String?
  /// The File Output node that wrote it; nil for the frame itself.
  package let node: String?

  package init(_ file: String, view: String? = nil, node: String? = nil) {
    self.file = file
    self.view = view
    self.node = node
  }
}

/// A frame as a worker hands it over.
package struct RenderedFrame: Hashable, Sendable {
  package let frame: FrameNumber
  package let pictures: [RenderedPicture]
  package let renderMilliseconds: Int64
  /// The most memory that the renderer took since it opened the file, in bytes; nil where it cannot tell.
  package let peakBytes: Int64?
  package let facts: FrameFacts

  package init(
    frame: FrameNumber, pictures: [RenderedPicture], renderMilliseconds: Int64, peakBytes: Int64? = nil,
    facts: FrameFacts = FrameFacts()
  ) {
    self.frame = frame
    self.pictures = pictures
    self.renderMilliseconds = renderMilliseconds
    self.peakBytes = peakBytes
    self.facts = facts
  }
}

/// How a task ended. Frames it did not report are still owed, whatever it says.
package enum TaskEnd: Hashable, Sendable {
  case completed
  /// The problem is the task's, or that of the frame it was at.
  case failed(Problem, frame: FrameNumber?)
  case canceled
}
