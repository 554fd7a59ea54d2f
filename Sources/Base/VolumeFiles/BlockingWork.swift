import Foundation
import Synchronization

/// Runs calls that wait for the disk outside Swift's own threads, of which there is only one a core.
///
/// At most `concurrentMax` run at a time; more wait in order. What takes very long most likely waits for a file server
/// that does not answer: it counts no longer, so that the others go on.
package enum BlockingWork {
  package static let concurrentMax = 8
  /// Calls that take very long and are not counted; with them all others wait.
  private static let longMax = 40
  private static let longAfter = Duration.seconds(5)

  private static let queue: OperationQueue = {
    let queue = OperationQueue()
    queue.name = "farm.blocking-work"
    queue.maxConcurrentOperationCount = concurrentMax
    return queue
  }()

  private static let longCount = Mutex(0)

  /// Whether one call has taken very long yet.
  private enum Pace { case usual, long, over }

  /// Waits for the work's value.
  package static func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      add { continuation.resume(returning: work()) }
    }
  }

  /// The same for work that fails in one way.
  package static func run<Value: Sendable, Failure: Error>(
    throwing work: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await run { Result { () throws(Failure) in try work() } }
    return try result.get()
  }

  /// Waits for the work's value, but not for ever.
  /// - Returns: nil when it took longer; the work goes on, and nobody hears of it.
  package static func run<Value: Sendable>(
    atMost limit: Duration, _ work: @escaping @Sendable () -> Value
  ) async -> Value? {
    await withCheckedContinuation { continuation in
      let asker = Mutexed<CheckedContinuation<Value?, Never>?>(continuation)
      let answer = { @Sendable (value: Value?) in asker.exchange(nil)?.resume(returning: value) }
      add { answer(work()) }
      DispatchQueue.global().asyncAfter(deadline: .now() + limit / .seconds(1)) { answer(nil) }
    }
  }

  private static func add(_ work: @escaping @Sendable () -> Void) {
    queue.addOperation {
      let pace = Mutexed(Pace.usual)
      DispatchQueue.global().asyncAfter(deadline: .now() + longAfter / .seconds(1)) {
        pace.withLock { now in
          guard now == .usual, count(1) else { return }
          now = .long
        }
      }
      work()
      if pace.exchange(.over) == .long { _ = count(-1) }
    }
  }

  /// Takes in that so many more calls take long.
  /// - Returns: false, and nothing changed, when there are too many.
  private static func count(_ change: Int) -> Bool {
    longCount.withLock { long in
      guard long + change <= longMax else { return false }
      long += change
      queue.maxConcurrentOperationCount = concurrentMax + long
      return true
    }
  }
}

/// A value that several threads change, one at a time.
private final class Mutexed<Value: Sendable>: Sendable {
  private let value: Mutex<Value>

  init(_ value: Value) { self.value = Mutex(value) }

  func withLock(_ body: (inout Value) -> Void) { value.withLock { body(&$0) } }

  func exchange(_ new: Value) -> Value {
    value.withLock { value in
      defer { value = new }
      return value
    }
  }
}
