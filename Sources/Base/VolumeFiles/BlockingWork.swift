import Foundation

/// Runs calls that wait for the disk outside Swift's own threads, of which there is only one a core.
///
/// At most `concurrentMax` run at a time; more wait in order.
package enum BlockingWork {
  package static let concurrentMax = 8

  private static let queue: OperationQueue = {
    let queue = OperationQueue()
    queue.name = "farm.blocking-work"
    queue.maxConcurrentOperationCount = concurrentMax
    return queue
  }()

  /// Waits for the work's value.
  package static func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      queue.addOperation { continuation.resume(returning: work()) }
    }
  }

  /// The same for work that fails in one way.
  package static func run<Value: Sendable, Failure: Error>(
    throwing work: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await run { Result { () throws(Failure) in try work() } }
    return try result.get()
  }
}
