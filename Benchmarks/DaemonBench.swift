import Foundation
import Glibc

/// What a daemon costs, alone and with many files, and how it compares.
extension Bench {
  /// What a daemon costs that has nothing to do, and what asking it costs.
  func idle(_ figures: inout Figures, seconds: UInt32) throws {
    let root = try volume("idle")
    let daemon = try LineProgram(program("farmd"), ["--root", root])
    try daemon.line(with: "found Blender")
    sleep(3)
    figures.add("idle daemon, processor", try processor(of: daemon.pid, seconds: seconds), "%", goal: 0.2)
    figures.add("idle daemon, anonymous memory", try anonymousMegabytes(of: daemon.pid), "MB", goal: 20)
    let asked = try (0..<20).map { _ in try LineProgram.time(program("farm"), ["status", "--root", root]) * 1000 }
    figures.add("farm status, whole process, median", asked.percentile(0.5), "ms", goal: 50)
    daemon.stop()
  }

  /// Per cent of a core that a process uses in the next seconds.
  private func processor(of pid: pid_t, seconds: UInt32) throws -> Double {
    let before = try ticks(of: pid)
    sleep(seconds)
    let used = Double(try ticks(of: pid) - before) / Double(sysconf(Int32(_SC_CLK_TCK)))
    return 100 * used / Double(seconds)
  }

  private func ticks(of pid: pid_t) throws -> Int {
    let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
    let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
    guard fields.count > 13, let user = Int(fields[12]), let system = Int(fields[13]) else {
      throw BenchFailure("cannot read the processor time of \(pid)")
    }
    return user + system
  }

  func anonymousMegabytes(of pid: pid_t) throws -> Double {
    let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") }),
      let kilobytes = Double(line.filter(\.isNumber))
    else { throw BenchFailure("cannot read the memory of \(pid)") }
    return kilobytes / 1024
  }

  /// A start in a volume whose files are known: nothing is to be rendered or read again.
  func start(_ figures: inout Figures, files: Int) throws {
    let root = try volume("start", adopting: files)
    let first = try LineProgram(program("farmd"), ["--root", root])
    try first.line(with: "what was in the volume is known")
    first.stop()
    let begun = ContinuousClock.now
    let daemon = try LineProgram(program("farmd"), ["--root", root])
    try daemon.line(with: "notice ready")
    let ready = (ContinuousClock.now - begun) / .seconds(1)
    _ = try LineProgram.time(program("farm"), ["sync", "--root", root])
    let synced = (ContinuousClock.now - begun) / .seconds(1)
    print(
      String(format: "start with %d known files: ready after %.2f s, all compared after %.2f s", files, ready, synced))
    figures.add("start to READY with \(files) known files", ready, "s", goal: 1)
    daemon.stop()
  }

  /// A volume with very many files: comparing all of them with what is known, against `find` that prints the same.
  func many(_ figures: inout Figures, files: Int, idleSeconds: UInt32) throws {
    let root = try volume("many", adopting: files)
    let first = try LineProgram(program("farmd"), ["--root", root])
    try first.line(with: "what was in the volume is known", within: 1800)
    print(String(format: "%d files taken in: %.1f MB anonymous memory", files, try anonymousMegabytes(of: first.pid)))
    first.stop()
    let daemon = try LineProgram(program("farmd"), ["--root", root])
    try daemon.line(with: "found Blender")
    let quick = root + "/quick"
    var ours: [Double] = []
    var finds: [Double] = []
    for round in 0..<5 {
      let ask = try LineProgram.time(program("farm"), ["sync", "--root", root])
      // Other rights of a folder have it listed.
      chmod(quick, round % 2 == 0 ? 0o755 : 0o775)
      ours.append(max(0, try LineProgram.time(program("farm"), ["sync", "--root", root]) - ask))
      let find = "find \"$1\" -printf '%i %s %T@ %C@ %p\\n' > /dev/null"
      finds.append(try LineProgram.time("/bin/bash", ["-c", find, "find", quick]))
    }
    print(
      String(
        format: "%d known files: compared in %.3f s, find -printf takes %.3f s (medians)", files, ours.percentile(0.5),
        finds.percentile(0.5)))
    figures.add(
      "\(files) known files compared, against find -printf", ours.percentile(0.5) / finds.percentile(0.5), "×", goal: 2)
    let idle = try processor(of: daemon.pid, seconds: idleSeconds)
    figures.add("\(files) known files, processor when idle", idle, "%", goal: 0.3)
    figures.add("\(files) known files, anonymous memory", try anonymousMegabytes(of: daemon.pid), "MB", goal: 150)
    daemon.stop()
  }

  /// Hot folders of others beside ours.
  func sideBySide(_ figures: inout Figures, isQuick: Bool) throws {
    let rivals = SideBySide(folder: folder, programs: Self.programs, blend: small, isQuick: isQuick)
    let tallies = try rivals.run()
    figures.sideBySide = tallies
    let ours = tallies.filter { $0.tool == "farmd" }.reduce(0) { $0 + $1.lost + $1.duplicate + $1.premature }
    figures.add("side by side: lost, told twice or too early by farmd", Double(ours), "", goal: 0)
  }
}
