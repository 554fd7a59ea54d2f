import FarmModel
import Rendering
import Segmentation

/// What is kept of revisions while they are rendered, and of the tasks that render them.
extension JobFlow {
  /// A revision that still owes frames.
  struct OpenRevision {
    var revision: Revision
    var board: OutputBoard
    var priority: Int
    let owner: String
    /// Whether the earlier revision's frames were put aside in this run.
    var hasRoom = false
    /// Whether the snapshot was taken, or proven, in this run.
    var hasSnapshot = false
    var pace: SavePace
    /// The parts of which it is known what File Output nodes write beside them.
    var nodesKnown: Set<RenderPart> = []

    var party: Turns.Party { Turns.Party(release: revision.name.release, owner: owner) }

    /// What is left of it to be handed out.
    var rests: [Segmenter.Rest] {
      let board = board
      return board.owing.map { part in
        Segmenter.Rest(
          of: part, count: board.owedCount(of: part), scouts: board.scouts(of: part),
          isOwed: { board.isOwed(part, $0) }, first: { board.owed(first: $0, of: part) })
      }
    }
  }

  /// A picture that was found whole, and is to be put into its place.
  struct CheckedOutput {
    /// As it will be.
    let output: Output
    let frame: CheckedFrame
    let task: RenderTask
  }

  /// A task that the engine has.
  struct RunningTask {
    let task: RenderTask
    let party: Turns.Party
    var worker: String?
    let begun: Timestamp
    let expected: Duration
    /// Whether it was asked to make room for something more urgent.
    var isShortened = false
    /// Frames of which nothing was heard yet.
    var waiting: Set<FrameNumber>
    /// Frames that are to be checked, and how many are not known to be whole or bad yet, those being checked with them.
    var unchecked: [RenderedFrame] = []
    var checking = 0
    /// What was said of its scene; nil before it is open.
    var scene: OpenedScene?
    /// The frame that it is at, and how much of it is done.
    var current: (frame: FrameNumber, part: Double)?
  }
}
