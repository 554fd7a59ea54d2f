import Archiving
import DequeModule
import FarmModel
import FarmStore
import FolderWatch
import Harvest
import Intake
import Logging
import Preflight
import Rendering
import Segmentation
import SystemPackage
import VolumeFiles

/// The one actor that moves jobs. Each move is committed to the ledger, then logged, then told as an event.
///
/// Its parts, by the way of a drop: `JobFlowIntake`, `JobFlowRendering`, `JobFlowPromotion`, `JobFlowHarvest`;
/// `JobFlowRecovery` goes on after a crash, `JobFlowCommands` serves people.
actor JobFlow {
  /// What it works with; comes in once.
  struct Setup: Sendable {
    let volume: Volume
    let state: StateFolder
    let config: FarmConfig
    let ledger: Ledger
    let engine: any RenderEngine
    let watcher: FolderWatcher
    let events: EventHub
    let clock: WallClock
    let log: Logger
    let version: String
    /// Bytes that programs may still take; nil when nobody can say.
    var availableMemory: @Sendable () -> Int64? = { nil }
    /// How busy this machine is, with and without these process groups; nil when nobody can say.
    var load: @Sendable (Set<Int32>) -> OthersLoad.Sample? = { _ in nil }
    /// When the machine lost power under an earlier daemon; nil when it did not.
    var powerCut: Timestamp?
    /// How many threads pack an archive.
    var lanes = 1
    /// Called after each step that no commit ends; tests end the process there.
    var stepped: @Sendable (String) -> Void = { _ in }
    /// Called as soon as the run is to end although nothing asked for that; a call that hangs may keep it from ending.
    var failed: @Sendable () -> Void = {}
    /// Remembers what is being taken in, for the case of a crash.
    var crashes = CrashGuard()

    /// How paths in files that were written on other machines are read here.
    var places: [SeenPlace] { config.volumeSeenAs.map { SeenPlace(seenAs: $0, folder: volume.root.string) } }
  }

  let setup: Setup
  let intaker: Intaker
  let preflight: Preflight
  let segmenter: Segmenter
  let retries = RetryRule()
  let trusted: TrustedFolders
  let inspectedDisk: InspectedDisk
  let wholeFiles: WholeFiles
  let overlookedWatch: OverlookedWatch

  /// Counts whatever may change how the farm looks.
  var happenings = 0

  /// What the engine can do; nil until it has said so.
  var abilities: EngineAbilities?
  var whenAbleTo = Waiters()
  /// Jobs that were recorded before it was known which Blender renders them: nothing of them is handed out until
  /// preflight and segmentation were done again with it.
  var undecided: Set<JobName> = []

  /// Revisions with frames to render, by id.
  var open: [Int64: OpenRevision] = [:]
  /// Revisions that were ended in this run: none of them is opened again.
  var gone: Set<Int64> = []
  /// Tasks handed out, by id.
  var running: [Int64: RunningTask] = [:]
  /// Who was served for how long in this run.
  var turns = Turns()
  /// Revisions whose snapshot is being taken.
  var preparing: Set<Int64> = []
  var isScheduling = false
  var mustSchedule = false
  /// Nothing is handed out before this, and why: the disk is full, or something else is tried again later.
  var rests: (until: Timestamp, reason: String)?
  /// Why it rested since a frame came last: that is logged once, however often it rests.
  var restedFor: ProblemClass?
  /// Why nothing new is handed out: the machine is its people's now.
  var nimbyReason: String?
  var othersLoad = OthersLoad()
  /// The process groups of the engine's renderers on this machine.
  var ownGroups: Set<Int32> = []
  var restingWorkers = RestingWorkers()
  /// The revision for which memory is short, and why, in words.
  var shortOfMemory: (revision: Int64, reason: String)?

  /// Files on their way to being whole, with what was said of them.
  var unsettled: [JobName: Unsettled] = [:]
  /// Files that a person killed before they were whole.
  var killedDrops = KilledDrops()
  /// Files that cannot be jobs.
  var rejected: [FilePath: Problem] = [:]
  /// Mistakes in sidecars of jobs that go on as they were wanted before, by the path of the `.blend`.
  var badSidecars: [FilePath: Problem] = [:]
  /// Files of wishes that became shorter, and may be cut.
  var shortenedTexts = ShortenedTexts()
  /// Folders that cannot be watched, are gone, or cannot be releases, with reason and remedy.
  var troubles: [FilePath: String] = [:]
  /// Watched folders whose file system does not answer.
  var hung: Set<FilePath> = []
  /// Releases whose folder of drops is gone for now.
  var held: Set<String> = []
  /// Whose file has a name, in any case and Unicode form.
  var namesTaken: [FoldedName: FilePath] = [:]
  var releasesTaken: [String: FilePath] = [:]
  var claims = ClaimQueue()
  /// Since when a file is taken in during which an earlier daemon may have died; one at a time.
  var suspectSince: Timestamp?
  var lanes = ReleaseLanes()
  var leftBehind = LeftBehind()
  /// Resumed with each step in a lane, with each revision that was cleared away, and once a second.
  var whenStepped = Waiters()
  /// Revisions whose snapshots and work are being cleared away, and how often: nothing of them is begun meanwhile.
  var clearing: [Int64: Int] = [:]
  /// Revisions whose missing files are being looked for.
  var curing: Set<Int64> = []
  /// Whether a file system did not answer a second ago.
  var wasStuck = false
  /// Resumed with each claim that ends, and once a second for those who do not wait for ever.
  var whenClaimed = Waiters()
  /// Barriers with the claims that they wait for.
  var barriers: [Int: Set<Int>] = [:]
  var whenReached: [Int: Waiters] = [:]
  var reached: Set<Int> = []

  /// Checked frames that wait for the next commit.
  var checked: [CheckedOutput] = []
  /// Resumed with each frame that was checked.
  var whenChecked = Waiters()
  /// Releases whose checked frames are being promoted: a file system that hangs keeps up only its own.
  var flushing: Set<String> = []
  var whenFlushed = Waiters()
  /// Outputs on their way to their places, also those that an interrupted promotion left.
  var promotions = PromotionBook()
  /// Revisions that could not be put together, and when that is tried again.
  var assemblies: [Int64: RetryPace] = [:]
  var harvesting: Set<String> = []
  var whenHarvested = Waiters()
  /// When a copy of the ledger that could not be made is tried again.
  var backupPace = RetryPace()
  /// What is being packed or unpacked, one release at a time.
  var archivings: [(release: String, progress: ArchiveProgress)] = []
  var whenArchived = Waiters()
  var areArchivesRecovered = false
  /// The release that is archived by the schedule.
  var scheduled: String?
  /// When something in the folders of releases changed that were due by what the ledger knows.
  var changedInFolder: [String: Timestamp] = [:]
  /// Releases whose folders were taken away by the farm itself.
  var takenAway: Set<String> = []
  /// Releases that are looked at in a moment.
  var reviewsDue: Set<String> = []
  var reviewTook: [String: Duration] = [:]
  var areManifestsAsked = false
  /// Releases that are looked at again without anything happening in them.
  var mustHarvest: Set<String> = []
  var harvestFailures = HarvestFailures()
  /// Which names the jobs of a release have in `dist/`, and jobs whose names are taken.
  var nameRegisters: [String: NameRegister] = [:]
  var nameProblems: [JobName: TakenName] = [:]
  var nameQuestions = NameQuestions()
  /// Releases whose release.yaml has a mistake.
  var badPlans: Set<String> = []
  /// Files on which jobs depend, and where the watch finds them.
  var followedFiles: Set<ExactText> = []
  var followed: [FilePath: Set<ExactText>] = [:]
  /// Of jobs that began anew before they were finished.
  var refreshPaces: [JobName: RefreshPace] = [:]
  /// Revisions in whose place another one comes: of two files that change at once, one has the job begin anew.
  var restarted: Set<Int64> = []
  var lacks = Lacks()
  var looks = RevisionLooks()
  var recentDrops = RecentDrops()
  /// Whether what the first scan finds is known, not rendered.
  var isAdopting = false
  /// How many files were taken in without being rendered; they are told of by their number.
  var adoptedCount = 0
  /// Whether the run is over; nobody waits for anything then.
  var isOver = false
  /// Whether the run ends so that the next start does what was ordered.
  var mustBeginAnew = false
  /// The ledger's failure that ends the run.
  var fatal: StoreFailure?

  /// Work that is done beside the reports, in the run loop's group.
  let errands: AsyncStream<Errand>
  let errand: AsyncStream<Errand>.Continuation

  init(_ setup: Setup) {
    self.setup = setup
    intaker = Intaker(setup.volume)
    preflight = Preflight(choice: BlenderChoice(allowsNewerMajor: setup.config.allowsNewerMajor))
    inspectedDisk = InspectedDisk(guarding: setup.crashes.dependencies)
    wholeFiles = WholeFiles(inspectedDisk, clock: setup.clock)
    trusted = TrustedFolders(setup.config.trustScripts, in: setup.volume)
    segmenter = Segmenter(chunk: setup.config.chunk)
    overlookedWatch = OverlookedWatch(setup.volume, ignore: IgnoreRules(setup.config.ignore))
    (errands, errand) = AsyncStream.makeStream()
  }

  /// Works until the task is cancelled.
  /// - Throws: ``StoreFailure`` when the ledger cannot be read or written: rather than go on with a memory that differs
  ///   from it, the daemon ends, and the next one goes on from what was committed.
  func run() async throws {
    defer { endWaiting() }
    isAdopting = try FileStatus(at: VolumeTree.adoptMark(setup.volume)) != nil
    try await beginRecovery()
    await withTaskCancellationHandler {
      await work()
    } onCancel: {
      errand.finish()
    }
    if let fatal { throw fatal }
    // A ledger that is lost while the daemon is off is made again from them. Not cancelled as this run is.
    await Task { await putManifests() }.value
  }

  private func work() async {
    await withDiscardingTaskGroup { group in
      group.addTask {
        await self.recovered()
        for await change in self.setup.watcher.changes { await self.takeInOrder(change) }
      }
      group.addTask { for await report in self.setup.engine.reports { await self.take(report) } }
      group.addTask { await self.reviewOften() }
      group.addTask { await self.lookForCuresOften() }
      group.addTask { await self.finishAdopting() }
      group.addTask { await self.lookForOverlookedOften() }
      group.addTask { await self.tidyOften() }
      group.addTask { await self.backUpOften() }
      group.addTask { await self.archiveOften() }
      for await errand in errands { group.addTask { await self.run(errand) } }
      endWaiting()
      group.cancelAll()
    }
  }

  /// Whoever waits in here when the run is over would wait for ever.
  private func endWaiting() {
    isOver = true
    whenAbleTo.resume()
    whenClaimed.resume()
    whenStepped.resume()
    whenChecked.resume()
    whenFlushed.resume()
    whenHarvested.resume()
    endArchivings()
    for number in whenReached.keys { whenReached[number]?.resume() }
  }

  /// Outputs are committed in groups: what comes within this time of the first.
  static let flushAfter = Duration.milliseconds(10)
  static let reviewEvery = Duration.seconds(1)
  private static let followEvery = Duration.seconds(3600)
  /// What happens in a release within this time is looked at in one go.
  static let reviewAfter = Duration.milliseconds(20)
  /// A release of very many jobs takes long to look at; before the next look so many times as long goes by, up to
  /// ``reviewEvery``.
  static let reviewRest = 4

  /// Has a release looked at soon: its state may be another, or something in it may be ready for delivery.
  func askForReview(of release: String) {
    if reviewsDue.insert(release).inserted { errand.yield(.review(release)) }
  }

  /// Quiet times end without an event, so releases are looked at once a second while one waits for that.
  private func reviewOften() async {
    var followedAt = setup.clock.now()
    // Cancelled: the run is over.
    while (try? await Task.sleep(for: Self.reviewEvery)) != nil {
      whenClaimed.resume()
      await lookAtDisks()
      for release in mustHarvest { errand.yield(.reviewAgain(release)) }
      for revision in promotions.interrupted { errand.yield(.settlePromotions(revision)) }
      assembleAgain()
      readShortenedTexts()
      if setup.clock.now().since(followedAt) >= Self.followEvery {
        followedAt = setup.clock.now()
        errand.yield(.followAll)
      }
      if let until = rests?.until, setup.clock.now() >= until {
        rests = nil
        happenings += 1
        await schedule()
      }
      await lookAtSlowFrames()
      await lookWhoseMachineItIs()
      if isSomeFreeToBegin() || shortOfMemory != nil { await schedule() }
    }
  }

  /// Beside the reviews: what is missing may lie on a file server that does not answer.
  private func lookForCuresOften() async {
    // Cancelled: the run is over.
    while (try? await Task.sleep(for: Self.reviewEvery)) != nil { lookForCures() }
  }

  // MARK: - Telling

  /// Logs a move that was committed, and tells it.
  func told(_ event: String, _ name: JobName, revision: Int? = nil, problem: Problem? = nil) {
    setup.log.notice(
      "\(event)",
      metadata: ["job": "\(name)"]
        .merging(revision.map { ["revision": "\($0)"] } ?? [:]) { $1 }
        .merging(problem.map { ["problem": "\($0.problemClass.rawValue): \($0.cause)"] } ?? [:]) { $1 })
    setup.events.tell(
      FarmEvent(
        at: setup.clock.now(), event: event, release: name.release, job: name.job, revision: revision, problem: problem)
    )
  }

  /// Says that something did not work that is tried again or that a person must mend; a failing ledger ends the run.
  func complain(_ failure: any Error, while act: String, _ metadata: Logger.Metadata = [:]) {
    if case .canceled? = failure as? StoreFailure { return }
    let details = metadata.merging(["remedy": "\(failure.remedyOrReport)"]) { $1 }
    let level: Logger.Level = (failure as? any Failure)?.isTransient == true ? .warning : .error
    setup.log.log(level: level, "\(act): \(failure)", metadata: details)
    if let failure = failure as? StoreFailure, failure.isOfLedger {
      fatal = fatal ?? failure
      setup.failed()
      errand.finish()
    }
  }

  /// Hands out nothing for a while.
  func rest(_ problem: Problem) {
    let pause: Int64 = 30_000_000_000
    let until = Timestamp(nanoseconds: setup.clock.now().nanoseconds + pause)
    let reason = "nothing new is rendered for half a minute: \(problem.sentences)"
    if restedFor != problem.problemClass { setup.log.warning("\(reason)") }
    (rests, restedFor) = ((until, reason), problem.problemClass)
  }

  /// Moves a revision in the ledger, with outputs that change at the same moment, and tells it.
  /// - Returns: false when somebody else moved it meanwhile; then nothing is changed or told.
  @discardableResult
  func move(
    _ revision: Revision, to state: JobState, problem: Problem? = nil, outputs: [Output] = []
  ) async -> Bool {
    var isMoved = false
    do {
      isMoved = try await setup.ledger.move(revision.id, to: state, problem: problem, outputs: outputs)
    } catch {
      complain(error, while: "moving \(revision.name)")
    }
    guard isMoved else { return false }
    open[revision.id]?.revision.state = state
    if !state.isRenderable { open[revision.id] = nil }
    if state == .completed { refreshPaces[revision.name] = nil }
    told("job.\(state.rawValue)", revision.name, revision: revision.number, problem: problem)
    askForReview(of: revision.name.release)
    if state == .canceled || state == .queued { askForNames(in: revision.name.release, of: revision.name) }
    return true
  }
}
