import Foundation
import Glibc
import Synchronization

/// What was told of the drops of one case.
struct Tally: Codable {
  let test: String
  let tool: String
  let drops: Int
  /// Milliseconds from the last close, or the rename, to the first telling after it; nil when there was none.
  let p50: Double?
  let p95: Double?
  let p99: Double?
  /// Never told after they were whole.
  let lost: Int
  /// Told more often than once.
  let duplicate: Int
  /// Told before they were whole.
  let premature: Int

  var line: String {
    let times = [p50, p95, p99].map { $0.map { String(format: $0 < 100 ? "%9.1f" : "%9.0f", $0) } ?? "        -" }
    let padded =
      test.padding(toLength: 13, withPad: " ", startingAt: 0)
      + tool.padding(toLength: 22, withPad: " ", startingAt: 0)
    return padded + String(format: "%6d", drops) + times.joined()
      + String(format: "%8d%11d%11d", lost, duplicate, premature)
  }

  static let heading =
    "case         program                drops   p50 ms   p95 ms   p99 ms    lost  duplicate  premature"
}

/// Hot folders side by side: the same drops for each of them, one after the other.
struct SideBySide {
  private let folder: String
  private let programs: String
  private let blend: Data
  private let isQuick: Bool

  /// - Parameter blend: a whole file, some hundred bytes.
  init(folder: String, programs: String, blend: Data, isQuick: Bool) {
    self.folder = folder
    self.programs = programs
    self.blend = blend
    self.isQuick = isQuick
  }

  /// The cases, by name and number of drops.
  private var cases: [(name: String, drops: Int, act: (Drops) throws -> Void)] {
    [
      ("paced", isQuick ? 40 : 200, { try $0.paced() }),
      ("rename", isQuick ? 40 : 200, { try $0.renamed() }),
      ("burst", isQuick ? 200 : 2000, { try $0.burst() }),
      ("new folder", isQuick ? 40 : 200, { try $0.inNewFolders() }),
      ("existing", 50, { try $0.burst() }),
      ("slow", 20, { try $0.slow() }),
      ("multi-close", 20, { try $0.closedOften() }),
      ("overflow", isQuick ? 9000 : 20_000, { try $0.burst() }),
    ]
  }

  func run() throws -> [Tally] {
    print("\n" + Tally.heading)
    var tallies: [Tally] = []
    for test in cases {
      for tool in 0..<4 {
        let place = "\(folder)/\(test.name.prefix(3))-\(tool)"
        try FileManager.default.createDirectory(atPath: place + "/quick", withIntermediateDirectories: true)
        let hotFolder: any HotFolder =
          switch tool {
          case 0: try FarmFolder(folder: place, programs: programs)
          case 1: ShellFolder(folder: place)
          case 2: WatchmanFolder(folder: place)
          default: WatchdogFolder(folder: place)
          }
        let tally = try measure(hotFolder, test.name, test.drops, test.act)
        print(tally.line)
        tallies.append(tally)
        try FileManager.default.removeItem(atPath: place)
      }
    }
    return tallies
  }

  private func measure(
    _ hotFolder: any HotFolder, _ name: String, _ count: Int, _ act: (Drops) throws -> Void
  ) throws -> Tally {
    let drops = Drops(count: count, in: hotFolder.folder, blend: blend)
    let told = Told()
    if name == "existing" { try act(drops) }
    try hotFolder.start { told.add($0) }
    defer { hotFolder.stop() }
    if name == "overflow" {
      let pids = try hotFolder.pids
      guard !pids.isEmpty else { throw BenchFailure("\(hotFolder.name) has no process to stop") }
      for pid in pids { kill(pid, SIGSTOP) }
      try act(drops)
      for pid in pids { kill(pid, SIGCONT) }
    } else if name != "existing" {
      try act(drops)
    }
    told.waitForQuiet(of: count)
    return tally(name, hotFolder.name, drops.ends, told.all)
  }

  private func tally(
    _ name: String, _ tool: String, _ ends: [String: ContinuousClock.Instant],
    _ told: [String: [ContinuousClock.Instant]]
  ) -> Tally {
    var times: [Double] = []
    var (lost, duplicate, premature) = (0, 0, 0)
    for (path, end) in ends {
      let all = told[path] ?? []
      if all.contains(where: { $0 < end }) && name != "existing" { premature += 1 }
      duplicate += max(0, all.count - 1)
      guard let first = all.first(where: { $0 >= end }) else {
        lost += 1
        continue
      }
      times.append((first - end) / .milliseconds(1))
    }
    let hasTimes = name != "existing" && !times.isEmpty
    return Tally(
      test: name, tool: tool, drops: ends.count, p50: hasTimes ? times.percentile(0.5) : nil,
      p95: hasTimes ? times.percentile(0.95) : nil, p99: hasTimes ? times.percentile(0.99) : nil, lost: lost,
      duplicate: duplicate, premature: premature)
  }
}

/// What a hot folder told, and when; filled by its reader.
private final class Told: Sendable {
  private let state = Mutex((times: [String: [ContinuousClock.Instant]](), last: ContinuousClock.now))

  func add(_ path: String) {
    let now = ContinuousClock.now
    state.withLock {
      $0.times[path, default: []].append(now)
      $0.last = now
    }
  }

  var all: [String: [ContinuousClock.Instant]] { state.withLock { $0.times } }

  /// Waits until as many files were told and then nothing for three seconds, or nothing at all for twenty.
  func waitForQuiet(of count: Int) {
    let begun = ContinuousClock.now
    while true {
      usleep(50_000)
      let (known, last) = state.withLock { ($0.times.count, max($0.last, begun)) }
      if ContinuousClock.now - last > .seconds(known >= count ? 3 : 20) { return }
    }
  }
}

/// The drops of one case, and when each was whole.
private final class Drops {
  private let count: Int
  private let root: String
  private let blend: Data
  private(set) var ends: [String: ContinuousClock.Instant] = [:]

  init(count: Int, in root: String, blend: Data) {
    self.count = count
    self.root = root
    self.blend = blend
  }

  /// Opens, writes a part, notes the moment and closes.
  private func append(_ part: Data, to path: String) throws {
    let file = open("\(root)/\(path)", O_WRONLY | O_CREAT | O_APPEND, 0o644)
    defer {
      ends[path] = ContinuousClock.now
      close(file)
    }
    guard file >= 0, part.withUnsafeBytes({ write(file, $0.baseAddress, $0.count) }) == part.count else {
      throw BenchFailure("cannot write \(path)")
    }
  }

  private func each(_ body: (String) throws -> Void) rethrows {
    for number in 0..<count { try body("quick/\(number).blend") }
  }

  func burst() throws {
    try each { try append(blend, to: $0) }
  }

  func paced() throws {
    try each { path in
      try append(blend, to: path)
      usleep(50_000)
    }
  }

  func renamed() throws {
    try each { path in
      try append(blend, to: path + ".part")
      ends[path + ".part"] = nil
      usleep(50_000)
      ends[path] = ContinuousClock.now
      guard rename("\(root)/\(path).part", "\(root)/\(path)") == 0 else { throw BenchFailure("cannot rename \(path)") }
    }
  }

  func inNewFolders() throws {
    for number in 0..<count {
      let store = "releases/r\(number)/store"
      try FileManager.default.createDirectory(atPath: "\(root)/\(store)", withIntermediateDirectories: true)
      try append(blend, to: store + "/a.blend")
      usleep(20_000)
    }
  }

  /// Eight parts in 0.8 s, each file held open.
  func slow() throws {
    var files: [(path: String, file: Int32)] = []
    each { files.append(($0, open("\(root)/\($0)", O_WRONLY | O_CREAT, 0o644))) }
    for part in parts(8) {
      for (_, file) in files { _ = part.withUnsafeBytes { write(file, $0.baseAddress, $0.count) } }
      usleep(100_000)
    }
    for (path, file) in files {
      ends[path] = ContinuousClock.now
      close(file)
    }
  }

  /// Four parts 0.2 s apart, closed after each.
  func closedOften() throws {
    for (number, part) in parts(4).enumerated() {
      if number > 0 { usleep(200_000) }
      try each { try append(part, to: $0) }
    }
  }

  private func parts(_ count: Int) -> [Data] {
    let size = (blend.count + count - 1) / count
    return (0..<count).map { blend[min($0 * size, blend.count)..<min(($0 + 1) * size, blend.count)] }
  }
}
