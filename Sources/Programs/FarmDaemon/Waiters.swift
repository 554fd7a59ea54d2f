/// Tasks that wait for something to happen in an actor.
struct Waiters {
  private var waiting: [CheckedContinuation<Void, Never>] = []

  mutating func add(_ continuation: CheckedContinuation<Void, Never>) { waiting.append(continuation) }

  /// Lets all of them go on.
  mutating func resume() {
    let all = waiting
    waiting = []
    for continuation in all { continuation.resume() }
  }
}
