import DequeModule
import FarmModel
import SystemPackage

/// Settled files that are to be claimed: one after the other for a path, so that what settled last is also recorded
/// last, and a few at a time for each disk, so that one that hangs keeps up only its own. A value: touches no file.
struct ClaimQueue {
  /// A hundred thousand files that settle at once are not all read at once.
  static let atOnceMax = 16

  private struct Disk {
    var running = 0
    var waiting: Deque<FilePath> = []
  }

  private struct Line {
    let device: Int64
    var claims: Deque<(fingerprint: Fingerprint, number: Int)> = []
  }

  private var disks: [Int64: Disk] = [:]
  private var lines: [FilePath: Line] = [:]
  private var count = 0
  /// What is not finished, by number; higher ones came later.
  private(set) var unfinished: Set<Int> = []
  /// The files and folders of what is read besides, by number.
  private var readings: [Int: FilePath] = [:]

  /// Takes in that a file settled.
  /// - Returns: the path to begin with, if one can be begun.
  mutating func add(_ path: FilePath, _ fingerprint: Fingerprint) -> FilePath? {
    count += 1
    unfinished.insert(count)
    let device = fingerprint.device
    let isFirst = lines[path] == nil
    lines[path, default: Line(device: device)].claims.append((fingerprint, count))
    guard isFirst else { return nil }
    disks[device, default: Disk()].waiting.append(path)
    return begin(device)
  }

  /// How the file at a path that was begun was when it settled, the earliest first; nil when all are finished.
  func next(at path: FilePath) -> Fingerprint? { lines[path]?.claims.first?.fingerprint }

  /// The earliest claim at a path is over.
  /// - Returns: its number.
  mutating func finish(_ path: FilePath) -> Int? {
    guard let number = lines[path]?.claims.popFirst()?.number else { return nil }
    unfinished.remove(number)
    return number
  }

  /// Takes in that something else is read, of which claims may come: a sidecar or a plan.
  /// - Returns: its number, among those of the claims.
  mutating func beginReading(_ path: FilePath) -> Int {
    count += 1
    unfinished.insert(count)
    readings[count] = path
    return count
  }

  /// It was read.
  /// - Returns: the claims that may have come of it.
  mutating func endReading(_ number: Int) -> Set<Int> {
    unfinished.remove(number)
    readings[number] = nil
    return unfinished.filter { $0 > number }
  }

  /// What is not finished of these places.
  func unfinished(where isMeant: (FilePath) -> Bool) -> Set<Int> {
    let claims = lines.filter { isMeant($0.key) }.flatMap { $0.value.claims.map(\.number) }
    return Set(claims + readings.filter { isMeant($0.value) }.keys)
  }

  /// All claims at a path are over.
  /// - Returns: the path to begin with in its place, if one waits.
  mutating func end(_ path: FilePath) -> FilePath? {
    guard let device = lines.removeValue(forKey: path)?.device else { return nil }
    disks[device]?.running -= 1
    return begin(device)
  }

  private mutating func begin(_ device: Int64) -> FilePath? {
    guard let running = disks[device]?.running, running < Self.atOnceMax,
      let path = disks[device]?.waiting.popFirst()
    else { return nil }
    disks[device]?.running += 1
    return path
  }
}
