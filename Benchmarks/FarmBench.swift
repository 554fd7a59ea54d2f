import Foundation
import Glibc

/// Measures what the farm promises, with the programs that lie beside it, and prints each figure beside its goal.
///
/// `farm-bench [--quick] [--watch] [--json FILE]`: figures depend on the machine and on what else it does; ratios are of two
/// things measured one after the other in the same run. It fails only when something could not be measured.
@main
struct FarmBench {
  static func main() throws {
    let words = CommandLine.arguments.dropFirst()
    let isQuick = words.contains("--quick")
    let folder = FileManager.default.temporaryDirectory.appending(path: "farm-bench-\(getpid())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }  // Left-overs in the temporary folder harm nobody.
    var figures = Figures()
    let bench = try Bench(folder: folder)
    try bench.watch(&figures, drops: isQuick ? 20 : 100)
    if words.contains("--watch") { return }
    try bench.drops(&figures, renamed: isQuick ? 40 : 200, written: isQuick ? 10 : 50)
    try bench.idle(&figures, seconds: isQuick ? 10 : 60)
    try bench.start(&figures, files: isQuick ? 500 : 10_000)
    if let at = words.firstIndex(of: "--json"), at + 1 < words.endIndex {
      try figures.json.write(toFile: words[at + 1], atomically: true, encoding: .utf8)
    } else {
      print(figures.json)
    }
  }
}
