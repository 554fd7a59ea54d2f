import Foundation
import Glibc

/// Measures what the farm promises, with the programs that lie beside it, and prints each figure beside its goal.
///
/// `farm-bench [--quick] [--only PART] [--json FILE]`, where a part is `watch`, `drops`, `idle`, `start`, `many`,
/// `jobs`, `refresh`, `inspect`, `warm`, `flood` or `side-by-side`: figures depend on the machine and on what else it
/// does; ratios are of two things measured one after the other in the same run. It fails only when something could not be
/// measured.
@main
struct FarmBench {
  static func main() async throws {
    let words = CommandLine.arguments.dropFirst()
    let isQuick = words.contains("--quick")
    let word = { (option: String) in
      words.firstIndex(of: option).flatMap { $0 + 1 < words.endIndex ? words[$0 + 1] : nil }
    }
    let only = word("--only")
    let wants = { (part: String) in only == nil || only == part }
    let folder = FileManager.default.temporaryDirectory.appending(path: "farm-bench-\(getpid())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }  // Left-overs in the temporary folder harm nobody.
    var figures = Figures()
    let bench = try Bench(folder: folder)
    if wants("watch") { try bench.watch(&figures, drops: isQuick ? 20 : 100) }
    if wants("drops") { try bench.drops(&figures, renamed: isQuick ? 40 : 200, written: isQuick ? 10 : 50) }
    if wants("idle") { try bench.idle(&figures, seconds: isQuick ? 10 : 60) }
    if wants("start") { try bench.start(&figures, files: isQuick ? 500 : 10_000) }
    if wants("many") { try bench.many(&figures, files: isQuick ? 2000 : 100_000, idleSeconds: isQuick ? 5 : 30) }
    if wants("jobs") { try await bench.jobs(&figures, few: 100, many: isQuick ? 1000 : 10_000) }
    if wants("refresh") { try await bench.refresh(&figures, jobs: isQuick ? 20 : 200) }
    if wants("inspect") { try bench.inspect(&figures, files: isQuick ? 500 : 10_000) }
    if wants("warm") { try bench.warm(&figures, isQuick: isQuick) }
    if wants("flood") { try bench.flood(&figures, frames: isQuick ? 5000 : 100_000) }
    if wants("side-by-side") { try bench.sideBySide(&figures, isQuick: isQuick) }
    if let file = word("--json") {
      try figures.json.write(toFile: file, atomically: true, encoding: .utf8)
    } else {
      print(figures.json)
    }
  }
}
