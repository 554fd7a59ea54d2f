import DequeModule
import FarmModel
import FolderWatch

/// What is to be done in the folders of each release, one step after the other: a file system that does not answer
/// holds up its own release alone. A value.
struct ReleaseLanes {
  enum Step: Hashable, Sendable {
    /// Puts in order what an earlier run left there.
    case recover
    case change(FolderChange)
  }

  private struct Lane {
    /// Among those of the claims.
    let number: Int
    var waiting: Deque<Step>
    var begunAt: ContinuousClock.Instant
  }

  private var lanes: [String: Lane] = [:]
  /// Releases that are not in order yet: nothing of them is rendered, delivered or archived.
  private(set) var recovering: Set<String> = []

  func isBusy(_ release: String) -> Bool { lanes[release] != nil }

  /// - Parameter number: by which barriers wait for the steps.
  mutating func begin(_ release: String, _ step: Step, number: Int, at now: ContinuousClock.Instant) {
    lanes[release] = Lane(number: number, waiting: [step], begunAt: now)
    if step == .recover { recovering.insert(release) }
  }

  /// Has a step wait for those before it. The same one twice in a row is one.
  mutating func add(_ step: Step, to release: String) {
    if lanes[release]?.waiting.last != step { lanes[release]?.waiting.append(step) }
  }

  mutating func next(of release: String, at now: ContinuousClock.Instant) -> Step? {
    lanes[release]?.begunAt = now
    return lanes[release]?.waiting.popFirst()
  }

  mutating func recovered(_ release: String) { recovering.remove(release) }

  /// All steps are done.
  /// - Returns: their number.
  mutating func end(_ release: String) -> Int? { lanes.removeValue(forKey: release)?.number }

  /// The releases whose step has taken longer than this, with their numbers.
  func slow(after limit: Duration, at now: ContinuousClock.Instant) -> [(release: String, number: Int)] {
    lanes.filter { now - $0.value.begunAt >= limit }.map { ($0.key, $0.value.number) }
  }
}
