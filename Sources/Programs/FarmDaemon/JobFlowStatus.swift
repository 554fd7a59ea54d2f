import FarmAPI
import FarmModel
import FarmStore
import FolderWatch
import ShareNotes
import SystemPackage
import VolumeFiles

/// What the farm looks like, for people and for status.json.
extension JobFlow {
  private static let beingCopied = "being copied"

  func status(isBrief: Bool) async throws -> FarmStatus {
    try await isBrief ? briefStatus() : status()
  }

  /// Jobs whose file lay there before the farm are left out: there may be very many of them.
  func status() async throws -> FarmStatus {
    let all = try await Dictionary(grouping: setup.ledger.jobs(adopted: false), by: \.name.release)
    let counts = try await frameCounts()
    let notes = try await setup.ledger.newestNotes()
    var releases: [ReleaseStatus] = []
    for release in try await setup.ledger.releases() {
      let jobs = all[release.name] ?? []
      // A removed job may have the same name in another Unicode form: the one that is there counts.
      let states = Dictionary(jobs.map { ($0.name.job, $0.state) }) { $0 == .removed ? $1 : $0 }
      let progress = try await progress(of: release, jobs: states).progress
      releases.append(releaseStatus(release, progress, lines(of: jobs, counts, notes, in: release.name)))
    }
    return FarmStatus(
      daemon: try await daemonStatus(), releases: releases, overlooked: await overlookedWatch.files)
  }

  private static let newestReleases = 5
  private static let newestJobs = 10

  /// Everything that is not at rest, and the newest of what is.
  private func briefStatus() async throws -> FarmStatus {
    let all = try await setup.ledger.releases()
    let newest = Set(all.sorted { $0.changedAt > $1.changedAt }.prefix(Self.newestReleases).map(\.id))
    let (jobs, totals) = try await setup.ledger.briefJobs(newestAtRest: Self.newestJobs, ofReleases: newest.sorted())
    let known = openFrameCounts
    let counts = try await setup.ledger.frameCounts(ofJobs: jobs.map(\.id).filter { known[$0] == nil })
      .merging(known) { $1 }
    let byRelease = Dictionary(grouping: jobs, by: \.name.release)
    var releases: [ReleaseStatus] = []
    for release in all {
      let shown = byRelease[release.name] ?? []
      let lines = lines(of: shown, counts, [:], in: release.name)
      let isOver = release.state == .harvested || release.state == .archived
      guard newest.contains(release.id) || !isOver || !lines.isEmpty else { continue }
      let isAtRest = release.state == .harvested && !lines.contains { !$0.state.isFinal }
      let progress =
        isAtRest
        ? nil : try await progress(of: release, jobs: setup.ledger.jobStates(in: release.name)).progress
      let status = releaseStatus(release, progress, lines)
      releases.append(status.leavingOut((totals[release.id] ?? 0) - shown.count))
    }
    return FarmStatus(
      daemon: try await daemonStatus(), releases: releases, moreReleases: all.count - releases.count,
      overlooked: await overlookedWatch.files)
  }

  private func lines(
    of jobs: [Job], _ counts: [Int64: FrameCounts], _ notes: [Int64: [ProblemClass]], in release: String
  ) -> [JobStatus] {
    let times = timesLeft
    let lines = jobs.map { job in
      JobStatus(
        name: job.name.job, state: shownState(of: job), revision: job.revision,
        frames: counts[job.id] ?? FrameCounts(), problem: shownProblem(of: job), owner: job.owner,
        createdAt: job.createdAt.rfc3339, notes: notes[job.id], timeLeft: times[job.id])
    }
    return (lines + newcomers(in: release, besides: jobs.map { ($0.name, $0.path) })).sorted { $0.name < $1.name }
  }

  /// How many outputs of each job's newest revision are where; of those that are rendered from memory, for they may owe
  /// a hundred thousand.
  func frameCounts() async throws(StoreFailure) -> [Int64: FrameCounts] {
    let known = openFrameCounts
    return try await setup.ledger.newestFrameCounts(besides: known.keys.sorted()).merging(known) { $1 }
  }

  /// Of the newest revisions alone: an older one may go on until a newer is whole.
  private var openFrameCounts: [Int64: FrameCounts] {
    let newest = open.values.sorted { $0.revision.number < $1.revision.number }
    return newest.reduce(into: [:]) { counts, open in counts[open.revision.job] = open.board.frameCounts }
  }

  /// What jobs that are rendered will take yet, by job: as if each had all workers for itself.
  private var timesLeft: [Int64: TimeLeft] {
    let (workers, now) = (abilities?.tasksAtOnce ?? 1, setup.clock.now())
    let begun = running.values.compactMap { task in task.current.map { (task.task.revision, now.since($0.since)) } }
    let longest = Dictionary(begun, uniquingKeysWith: max)
    return open.values.filter { $0.revision.state == .active }.reduce(into: [:]) { times, open in
      times[open.revision.job] = TimeLeft(
        open.board.times, frames: open.board.unitsLeft, workers: workers, longest: longest[open.revision.id] ?? .zero)
    }
  }

  /// - Parameter progress: nil where nothing is waited for.
  private func releaseStatus(
    _ release: Release, _ progress: ReleaseProgress?, _ lines: [JobStatus]
  ) -> ReleaseStatus {
    let isDone = progress.map { $0.undelivered.isEmpty && $0.state == .harvested } ?? true
    return ReleaseStatus(
      name: release.name, state: progress?.state ?? release.state, planned: release.isPlanned,
      priority: release.order.priority, paused: release.isPaused, problem: release.problem,
      waitsFor: isDone ? [] : progress?.waitsFor ?? [], jobs: lines)
  }

  /// A job whose file is being written again shows that.
  func shownState(of job: Job) -> JobState {
    if rejected[setup.volume.root.appending(job.path)] != nil && job.state.isFinal { return .rejected }
    return unsettled[job.name] != nil && (job.state.isFinal || job.state == .blocked) ? .settling : job.state
  }

  func shownProblem(of job: Job) -> Problem? {
    if ![.removed, .canceled, .superseded].contains(job.state), let held = heldProblem(of: job.name.release) {
      return held
    }
    let path = setup.volume.root.appending(job.path)
    return rejected[path] ?? unsettled[job.name].flatMap(\.stalled) ?? badSidecars[path] ?? job.problem
      ?? nameProblem(of: job.name)
  }

  /// Files that are on their way to being jobs, or were refused. A second file of a job's name is refused while the
  /// job is well; its line has the whole name of the file.
  /// - Parameter known: the jobs that have lines of their own, with their paths below the root.
  func newcomers(in release: String, besides known: [(name: JobName, path: String)]) -> [JobStatus] {
    guard !unsettled.isEmpty || !rejected.isEmpty || !killedDrops.releases.isEmpty else { return [] }
    let names = Set(known.map(\.name))
    let now = setup.clock.now().rfc3339
    let killed = killedDrops.names(in: release).filter { !names.contains($0) }.map { name in
      JobStatus(
        name: name.job, state: .canceled, revision: 0, frames: FrameCounts(), problem: KilledDrops.problem, owner: "",
        createdAt: now)
    }
    let settling = unsettled.filter { $0.key.release == release && !names.contains($0.key) }.map { name, file in
      JobStatus(
        name: name.job, state: .settling, revision: 0, frames: FrameCounts(),
        problem: heldProblem(of: release) ?? file.stalled, owner: "", createdAt: now)
    }
    let store = setup.volume.store(of: release)
    let refused = rejected.filter { $0.key.removingLastComponent() == store }
    guard !refused.isEmpty else { return killed + settling }
    let taken = Set(names.map(FoldedName.init))
    let paths = Set(known.map { setup.volume.root.appending($0.path) })
    return killed + settling
      + refused.filter { !paths.contains($0.key) }.map { path, problem in
        let (stem, file) = (path.stem ?? "", path.lastComponent?.string ?? path.string)
        let isTwin = taken.contains(FoldedName(JobName(release: release, job: stem)))
        return JobStatus(
          name: isTwin ? file : stem, state: .rejected, revision: 0, frames: FrameCounts(), problem: problem, owner: "",
          createdAt: now)
      }
  }

  /// Has `farm status` say why what artists read cannot be written; nil: it is written.
  func tell(of paper: FilePath, unwritten failure: (any Error)?) {
    if case .canceled? = failure as? StoreFailure { return }
    troubles[paper] = failure.map { "cannot write what artists read: \($0.sentences)" }
  }

  private func daemonStatus() async throws -> DaemonStatus {
    let archiving = await archiving()
    return DaemonStatus(
      running: true, version: setup.version, engine: "local", paused: try await setup.ledger.isPaused(),
      at: setup.clock.now().rfc3339, ready: abilities != nil,
      slots: SlotCounts(used: running.count, all: abilities?.tasksAtOnce ?? 0),
      blenders: abilities?.blenders ?? [],
      troubles: troubles.values.sorted() + [rests?.reason, nimbyReason].compactMap { $0 },
      watch: WatchStatus(await setup.watcher.counts()), archiving: archiving.isEmpty ? nil : archiving)
  }

  func jobDetail(_ text: String) async throws -> JobDetail {
    let fits = try await setup.ledger.jobs(fitting: text)
    if fits.isEmpty, let newcomer = try await newcomer(text) { return newcomer }
    let job = try await job(named: text, among: fits)
    let revision = try await setup.ledger.newestRevision(of: job.name)
    let outputs = revision == nil ? [] : try await setup.ledger.outputs(of: revision?.id ?? 0)
    var files: [JobDetail.FileLine] = []
    if let revision { files = try await self.files(of: revision) }
    let tasks = revision == nil ? [] : try await setup.ledger.tasks(of: revision?.id)
    // Of a job that failed people want to know why: the newest task of a frame that did not come.
    let failed = job.state == .failed ? outputs.first { $0.state == .failed } : nil
    let log = failed.flatMap { frame in
      tasks.first { $0.part == frame.kind.part && $0.frames.frames.contains(frame.frame) }
    }
    return JobDetail(
      name: job.name, path: job.path, owner: job.owner, state: shownState(of: job), revision: job.revision,
      digest: revision?.digest, savedBy: revision?.savedBy, blender: revision?.blender,
      frames: revision?.frames.description ?? "", counts: FrameCounts(outputs),
      wanted: revision?.settings.wanted ?? JobSettings(), problem: shownProblem(of: job),
      notes: revision?.notes ?? [],
      waitsFor: try await waitsFor(job, revision?.id), outputs: outputs.map(JobDetail.OutputLine.init),
      files: files, log: (log ?? tasks.first)?.log)
  }

  /// What a revision needs, as its frames were begun with it, and what it lacks.
  private func files(of revision: Revision) async throws -> [JobDetail.FileLine] {
    let digests = try await setup.ledger.dependencyDigests(of: revision.id)
    let there = try await setup.ledger.dependencies(of: revision.id, areSeen: false).filter(\.isKnown).map { file in
      JobDetail.FileLine(
        path: setup.volume.relative(FilePath(file.path)), size: file.size,
        modifiedAt: Timestamp(nanoseconds: file.mtimeNanoseconds).rfc3339, digest: digests[file.path])
    }
    let missing = (revision.problem?.missing ?? []).map { file in
      JobDetail.FileLine(path: setup.volume.relative(FilePath(file.path)), neededBy: file.neededBy)
    }
    return there + missing
  }

  /// A file that is no job yet, or was refused.
  private func newcomer(_ text: String) async throws -> JobDetail? {
    let lines = try await status().jobs(matching: JobQuery(words: []), now: setup.clock.now())
    guard let line = lines.first(where: { $0.name.fits(text) }) else { return nil }
    return JobDetail(
      name: line.name, path: "", owner: line.job.owner, state: line.job.state, revision: 0, digest: nil, savedBy: nil,
      blender: nil, frames: "", counts: line.job.frames, problem: line.job.problem, notes: [],
      waitsFor: unsettled[line.name].map { "the file: \($0.stalled?.cause ?? Self.beingCopied)" }, outputs: [], log: nil
    )
  }

  /// Why nothing of a job runs right now, in words.
  private func waitsFor(_ job: Job, _ revision: Int64?) async throws -> String? {
    if job.state != .removed, let held = heldProblem(of: job.name.release) { return held.sentences }
    if let file = unsettled[job.name] { return "the file: \(file.stalled?.cause ?? Self.beingCopied)" }
    switch job.state {
    case .blocked: return job.problem?.sentences
    case .queued, .active:
      if running.values.contains(where: { $0.task.revision == revision }) { return nil }
      if try await setup.ledger.isPaused() { return "the farm is paused (`farm resume`)" }
      if try await setup.ledger.release(named: job.name.release)?.isPaused == true {
        return "the release is paused (`farm resume \(job.name.release)`)"
      }
      if lanes.recovering.contains(job.name.release) || isWaitingForDisk(job.name.release) {
        return troubles[setup.volume.release(job.name.release)]
          ?? "the file system of its folder, which does not answer"
      }
      if let rests { return rests.reason }
      if let nimbyReason { return nimbyReason }
      if let shortOfMemory, shortOfMemory.revision == revision { return shortOfMemory.reason }
      if revision.flatMap({ open[$0] })?.pace.isWaiting(at: setup.clock.now()) == true {
        return "some quiet: its file, or one that it depends on, is saved again and again"
      }
      if let revision = revision.flatMap({ open[$0] })?.revision, let awaited = awaitedOfEngine(by: revision) {
        return awaited
      }
      guard let abilities else { return "its Blender: those of this machine are asked for their versions" }
      return abilities.tasksAtOnce == 0
        ? "a Blender: none was found here" : "a free slot; \(running.count) of \(abilities.tasksAtOnce) work"
    case .completed:
      guard let stale = try await setup.ledger.staleJobs(in: job.name.release)[job.name.job] else { return nil }
      return "`farm refresh release \(job.name.release)`: \(stale.file) changed after it was rendered"
    case .settling, .assembling, .rejected, .failed, .canceled, .superseded, .removed: return nil
    }
  }

  /// The one job that is meant.
  /// - Throws: ``CommandFailure`` when there is none, or when the word fits in two releases.
  func job(named text: String, among fits: [Job]) async throws -> Job {
    guard let job = fits.first else {
      let names = try await setup.ledger.jobPlaces().map(\.name.job)
      throw CommandFailure.noJob(text, nearest: Nearest.name(to: text, among: names))
    }
    guard fits.count == 1 else { throw CommandFailure.severalJobs(text, fits.map(\.name)) }
    return job
  }
}

extension ReleaseStatus {
  fileprivate func leavingOut(_ count: Int) -> ReleaseStatus {
    var status = self
    status.moreJobs = max(0, count)
    return status
  }
}

extension WatchStatus {
  init(_ counts: WatchCounts) {
    self.init(
      watches: counts.watches, watchesAllowed: counts.watchesAllowed, polledFolders: counts.polledFolders,
      overflows: counts.overflows, rescans: counts.listings, unsettled: counts.unsettled,
      oldestUnsettledSeconds: counts.oldestUnsettled / .seconds(1))
  }
}

extension JobFlow {
  /// The notes that should hang on the share now, and the folders where notes may hang.
  func notes() async throws -> (notes: [ProblemNote], folders: [FilePath]) {
    let jobs = try await setup.ledger.jobs(adopted: false)
    var problems: [FilePath: (JobState, Problem)] = [:]
    for job in jobs where job.state == .blocked || job.state == .failed {
      problems[setup.volume.root.appending(job.path)] = job.problem.map { (job.state, $0) }
    }
    for file in unsettled.values { problems[file.path] = file.stalled.map { (.settling, $0) } }
    if !nameProblems.isEmpty {
      for job in jobs where problems[setup.volume.root.appending(job.path)] == nil {
        problems[setup.volume.root.appending(job.path)] = nameProblem(of: job.name).map { (job.state, $0) }
      }
    }
    for (path, problem) in badSidecars { problems[path] = (.completed, problem) }
    for (path, problem) in rejected { problems[path] = (.rejected, problem) }
    let stores = Set(problems.keys.map { $0.removingLastComponent() })
      .union(try await setup.ledger.releases().map { setup.volume.store(of: $0.name) })
    let notes = problems.map { ProblemNote(drop: $0, state: $1.0, problem: $1.1, in: setup.volume) }
    return (notes, Array(stores))
  }
}
