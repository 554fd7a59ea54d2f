import FarmModel
import FarmStore
import Preflight

/// Which Blender renders a revision: one build from its first frame to its last.
extension JobFlow {
  /// The Blender that a revision began with, or, when that is gone, the one that fits now.
  /// - Returns: nil while one that may fit has not answered, and when none here fits; then the revision is blocked.
  func boundBlender(of revision: Revision) async throws(StoreFailure) -> BlenderProgram? {
    guard awaitedOfEngine(by: revision) == nil else { return nil }
    let blenders = abilities?.blenders ?? []
    if let bound = revision.blender, let same = blenders.first(where: bound.isSameProgram(as:)) { return same }
    switch verdict(on: revision) {
    case .fits(let fit): return fit.blender
    case .waits: return nil
    case .none(let none):
      await block(revision, none.problem)
      return nil
    }
  }

  /// Makes sure that no picture of another build stays in a revision that this Blender renders from here on: the tasks
  /// of the earlier one are canceled, and all that it rendered is pending again.
  /// - Returns: false while such tasks run: the revision is handed out after their end.
  func isAllOf(_ blender: BlenderProgram, _ id: Int64) async throws(StoreFailure) -> Bool {
    guard let revision = open[id]?.revision, let bound = revision.blender, !bound.isSameProgram(as: blender) else {
      return true
    }
    guard await areAllTasksOver(of: id) else { return false }
    // What these tasks left is in its place, or pending, after that.
    await flush(revision.name.release)
    guard let now = open[id], [.queued, .active].contains(now.revision.state), await areAllTasksOver(of: id) else {
      return false
    }
    setup.log.warning(
      "its Blender is another build; the job begins anew",
      metadata: ["job": "\(revision.name)", "was": "\(bound.fullVersion)", "is": "\(blender.fullVersion)"])
    var again = now.board.outputs.filter { $0.state.isDone || $0.state == .failed }
    for index in again.indices { again[index].oweAnew() }
    try await setup.ledger.update(again)
    for output in again { put(output) }
    open[id]?.hasRoom = false
    open[id]?.hasSnapshot = false
    return open[id] != nil
  }

  /// Cancels the tasks of a revision.
  /// - Returns: whether there was none.
  private func areAllTasksOver(of revision: Int64) async -> Bool {
    let tasks = running.filter { $0.value.task.revision == revision }.keys
    if !tasks.isEmpty { await setup.engine.cancel(Set(tasks)) }
    return tasks.isEmpty
  }

  /// Cancels tasks whose Blender is gone or was replaced: what it still reads of its own files may be another build's.
  func cancelWithoutBlender() async {
    let blenders = abilities?.blenders ?? []
    let lost = running.filter { !blenders.contains(where: $0.value.task.blender.isSameProgram(as:)) }.keys
    if !lost.isEmpty { await setup.engine.cancel(Set(lost)) }
  }
}
