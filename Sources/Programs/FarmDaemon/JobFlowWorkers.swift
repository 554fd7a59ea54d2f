import FarmModel
import FarmStore
import Rendering

/// Which workers get what: those that fail rest, frames that take too long go elsewhere, and people come first.
extension JobFlow {
  /// Whether a worker is free that may be given frames of a revision.
  ///
  /// Which worker took a task is known a moment after it was handed out; until then it may be any.
  func hasWorker(for revision: Int64) -> Bool {
    // Of very many that wait few have a worker that rests: for all others a free place is enough.
    guard restingWorkers.mayRest(for: revision) else { return true }
    return freeWorkers(for: revision).count > startingTasks
  }

  private var startingTasks: Int { running.values.count { $0.worker == nil } }

  private func freeWorkers(for revision: Int64) -> Set<String> {
    let workers = abilities?.workers ?? []
    let busy = Set(running.values.compactMap(\.worker))
    return Set(workers).subtracting(busy).subtracting(restingWorkers.resting(among: workers, for: revision))
  }

  /// The frames of a revision that failed on the only worker that is free: another one tries them next.
  func heldForOthers(_ revision: Int64) -> Set<RestingWorkers.Frame> {
    guard let failedOn = open[revision]?.failedOn, !failedOn.isEmpty else { return [] }
    let workers = abilities?.workers ?? []
    let able = Set(workers).subtracting(restingWorkers.resting(among: workers, for: revision))
    let free = freeWorkers(for: revision)
    let isCertain = startingTasks == 0
    return Set(
      failedOn.filter { _, worker in able != [worker] && able.contains(worker) && (!isCertain || free == [worker]) }
        .keys)
  }

  /// The workers that are to leave a task's frames to others: those that rest for the job, and those on which one of
  /// the frames failed.
  func avoided(_ part: RenderPart, _ frames: FrameSet, of revision: Int64) -> Set<String> {
    let failed = frames.frames.compactMap { open[revision]?.failedOn[RestingWorkers.Frame(part, $0)] }
    return restingWorkers.resting(among: abilities?.workers ?? [], for: revision).union(failed)
  }

  /// A frame came, on the worker that has the task.
  func workerRendered(_ frame: FrameNumber, of task: RenderTask) {
    guard let worker = running[task.id]?.worker else { return }
    let place = RestingWorkers.Frame(task.part, frame)
    open[task.revision]?.failedOn[place] = nil
    restingWorkers.rendered(place, of: task.revision, on: worker)
  }

  /// A frame did not come.
  func workerFailed(_ frame: FrameNumber, of task: RenderTask, on worker: String?, _ problem: Problem) {
    guard let worker, problem.problemClass != .killed else { return }
    open[task.revision]?.failedOn[RestingWorkers.Frame(task.part, frame)] = worker
    guard restingWorkers.failed(of: task.revision, on: worker, problem.problemClass) else { return }
    setup.log.warning(
      "a worker rests for a job: its frames fail there, and not elsewhere",
      metadata: ["worker": "\(worker)", "job": "\(task.job)", "problem": "\(problem.problemClass.rawValue)"])
  }

  // MARK: - Slow frames

  /// Warns of frames that take much longer than others of their job; one that takes far too long is another worker's.
  func lookAtSlowFrames() async {
    for (id, task) in running {
      guard let current = task.current, let board = open[task.task.revision]?.board else { continue }
      let time = setup.clock.now().since(current.since)
      switch SlowFrameRule(board.times).verdict(after: time) {
      case .usual: break
      case .slow: await warn(of: current.frame, in: id, usual: board.times.median)
      case .tooSlow:
        await warn(of: current.frame, in: id, usual: board.times.median)
        await giveElsewhere(current.frame, task)
      }
    }
  }

  private func warn(of frame: FrameNumber, in id: Int64, usual: Duration?) async {
    guard let task = running[id], task.slowFrame != frame, let usual else { return }
    running[id]?.slowFrame = frame
    let (seconds, worker) = (usual / .seconds(1), task.worker ?? "a worker")
    let shown = seconds < 10 ? "\((seconds * 10).rounded() / 10)" : "\(Int(seconds.rounded()))"
    let cause = "frame \(frame) takes more than twice the usual \(shown) s on \(worker)"
    setup.log.warning("a frame is slow", metadata: ["job": "\(task.task.job)", "cause": "\(cause)"])
    // One is enough to have people look.
    let isFirst = open[task.task.revision]?.revision.notes.contains { $0.problemClass == .slowFrame } == false
    if isFirst { await noted([Problem(.slowFrame, cause: cause)], task: id) }
  }

  /// Once; where it takes as long again it is the frame.
  private func giveElsewhere(_ frame: FrameNumber, _ task: RunningTask) async {
    let revision = task.task.revision
    let place = RestingWorkers.Frame(task.task.part, frame)
    guard let worker = task.worker, !task.isGivenElsewhere, let workers = abilities?.workers,
      open[revision]?.givenElsewhere.insert(place).inserted == true
    else { return }
    var resting = restingWorkers
    resting.leave(place, of: revision, on: worker)
    // Where there is no other worker nothing is won.
    guard resting.resting(among: workers, for: revision).contains(worker) else { return }
    restingWorkers = resting
    running[task.task.id]?.isGivenElsewhere = true
    setup.log.warning(
      "a frame takes too long and is rendered elsewhere",
      metadata: ["job": "\(task.task.job)", "frame": "\(frame)", "worker": "\(worker)"])
    errand.yield(.cancel([task.task.id]))
  }

  // MARK: - Whose machine it is

  /// Looks at the clock and at what other programs do.
  func lookWhoseMachineItIs() async {
    guard let nimby = setup.config.nimby else { return }
    if nimby.load != nil, let sample = setup.load(ownGroups) {
      othersLoad.looked(sample, after: Self.lookEvery)
      ownGroups = ownGroups.filter { sample.own[$0] ?? 0 > 0 }
    }
    let reason = nimby.reason(
      at: LocalTime(setup.clock.now()).ofWeek, othersLoad: othersLoad.processors)
    guard (reason == nil) != (nimbyReason == nil) else { return nimbyReason = reason }
    nimbyReason = reason
    happenings += 1
    setup.log.notice("\(reason ?? "the machine is the farm's again")")
    if reason == nil { await schedule() }
  }

  private static let lookEvery = 1.0
}
