import DequeModule
import Synchronization
import SystemPackage

/// The changes on their way to their reader: of a file or folder only the latest waits, at the place of the first, so
/// that no more wait than there are files.
package final class ChangeQueue: AsyncSequence, Sendable {
  package typealias Element = FolderChange

  private enum Key: Hashable {
    case file(FilePath)
    case folder(FilePath)
    case barrier(Int)
  }

  private struct State {
    var order: Deque<Key> = []
    var latest: [Key: FolderChange] = [:]
    var reader: CheckedContinuation<FolderChange?, Never>?
    var isFinished = false

    mutating func next() -> FolderChange? { order.popFirst().flatMap { latest.removeValue(forKey: $0) } }
  }

  private let state = Mutex(State())

  /// Hands a change to the reader, or lets it wait.
  func add(_ change: FolderChange) {
    let reader = state.withLock { state -> CheckedContinuation<FolderChange?, Never>? in
      if let reader = state.reader {
        state.reader = nil
        return reader
      }
      let key = Self.key(of: change)
      if state.latest.updateValue(change, forKey: key) == nil { state.order.append(key) }
      return nil
    }
    reader?.resume(returning: change)
  }

  /// Ends the sequence once everything that waits was read.
  func finish() {
    let reader = state.withLock { state in
      state.isFinished = true
      defer { state.reader = nil }
      return state.reader
    }
    reader?.resume(returning: nil)
  }

  private static func key(of change: FolderChange) -> Key {
    switch change {
    case .unsettled(let path), .settled(let path, _), .unchanged(let path), .refused(let path, _),
      .stalled(let path, _), .vanished(let path), .lost(let path):
      .file(path)
    case .folderFound(let path), .folderGone(let path), .troubled(let path, _): .folder(path)
    case .barrier(let number): .barrier(number)
    }
  }

  /// For the one reader.
  package func makeAsyncIterator() -> Iterator { Iterator(queue: self) }

  /// The one reader.
  package struct Iterator: AsyncIteratorProtocol {
    fileprivate let queue: ChangeQueue

    /// Waits for a change; nil when the sequence is over or the reader was cancelled.
    package func next() async -> FolderChange? {
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          let ready: FolderChange?? = queue.state.withLock { state in
            if let change = state.next() { return .some(change) }
            if state.isFinished { return .some(nil) }
            precondition(state.reader == nil, "the changes have one reader")
            state.reader = continuation
            return nil
          }
          if let ready { continuation.resume(returning: ready) }
        }
      } onCancel: {
        queue.finish()
      }
    }
  }
}
