import BlendFile
import FarmModel

/// One file that a revision owes.
package struct OwedOutput: Hashable, Sendable {
  /// Below `out/<job>`: `000001.png`.
  package let path: String
  package let frame: FrameNumber
}

/// Cuts a job into what it owes and into tasks. Pure: every output is owed exactly once, by exactly one task.
package struct Segmenter: Hashable, Sendable {
  private let chunk: ChunkRule

  package init(chunk: ChunkSize) {
    self.chunk = ChunkRule(size: chunk)
  }

  /// The frames of the file's active scene; none when it cannot be read or its range is empty or too long.
  package static func frames(of facts: BlendFacts?) -> FrameSet {
    facts?.activeScene.map { frames(from: Int($0.start), through: Int($0.end), by: 1) } ?? FrameSet([])
  }

  /// The frames of the scene that is rendered, of one in which nothing can move the current one alone; nil when the
  /// file names no scene.
  package static func frames(of inspection: BlendInspection, still: StillMode) -> FrameSet? {
    guard let scene = inspection.scene else { return nil }
    return inspection.isStill(still) ? FrameSet([FrameNumber(clamping: scene.frames.current)]) : frames(of: scene)
  }

  /// The frames of a scene; none when its range is empty or too long.
  package static func frames(of scene: BlendScene) -> FrameSet {
    frames(from: scene.frames.start, through: scene.frames.end, by: max(1, scene.frames.step))
  }

  private static func frames(from start: Int, through end: Int, by step: Int) -> FrameSet {
    guard start <= end, end - start < FrameSet.countMax else { return FrameSet([]) }
    return FrameSet(stride(from: start, through: end, by: step).map { FrameNumber(clamping: $0) })
  }

  /// What a job with these frames owes, in ascending order.
  package static func owed(_ frames: FrameSet, format: ImageFormat) -> [OwedOutput] {
    frames.frames.map { OwedOutput(path: fileName($0, format), frame: $0) }
  }

  /// Six digits at least, the sign in front: `000012.png`, `-00003.png`.
  package static func fileName(_ frame: FrameNumber, _ format: ImageFormat) -> String {
    let digits = String(frame.magnitude)
    let sign = frame < 0 ? "-" : ""
    let zeros = String(repeating: "0", count: max(0, 6 - digits.count - sign.count))
    return "\(sign)\(zeros)\(digits).\(format.fileExtension)"
  }

  /// What is left of a job to be handed out.
  package struct Rest {
    /// All frames that it owes, done or not.
    let frames: FrameSet
    let count: Int
    let times: FrameTimes
    let isOwed: (FrameNumber) -> Bool
    /// The first so many in ascending order.
    let first: (Int) -> [FrameNumber]

    package init(
      of frames: FrameSet, count: Int, times: FrameTimes, isOwed: @escaping (FrameNumber) -> Bool,
      first: @escaping (Int) -> [FrameNumber]
    ) {
      self.frames = frames
      self.count = count
      self.times = times
      self.isOwed = isOwed
      self.first = first
    }
  }

  /// The next task's frames. What is simulated as it is rendered is not cut, for each task would begin with the first
  /// frame.
  /// - Parameter workers: how many there are to share the work.
  package func next(
    of rest: Rest, _ settings: RenderSettings, order: FrameOrder = .firstLastMiddle, workers: Int
  ) -> FrameSet {
    if settings.isSimulated { return FrameSet(rest.first(rest.count)) }
    if order == .firstLastMiddle, let scout = Self.scouts(of: rest.frames).first(where: rest.isOwed) {
      return FrameSet([scout])
    }
    return FrameSet(rest.first(chunk.count(left: rest.count, workers: workers, times: rest.times)))
  }

  /// The frames that show what is wrong anywhere: the first, the last, the middle one.
  private static func scouts(of frames: FrameSet) -> [FrameNumber] {
    guard let first = frames.frames.first, let last = frames.frames.last else { return [] }
    return [first, last, frames.frames[frames.count / 2]]
  }
}
