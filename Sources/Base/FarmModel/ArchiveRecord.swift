/// An archive that the farm made, as the ledger knows it.
package struct ArchiveRecord: Codable, Hashable, Sendable, Identifiable {
  /// Which, and how far it is. What dies before ``emptying`` leaves the release as it was; what dies after it is gone
  /// on with. So there is always one of the two, whole.
  package enum State: String, Codable, CaseIterable, Sendable {
    /// Written and read back; the release is as it was.
    case packed
    /// The release's folder is taken out of its place.
    case removing
    /// The release is forgotten, and its folder is deleted.
    case emptying
    /// The release is in the archive alone.
    case stored
    /// Unpacked and compared, on its way to its place.
    case restoring
    /// The release is there too: it was restored, or never taken away.
    case kept
  }

  package let id: Int64
  package let release: String
  /// Below the volume's root.
  package var path: String
  package var state: State
  /// The archive itself.
  package var file: FileIdentity
  /// Bytes of all files in it, their number, and that of the jobs.
  package let contentBytes: Int64
  package let files: Int
  package let jobs: Int
  /// Whether what was delivered is taken away too.
  package let prunesDist: Bool
  package let archivedAt: Timestamp
  /// When it was last read to its end and found whole.
  package var verifiedAt: Timestamp
  /// What was wrong with it when it was read last, in words.
  package var problem: String?

  package init(
    id: Int64 = 0, release: String, path: String, state: State, file: FileIdentity, contentBytes: Int64, files: Int,
    jobs: Int, prunesDist: Bool, archivedAt: Timestamp, verifiedAt: Timestamp, problem: String? = nil
  ) {
    self.id = id
    self.release = release
    self.path = path
    self.state = state
    self.file = file
    self.contentBytes = contentBytes
    self.files = files
    self.jobs = jobs
    self.prunesDist = prunesDist
    self.archivedAt = archivedAt
    self.verifiedAt = verifiedAt
    self.problem = problem
  }

  /// The same with the ledger's number.
  package func numbered(_ id: ID) -> ArchiveRecord {
    ArchiveRecord(
      id: id, release: release, path: path, state: state, file: file, contentBytes: contentBytes, files: files,
      jobs: jobs, prunesDist: prunesDist, archivedAt: archivedAt, verifiedAt: verifiedAt,
      problem: problem)
  }
}
