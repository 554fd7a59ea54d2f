import FarmModel
import FarmStore
import FolderWatch
import Rendering
import SystemPackage

/// What is done beside the loops that serve all releases.
extension JobFlow {
  enum Errand: Sendable {
    case claim(FilePath)
    case vanished(FilePath, after: Set<Int>, number: Int)
    case readPlan(FilePath, Fingerprint?, number: Int)
    case readSidecar(FilePath, Fingerprint?, number: Int)
    case prepare(Revision, BlenderProgram)
    case cancelWithoutBlender
    case check(task: Int64)
    case flush(release: String)
    case ended(task: Int64, TaskEnd)
    case settlePromotions(Int64)
    case lookAtNames(String)
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

  func run(_ errand: Errand) async {
    switch errand {
    case .claim(let path): await claimAll(at: path)
    case .vanished(let path, let claimed, let number):
      await vanished(path, after: claimed)
      finishedReading(number)
    case .readPlan(let path, let fingerprint, let number):
      await readPlan(at: path, fingerprint)
      finishedReading(number)
    case .readSidecar(let path, let fingerprint, let number):
      await readSidecar(at: path, fingerprint)
      finishedReading(number)
    case .prepare(let revision, let blender): await prepare(revision, blender)
    case .cancelWithoutBlender: await cancelWithoutBlender()
    case .check(let task): await check(task: task)
    case .flush(let release):
      try? await Task.sleep(for: Self.flushAfter)  // Cancelled: the rest is flushed at the next start.
      await flush(release)
    case .ended(let task, let end): await ended(task, end)
    case .settlePromotions(let revision): return await settlePromotions(of: revision)
    case .lookAtNames(let release): await lookAtNames(in: release)
    case .assemble(let revision): await assemble(revision)
    case .review(let release):
      let pause = min(max(Self.reviewAfter, (reviewTook[release] ?? .zero) * Self.reviewRest), Self.reviewEvery)
      try? await Task.sleep(for: pause)  // Cancelled: reviewed at the next start.
      reviewsDue.remove(release)
      let begun = setup.clock.now()
      await review(release)
      reviewTook[release] = setup.clock.now().since(begun)
    case .writeManifests: return await writeManifests()
    case .followAll: return await followAll()
    case .follow(let files): return await follow(files)
    case .followMissing(let files): return await follow(files)
    case .lookAtDependency(let path): await lookAtDependency(path)
    case .inspectAgain(let revision): await inspectAgain(revision)
    case .decideDoubts(let revision, let paths): await decideDoubts(revision, about: paths)
    case .renderAnew(let revision, let cause): await carryOutRenderingAnew(revision, because: cause)
    case .decideAgain: await decideAgain()
    case .lane(let release): await runLane(of: release)
    case .clear(let revision, let tasks): await clear(revision, tasks)
    case .cancel(let tasks): await setup.engine.cancel(tasks)
    case .cure(let lack): await cure(lack)
    case .recoverArchives: await recoverArchives()
    case .archive(let release, let rule): await archiveScheduled(release, rule)
    case .removeLeftWork: await removeLeftWork()
    case .reviewAgain(let release): return await review(release)
    }
    happenings += 1
  }
}
