import FarmModel
import Synchronization

/// A wall clock that a test sets.
package final class TestTime: Sendable {
  private let moment = Mutex(Timestamp(nanoseconds: 1_790_000_000_000_000_000))

  package init() {}

  package var clock: WallClock { WallClock { self.moment.withLock { $0 } } }

  package func advance(by time: Duration) {
    moment.withLock { $0 = Timestamp(nanoseconds: $0.nanoseconds + time.inMilliseconds * 1_000_000) }
  }
}

/// A generator of the same numbers for the same seed (SplitMix64), so that a failing property can be tried again.
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) {
    state = seed
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
