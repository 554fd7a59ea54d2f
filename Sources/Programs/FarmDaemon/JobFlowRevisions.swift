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
    /// When it may be prepared again after that failed.
    private var preparableAt: Timestamp?
    /// The parts of which it is known what File Output nodes write beside them.
    var nodesKnown: Set<RenderPart> = []
    /// Where frames failed last, and which were taken from a worker for taking too long, in this run.
    var failedOn: [RestingWorkers.Frame: String] = [:]
    var givenElsewhere: Set<RestingWorkers.Frame> = []

    init(_ revision: Revision, _ board: OutputBoard, priority: Int, owner: String, pace: SavePace) {
      (self.revision, self.board, self.priority, self.owner, self.pace) = (revision, board, priority, owner, pace)
    }

    private static let preparePause: Int64 = 1_000_000_000

    /// It could not be prepared: whatever comes of that, it is not tried again at once.
    mutating func preparationFailed(at now: Timestamp) {
      preparableAt = Timestamp(nanoseconds: now.nanoseconds + Self.preparePause)
    }

    /// Whether nothing of it may be handed out yet.
    func isWaiting(at now: Timestamp) -> Bool { pace.isWaiting(at: now) || preparableAt.map { now < $0 } == true }

    /// Whether it waited, and waits no longer.
    func isFreeToBegin(at now: Timestamp) -> Bool {
      revision.state.isRenderable && (pace.isDue || preparableAt != nil && !hasSnapshot) && !isWaiting(at: now)
    }

    var party: Turns.Party { Turns.Party(release: revision.name.release, owner: owner) }

    /// What is left of it to be handed out, but for frames that wait for another worker.
    func rests(without held: Set<RestingWorkers.Frame>) -> [Segmenter.Rest] {
      let board = board
      return board.owing.compactMap { part in
        let held = Set(held.filter { $0.part == part && board.isOwed(part, $0.frame) }.map(\.frame))
        let count = board.owedCount(of: part) - held.count
        guard count > 0 else { return nil }
        return Segmenter.Rest(
          of: part, count: count, scouts: board.scouts(of: part),
          isOwed: { board.isOwed(part, $0) && !held.contains($0) },
          first: { Array(board.owed(first: $0 + held.count, of: part).filter { !held.contains($0) }.prefix($0)) })
      }
    }

    /// How many renderings can be handed out now.
    func missing(without held: Set<RestingWorkers.Frame>) -> Int {
      board.owedCount - held.count { board.isOwed($0.part, $0.frame) }
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
    /// The frame that it is at, since when, and how much of it is done.
    var current: (frame: FrameNumber, since: Timestamp, part: Double)?
    /// The last one of which was warned that it takes long.
    var slowFrame: FrameNumber?
    /// Whether it was ended because its frame takes too long.
    var isGivenElsewhere = false
  }
}
