import FarmModel
import FarmStore
import Intake
import Preflight
import Rendering
import Segmentation

/// Jobs that wait until the engine has said what it can do. A drop is recorded at once; what depends on the Blender
/// that renders it is decided before anything of it is handed out.
extension JobFlow {
  /// Waits until each Blender has answered or was given up.
  func waitForEngine() async {
    guard abilities?.probing.isEmpty != true, !isOver else { return }
    await withCheckedContinuation { whenAbleTo.add($0) }
  }

  /// Takes in what the engine can do now.
  func take(_ able: EngineAbilities) async {
    let isFirst = abilities == nil
    abilities = able
    if !isFirst { errand.yield(.cancelWithoutBlender) }
    if able.probing.isEmpty { whenAbleTo.resume() }
    errand.yield(.decideAgain)
    await schedule()
  }

  private var choice: BlenderChoice { BlenderChoice(allowsNewerMajor: setup.config.allowsNewerMajor) }

  /// Whether it is known which Blender renders a drop, or that none does.
  func knowsBlender(for drop: Drop) -> Bool {
    // Without facts a finding says why it is not rendered.
    guard let facts = try? drop.facts.get() else { return true }
    if case .waits = choice.verdict(facts.version, abilities) { return false }
    return true
  }

  /// The Blender here that may render a revision, that it is not known yet, or why there is none.
  func verdict(on revision: Revision) -> BlenderChoice.Verdict {
    choice.verdict(revision.savedBy ?? BlenderVersion(major: 0, minor: 0), abilities)
  }

  /// What a revision waits for before anything of it may be handed out, as a part of a sentence; nil when the engine
  /// knows enough.
  func awaitedOfEngine(by revision: Revision) -> String? {
    guard let abilities else { return "its Blender: those of this machine are asked for their versions" }
    if let bound = revision.blender {
      guard !abilities.blenders.contains(where: bound.isSameProgram(as:)) else { return nil }
      // It may be the one that has not answered.
      return abilities.probing.first.map { "\($0), which is asked for its version" }
    }
    if !abilities.probing.isEmpty, case .waits(let what) = verdict(on: revision) { return what }
    return undecided.contains(revision.name) ? "a look at its file, now that its Blender is known" : nil
  }

  /// How a drop is known from now on: at the next start it settles anew when it is not decided by then.
  func known(_ drop: Drop) -> Fingerprint {
    undecided.contains(drop.name) ? drop.fingerprint.undecided : drop.fingerprint
  }

  /// What the Blender says of a job that is recorded already: it is blocked, or it owes what is wanted of it with this
  /// engine. Its revision is queued, and nothing of it was handed out.
  func decide(_ revision: Revision, _ findings: [Finding], _ segmentation: Segmentation) async throws(StoreFailure) {
    guard !undecided.contains(revision.name) else { return }
    if let blocking = findings.first(where: { $0.severity == .blocks })?.problem {
      return await block(revision, blocking)
    }
    // Tiles, by the number of workers; ``Ledger/owe(_:of:)`` passes over what is owed already.
    try await setup.ledger.owe(segmentation.outputs, of: revision.id)
    let notes = revision.notes + findings.notes.filter { !revision.notes.contains($0) }
    if notes != revision.notes {
      try await setup.ledger.setNotes(of: revision.id, notes)
      for note in notes.dropFirst(revision.notes.count) {
        told("job.note", revision.name, revision: revision.number, problem: note)
      }
    }
    // As it is now: other settings may have been taken up.
    let decided = try await setup.ledger.revision(revision.id)
    guard decided.state == .queued else { return }
    await opened(decided, pace: open[revision.id]?.pace ?? SavePace())
    await schedule()
  }

  /// Takes in once more the jobs for which a Blender may be known now, and those that were blocked for want of one.
  func decideAgain() async {
    do {
      let blocked = try await setup.ledger.revisions(in: [.blocked]).filter { $0.waitsForBlender && mayGoOn($0) }
      let waiting = try await setup.ledger.revisions(in: [.queued, .blocked]).filter { revision in
        guard undecided.contains(revision.name) else { return false }
        if case .waits = verdict(on: revision) { return false }
        return true
      }
      let names = Set((blocked + waiting).map(\.name)).filter { !lanes.recovering.contains($0.release) }
      let jobs = try await setup.ledger.jobs(adopted: false).filter { names.contains($0.name) }
      // Side by side: a file server may not answer.
      await withDiscardingTaskGroup { group in
        for job in jobs { group.addTask { await self.claimAgain(job) } }
      }
    } catch {
      complain(error, while: "looking for jobs that wait for a Blender")
    }
  }

  private func mayGoOn(_ revision: Revision) -> Bool {
    guard case .fits(let fit) = verdict(on: revision) else { return false }
    return revision.problem?.problemClass != .denoiserMissing || fit.blender.canDenoise
  }

  /// No Blender is left here at all: what does not run waits for one.
  func blockWithoutBlender() async {
    for (id, waiting) in open where !running.values.contains(where: { $0.task.revision == id }) {
      if case .none(let none) = verdict(on: waiting.revision) { await block(waiting.revision, none.problem) }
    }
  }
}

extension Revision {
  /// Whether it is blocked, and another set of Blenders may let it go on.
  var waitsForBlender: Bool {
    guard state == .blocked, let problem = problem?.problemClass else { return false }
    return problem == .noBlender || problem == .wrongBlender || problem == .denoiserMissing
  }
}

extension [Finding] {
  var notes: [Problem] { filter { $0.severity == .note }.map(\.problem) }
}
