import FarmModel
import FarmStore
import Pictures
import Preflight
import Rendering
import SystemPackage
import VolumeFiles

/// Jobs that wait for a person, and how they go on when what they lacked is there.
extension JobFlow {
  /// Blocks a revision that cannot be rendered until somebody mends the file or the set-up, and clears its work away.
  func block(_ revision: Revision, _ problem: Problem) async {
    // What was found in the old place of a job that was moved meanwhile is no news.
    if let now = open[revision.id]?.revision.name, now != revision.name { return }
    guard await move(revision, to: .blocked, problem: problem) else { return }
    await end(revision, waits: false)
    gone.remove(revision.id)
    awaitFiles(of: revision, problem)
    do {
      // Moved while this was recorded: it may have there what it lacked.
      let now = try await setup.ledger.revision(revision.id)
      if now.name != revision.name { errand.yield(.inspectAgain(now)) }
    } catch {
      complain(error, while: "looking where \(revision.name) is")
    }
  }

  /// Has a blocked revision go on when what it lacks is there.
  func awaitFiles(of revision: Revision, _ problem: Problem?) {
    guard let problem, problem.missing?.isEmpty == false || problem.problemClass == .notWritable else { return }
    let files = problem.missing ?? []
    lacks.add(revision, files, at: setup.clock.now())
    if !files.isEmpty { errand.yield(.followMissing(files.map(\.path))) }
  }

  /// Looks whether the files that blocked revisions wait for are there and nobody writes them any more: each by itself,
  /// for a file server may not answer.
  func lookForCures() {
    lookForStalled()
    for lack in lacks.due(at: setup.clock.now())
    where !isWaitingForDisk(lack.revision.name.release) && curing.insert(lack.revision.id).inserted {
      errand.yield(.cure(lack))
    }
  }

  func cure(_ lack: Lacks.Lack) async {
    defer { curing.remove(lack.revision.id) }
    let paths = lack.files.map(\.path)
    let now = await Self.look(at: paths)
    guard lacks.isCured(lack.revision.id, now) else { return }
    let promotion = Promotion(into: setup.volume.out(of: lack.revision.name))
    let isHeldUp = await BlockingWork.run(at: promotion.out) {
      if paths.contains(where: { LeaseProbe.ask(FilePath($0)) == .writer }) { return true }
      do throws(RenderingFailure) { try promotion.check() } catch { return true }  // Told when it was blocked.
      return false
    }
    guard !isHeldUp, lacks.cure(lack.revision.id) else { return }
    setup.log.notice(
      paths.isEmpty ? "its folder may be written; the job is tried once more" : "what was missing is there",
      metadata: ["job": "\(lack.revision.name)"])
    errand.yield(.inspectAgain(lack.revision))
  }

  /// Pictures that seem half-copied, and that no program went on with for the stall time.
  private func lookForStalled() {
    for lack in lacks.stalled(for: setup.config.settleStall, at: setup.clock.now()) {
      errand.yield(.decideDoubts(lack.revision, lack.files.map(\.path)))
    }
  }

  /// Has oiiotool decide about pictures that their structure leaves in doubt, and goes on with what it says.
  func decideDoubts(_ revision: Revision, about paths: [String]) async {
    let (wholeFiles, scratch) = (wholeFiles, setup.state.doubts(of: revision.id))
    let doubtful = await BlockingWork.run { wholeFiles.doubtful(among: paths) }
    guard !doubtful.isEmpty else { return }
    do {
      for picture in doubtful {
        try await BlockingWork.run { () throws(FileFailure) in
          try Placement.removeTree(scratch)
          try SharedFolder.make(scratch)
        }
        let isReadable = try await OIIOTool.reads(picture.path, in: picture.doubt, scratch: scratch)
        wholeFiles.decided(about: picture, isReadable: isReadable)
      }
    } catch {
      complain(error, while: "looking whether pictures of \(revision.name) are whole")
    }
    await removeTree(scratch)
    await inspectAgain(revision)
  }

  private static func look(at paths: [String]) async -> [ExactText: Fingerprint] {
    await BlockingWork.run(at: paths.first.map { FilePath($0) }) {
      paths.reduce(into: [:]) { seen, path in
        // Unreadable: not there for us.
        // A link stands for what it leads to, as it does for Blender.
        if let status = (try? FileStatus(at: FilePath(path), followsLinks: true)) ?? nil,
          status.kind == .regular || status.kind == .folder
        {
          seen[ExactText(path)] = status.fingerprint
        }
      }
    }
  }

  /// Renders a revision that was held up, or that lost a frame, as it is.
  /// - Parameter outputs: what it owes again; in one commit, for a completed revision that owes something is opened by
  ///   nobody.
  func requeue(_ revision: Revision, owing outputs: [Output] = []) async {
    do {
      guard await move(revision, to: .queued, outputs: try await withTiles(outputs, of: revision.id)) else { return }
    } catch {
      return complain(error, while: "looking for the tiles of \(revision.name)")
    }
    let pictures = pictures(of: revision.id, revision.name)
    setup.crashes.forget(pictures.folder, pictures.version)
    // An older one may have gone on while this one waited.
    for old in open.values.map(\.revision) where old.job == revision.job && old.number < revision.number {
      if await move(old, to: .superseded) { await end(old) }
    }
    var again = revision
    again.state = .queued
    await opened(again)
    if undecided.contains(again.name) { errand.yield(.decideAgain) }
    // All that is rendered may be there, and only what is made of it be missing.
    await advance(again.id)
    await schedule()
  }
}
