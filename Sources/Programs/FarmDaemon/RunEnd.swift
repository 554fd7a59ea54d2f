import Dispatch
import Glibc
import Logging
import Synchronization

/// Why a run of the daemon ends, and the bound on how long its end may take. Owns the timer that enforces the bound.
///
/// A call that waits for a dead file server can hold up the services for ever. The ledger is made for an end at any
/// moment, so the timer then ends the process, or begins it anew.
final class RunEnd: Sendable {
  private enum State {
    case running
    /// A signal asked for the end.
    case asked
    /// The run cannot go on.
    case failed
    case over
  }

  /// Services are cancelled after 3 s, so that a stop takes 5 s at most.
  private static let bound = DispatchTimeInterval.milliseconds(4500)

  private let log: Logger
  private let restart: @Sendable () -> Never
  private let state = Mutex(State.running)

  init(log: Logger, restart: @escaping @Sendable () -> Never) {
    self.log = log
    self.restart = restart
  }

  /// Whether services may return.
  var isDue: Bool { state.withLock { $0 != .running } }

  /// A signal asked the daemon to stop. A run that failed before stays failed.
  func ask() {
    guard leave(to: .asked) else { return }
    after(.asked) {
      self.log.warning("stopping took too long; the next start goes on from the ledger")
      _exit(0)
    }
  }

  /// The run is to end although nothing asked for that: it ends within the bound, or the process begins anew.
  func fail() {
    guard leave(to: .failed) else { return }
    // The services no longer listen: whoever stops the daemon now is obeyed by the kernel.
    for number in [SIGTERM, SIGINT, SIGHUP] { signal(number, SIG_DFL) }
    after(.failed) {
      self.log.critical("a call that does not return holds up the end of the run; starting anew at once")
      self.restart()
    }
  }

  /// The run has ended by itself.
  func finish() { state.withLock { $0 = .over } }

  private func leave(to next: State) -> Bool {
    state.withLock { state in
      guard state == .running else { return false }
      state = next
      return true
    }
  }

  private func after(_ expected: State, _ act: @escaping @Sendable () -> Void) {
    DispatchQueue.global().asyncAfter(deadline: .now() + Self.bound) { [self] in
      if state.withLock({ $0 == expected }) { act() }
    }
  }
}
