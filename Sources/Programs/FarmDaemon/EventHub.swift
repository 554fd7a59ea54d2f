import FarmModel
import Synchronization

/// Hands events to everybody who listens; a listener that does not keep up loses the oldest.
final class EventHub: Sendable {
  private static let waitingMax = 10_000

  private struct Listeners {
    var next = 0
    var all: [Int: AsyncStream<FarmEvent>.Continuation] = [:]
  }

  private let listeners = Mutex(Listeners())

  func tell(_ event: FarmEvent) {
    listeners.withLock { for listener in $0.all.values { listener.yield(event) } }
  }

  /// What is told from now on.
  func listen() -> AsyncStream<FarmEvent> {
    let (stream, continuation) = AsyncStream<FarmEvent>.makeStream(bufferingPolicy: .bufferingNewest(Self.waitingMax))
    let number = listeners.withLock { listeners in
      listeners.next += 1
      listeners.all[listeners.next] = continuation
      return listeners.next
    }
    continuation.onTermination = { [weak self] _ in
      _ = self?.listeners.withLock { $0.all.removeValue(forKey: number) }
    }
    return stream
  }

  /// Ends every listener's stream.
  func finish() {
    let all = listeners.withLock { $0.all.values.map { $0 } }
    for listener in all { listener.finish() }
  }
}
