import FarmAPI
import FarmDoctor
import FarmModel
import FarmServer
import FarmStore
import FoundationEssentials
import SystemPackage
import VolumeFiles

/// What people ask for.
extension JobFlow: FarmService {
  func job(_ text: String) async throws -> JobDetail { try await jobDetail(text) }

  func log(ofJob text: String, read: (path: String, from: Int)?) async throws -> LogAnswer {
    let detail = try await jobDetail(text)
    let goesOn = !detail.state.isFinal && detail.state != .blocked
    guard let log = detail.log else {
      // Who follows waits for the first task.
      if goesOn, read != nil { return LogAnswer(path: "", text: "", next: 0, goesOn: true) }
      throw CommandFailure.noLog(detail.name)
    }
    let start = read.map { $0.path == log ? $0.from : 0 } ?? 0
    let found = try await BlockingWork.run { () throws(FileFailure) in
      try FileStatus(at: FilePath(log)) == nil ? nil : FileBytes.part(of: FilePath(log), from: start)
    }
    guard var bytes = found ?? (goesOn ? [] : nil) else { throw CommandFailure.logGone(detail.name, log) }
    // A line that is still being written is told when it is whole.
    if goesOn { bytes.removeLast(bytes.reversed().prefix { $0 != 10 }.count) }
    return LogAnswer(
      path: log, text: String(decoding: bytes, as: UTF8.self), next: start + bytes.count, goesOn: goesOn)
  }

  // MARK: - Steering

  func pause(_ request: PauseRequest, by person: String) async throws {
    defer { happenings += 1 }
    if let name = request.release {
      guard try await setup.ledger.release(named: name) != nil else {
        throw try await unknown(release: name)
      }
      try await setup.ledger.setPaused(release: name, request.paused)
    } else {
      try await setup.ledger.setPaused(request.paused)
    }
    let deed = request.paused ? Act.Deed.paused : .resumed
    try await setup.ledger.remember([Act(person, deed, release: request.release)])
    setup.log.notice("\(deed.rawValue)", metadata: ["release": "\(request.release ?? "(all)")", "by": "\(person)"])
    await schedule()
  }

  func unknown(release name: String) async throws(StoreFailure) -> CommandFailure {
    let names = try await setup.ledger.releases().map(\.name)
    return .noRelease(name, nearest: Nearest.name(to: name, among: names))
  }

  func steer(_ request: SteerRequest, by person: String) async throws -> TouchedJobs {
    defer { happenings += 1 }
    let query = try JobQuery(parsing: request.query)
    guard !query.words.isEmpty else { throw CommandFailure.emptyQuery }
    if let release = request.release, try await setup.ledger.release(named: release) == nil {
      throw try await unknown(release: release)
    }
    let names = try await jobs(meantBy: query, adopted: true).map(\.name)
    var meant = Set(names.filter { request.release == nil || $0.release == request.release })
    if let jobs = request.jobs { meant.formIntersection(jobs) }
    let touched = try await carryOut(request, on: meant)
    if !request.isDryRun {
      let deed = request.act == .kill ? Act.Deed.killed : .retried
      try await setup.ledger.remember(touched.map { Act(person, deed, release: $0.release, job: $0.job) })
    }
    await schedule()
    return TouchedJobs(jobs: touched)
  }

  private func carryOut(_ request: SteerRequest, on meant: Set<JobName>) async throws -> [JobName] {
    // Also what is done: else nothing could end the wait for a folder that is lost.
    if request.act == .kill, let release = request.release, held.contains(release) {
      let files = dismissible(among: meant)
      if !request.isDryRun { forgetNewcomers(files) }
      let jobs = try await letGo(meant, isDryRun: request.isDryRun)
      return jobs + others(files, than: jobs)
    }
    let found = try await candidates(for: request.act).filter { meant.contains($0.name) }
    let files = request.act == .kill ? dismissible(among: meant) : [:]
    guard !request.isDryRun else { return found.map(\.name) + others(files, than: found.map(\.name)) }
    let touched = try await carryOut(request.act, found)
    try await dismiss(files)
    return touched + others(files, than: touched)
  }

  /// Files that are no jobs yet, without those of jobs that are touched anyway.
  private func others(_ files: [JobName: FilePath], than jobs: [JobName]) -> [JobName] {
    files.keys.filter { !jobs.contains($0) }.sorted { $0.description < $1.description }
  }

  /// The revisions with which something can be done: of each job the newest alone is tried again.
  private func candidates(for act: SteerRequest.Act) async throws(StoreFailure) -> [Revision] {
    switch act {
    case .kill:
      let revisions = try await setup.ledger.revisions(in: JobState.canceled.mayFollow)
      // An older one that failed is over.
      guard revisions.contains(where: { $0.state == .failed }) else { return revisions }
      let newest = try await newestRevisions()
      return revisions.filter { $0.state != .failed || newest[$0.job] == $0.number }
    case .retry:
      let newest = try await newestRevisions()
      let states: Set<JobState> = [.failed, .canceled, .blocked]
      return try await setup.ledger.revisions(in: states).filter { newest[$0.job] == $0.number }
    }
  }

  /// The number of each job's newest revision; jobs whose file is gone are left out.
  private func newestRevisions() async throws(StoreFailure) -> [Int64: Int] {
    let jobs = try await setup.ledger.jobs(adopted: true).filter { $0.state != .removed }
    return Dictionary(jobs.map { ($0.id, $0.revision) }) { first, _ in first }
  }

  /// Side by side, so that they share the ledger's commits.
  private func carryOut(_ act: SteerRequest.Act, _ revisions: [Revision]) async throws -> [JobName] {
    try await withThrowingTaskGroup(of: Int?.self) { group in
      for (index, revision) in revisions.enumerated() {
        group.addTask { try await self.carryOut(act, revision) ? index : nil }
      }
      var done: [Int] = []
      for try await index in group { if let index { done.append(index) } }
      return done.sorted().map { revisions[$0].name }
    }
  }

  private func carryOut(_ act: SteerRequest.Act, _ revision: Revision) async throws -> Bool {
    switch act {
    case .kill:
      guard await move(revision, to: .canceled, problem: Problem(.killed, cause: "a person killed it")) else {
        return false
      }
      await end(revision)
    case .retry where revision.problem?.problemClass == .adopted:
      guard let job = try await setup.ledger.job(revision.name) else { return false }
      try await renderAll(of: job, revision)
    case .retry:
      var again = try await setup.ledger.outputs(of: revision.id).filter { !$0.state.isDone }
      for index in again.indices { again[index].oweAnew() }
      gone.remove(revision.id)
      lacks.remove(revision.id)
      await requeue(revision, owing: again)
    }
    return true
  }

  func doctor() async throws -> DoctorReport {
    let checkup = Checkup(volume: setup.volume, state: setup.state.folder, clock: setup.clock)
    return await checkup.report(
      blenders: abilities?.blenders ?? [], unwell: abilities?.unwell ?? [], probing: abilities?.probing ?? [],
      ledger: LedgerState(trouble: try await setup.ledger.trouble()))
  }

  // MARK: - The ledger

  func checkLedger() async throws -> LedgerAnswer {
    if let trouble = try await setup.ledger.trouble() { throw StoreFailure.damaged(setup.state.ledger, trouble) }
    return LedgerAnswer(path: setup.state.ledger, "it is whole")
  }

  func backUpLedger(_ request: BackupRequest) async throws -> LedgerAnswer {
    try await LedgerBackup(of: setup.ledger, at: setup.state.ledger)
      .write(to: request.path.map { FilePath($0) }, orInto: setup.state.backups, now: setup.clock.now())
  }

  /// The run ends in a moment, and the next start does it: whatever happens, it is done as a whole.
  func slashAndBurn(by person: String) async throws -> BurntAnswer {
    let ashes = try SlashAndBurn.order(setup.volume, at: setup.clock.now())
    setup.log.warning("everything will be forgotten", metadata: ["by": "\(person)", "old": "\(ashes)"])
    mustBeginAnew = true
    setup.failed()
    errand.finish()
    return BurntAnswer(ashes: ashes.string)
  }

  nonisolated func events() -> AsyncStream<FarmEvent> { setup.events.listen() }
}

/// Why something that a person asked for was not done.
enum CommandFailure: Failure, Equatable {
  case noJob(String, nearest: String?)
  case severalJobs(String, [JobName])
  case noRelease(String, nearest: String?)
  case noLog(JobName)
  case logGone(JobName, String)
  case noTask(Int64)
  case badName(String, why: String)
  case planned(String)
  case notFinished(String, waitsFor: [String])
  case badPlan(Problem)
  case fileGone(JobName)
  case folderAway(JobName, String)
  case beingAssembled(JobName)
  case noFrames(JobName, FrameSet, of: FrameSet)
  /// It was killed before these frames were rendered.
  case killedBefore(JobName, FrameSet)
  case blocked(JobName, Problem?)
  case emptyQuery

  var description: String {
    switch self {
    case .noJob(let text, let nearest): "there is no job \"\(text)\"" + Self.hint(nearest)
    case .severalJobs(let text, let names):
      "\"\(text)\" is the name of several jobs: \(names.map(\.description).joined(separator: ", "))"
    case .noRelease(let text, let nearest): "there is no release \"\(text)\"" + Self.hint(nearest)
    case .noLog(let job): "\(job) has no log yet: nothing of its newest revision was rendered"
    case .logGone(let job, let path): "the log of \(job) is not there any more: \(path)"
    case .noTask(let id): "there is no task \(id)"
    case .badName(let name, let why): "\"\(name)\" cannot be a name: \(why)"
    case .planned(let name): "the release \(name) has a plan already"
    case .notFinished(let name, let waitsFor):
      "\(name) is not finished: it waits for \(waitsFor.joined(separator: "; "))"
    case .badPlan(let problem): problem.cause
    case .fileGone(let job): "the file of \(job) is gone"
    case .folderAway(let job, let why): "the pictures of \(job) cannot be seen: \(why)"
    case .beingAssembled(let job): "\(job) is being assembled"
    case .noFrames(let job, let frames, let all): "\(job) has no frames \(frames); it has \(all)"
    case .killedBefore(let job, let frames):
      "cannot render only some frames of \(job): it was killed before frames \(frames) were rendered"
    case .blocked(let job, let problem): "\(job) cannot be rendered: \(problem?.cause ?? "it has no frames")"
    case .emptyQuery: "the query is empty, which would mean all jobs"
    }
  }

  var remedy: String {
    switch self {
    case .noJob: "Look at `farm list jobs`."
    case .severalJobs: "Write `<release>/<job>`."
    case .noRelease: "Look at `farm list releases`."
    case .noLog(let job): "Look at `farm show job \(job)`."
    case .logGone:
      "Logs are kept for as long as `tidy: {logs: 30d}` in farm.yaml says; what is rendered again has a new one."
    case .noTask: "Look at `farm list tasks`."
    case .badName: "Take another name."
    case .planned(let name): "Edit releases/\(name)/release.yaml, which is taken at once, or take another name."
    case .notFinished(let name, _):
      "Wait, or deliver what is completed: `farm harvest release \(name.quotedForShell) --partial`."
    case .badPlan: "Correct release.yaml; nothing is delivered until then."
    case .fileGone: "Put it back, or drop another one."
    case .folderAway: "Put the folder back or mount it, then ask again."
    case .beingAssembled: "Try again in a moment."
    case .noFrames: "Set the range in the file and save it, or name frames that it has."
    case .killedBefore(let job, _): "Have those rendered too: `farm retry jobs \(job)`."
    case .blocked(_, let problem): problem?.remedy ?? "Set the frame range in the file and save it."
    case .emptyQuery: "Write `'*'` when you mean all."
    }
  }

  var kind: FailureKind {
    switch self {
    case .noJob, .noRelease, .noLog, .logGone, .noTask: .notFound
    case .severalJobs, .badName, .emptyQuery, .noFrames: .wrongUse
    case .planned, .notFinished, .badPlan, .fileGone, .folderAway, .beingAssembled, .blocked, .killedBefore: .conflict
    }
  }

  private static func hint(_ nearest: String?) -> String { nearest.map { "; did you mean \"\($0)\"?" } ?? "" }
}
