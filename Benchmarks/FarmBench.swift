import ArgumentParser
import Foundation
import Glibc

@main
struct Program {
  static func main() async {
    if CommandLine.arguments[0].hasSuffix("/" + FakeBlender.name) { return FakeBlender.run() }
    await FarmBench.main()
  }
}

/// Measures what the farm promises, with the programs that lie beside it.
struct FarmBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "farm-bench", abstract: "Measures what the farm promises, and prints each figure beside its goal.",
    discussion: """
      Figures depend on the machine and on what else it does; ratios are of two things measured one after the other in
      the same run. It fails only when something could not be measured.
      """)

  enum Part: String, CaseIterable, ExpressibleByArgument {
    case watch, drops, idle, start, many, jobs, refresh, inspect, warm, flood, archive
    case sideBySide = "side-by-side"
  }

  @Flag(help: "Of everything less, to see that it works.")
  var quick = false

  @Option(help: "Only this part.")
  var only: Part?

  @Option(help: ArgumentHelp("Where the figures are written as JSON; else they are printed.", valueName: "file"))
  var json: String?

  func run() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "farm-bench-\(getpid())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }  // Left-overs in the temporary folder harm nobody.
    var figures = Figures()
    let bench = try Bench(folder: folder)
    for part in Part.allCases where only == nil || only == part { try await run(part, bench, &figures) }
    if let json {
      try figures.json.write(toFile: json, atomically: true, encoding: .utf8)
    } else {
      print(figures.json)
    }
  }

  private func run(_ part: Part, _ bench: Bench, _ figures: inout Figures) async throws {
    switch part {
    case .watch: try bench.watch(&figures, drops: quick ? 20 : 100)
    case .drops: try bench.drops(&figures, renamed: quick ? 40 : 200, written: quick ? 10 : 50)
    case .idle: try bench.idle(&figures, seconds: quick ? 10 : 60)
    case .start: try bench.start(&figures, files: quick ? 500 : 10_000)
    case .many: try bench.many(&figures, files: quick ? 2000 : 100_000, idleSeconds: quick ? 5 : 30)
    case .jobs: try await bench.jobs(&figures, few: 100, many: quick ? 1000 : 10_000)
    case .refresh: try await bench.refresh(&figures, jobs: quick ? 20 : 200)
    case .inspect: try bench.inspect(&figures, files: quick ? 500 : 10_000)
    case .warm: try bench.warm(&figures, isQuick: quick)
    case .flood: try bench.flood(&figures, frames: quick ? 5000 : 100_000)
    case .archive: try bench.archive(&figures, megabytes: quick ? 100 : 1000)
    case .sideBySide: try bench.sideBySide(&figures, isQuick: quick)
    }
  }
}
