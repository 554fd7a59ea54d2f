import FarmModel
import FarmStore
import FolderWatch
import Rendering
import SystemPackage

/// What is done beside the loops that serve all releases.
extension JobFlow {
  enum Errand: Sendable {
    case claim(FilePath)
    case vanished(FilePath)
    case readPlan(FilePath, Fingerprint?, number: Int)
    case readSidecar(FilePath, Fingerprint?, number: Int)
    case prepare(Revision, BlenderProgram)
    case cancelWithoutBlender
    case check(task: Int64)
    case flush(release: String)
    case ended(task: Int64, TaskEnd)
    case assemble(Int64)
    case review(String)
    case writeManifests
    case followAll
    case follow([SeenFile])
    case followMissing([String])
    case lookAtDependency(String)
    case inspectAgain(Revision)
    case decideDoubts(Revision, [String])
    case renderAnew(Revision, because: String)
    case decideAgain
    case lane(String)
    case clear(Revision, Set<RenderTask.ID>)
    case cancel(Set<RenderTask.ID>)
    case cure(Lacks.Lack)
    case recoverArchives
    case archive(String, ArchiveRule)
    case removeLeftWork
    /// Without anything having happened.
    case reviewAgain(String)
  }
}
