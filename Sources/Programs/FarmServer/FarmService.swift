import FarmAPI
import FarmModel

/// What the daemon does for those who ask; the server only carries it.
package protocol FarmService: Sendable {
  func status() async throws -> FarmStatus
  /// - Parameter text: `job` or `release/job`.
  func job(_ text: String) async throws -> JobDetail
  /// - Parameters:
  ///   - read: what a follower has read so far, up to byte `from`; of another log the whole. Nil: nobody follows.
  func log(ofJob text: String, read: (path: String, from: Int)?) async throws -> LogAnswer
  func release(_ name: String) async throws -> ReleaseDetail
  func plan(_ request: PlanRequest) async throws -> PlanAnswer
  /// Delivers a release now.
  func harvest(_ request: HarvestRequest) async throws -> HarvestAnswer
  /// Renders a known job again, or changes its turn.
  func renderAgain(_ request: AgainRequest) async throws -> AgainAnswer
  func pause(_ request: PauseRequest) async throws
  /// Cancels jobs, or tries them again.
  func steer(_ request: SteerRequest) async throws -> TouchedJobs
  /// Returns when everything that lies in the watched folders now is known.
  func sync() async throws
  /// Looks at everything that the farm stands on.
  func doctor() async throws -> DoctorReport
  /// What happens from now on.
  func events() -> AsyncStream<FarmEvent>
}
