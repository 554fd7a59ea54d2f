import Foundation
import Glibc
import Synchronization
import SystemPackage

/// Runs calls that wait for the disk outside Swift's own threads, of which there is only one a core.
///
/// At most `concurrentMax` run at a time; more wait in order. What takes very long most likely waits for a file server
/// that does not answer: it counts no longer, so that the others go on. Of one such file system only a few calls run at
/// a time (``MountLanes``), so that one that never answers cannot take all threads.
package enum BlockingWork {
  package static let concurrentMax = 8
  /// Calls that take very long and are not counted; with them all others wait.
  private static let longMax = 200
  private static let longAfter = Duration.seconds(5)
  private static let lookEvery = Duration.seconds(1)

  private static let queue: OperationQueue = {
    let queue = OperationQueue()
    queue.name = "farm.blocking-work"
    queue.maxConcurrentOperationCount = concurrentMax
    return queue
  }()

  /// The calls that run now.
  private struct Calls {
    var next = 0
    /// When those began that do not take very long, by number.
    var usual: [Int: DispatchTime] = [:]
    var long: Set<Int> = []
    /// Whether somebody is about to look for those that take long.
    var isWatched = false
  }

  private static let calls = Mutex(Calls())

  /// Waits for the work's value.
  /// - Parameter place: where the work reads or writes, if that may be a file server; no link leads there.
  package static func run<Value: Sendable>(
    at place: FilePath? = nil, _ work: @escaping @Sendable () -> Value
  ) async -> Value {
    await withCheckedContinuation { continuation in
      add(at: place) { continuation.resume(returning: work()) }
    }
  }

  /// The same for work that fails in one way.
  package static func run<Value: Sendable, Failure: Error>(
    at place: FilePath? = nil, throwing work: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await run(at: place) { Result { () throws(Failure) in try work() } }
    return try result.get()
  }

  /// Waits for the work's value, but not for ever.
  /// - Returns: nil when it took longer; the work goes on, and nobody hears of it.
  package static func run<Value: Sendable>(
    at place: FilePath? = nil, atMost limit: Duration, _ work: @escaping @Sendable () -> Value
  ) async -> Value? {
    await withCheckedContinuation { continuation in
      let asker = Mutexed<CheckedContinuation<Value?, Never>?>(continuation)
      let answer = { @Sendable (value: Value?) in asker.exchange(nil)?.resume(returning: value) }
      add(at: place) { answer(work()) }
      DispatchQueue.global().asyncAfter(deadline: .now() + limit / .seconds(1)) { answer(nil) }
    }
  }

  /// The same for those who cannot suspend: blocks the calling thread.
  package static func wait<Value: Sendable>(
    atMost limit: Duration, _ work: @escaping @Sendable () -> Value
  ) -> Value? {
    let (answer, isThere) = (Mutexed<Value?>(nil), DispatchSemaphore(value: 0))
    Thread.detachNewThread {
      _ = answer.exchange(work())
      isThere.signal()
    }
    return isThere.wait(timeout: .now() + limit / .seconds(1)) == .success ? answer.exchange(nil) : nil
  }

  private static let lanes = Mutex(MountLanes())

  /// Whether other machines or programs serve the file system of a place.
  package static func mayHang(at place: FilePath) -> Bool { CurrentMounts.blind(at: place) != nil }

  /// Whether the file system of a place has not answered a simple question for some seconds.
  package static func isStuck(at place: FilePath) -> Bool {
    guard let mount = CurrentMounts.blind(at: place) else { return false }
    return lanes.withLock { $0.isStuck(mount.id, at: .now()) }
  }

  /// Whether any file system has not answered for some seconds.
  package static var isAnyStuck: Bool { lanes.withLock { $0.isAnyStuck(at: .now()) } }

  private static func add(at place: FilePath?, _ work: @escaping @Sendable () -> Void) {
    guard let mount = place.flatMap({ CurrentMounts.blind(at: $0) }) else { return add(work) }
    let isFirst = lanes.withLock { $0.add(work, on: mount) }
    beginNext(on: mount.id)
    if isFirst { ask(mount.id) }
  }

  private static func beginNext(on mount: Int) {
    guard let (number, work) = lanes.withLock({ $0.next(on: mount, at: .now()) }) else { return }
    add {
      work()
      lanes.withLock { $0.finish(number, on: mount) }
      beginNext(on: mount)
    }
  }

  /// While calls wait for a mount: asks it something that every file system answers at once. On a thread of its own.
  private static func ask(_ mount: Int) {
    DispatchQueue.global().asyncAfter(deadline: .now() + lookEvery / .seconds(1)) {
      let (isOver, point) = lanes.withLock { ($0.endIfIdle(mount), $0.question(for: mount, at: .now())) }
      if let point {
        Thread.detachNewThread {
          var answer = statvfs()
          _ = point.withPlatformString { statvfs($0, &answer) }
          lanes.withLock { $0.answered(mount) }
        }
      }
      if !isOver { ask(mount) }
    }
  }

  private static func add(_ work: @escaping @Sendable () -> Void) {
    queue.addOperation {
      let call = begin()
      work()
      end(call)
    }
  }

  private static func begin() -> Int {
    let (call, mustWatch) = calls.withLock { calls in
      calls.next += 1
      calls.usual[calls.next] = .now()
      defer { calls.isWatched = true }
      return (calls.next, !calls.isWatched)
    }
    if mustWatch { watch() }
    return call
  }

  private static func end(_ call: Int) {
    calls.withLock { calls in
      calls.usual[call] = nil
      if calls.long.remove(call) != nil { queue.maxConcurrentOperationCount = concurrentMax + calls.long.count }
    }
  }

  /// Looks again and again, while calls run, for those that take long: one timer for all of them.
  private static func watch() {
    DispatchQueue.global().asyncAfter(deadline: .now() + lookEvery / .seconds(1)) {
      let mustWatch = calls.withLock { calls in
        let now = DispatchTime.now()
        let slow = calls.usual.filter { $0.value + longAfter / .seconds(1) <= now }.keys.sorted()
        for call in slow where calls.long.count < longMax {
          calls.usual[call] = nil
          calls.long.insert(call)
        }
        if !slow.isEmpty { queue.maxConcurrentOperationCount = concurrentMax + calls.long.count }
        calls.isWatched = !calls.usual.isEmpty
        return calls.isWatched
      }
      if mustWatch { watch() }
    }
  }
}

/// A value that several threads change, one at a time.
private final class Mutexed<Value: Sendable>: Sendable {
  private let value: Mutex<Value>

  init(_ value: Value) { self.value = Mutex(value) }

  func exchange(_ new: Value) -> Value {
    value.withLock { value in
      defer { value = new }
      return value
    }
  }
}
