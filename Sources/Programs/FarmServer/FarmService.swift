import FarmAPI
import FarmModel

/// What the daemon does for those who ask; the server only carries it.
package protocol FarmService: Sendable {
  func status() async throws -> FarmStatus
  /// - Parameter text: `job` or `release/job`.
  func job(_ text: String) async throws -> JobDetail
  func log(ofJob text: String) async throws -> LogAnswer
  func plan(_ request: PlanRequest) async throws -> PlanAnswer
  func pause(_ request: PauseRequest) async throws
  /// - Parameter release: only of this one; nil of all.
  func kill(_ query: JobQuery, release: String?) async throws -> TouchedJobs
  /// Returns when everything that lies in the watched folders now is known.
  func sync() async throws
  /// What happens from now on.
  func events() -> AsyncStream<FarmEvent>
}
