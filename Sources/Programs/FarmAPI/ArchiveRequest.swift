import FarmModel

/// Asks to put a release into the archive.
package struct ArchiveRequest: Codable, Hashable, Sendable {
  package let release: String
  /// Nil: as farm.yaml says, else gzip.
  package let format: ArchiveFormat?
  /// Whether what was delivered is taken away too.
  package let prunesDist: Bool
  /// Whether the release stays where it is.
  package let keepsRelease: Bool
  /// Whether it does not matter that something in it changed lately.
  package let isForced: Bool

  package init(release: String, format: ArchiveFormat?, prunesDist: Bool, keepsRelease: Bool, isForced: Bool) {
    self.release = release
    self.format = format
    self.prunesDist = prunesDist
    self.keepsRelease = keepsRelease
    self.isForced = isForced
  }
}

/// Names an archived release.
package struct ArchivedRequest: Codable, Hashable, Sendable {
  package let release: String

  package init(release: String) { self.release = release }
}

/// An archive, as people see it.
package struct ArchiveLine: Codable, Hashable, Sendable {
  package let release: String
  /// Below the volume's root.
  package let path: String
  /// Of the archive, in bytes.
  package let size: Int64
  /// Of what is in it; nil, as all that follows, of an archive that the ledger does not know.
  package let contentBytes: Int64?
  package let files: Int?
  package let jobs: Int?
  /// RFC 3339: when it was made, and when it was last read to its end and found whole.
  package let archivedAt: String?
  package let verifiedAt: String?
  /// Whether the release lies in its place too.
  package let isReleaseThere: Bool
  /// Whether a newer one of its release took its place; it is kept, but no command takes it.
  package let isOlder: Bool
  /// What is wrong with it, as far as is known; in words.
  package let problem: String?

  package init(
    release: String, path: String, size: Int64, contentBytes: Int64? = nil, files: Int? = nil, jobs: Int? = nil,
    archivedAt: String? = nil, verifiedAt: String? = nil, isReleaseThere: Bool, isOlder: Bool = false,
    problem: String? = nil
  ) {
    self.release = release
    self.path = path
    self.size = size
    self.contentBytes = contentBytes
    self.files = files
    self.jobs = jobs
    self.archivedAt = archivedAt
    self.verifiedAt = verifiedAt
    self.isReleaseThere = isReleaseThere
    self.isOlder = isOlder
    self.problem = problem
  }
}

/// What was done with an archive.
package struct ArchiveAnswer: Codable, Hashable, Sendable {
  package let archive: ArchiveLine
  /// What people should know besides, in words.
  package let notes: [String]

  package init(_ archive: ArchiveLine, notes: [String] = []) {
    self.archive = archive
    self.notes = notes
  }
}

/// How far the farm is with an archive.
package struct ArchiveProgressLine: Codable, Hashable, Sendable {
  package let release: String
  /// `waiting`, `looking`, `packing`, `checking`, `removing`, `unpacking`.
  package let phase: String
  /// Bytes, in this phase.
  package let doneBytes: Int64
  package let allBytes: Int64
  /// When that was so, by the daemon's clock.
  package let at: Timestamp

  /// `packing spring, 61 %`
  package var words: String {
    if phase == "waiting" { return "the wait for the turn of \(release)" }
    let share = allBytes > 0 ? ", \(min(100, doneBytes * 100 / allBytes)) %" : ""
    return "\(phase) \(release)\(share)"
  }

  package init(release: String, phase: String, doneBytes: Int64, allBytes: Int64, at: Timestamp) {
    self.at = at
    self.release = release
    self.phase = phase
    self.doneBytes = doneBytes
    self.allBytes = allBytes
  }
}
