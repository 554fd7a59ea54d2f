import Synchronization

/// A value behind a lock, for tests that share one between tasks.
package final class Mutexed<Value: Sendable>: Sendable {
  private let value: Mutex<Value>

  package init(_ value: Value) {
    self.value = Mutex(value)
  }

  /// Reads and changes the value.
  @discardableResult
  package func with<Answer: Sendable>(_ body: (inout Value) -> Answer) -> Answer {
    value.withLock { value in body(&value) }
  }
}
