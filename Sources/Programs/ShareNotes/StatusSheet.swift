import FarmAPI
import FarmModel

/// `STATUS.txt` at the top of the share: twenty lines for the artist who has nothing but the share.
package struct StatusSheet: Hashable, Sendable {
  package let status: FarmStatus
  /// The moment in the words of the machine's own time zone.
  package let moment: String

  package init(status: FarmStatus, moment: String) {
    self.status = status
    self.moment = moment
  }

  /// The first line; a file without it is not ours.
  package static let mark = "This is what the farm does. It writes this file anew at most every 10 seconds."

  private static let linesMax = 20
  private static let columns = 79
  private static let nameColumns = 36
  private static let troublesMax = 2
  /// Lines that say why a file is not picked up, and where to put it, are longer.
  private static let longColumns = 240

  /// A line of a job and the section in which it stands.
  private struct Item {
    let name: String
    let words: String
  }

  /// Lines as Windows wants them, at most twenty.
  package var text: String {
    let head =
      ([Self.mark, "", daemonLine] + status.daemon.troubles.prefix(Self.troublesMax).map { "! \($0)" }
      // Without the share, which nobody writes anew each second.
      + (status.daemon.archiving ?? []).map { "Archive: \($0.phase) \($0.release)" }).map { Self.fitted($0) }
    let sections: [(title: String, entries: [Item])] = [
      ("Waits for you:", waiting), (Self.overlookedTitle, overlooked), ("Rendering:", active), ("Next:", queued),
      ("Delivered or complete:", completed),
    ].filter { !$0.1.isEmpty }
    var left = Self.linesMax - head.count - sections.count
    var lines = head
    for (number, section) in sections.enumerated() {
      // What is left is shared out, so that no section crowds out the ones after it.
      let room = max(1, left / (sections.count - number))
      let shown = section.entries.count <= room ? section.entries : Array(section.entries.prefix(room - 1))
      let isLong = section.title == Self.overlookedTitle
      let rest = section.entries.count - shown.count + (isLong ? status.moreOverlooked ?? 0 : 0)
      lines.append(section.title)
      lines += shown.map {
        isLong
          ? Self.fitted("  \($0.name): \($0.words)", Self.longColumns)
          : Self.fitted("  \(Self.fitted($0.name, Self.nameColumns))  \($0.words)")
      }
      if rest > 0 { lines.append("  … \(rest) more") }
      left -= shown.count + (rest > 0 ? 1 : 0)
    }
    if sections.isEmpty { lines.append("Nothing was dropped yet. Copy a .blend into quick/.") }
    return lines.prefix(Self.linesMax).map { $0 + "\r\n" }.joined()
  }

  private var daemonLine: String {
    let daemon = status.daemon
    guard daemon.running else { return "\(moment): the farm is switched off. What is dropped is rendered later." }
    if daemon.paused { return "\(moment): the farm is paused." }
    return "\(moment): \(daemon.slots.used) of \(daemon.slots.all) Blenders at work."
  }

  private var jobs: [(release: ReleaseStatus, job: JobStatus)] {
    status.releases.flatMap { release in release.jobs.map { (release, $0) } }
  }

  private func entries(
    _ states: Set<JobState>, _ words: (ReleaseStatus, JobStatus) -> String
  ) -> [Item] {
    jobs.filter { states.contains($0.job.state) && $0.job.problem.map { _ in states.contains(.failed) } ?? true }
      .map { Item(name: "\($0.release.name)/\($0.job.name)", words: words($0.release, $0.job)) }
  }

  /// Whatever has a problem, whatever its state; and releases that cannot be delivered.
  private var waiting: [Item] {
    let ofReleases = status.releases.compactMap { release in
      release.problem.map { Item(name: release.name, words: $0.cause) }
    }
    let held: Set<JobState> = [.blocked, .failed, .rejected, .settling, .queued, .active]
    let ofJobs = jobs.compactMap { release, job -> Item? in
      guard let problem = job.problem, held.contains(job.state) else { return nil }
      return Item(name: "\(release.name)/\(job.name)", words: problem.cause)
    }
    return ofReleases + ofJobs
  }

  private static let overlookedTitle = "Not picked up:"

  /// Files that artists may take for drops.
  private var overlooked: [Item] {
    (status.overlooked ?? []).map { Item(name: $0.path, words: "\($0.why). \($0.remedy)") }
  }

  private var active: [Item] {
    entries([.active, .assembling]) { _, job in "\(job.frames.done) of \(job.frames.expected) frames" }
  }

  private var queued: [Item] {
    entries([.queued, .settling]) { release, job in
      release.paused ? "paused" : job.state == .settling ? "is being copied" : "\(job.frames.expected) frames"
    }
  }

  private var completed: [Item] {
    let done = entries([.completed]) { release, job in
      if job.frames.purged == job.frames.expected { return "its time in dist/\(release.name) is over" }
      let place =
        !release.planned || release.state == .harvested
        ? "in dist/\(release.name)" : "waits for the rest of \(release.name)"
      return place + (job.notes?.contains(.still) == true ? "; nothing moves: 1 frame" : "")
    }
    return done.reversed()
  }

  private static func fitted(_ line: String, _ columns: Int = columns) -> String {
    let shown = line.escapedForTerminal
    return shown.count <= columns ? shown : shown.prefix(columns - 1) + "…"
  }
}
