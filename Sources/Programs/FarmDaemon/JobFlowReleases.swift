import FarmAPI
import FarmModel
import FarmStore
import Harvest
import SystemPackage
import VolumeFiles

/// What people want of releases: by `farm plan`, by release.yaml, and by asking for a harvest.
extension JobFlow {
  // MARK: - release.yaml

  /// A release.yaml that was made or changed, or is gone. That of a folder which cannot be a release is nobody's plan.
  func readPlan(at path: FilePath, _ fingerprint: Fingerprint?) async {
    guard let release = release(plannedBy: path) else { return }
    await planFound(of: release)
    guard let fingerprint else { return }
    do { try await setup.ledger.remember(KnownPath(below(path)), fingerprint) } catch {
      complain(error, while: "noting the plan of \(release)")
    }
  }

  /// A release.yaml that is no file that can be read.
  func planRefused(at path: FilePath, _ reason: String) async {
    guard let release = release(plannedBy: path) else { return }
    await planIsWrong(release, .unreadable(path, reason))
  }

  private func release(plannedBy path: FilePath) -> String? {
    let folder = path.removingLastComponent()
    guard let name = folder.lastComponent?.string, releasesTaken[name.lowercased()] == folder else { return nil }
    return name
  }

  /// Reads a release's release.yaml. Without one it keeps what was last wanted of it, and so it does after a mistake;
  /// but then nothing is delivered, and what is dropped waits, until that is mended.
  func planFound(of name: String) async {
    let folder = setup.volume.release(name)
    let path = folder.appending(Volume.planName)
    let read = await BlockingWork.run(at: folder) {
      Result { () throws(ConfigFailure) in try ReleasePlan.text(in: folder) }
    }
    do {
      let text = try read.get()
      let wanted = try await setup.ledger.release(named: name)?.order ?? ReleaseOrder()
      // An empty one that never said anything changes nothing.
      let saidSomething = wanted != ReleaseOrder()
      if let text, text.saysSomething || saidSomething,
        let doubt = try await doubt(about: text, at: path, saidSomething: saidSomething)
      {
        throw doubt
      }
      var order: ReleaseOrder?
      if let text {
        order = try await guarded(path, .plan) { () throws(ConfigFailure) in
          try ReleasePlan.parse(text.text, file: path)
        }.get()
      }
      if let text { try await setTextInForce(text, at: path) }
      // Also one that was wrong when an earlier daemon read it.
      let mistake = try await mistake(in: name)
      let wasWrong = badPlans.remove(name) != nil || mistake != nil
      if let order {
        try await take(order, of: name)
      } else if wasWrong, let release = try await setup.ledger.release(named: name) {
        try await setup.ledger.setRelease(release.id, problem: nil)
      }
      if wasWrong { try await lookAtJobs(of: name) }
    } catch let failure as ConfigFailure {
      await planIsWrong(name, failure)
    } catch {
      complain(error, while: "recording the plan of \(name)")
    }
    askForReview(of: name)
  }

  /// What is wanted of a release now; what waits is put in order again.
  private func take(_ order: ReleaseOrder, of name: String) async throws(StoreFailure) {
    let before = try await setup.ledger.release(named: name)?.order
    guard try await setup.ledger.setOrder(of: name, order) else { return }
    if let before, before.defaults != order.defaults { try await lookAtJobs(of: name) }
    if before?.naming != order.naming { askForNames(in: name) }
    setup.log.notice("release.planned", metadata: ["release": "\(name)"])
    for id in open.keys where open[id]?.revision.name.release == name {
      guard let job = open[id]?.revision.name, let urgency = try await setup.ledger.job(job)?.priority else { continue }
      open[id]?.priority = urgency
    }
    if order.onMissing == .warn {
      for revision in try await setup.ledger.revisions(in: [.blocked]) where revision.name.release == name {
        _ = try await renderingAnyway(revision)
      }
    }
    await schedule()
  }

  private func planIsWrong(_ name: String, _ failure: ConfigFailure) async {
    badPlans.insert(name)
    let problem = Problem(.badRelease, cause: failure.description, remedy: failure.remedy)
    do {
      // Looked at again and again until it is mended, so only another mistake is news.
      guard let release = try await setup.ledger.release(named: name), release.problem != problem else { return }
      complain(failure, while: "reading the plan of \(name)")
      try await setup.ledger.setRelease(release.id, problem: problem)
      // Jobs that wait for this plan quote the mistake before.
      if release.problem?.problemClass == .badRelease { try await lookAtJobs(of: name) }
    } catch {
      complain(error, while: "recording the mistake in the plan of \(name)")
    }
  }

  // MARK: - farm plan release

  func plan(_ request: PlanRequest, by person: String) async throws -> PlanAnswer {
    let free = try await freeReleaseName()
    let name = request.name ?? free
    var order = request.order
    order.jobs = Set(order.jobs ?? []).sorted()
    for part in [name] + (order.jobs ?? []) {
      if let why = NameRule.refusal(of: part) { throw CommandFailure.badName(part, why: why) }
    }
    if let why = NameRule.refusal(ofRelease: name) { throw CommandFailure.badName(name, why: why) }
    if let naming = order.naming {
      do { _ = try NamingTemplate(parsing: naming) } catch {
        throw HarvestFailure.badTemplate(name, reason: error.reason)
      }
    }
    let folder = setup.volume.release(name)
    let before = try await BlockingWork.run { () throws(ConfigFailure) in try ReleasePlan.read(in: folder) }
    guard before == nil || before == order else { throw CommandFailure.planned(name) }
    let (store, out, text) = (setup.volume.store(of: name), folder.appending("out"), ReleasePlan.text(order))
    // The ledger first: a drop that comes with the folder must find the plan.
    try await setup.ledger.setOrder(of: name, order)
    let root = setup.volume.root
    try await BlockingWork.run { () throws(FileFailure) in
      try SharedFolder.make(folder, below: root)
      if before == nil { try Durable.write(Array(text.utf8), to: folder.appending(Volume.planName)) }
      try SharedFolder.make(out)
      try SharedFolder.make(store)
    }
    try await setup.ledger.remember([Act(person, .planned, release: name)])
    askForReview(of: name)
    return PlanAnswer(release: name, store: store.string)
  }

  /// `r-<date>`, with a number when that is taken.
  private func freeReleaseName() async throws -> String {
    let taken = Set(try await setup.ledger.releases().map(\.name))
    let day = "r-" + setup.clock.now().rfc3339.prefix(10)
    return taken.contains(day) ? (2...10_000).lazy.map { "\(day)-\($0)" }.first { !taken.contains($0) } ?? day : day
  }

  // MARK: - farm harvest release

  func harvest(_ request: HarvestRequest, by person: String) async throws -> HarvestAnswer {
    guard let release = try await setup.ledger.release(named: request.release) else {
      throw try await unknown(release: request.release)
    }
    if let problem = release.problem, problem.problemClass == .badRelease { throw CommandFailure.badPlan(problem) }
    await flush(release.name)
    await beginHarvesting(release.name)
    defer { endHarvesting(release.name) }
    let (progress, ready) = try await progress(of: release, jobs: setup.ledger.jobStates(in: release.name))
    let lacks = progress.lacks
    guard lacks.isEmpty || request.isPartial else {
      throw CommandFailure.notFinished(release.name, waitsFor: lacks)
    }
    guard let plan = try await harvestPlan(release, ready) else {
      throw CommandFailure.notFinished(release.name, waitsFor: ["frames that were lost and are rendered again"])
    }
    if !request.isDryRun, !plan.isEmpty {
      try await deliver(plan, of: release)
      for revision in ready { harvestFailures.forget(revision.name) }
      try await setup.ledger.setRelease(release.id, problem: nil)
      for revision in ready { askForNames(in: release.name, of: revision.name) }
      try await setup.ledger.remember([Act(person, .harvested, release: release.name)])
    }
    askForReview(of: release.name)
    let moves = plan.map { HarvestAnswer.Move(from: $0.source, to: $0.target) }
    return HarvestAnswer(release: release.name, moves: moves, isDryRun: request.isDryRun, left: lacks)
  }

  // MARK: - farm show release

  func release(_ name: String) async throws -> ReleaseDetail {
    guard let release = try await setup.ledger.release(named: name) else { throw try await unknown(release: name) }
    guard let status = try await status().releases.first(where: { $0.name == name }) else {
      throw try await unknown(release: name)
    }
    return ReleaseDetail(
      status: status, order: release.order, store: setup.volume.relative(setup.volume.store(of: name)),
      dist: setup.volume.relative(setup.volume.dist(of: name)),
      delivered: try await setup.ledger.deliveryCount(of: name),
      archive: try await archiveWords(of: release, status.state))
  }

  /// Where a release is archived, or when it will be; nil when nobody has said anything about that.
  private func archiveWords(of release: Release, _ state: ReleaseState) async throws -> String? {
    let own = release.order.archiveAfter
    if state == .archived {
      let archive = try await archives().first { $0.release == release.name && !$0.isOlder }
      return archive.map { archive in
        let command = "`farm restore release \(release.name.quotedForShell)`"
        return "in \(archive.path)" + (archive.problem.map { ", but \($0)" } ?? "; \(command) brings it back")
      }
    }
    guard let rule = setup.config.archive else {
      return own.map { _ in "not by itself: farm.yaml has no `archive:`" }
    }
    let wait = rule.wait(own)
    guard wait < ReleaseOrder.neverArchived else { return "never by itself" }
    let candidates = try await setup.ledger.archiveCandidates()
    let problem = candidates.first { $0.release == release.name }?.problem
    return "\(wait.spelled) after its last change" + (problem.map { "; it was tried: \($0)" } ?? "")
  }
}
