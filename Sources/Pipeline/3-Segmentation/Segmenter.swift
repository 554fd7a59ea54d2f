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
  /// Frames in one task at most.
  private let chunkFrames: Int

  package init(chunkFrames: Int) {
    precondition(chunkFrames > 0, "a task renders at least one frame")
    self.chunkFrames = chunkFrames
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

  /// The next task's frames out of those still missing; what is simulated as it is rendered is not cut, for each task
  /// would begin with the first frame.
  package func nextChunk(of missing: [FrameNumber], _ settings: RenderSettings) -> FrameSet {
    FrameSet(missing.sorted().prefix(settings.isSimulated ? FrameSet.countMax : chunkFrames))
  }
}
