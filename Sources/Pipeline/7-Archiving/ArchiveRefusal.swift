import FarmModel
import VolumeFiles

/// Whether a release may be archived: it must be over, and nobody may need it. A value; who looks is elsewhere.
package struct ArchiveRefusal: Hashable, Sendable {
  /// How long nothing may have changed in it.
  package static let quietTime = Duration.seconds(7 * 86_400)
  private static let namedMax = 3

  package var release: String
  package var state: ReleaseState
  /// What it waits for, in words.
  package var waitsFor: [String] = []
  package var problem: Problem?
  /// Whether its folder is there.
  package var hasFolder = true
  package var isBeingDelivered = false
  /// Jobs of other releases that need its files, each with one of them.
  package var dependents: [Dependent] = []
  package var users: [FileUser] = []
  /// When something in it changed last.
  package var changedAt: Timestamp

  /// A job that needs a file of the release.
  package struct Dependent: Hashable, Sendable {
    package let job: JobName
    /// Below the volume's root.
    package let file: String

    package init(job: JobName, file: String) { (self.job, self.file) = (job, file) }
  }

  package init(release: String, state: ReleaseState, changedAt: Timestamp) {
    (self.release, self.state, self.changedAt) = (release, state, changedAt)
  }

  /// Why it may not be, each in words; empty when it may.
  /// - Parameter isForced: whether it does not matter that something changed lately.
  package func reasons(now: Timestamp, isForced: Bool) -> [String] {
    if release == NameRule.quick { return ["quick/ is never over"] }
    if state == .archived { return ["it is archived already"] }
    if !hasFolder { return ["releases/\(release) is not there"] }
    var reasons = stateReason.map { [$0] } ?? []
    if let problem { reasons.append(problem.cause) }
    if isBeingDelivered { reasons.append("its pictures are being moved to dist/") }
    if !dependents.isEmpty {
      let shown = dependents.prefix(Self.namedMax).map { "\($0.job) needs \($0.file)" }
      reasons.append("others depend on it: " + listed(shown, of: dependents.count))
    }
    if !users.isEmpty {
      let shown = users.prefix(Self.namedMax).map { "\($0.program) (\($0.pid)) has \($0.file.string) open" }
      reasons.append("it is being read or written: " + listed(shown, of: users.count))
    }
    if !isForced, now.since(changedAt) < Self.quietTime {
      reasons.append(
        "something in it changed at \(changedAt.rfc3339.prefix(19))Z, less than 7 days ago (`--force` archives it "
          + "all the same)")
    }
    return reasons
  }

  private func listed(_ shown: [String], of count: Int) -> String {
    shown.joined(separator: ", ") + (count > shown.count ? " and \(count - shown.count) more" : "")
  }

  private var stateReason: String? {
    let waits = waitsFor.isEmpty ? "" : ": it waits for \(waitsFor.joined(separator: "; "))"
    switch state {
    case .harvested, .archived: return nil
    case .planned, .open: return "it is open\(waits)"
    case .active: return "it is being rendered"
    case .completed: return "it is not delivered yet (`farm harvest release \(release)`)"
    case .stale: return "it is stale\(waits)"
    case .failed: return "jobs of it failed (`farm retry` or `farm kill` them)\(waits)"
    }
  }
}
