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
  /// Whether there is no job that somebody still wants: all were killed, or there never was one.
  package var isIdle = false
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

  /// Why a release may not be archived, and what to do about it.
  package struct Reason: Hashable, Sendable {
    package let text: String
    package let remedy: String

    package init(_ text: String, remedy: String) { (self.text, self.remedy) = (text, remedy) }
  }

  /// Why it may not be; empty when it may.
  /// - Parameter isForced: whether it does not matter that something changed lately.
  package func reasons(now: Timestamp, isForced: Bool) -> [Reason] {
    if release == NameRule.quick {
      return [
        Reason("quick/ is never over", remedy: "Have its pictures tidied away: `quick: {keep: 30d}` in farm.yaml.")
      ]
    }
    if state == .archived {
      return [Reason("it is archived already", remedy: "Bring it back first: `farm restore release \(shown)`.")]
    }
    if !hasFolder {
      return [Reason("releases/\(release) is not there", remedy: "Put its folder back; `farm status` says more.")]
    }
    var reasons = [stateReason, problem.map { Reason($0.cause, remedy: $0.remedy) }].compactMap { $0 }
    if isBeingDelivered {
      reasons.append(Reason("its pictures are being moved to dist/", remedy: "Ask again in a moment."))
    }
    if !dependents.isEmpty {
      let some = dependents.prefix(Self.namedMax).map { "\($0.job) needs \($0.file)" }
      reasons.append(
        Reason(
          "others depend on it: " + listed(some, of: dependents.count),
          remedy: "Archive those first, or give them a copy of what they need."))
    }
    if !users.isEmpty {
      let some = users.prefix(Self.namedMax).map { "\($0.program) (\($0.pid)) has \($0.file.string) open" }
      reasons.append(
        Reason("it is being read or written: " + listed(some, of: users.count), remedy: "Ask again when that is over."))
    }
    if !isForced, now.since(changedAt) < Self.quietTime {
      let moment = changedAt.rfc3339.prefix(19)
      reasons.append(
        Reason("something in it changed at \(moment)Z, less than 7 days ago", remedy: "Wait, or say `--force`."))
    }
    return reasons
  }

  private var shown: String { release.quotedForShell }

  private func listed(_ some: [String], of count: Int) -> String {
    some.joined(separator: ", ") + (count > some.count ? " and \(count - some.count) more" : "")
  }

  private var stateReason: Reason? {
    let waits = waitsFor.isEmpty ? "" : ": it waits for \(waitsFor.joined(separator: "; "))"
    switch state {
    case .harvested, .archived: return nil
    case .planned, .open:
      guard !isIdle else { return nil }
      return Reason(
        "it is open\(waits)",
        remedy:
          "Wait for that, or kill what nobody wants any more (`farm kill`); `farm show release \(shown)` says more.")
    case .active: return Reason("it is being rendered", remedy: "Wait for it, or `farm kill jobs release:\(shown)`.")
    case .completed: return Reason("it is not delivered yet", remedy: "Deliver it: `farm harvest release \(shown)`.")
    case .stale:
      return Reason("it is stale\(waits)", remedy: "Have it rendered again: `farm refresh release \(shown)`.")
    case .failed:
      return Reason("jobs of it failed\(waits)", remedy: "Try them again or give them up: `farm retry`, `farm kill`.")
    }
  }
}
