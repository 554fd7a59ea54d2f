import FarmModel
import FarmStore
import Rendering
import SystemPackage
import VolumeFiles

/// Which revision's frames are rendered next.
extension JobFlow {
  /// Takes a revision into the set of those that are rendered.
  func opened(_ revision: Revision, pace: SavePace = SavePace()) async {
    do {
      let outputs = try await setup.ledger.outputs(of: revision.id)
      let job = try await setup.ledger.job(revision.name)
      // While we waited it may have been superseded or killed.
      guard !gone.contains(revision.id) else { return }
      open[revision.id] = OpenRevision(
        revision, OutputBoard(outputs), priority: job?.priority ?? ReleaseOrder.usualPriority,
        owner: job?.owner ?? "", pace: pace)
      if promotions.opened(revision.id, outputs) { errand.yield(.settlePromotions(revision.id)) }
    } catch {
      complain(error, while: "opening \(revision.name)")
    }
  }

  /// Fills the engine's free places; the next of everything that is owed goes first.
  func schedule() async {
    mustSchedule = true
    guard !isScheduling else { return }
    isScheduling = true
    defer { isScheduling = false }
    while mustSchedule {
      mustSchedule = false
      if let abilities, abilities.tasksAtOnce == 0, abilities.probing.isEmpty { await blockWithoutBlender() }
      if await isDiskNearlyFull() { return }
      shortOfMemory = nil
      while let abilities, rests == nil, nimbyReason == nil, placesTaken < abilities.tasksAtOnce,
        let next = await nextCandidate(),
        hasMemory(for: next.revision)
      {
        await handOut(next)
      }
      await makeRoom()
    }
  }

  /// The releases whose frames come faster than they are promoted: those pile up only so far.
  var releasesBehind: Set<String> {
    guard checked.count > Self.checkedMax else { return [] }
    let counts = checked.reduce(into: [:]) { $0[$1.task.job.release, default: 0] += 1 }
    return Set(counts.filter { $0.value > Self.checkedMax }.keys)
  }

  private static let checkedMax = 1000

  /// Tasks handed out, and those that will be once their snapshot is taken.
  private var placesTaken: Int {
    running.count + preparing.count { open[$0].map { !isWaitingForDisk($0.revision.name.release) } ?? false }
  }

  /// Where a revision's file and frames are.
  func place(of revision: Revision) -> FilePath { setup.volume.out(of: revision.name) }

  /// Whether a frame more of a revision fits beside what is rendered; the first always does.
  private func hasMemory(for revision: Int64) -> Bool {
    guard !running.isEmpty, let needed = open[revision]?.board.peakBytes, let there = setup.availableMemory(),
      there < needed
    else { return true }
    let shown = { (bytes: Int64) in "\((bytes + (1 << 20) - 1) >> 20) MB" }
    shortOfMemory = (revision, "memory: a frame of it takes \(shown(needed)), and \(shown(there)) are free")
    return false
  }

  /// Nothing new is handed out onto a disk that is nearly full; it goes on by itself.
  private func isDiskNearlyFull() async -> Bool {
    guard rests == nil, !open.isEmpty else { return false }
    let (folders, floor) = ([setup.volume.work, setup.volume.root], setup.config.diskFloor)
    let full = await BlockingWork.run { () -> (folder: FilePath, least: Int64)? in
      for folder in folders {
        // Nobody can say: as if there were room.
        guard let size = DiskSpace.sizeBytes(at: folder), let free = DiskSpace.freeBytes(at: folder) else { continue }
        let least = floor.bytes(ofDisk: size)
        if free < least { return (folder, least) }
      }
      return nil
    }
    guard let full else { return false }
    let (place, megabytes) = (setup.volume.relative(full.folder), (full.least + 999_999) / 1_000_000)
    rest(Problem(.diskFull, cause: "No space left on device: less than \(megabytes) MB are free at \(place)"))
    return true
  }

  private func nextCandidate() async -> TaskChooser.Candidate? {
    TaskChooser.next(among: await candidates(needsWorker: true), turns)
  }

  /// What could be handed out; nothing while the farm is paused.
  /// - Parameter needsWorker: leaves out what only workers may get that are busy.
  private func candidates(needsWorker: Bool) async -> [TaskChooser.Candidate] {
    do {
      guard try await !setup.ledger.isPaused() else { return [] }
      let paused = Set(try await setup.ledger.releases().filter(\.isPaused).map(\.name))
      let silent = Set(open.values.map(\.revision.name.release)).filter { isWaitingForDisk($0) }
      let barred = paused.union(held).union(releasesBehind).union(lanes.recovering).union(silent)
      let now = setup.clock.now()
      return open.values.map {
        TaskChooser.Candidate(
          revision: $0.revision.id, priority: $0.priority, party: $0.party,
          isPaused: barred.contains($0.revision.name.release) || $0.isWaiting(at: now)
            || promotions.isInterrupted($0.revision.id) || looks.isOutdated($0.revision.id)
            || isOneByOne($0.revision) || preparing.contains($0.revision.id)
            || awaitedOfEngine(by: $0.revision) != nil || clearing[$0.revision.id] != nil
            || (needsWorker && !hasWorker(for: $0.revision.id)),
          missing: $0.missing(without: heldForOthers($0.revision.id)))
      }
    } catch {
      complain(error, while: "choosing what to render next")
      return []
    }
  }

  /// Whether something may have been held back because it was not known which workers are busy.
  var mayWaitForWorker: Bool {
    (abilities?.tasksAtOnce ?? 0) > running.count && open.values.contains { $0.board.owedCount > 0 }
  }

  /// Whether a revision must wait for its task to end, for no two of them may run at once.
  private func isOneByOne(_ revision: Revision) -> Bool {
    revision.settings.isSimulated && running.values.contains { $0.task.revision == revision.id }
  }

  /// When all places are taken and something waits that is more urgent, tasks end with the frame that they are at.
  private func makeRoom() async {
    let priorities = running.mapValues { open[$0.task.revision]?.priority ?? 0 }
    let most = open.values.filter { $0.board.owedCount > 0 }.map(\.priority).max()
    guard let abilities, rests == nil, placesTaken >= abilities.tasksAtOnce, let most,
      let least = priorities.values.min(), most > least
    else { return }
    let candidates = await candidates(needsWorker: false)
    let asked = running.values.count(where: \.isShortened)
    let rest = priorities.filter { running[$0.key]?.isShortened == false }.map { (task: $0.key, priority: $0.value) }
    let tasks = TaskChooser.makingRoom(for: candidates, running: rest, asked: asked)
    for id in tasks { running[id]?.isShortened = true }
    await setup.engine.finishEarly(Set(tasks))
  }
}
