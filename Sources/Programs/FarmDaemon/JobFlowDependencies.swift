import FarmAPI
import FarmModel
import FarmStore
import SystemPackage
import VolumeFiles

/// The files besides the `.blend` from which pictures come: all frames of a revision see the same, and a release is
/// rendered again where they are others by now.
extension JobFlow {
  /// What Blender found when it opened a revision; a later task of it has to find the same.
  func saw(_ files: [SeenFile], task id: Int64) async {
    guard let revision = running[id]?.task.revision, open[revision] != nil else { return }
    do {
      let before = try await setup.ledger.dependencies(of: revision)
      if before.isEmpty {
        if !files.isEmpty { try await setup.ledger.setDependencies(of: revision, files) }
      } else if let changed = SeenFile.firstChange(from: before, to: files) {
        await renderAnew(
          revision, because: "\(setup.volume.relative(FilePath(changed))) changed after the first frames")
      }
    } catch {
      complain(error, while: "noting what a revision depends on")
    }
  }

  /// Begins a revision's job again from its first frame: frames of two versions of a file never mix.
  func renderAnew(_ id: Int64, because cause: String) async {
    guard let revision = open[id]?.revision else { return }
    do {
      guard let job = try await setup.ledger.job(revision.name) else { return }
      setup.log.notice("a job begins anew", metadata: ["job": "\(revision.name)", "because": "\(cause)"])
      try await renderAll(of: job, revision, isPaced: true)
    } catch {
      complain(error, while: "beginning \(revision.name) anew")
    }
  }

  // MARK: - farm refresh release

  func refresh(_ request: RefreshRequest, by person: String) async throws -> RefreshAnswer {
    guard try await setup.ledger.release(named: request.release) != nil else {
      throw try await unknown(release: request.release)
    }
    var refreshed: [RefreshAnswer.Line] = []
    for job in try await setup.ledger.jobs(in: request.release, adopted: false) where job.state == .completed {
      guard let revision = try await setup.ledger.newestRevision(of: job.name), revision.number == job.revision,
        let changed = try await changeSince(revision)
      else { continue }
      if !request.isDryRun { try await renderAll(of: job, revision) }
      refreshed.append(RefreshAnswer.Line(job: job.name, changed: setup.volume.relative(FilePath(changed))))
    }
    if !request.isDryRun, !refreshed.isEmpty {
      try await setup.ledger.remember([Act(person, .refreshed, release: request.release)])
    }
    return RefreshAnswer(release: request.release, jobs: refreshed, isDryRun: request.isDryRun)
  }

  /// A file from which a revision was rendered and that is another by now, or gone.
  private func changeSince(_ revision: Revision) async throws(StoreFailure) -> String? {
    let before = try await setup.ledger.dependencies(of: revision.id)
    return await BlockingWork.run {
      before.first { file in
        // Gone or unreadable: that is another too.
        let now = (try? FileStatus(at: FilePath(file.path), followsLinks: true)).flatMap(\.self)?.fingerprint
        return now?.size != file.size || now?.mtimeNanoseconds != file.mtimeNanoseconds
      }?.path
    }
  }
}
