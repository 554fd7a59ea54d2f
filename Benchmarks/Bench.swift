import Foundation
import Glibc

/// A line of `farm events --json`.
struct Event {
  let event: String
  let job: String?
  /// Seconds since 1970.
  let moment: Double

  private struct Line: Decodable {
    let at: String
    let event: String
    let job: String?
  }

  init?(_ text: String) {
    guard let line = try? JSONDecoder().decode(Line.self, from: Data(text.utf8)),
      let date = ISO8601DateFormatter().date(from: line.at.prefix(19) + "Z")
    else { return nil }  // No event.
    event = line.event
    job = line.job
    moment = date.timeIntervalSince1970 + (Double("0." + line.at.dropFirst(20).filter(\.isNumber)) ?? 0)
  }
}

/// The measurements; each in a volume of its own.
struct Bench {
  let folder: String
  private let scene: Data

  /// - Parameter folder: scratch space, on the disk that is meant.
  init(folder: String) throws {
    self.folder = folder
    // A real file of Blender, as large as a small scene is.
    let path = folder + "/scene.blend"
    let script = "import bpy; bpy.ops.wm.save_as_mainfile(filepath='\(path)')"
    try Self.blender(script)
    scene = try Data(contentsOf: URL(filePath: path))
  }

  /// Has Blender run a script to its end.
  static func blender(_ script: String) throws {
    _ = try LineProgram.time(
      "/usr/bin/blender", ["-b", "--factory-startup", "-noaudio", "--python-exit-code", "1", "--python-expr", script])
  }

  static let programs: String = {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(filePath: own).deletingLastPathComponent().path
  }()

  func program(_ name: String) -> String { Self.programs + "/" + name }

  func volume(_ name: String, adopting: Int = 0) throws -> String {
    let root = folder + "/" + name
    try FileManager.default.createDirectory(atPath: root + "/quick", withIntermediateDirectories: true)
    for number in 0..<adopting { try small.write(to: URL(filePath: "\(root)/quick/known_\(number).blend")) }
    _ = try LineProgram.time(program("farm"), ["init", "--adopt", root])
    return root
  }

  /// A `.blend` of four blocks, as small as one can be.
  var small: Data {
    let scene = [1, 0, 0, 0, 1, 0, 0, 0] as [UInt8] + Array("Scene".utf8) + [UInt8](repeating: 0, count: 59)
    func block(_ code: String, _ body: [UInt8]) -> [UInt8] {
      let length = UInt8(body.count)
      return Array(code.utf8) + [UInt8](repeating: 0, count: 4 - code.utf8.count) + [length, 0, 0, 0]
        + [UInt8](repeating: 9, count: 8) + [1, 0, 0, 0, 1, 0, 0, 0] + body
    }
    return Data(Array("BLENDER-v304".utf8) + block("REND", scene) + block("DNA1", [1]) + block("ENDB", []))
  }

  private func rename(_ name: String, into place: String) throws {
    guard Glibc.rename(folder + "/" + name, place + "/" + name) == 0 else {
      throw BenchFailure("cannot rename \(name)")
    }
  }

  private func put(_ name: String) throws { try scene.write(to: URL(filePath: folder + "/" + name)) }

  // MARK: - Figures

  /// From the rename to the line that tells of it: our watcher beside `inotifywait` and a shell loop.
  func watch(_ figures: inout Figures, drops: Int) throws {
    let root = try volume("watch")
    let ours = try LineProgram(program("WatchProbe"), [root])
    try ours.line(with: "barrier")
    let mine = try latencies(drops, prefix: "a", into: root + "/quick") {
      _ = try ours.line(with: "settled quick/\($0)")
    }
    ours.stop(SIGKILL)
    let loop = "inotifywait -m -q -e moved_to --format %f \"$1\" | while read -r name; do echo \"got $name\"; done"
    let theirs = try LineProgram("/bin/bash", ["-c", "echo begun; \(loop)", "loop", root + "/quick"])
    try theirs.line(with: "begun")
    usleep(300_000)  // inotifywait says nothing when it has begun.
    let shell = try latencies(drops, prefix: "b", into: root + "/quick") { _ = try theirs.line(with: "got \($0)") }
    theirs.stop(SIGKILL)
    // It may have ended with its pipe already.
    _ = try? LineProgram.time("/usr/bin/pkill", ["-f", "inotifywait -m -q -e moved_to"])
    print(
      String(
        format: "rename → known: ours %.2f ms, inotifywait and a shell %.2f ms (medians)", mine.percentile(0.5),
        shell.percentile(0.5)))
    figures.add(
      "rename → known, against inotifywait + shell", mine.percentile(0.5) / shell.percentile(0.5), "×", goal: 2)
  }

  /// Milliseconds of each drop.
  private func latencies(_ count: Int, prefix: String, into place: String, _ wait: (String) throws -> Void) throws
    -> [Double]
  {
    try (0..<count).map { number in
      let name = "\(prefix)\(number).blend"
      try put(name)
      usleep(20_000)
      let begun = ContinuousClock.now
      try rename(name, into: place)
      try wait(name)
      return (ContinuousClock.now - begun) / .milliseconds(1)
    }
  }

  /// From the drop to `job.queued`, by the event's own stamp; the farm is paused, so that nothing else is at work.
  func drops(_ figures: inout Figures, renamed: Int, written: Int) throws {
    let root = try volume("drops")
    let daemon = try LineProgram(program("farmd"), ["--root", root])
    try daemon.line(with: "found Blender")
    _ = try LineProgram.time(program("farm"), ["pause", "--root", root])
    let events = try LineProgram(program("farm"), ["events", "--json", "--root", root])
    usleep(500_000)  // The follower is connected by then.
    var begun: [String: Double] = [:]
    for number in 0..<renamed { try put("r\(number).blend") }
    for number in 0..<renamed {
      begun["r\(number)"] = Date().timeIntervalSince1970
      try rename("r\(number).blend", into: root + "/quick")
      usleep(50_000)
    }
    let queued = try stamps(events, of: renamed).map { name, at in (at - (begun[name] ?? 0)) * 1000 }
    figures.add("drop by rename → job.queued, p50", queued.percentile(0.5), "ms", goal: 15)
    figures.add("drop by rename → job.queued, p95", queued.percentile(0.95), "ms", goal: 50)
    for number in 0..<written {
      let file = FileManager.default.createFile(atPath: "\(root)/quick/w\(number).blend", contents: scene)
      guard file else { throw BenchFailure("cannot write a drop") }
      begun["w\(number)"] = Date().timeIntervalSince1970
      usleep(150_000)
    }
    let waited = try stamps(events, of: written).map { name, at in (at - (begun[name] ?? 0)) * 1000 }
    figures.add("drop written in place → job.queued, p95", waited.percentile(0.95), "ms", goal: 250)
    events.stop()
    daemon.stop()
  }

  /// Seconds since 1970 at which jobs were queued.
  private func stamps(_ events: LineProgram, of count: Int) throws -> [(String, Double)] {
    var found: [(String, Double)] = []
    while found.count < count, let line = try events.line() {
      guard let event = Event(line), event.event == "job.queued", let job = event.job else { continue }
      found.append((job, event.moment))
    }
    return found
  }

  /// Reads on to an event of a job, or of any, and gives back its moment in seconds since 1970.
  func moment(of name: String, _ job: String?, _ events: LineProgram) throws -> Double {
    while let line = try events.line(within: 600) {
      guard let event = Event(line), event.event == name, job == nil || event.job == job else { continue }
      return event.moment
    }
    throw BenchFailure("the events ended without \(name)")
  }
}
