import FarmAPI
import FarmModel

/// What the daemon does for those who ask; the server only carries it. `person` is who asks, for the history.
package protocol FarmService: Sendable {
  /// - Parameter isBrief: of jobs at rest only the newest are named, and the others counted: as long with ten thousand
  ///   jobs as with a hundred.
  func status(isBrief: Bool) async throws -> FarmStatus
  /// - Parameter text: `job` or `release/job`.
  func job(_ text: String) async throws -> JobDetail
  /// - Parameters:
  ///   - read: what a follower has read so far, up to byte `from`; of another log the whole. Nil: nobody follows.
  func log(ofJob text: String, read: (path: String, from: Int)?) async throws -> LogAnswer
  func release(_ name: String) async throws -> ReleaseDetail
  /// The jobs that a query means, by release and name.
  func jobs(_ query: [String]) async throws -> [JobRow]
  func workers() async throws -> [WorkerLine]
  /// The newest tasks of the jobs that a query means, newest first.
  func tasks(_ query: [String], limit: Int) async throws -> [TaskLine]
  func task(_ id: Int64) async throws -> TaskDetail
  /// What happened last, oldest first.
  func history(_ query: [String], limit: Int) async throws -> [HistoryLine]
  func plan(_ request: PlanRequest, by person: String) async throws -> PlanAnswer
  /// Delivers a release now.
  func harvest(_ request: HarvestRequest, by person: String) async throws -> HarvestAnswer
  /// Renders a known job again, or changes its turn.
  func renderAgain(_ request: AgainRequest, by person: String) async throws -> AgainAnswer
  /// Renders again what is older than what it depends on.
  func refresh(_ request: RefreshRequest, by person: String) async throws -> RefreshAnswer
  /// Reads a release's pictures again, and renders the damaged ones.
  func check(_ request: CheckRequest, by person: String) async throws -> CheckAnswer
  func pause(_ request: PauseRequest, by person: String) async throws
  /// Cancels jobs, or tries them again.
  func steer(_ request: SteerRequest, by person: String) async throws -> TouchedJobs
  /// Returns when everything that lies in the watched folders now is known.
  func sync() async throws
  /// Looks at everything that the farm stands on.
  func doctor() async throws -> DoctorReport
  /// - Throws: when the ledger is damaged.
  func checkLedger() async throws -> LedgerAnswer
  /// Packs a release that is over into an archive, and takes it away.
  func archive(_ request: ArchiveRequest, by person: String) async throws -> ArchiveAnswer
  /// Unpacks an archived release into its place, as it was.
  func restore(_ request: ArchivedRequest, by person: String) async throws -> ArchiveAnswer
  /// Reads an archive to its end.
  /// - Throws: when it is not whole.
  func verify(_ request: ArchivedRequest, by person: String) async throws -> ArchiveAnswer
  func archives() async throws -> [ArchiveLine]
  /// What the schedule will archive.
  func dueArchives() async throws -> DueArchives
  /// Takes away what nobody has to keep any longer.
  func tidy(_ request: TidyRequest, by person: String) async throws -> TidyAnswer
  /// What is being done with an archive now; none or one.
  func archiving() async -> [ArchiveProgressLine]
  /// Stops what is done with a release's archive, or waits for its turn.
  /// - Returns: how far it was.
  func stopArchiving(_ request: ArchivedRequest, by person: String) async throws -> ArchiveProgressLine
  /// Copies the ledger to a file that is not there yet.
  func backUpLedger(_ request: BackupRequest) async throws -> LedgerAnswer
  /// Forgets everything; the daemon begins anew.
  func slashAndBurn(by person: String) async throws -> BurntAnswer
  /// What happens from now on.
  func events() -> AsyncStream<FarmEvent>
}
