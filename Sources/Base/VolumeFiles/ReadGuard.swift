import FarmModel
import SystemPackage

/// Told which file is read by our own readers, so that a crash of one is laid to that file; refuses a file that was the
/// cause before.
package struct ReadGuard: Sendable {
  private let isRefused: @Sendable (FilePath, Fingerprint?) -> Bool
  private let begin: @Sendable (FilePath, Fingerprint?) -> Int32
  private let end: @Sendable (Int32, FilePath, Fingerprint?) -> Void

  /// Remembers and refuses nothing.
  package init() {
    (isRefused, begin, end) = ({ _, _ in false }, { _, _ in -1 }, { _, _, _ in })
  }

  /// - Parameters:
  ///   - refuses: whether a version of a file is not to be read.
  ///   - begin: its reading begins on this thread; answers a number for `end`.
  ///   - end: it was read.
  package init(
    refuses: @escaping @Sendable (FilePath, Fingerprint?) -> Bool,
    begin: @escaping @Sendable (FilePath, Fingerprint?) -> Int32,
    end: @escaping @Sendable (Int32, FilePath, Fingerprint?) -> Void
  ) {
    (isRefused, self.begin, self.end) = (refuses, begin, end)
  }

  /// Whether a version of a file is not read.
  package func refuses(_ path: FilePath, _ fingerprint: Fingerprint?) -> Bool { isRefused(path, fingerprint) }

  /// Reads a file on this thread.
  /// - Returns: nil when it is refused.
  package func reading<Value>(_ path: FilePath, _ fingerprint: Fingerprint?, _ body: () -> Value) -> Value? {
    guard !refuses(path, fingerprint) else { return nil }
    let number = begin(path, fingerprint)
    defer { end(number, path, fingerprint) }
    return body()
  }
}
