import Dispatch
import Glibc

/// Signals that are waited for instead of ending the program. Owns their handling as long as it lives.
final class Signals: Sendable {
  private let came: AsyncStream<Void>
  // Kept alive, and touched by nobody after `init`.
  private nonisolated(unsafe) let sources: [any DispatchSourceSignal]

  init(_ numbers: [Int32]) {
    let (stream, continuation) = AsyncStream<Void>.makeStream()
    came = stream
    sources = numbers.map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number)
      source.setEventHandler { continuation.yield() }
      source.resume()
      return source
    }
  }

  /// Returns when the first of them has come, or the task is cancelled.
  func first() async {
    for await _ in came { return }
  }
}
