import FarmModel
import Intake
import Segmentation

/// What an inspection decides about how a file is rendered: its libraries have a say in it, so that the same bytes may
/// give another. A value.
struct RevisionBasis: Hashable, Sendable {
  let frames: FrameSet
  let scene: String?
  let format: ImageFormat
  /// Whether each frame takes all that come before it.
  let isSimulated: Bool

  init(frames: FrameSet, scene: String?, format: ImageFormat, isSimulated: Bool) {
    (self.frames, self.scene, self.format, self.isSimulated) = (frames, scene, format, isSimulated)
  }

  init(of revision: Revision) {
    self.init(
      frames: revision.frames, scene: revision.scene, format: revision.format,
      isSimulated: revision.settings.isSimulated)
  }

  init(_ segmentation: Segmentation, _ drop: Drop) {
    self.init(
      frames: segmentation.frames, scene: segmentation.scene, format: segmentation.format,
      isSimulated: drop.inspection?.simulations.isEmpty == false)
  }
}

extension Problem {
  /// Whether a person reads the same, whatever lies in the places of the files that it names.
  func isSameButForFiles(as other: Problem) -> Bool {
    func words(_ problem: Problem) -> [[String]] {
      [[problem.problemClass.rawValue, problem.cause, problem.remedy]]
        + (problem.missing ?? []).map { [$0.path, $0.neededBy, $0.why] }
    }
    return words(self) == words(other)
  }
}
