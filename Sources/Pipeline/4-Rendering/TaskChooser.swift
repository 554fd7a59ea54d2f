import FarmModel

/// Decides which revision's frames are handed out next.
package enum TaskChooser {
  /// A revision that still owes frames.
  package struct Candidate: Hashable, Sendable {
    package let revision: Int64
    package let priority: Int
    /// Whose turn it takes.
    package let party: Turns.Party
    package let isPaused: Bool
    /// How many frames nobody works on.
    package let missing: Int

    package init(revision: Int64, priority: Int, party: Turns.Party, isPaused: Bool, missing: Int) {
      self.revision = revision
      self.priority = priority
      self.party = party
      self.isPaused = isPaused
      self.missing = missing
    }

    var isReady: Bool { !isPaused && missing > 0 }
  }

  /// Highest priority first; among equal ones the release that was served least, in it the owner who was, and of that
  /// owner's what was dropped first. What was served alike goes by the first drop too.
  package static func next(among candidates: [Candidate], _ turns: Turns) -> Candidate? {
    let ready = candidates.filter(\.isReady)
    let highest = ready.map(\.priority).max()
    let urgent = ready.filter { $0.priority == highest }
    let first = urgent.min {
      (turns.served($0.party.release), $0.revision) < (turns.served($1.party.release), $1.revision)
    }
    return urgent.filter { $0.party.release == first?.party.release }
      .min { (turns.served($0.party), $0.revision) < (turns.served($1.party), $1.revision) }
  }

  /// Which of the running tasks should make room after the frame that it renders now, when all places are taken: of
  /// those that are less urgent than something that waits the least urgent ones, as many as wait.
  /// - Parameters:
  ///   - running: the tasks that were not asked yet, with their priorities.
  ///   - asked: how many were asked and still run.
  package static func makingRoom(
    for candidates: [Candidate], running: [(task: RenderTask.ID, priority: Int)], asked: Int = 0
  ) -> [RenderTask.ID] {
    let waiting = candidates.filter(\.isReady).map(\.priority).sorted(by: >).dropFirst(asked)
    let last = running.sorted { ($0.priority, $0.task) < ($1.priority, $1.task) }
    return zip(waiting, last).prefix { $0 > $1.priority }.map(\.1.task)
  }
}
