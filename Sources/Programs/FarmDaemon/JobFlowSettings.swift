import FarmModel
import FarmStore
import FolderWatch
import Intake
import Preflight
import Segmentation
import SystemPackage
import VolumeFiles

/// What people want of a job besides what its file says: sidecars, and `defaults:` of its release.
extension JobFlow {
  /// What the sidecar of a `.blend` says; nothing where there is none.
  func sidecar(of blend: FilePath) async throws(StoreFailure) -> Result<JobSettings, ConfigFailure> {
    let path = Sidecar.path(of: blend)
    let read = await BlockingWork.run(at: blend) {
      Result { () throws(ConfigFailure) in try ConfigText.readWish(path) }
    }
    guard case .success(let text?) = read else { return read.map { _ in JobSettings() } }
    if let doubt = try await doubt(about: text, at: path, saidSomething: false) { return .failure(doubt) }
    let said = await guarded(path, .sidecar) { () throws(ConfigFailure) in try Sidecar.parse(text.text, file: path) }
    if case .success = said { try await setTextInForce(text, at: path) }
    return said
  }

  /// What is wanted of a drop, by its sidecar, its release and farm.yaml.
  /// - Parameter said: by its sidecar, when that is understood.
  func wishes(for drop: Drop, _ order: ReleaseOrder?, said: JobSettings?) -> RenderWishes {
    let wanted = (said ?? JobSettings()).over(order?.defaults ?? JobSettings())
    return RenderWishes(
      onMissing: wanted.onMissing ?? order?.onMissing ?? .block, still: order?.still ?? setup.config.still,
      wanted: wanted, said: said ?? JobSettings(), trustsScripts: trusted.contains(drop.path),
      reach: abilities?.mappedFolders.map { [setup.volume.root.string] + $0 })
  }

  /// Whether a drop would give the pictures that a revision of its job gives: the same bytes, wanted in the same way.
  func isSame(_ before: Revision, as drop: Drop, _ wanted: JobSettings) -> Bool {
    before.digest == drop.digest && before.settings.wanted.ofPictures == wanted.ofPictures
  }

  func segmentation(of drop: Drop, _ wishes: RenderWishes) -> Segmentation {
    guard let inspection = drop.inspection else {
      return Segmentation(of: try? drop.facts.get(), wanted: wishes.wanted)  // A finding says why there are none.
    }
    return Segmentation(
      of: inspection, wanted: wishes.wanted, still: wishes.still, workers: abilities?.tasksAtOnce ?? 1)
  }

  /// What is wrong in a release's release.yaml.
  func mistake(in release: String) async throws(StoreFailure) -> Problem? {
    let problem = try await setup.ledger.release(named: release)?.problem
    return problem?.problemClass == .badRelease ? problem : nil
  }

  /// What speaks against rendering a drop as it is wanted, and what else is worth a note.
  func findings(
    _ drop: Drop, _ wishes: RenderWishes, _ said: Result<JobSettings, ConfigFailure>, _ mistake: Problem?,
    _ segmentation: Segmentation, knowsBlender: Bool
  ) -> [Finding] {
    var found: [Finding] = []
    if case .failure(let failure) = said {
      found.append(Finding(.blocks, Problem(failure.problemClass, cause: failure.description, remedy: failure.remedy)))
    }
    // What is wanted of it may stand where nobody understands it.
    if let mistake {
      found.append(Finding(.blocks, Problem(.badSettings, cause: mistake.cause, remedy: mistake.remedy)))
    }
    found += findings(drop, wishes, knowsBlender: knowsBlender)
    if let problem = segmentation.problem {
      let named = segmentation.wrongWish.map { naming(problem, of: $0, for: drop, by: said) }
      found.append(Finding(.blocks, named ?? problem))
    }
    return found + segmentation.notes.map { Finding(.note, $0) }
  }

  /// A wish that does not fit the file, with the name of the file in which it stands.
  private func naming(
    _ problem: Problem, of wish: Segmentation.Wish, for drop: Drop, by said: Result<JobSettings, ConfigFailure>
  ) -> Problem {
    let settings = try? said.get()  // Why it is not understood is told above.
    let isOwn = wish == .scenes ? settings?.scenes != nil : settings?.layers != nil
    let place = isOwn ? "\(drop.name.job)\(Volume.sidecarEnding)" : "\(Volume.planName) of \(drop.name.release)"
    return Problem(problem.problemClass, cause: "\(problem.cause) (\(place))", remedy: problem.remedy)
  }

  /// A sidecar that is not understood now, of a job that was rendered or is: that goes on as it was wanted before. A
  /// newer version of its file would wait.
  func sidecarIsWrong(_ drop: Drop, _ failure: ConfigFailure, _ revision: Revision) async throws(StoreFailure) {
    try await setup.ledger.remember(KnownPath(below(drop.path)), drop.fingerprint)
    settledIsOver(drop.path)
    let problem = Problem(failure.problemClass, cause: failure.description, remedy: failure.remedy)
    guard badSidecars.updateValue(problem, forKey: drop.path) != problem else { return }
    complain(failure, while: "reading the settings of \(drop.name)")
    told("job.note", drop.name, revision: revision.number, problem: problem)
  }

  /// Another wish that gives the same pictures, as another order of frames, counts from now on.
  func takeUp(_ wishes: RenderWishes, _ revision: Revision) async throws(StoreFailure) {
    let wanted = wishes.wanted
    guard revision.settings.wanted != wanted else { return }
    var settings = revision.settings
    (settings.wanted, settings.said, settings.onMissing) = (wanted, wishes.said, wishes.onMissing)
    try await setup.ledger.setSettings(of: revision.id, settings)
    open[revision.id]?.revision.settings = settings
    try await takeUp(priority: wanted.priority, insteadOf: revision.settings.wanted.priority, ofJob: revision.job)
    if wanted.deliverNodes == true { try await giveOut(revision) }
    setup.log.notice("other settings, the same pictures", metadata: ["job": "\(revision.name)"])
    await schedule()
  }

  /// What nodes wrote and was kept is to be delivered.
  private func giveOut(_ revision: Revision) async throws(StoreFailure) {
    var kept = try await setup.ledger.outputs(of: revision.id).filter { $0.state == .kept }
    for index in kept.indices { kept[index].state = .done }
    try await setup.ledger.update(kept)
    askForReview(of: revision.name.release)
  }

  /// A job whose sidecar says how urgent it is; without one it is as urgent as its release, or as a person said.
  func takeUp(priority: Int?, insteadOf before: Int?, ofJob job: Int64) async throws(StoreFailure) {
    guard priority != before else { return }
    try await setup.ledger.setPriority(of: job, priority)
    for id in open.keys where open[id]?.revision.job == job {
      let name = open[id]?.revision.name
      let now = if let name { try await setup.ledger.job(name)?.priority } else { Int?.none }
      if let now { open[id]?.priority = now }
    }
  }

  // MARK: - Changes

  /// A sidecar that was made or changed, or is gone: its job is looked at anew.
  func readSidecar(at path: FilePath, _ fingerprint: Fingerprint?) async {
    do {
      guard let name = place.job(ofSidecar: path) else { return }
      let said = try await sidecar(of: path.removingLastComponent().appending("\(name.job).blend"))
      if await !isThereOrHangs(path) { try await setTextInForce(nil, at: path) }
      // One with a mistake is told anew at the next start.
      if let fingerprint, case .success = said {
        try await setup.ledger.remember(KnownPath(below(path)), fingerprint)
      }
      guard !isAdopting, let job = try await setup.ledger.job(name) else { return }
      // Touched, or new to a ledger that was made again: of a job that is over that is no news.
      let newest = try await setup.ledger.newestRevision(of: name)
      let wasRight = badSidecars[setup.volume.root.appending(job.path)] == nil
      if wasRight, let newest, newest.state.isFinal, case .success(newest.settings.said) = said { return }
      await claimAgain(job)
    } catch {
      complain(error, while: "reading the settings of a job")
    }
  }

  /// Jobs of a release whose `defaults:` are others now; those that are finished stay as they are.
  func lookAtJobs(of release: String) async throws(StoreFailure) {
    for job in try await setup.ledger.jobs(in: release, adopted: false) {
      let isOver = job.state == .completed || job.state == .canceled || job.state == .removed
      if !isOver { await claimAgain(job) }
    }
  }

  /// Takes in a job's file once more, as it lies there.
  func claimAgain(_ job: Job) async {
    let path = setup.volume.root.appending(job.path)
    // Unreadable or gone: the watch tells.
    let there = (try? await fileStatus(at: path)) ?? nil
    if let there, there.kind == .regular, unsettled[job.name] == nil { claim(path, settled: there.fingerprint) }
  }
}
