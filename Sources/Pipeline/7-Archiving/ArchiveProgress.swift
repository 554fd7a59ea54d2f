import FarmModel
import Synchronization

/// How far an archive is, for those who wait for it; and whether it is still wanted. One for each archiving.
package final class ArchiveProgress: Sendable {
  /// What is being done.
  package enum Phase: String, Codable, Sendable {
    /// It waits for its turn.
    case waiting
    case looking, packing, checking, removing, unpacking
  }

  /// How far it is at one moment.
  package struct State: Hashable, Sendable {
    package fileprivate(set) var phase = Phase.waiting
    /// Bytes of files, in this phase.
    package fileprivate(set) var doneBytes: Int64 = 0
    package fileprivate(set) var allBytes: Int64 = 0
    fileprivate var isCanceled = false
    fileprivate var isCommitted = false
  }

  private let current = Mutex(State())

  package init() {}

  package var state: State { current.withLock { $0 } }

  package var isCanceled: Bool { current.withLock { $0.isCanceled } }

  /// Ends it as soon as may be.
  /// - Returns: false when it is too late for that.
  @discardableResult
  package func cancel() -> Bool {
    current.withLock { state in
      state.isCanceled = !state.isCommitted
      return state.isCanceled
    }
  }

  /// From here on it is done to its end.
  /// - Throws: ``ArchiveFailure/canceled`` when nobody wants it any more.
  package func commit() throws(ArchiveFailure) {
    let isCanceled = current.withLock { state in
      state.isCommitted = !state.isCanceled
      return state.isCanceled
    }
    if isCanceled { throw .canceled }
  }

  /// - Parameter allBytes: of what is to be done.
  package func begin(_ phase: Phase, allBytes: Int64) {
    current.withLock { ($0.phase, $0.doneBytes, $0.allBytes) = (phase, 0, allBytes) }
  }

  /// - Throws: ``ArchiveFailure/canceled`` when nobody wants it any more.
  func advance(_ bytes: Int) throws(ArchiveFailure) {
    let isCanceled = current.withLock { state in
      state.doneBytes = state.doneBytes.adding(Int64(bytes))
      return state.isCanceled
    }
    if isCanceled { throw .canceled }
  }
}
