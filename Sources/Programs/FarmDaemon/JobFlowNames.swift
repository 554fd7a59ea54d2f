import FarmModel
import FarmStore
import Harvest
import VolumeFiles

/// Jobs whose pictures would be delivered under a name of another job's: told as soon as they are queued, until the
/// cause is gone.
extension JobFlow {
  /// What keeps a job from being delivered though its frames come; nil when nothing does.
  func nameProblem(of job: JobName) -> Problem? { nameProblems[job]?.problem ?? harvestFailures.problem(of: job) }

  /// Refuses to deliver jobs whose names are another job's, though that has not delivered yet.
  func refuseTakenNames(of revisions: [Revision]) throws(HarvestFailure) {
    for revision in revisions {
      guard let taken = nameProblems[revision.name] else { continue }
      throw .sameName(taken.clash.file, revision.name, taken.clash.other, remedy: taken.problem.remedy)
    }
  }

  /// Has the names looked at that a job, or every job of a release, will have in `dist/`.
  func askForNames(in release: String, of job: JobName? = nil) {
    if nameQuestions.ask(release, job) { errand.yield(.lookAtNames(release)) }
  }

  /// At a start: in releases where something is still to be delivered.
  func askForNamesOfUnfinished() async throws(StoreFailure) {
    var releases = Set(
      try await setup.ledger.revisions(in: [.blocked, .queued, .active, .assembling]).map(\.name.release))
    for release in try await setup.ledger.releases() where !releases.contains(release.name) {
      if try await !setup.ledger.undelivered(in: release.name).isEmpty { releases.insert(release.name) }
    }
    for release in releases { askForNames(in: release) }
  }

  func lookAtNames(in release: String) async {
    guard nameQuestions.begin(release) else { return }
    while let question = nameQuestions.next(release) {
      do { try await answer(question, in: release) } catch {
        complain(error, while: "looking at the names in dist/\(release)")
      }
    }
  }

  private func answer(_ question: NameQuestions.Question, in name: String) async throws(StoreFailure) {
    let release = try await setup.ledger.release(named: name)
    let known = question == .all ? nil : nameRegisters[name]
    let meant: [JobName]? = if known != nil, case .jobs(let jobs) = question { Array(jobs) } else { nil }
    let jobs = try await setup.ledger.namedJobs(in: name, meant?.map(\.job))
    let order = release?.order ?? ReleaseOrder()
    let before = Array(nameProblems.keys.filter { $0.release == name })
    let (register, verdicts) = await BlockingWork.run {
      Self.judged(known ?? NameRegister(), jobs, asked: meant ?? before, order)
    }
    nameRegisters[name] = register
    for (job, clash) in verdicts { await take(clash, of: job, order) }
  }

  private static func judged(
    _ known: NameRegister, _ jobs: [NamedJob], asked: [JobName], _ order: ReleaseOrder
  ) -> (NameRegister, [JobName: NameRegister.Clash?]) {
    var register = known
    var touched = Set(asked)
    for job in asked where !jobs.contains(where: { $0.name == job }) {
      touched.formUnion(register.set(nil, of: job, rank: NameRegister.Rank(isDelivered: false, number: 0)))
    }
    for job in jobs {
      let rank = NameRegister.Rank(isDelivered: job.isDelivered, number: job.id)
      // Names that cannot be made are told when they are needed.
      let names = (try? ExpectedNames(of: job.expected, order)) ?? nil
      touched.formUnion(register.set(names, of: job.name, rank: rank))
    }
    return (register, Dictionary(uniqueKeysWithValues: touched.map { ($0, register.clash(of: $0)) }))
  }

  private func take(_ clash: NameRegister.Clash?, of job: JobName, _ order: ReleaseOrder) async {
    guard let clash else {
      guard nameProblems.removeValue(forKey: job) != nil else { return }
      // It is delivered now with all that failed with it, without waiting for the next try.
      harvestFailures.forget(in: job.release)
      setup.log.notice("its pictures have names of their own again", metadata: ["job": "\(job)"])
      return askForReview(of: job.release)
    }
    let pair = job == clash.other ? [job.job] : [job.job, clash.other.job]
    // Told without trying the advice when the ledger cannot be read; that failure ends the run.
    let revisions = (try? await setup.ledger.namedJobs(in: job.release, pair).map(\.expected)) ?? []
    let remedy = NameRemedy(for: job, beside: clash.other, order: order, revisions: revisions).text
    let failure = HarvestFailure.sameName(clash.file, job, clash.other, remedy: remedy)
    let problem = Problem(failure.problemClass, cause: failure.description, remedy: remedy)
    let taken = TakenName(clash: clash, problem: problem)
    guard nameProblems.updateValue(taken, forKey: job) != taken else { return }
    happenings += 1
    setup.log.warning(
      "the names of a job's pictures are taken",
      metadata: ["job": "\(job)", "reason": "\(problem.cause)", "remedy": "\(problem.remedy)"])
    told("job.note", job, problem: problem)
  }

  // MARK: - What a harvest found

  /// What the release shows: the problem of a job that still waits; nil when none does.
  func harvestProblem(of release: Release, _ undelivered: [Revision]) -> Problem? {
    harvestFailures.keep(Set(undelivered.map(\.name)), of: release.name)
    return undelivered.lazy.compactMap { revision -> Problem? in
      guard let problem = self.harvestFailures.problem(of: revision.name) else { return nil }
      // The remedy of the job was tried on its names.
      return problem.problemClass == .nameTaken ? self.nameProblem(of: revision.name) : problem
    }.first
  }
}

/// Whose name a job's picture would have, and what is told of that.
struct TakenName: Hashable {
  let clash: NameRegister.Clash
  let problem: Problem
}

extension NamedJob {
  fileprivate var expected: ExpectedRevision {
    ExpectedRevision(
      job: name, number: number, createdAt: createdAt, scene: scene,
      outputs: kinds.filter { $0.kind.node == nil || deliversNodes }.map {
        ExpectedOutputs(kind: $0.kind, frames: $0.frames, path: $0.path)
      })
  }
}
