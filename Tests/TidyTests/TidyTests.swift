import FarmTesting
import Foundation
import SystemPackage
import Testing

/// Keeps the house: who may import whom, how long things may be, and that documents name only what is there.
@Suite("The house is tidy")
struct TidyTests {
  private static let root = FilePath(#filePath).removingLastComponent().appending("../..").lexicallyNormalized()
  private static let sources = swiftFiles(below: "Sources")
  private static let tests = swiftFiles(below: "Tests")
  private static let floors = ["Base", "Pipeline", "Engines", "Programs"]

  private struct SwiftFile {
    /// Below the package: `Sources/Base/FarmModel/Volume.swift`.
    let path: String
    let lines: [String]

    var parts: [String] { path.split(separator: "/").map(String.init) }
    var floor: String { parts[1] }
    /// The module: the room's folder without the stage's number.
    var module: String { String(parts[2].drop { $0.isNumber || $0 == "-" }) }

    var imports: [String] {
      lines.compactMap { $0.firstMatch(of: /^\s*(?:@\w+\s+)?(?:package |public )?import (\w+)/).map { String($0.1) } }
    }
  }

  private static func swiftFiles(below folder: String) -> [SwiftFile] {
    root.appending(folder).filesBelow.filter { $0.hasSuffix(".swift") }.map { path in
      let text = String(decoding: root.appending(folder).appending(path).contents, as: UTF8.self)
      return SwiftFile(path: "\(folder)/\(path)", lines: text.components(separatedBy: "\n"))
    }
  }

  private static let floorOfModule: [String: String] = Dictionary(
    sources.map { ($0.module, $0.floor) }, uniquingKeysWith: { first, _ in first })

  @Test func `there is something to look at`() {
    #expect(Self.sources.count > 60)
    #expect(Self.tests.count > 20)
    #expect(Self.floorOfModule["Intake"] == "Pipeline")
  }

  @Test func `imports go down only: Base, Pipeline, Engines, Programs`() throws {
    for file in Self.sources {
      let own = try #require(Self.floors.firstIndex(of: file.floor), "\(file.path) is on no floor")
      for name in file.imports {
        guard let floor = Self.floorOfModule[name], let other = Self.floors.firstIndex(of: floor) else { continue }
        #expect(other <= own, "\(file.path) imports \(name) from the floor above")
      }
    }
  }

  @Test func `no stage imports a stage, and the nouns import nothing of ours`() {
    for file in Self.sources {
      for name in file.imports where name != file.module {
        let isStage = Self.floorOfModule[name] == "Pipeline"
        #expect(file.floor != "Pipeline" || !isStage, "\(file.path) imports stage \(name)")
        #expect(file.module != "FarmModel" || Self.floorOfModule[name] == nil, "\(file.path) imports \(name)")
      }
    }
  }

  @Test func `only the daemon knows the time, random names and the environment`() {
    let words = [/ContinuousClock\.now\b/, /\bUUID\(\)/, /\bDate\(\)/, /ProcessInfo\.processInfo/]
    let mayKnow: Set<String> = ["FarmDaemon"]
    for file in Self.sources where !mayKnow.contains(file.module) {
      for (number, line) in file.lines.enumerated() {
        #expect(!words.contains { line.contains($0) }, "\(file.path):\(number + 1): \(line)")
      }
    }
  }

  @Test func `files and lines are short`() {
    for file in Self.sources { #expect(file.lines.count <= 401, "\(file.path) has \(file.lines.count) lines") }
    for file in Self.tests { #expect(file.lines.count <= 601, "\(file.path) has \(file.lines.count) lines") }
    for file in Self.sources + Self.tests {
      for (number, line) in file.lines.enumerated() {
        #expect(line.count <= 120, "\(file.path):\(number + 1) has \(line.count) columns")
      }
    }
  }

  @Test func `functions are short`() {
    for file in Self.sources + Self.tests {
      for (number, line) in file.lines.enumerated() {
        guard let match = line.firstMatch(of: /^(\s*).*\b(?:func|init)\b.*\{\s*$/) else { continue }
        let rest = file.lines[(number + 1)...]
        guard let end = rest.firstIndex(where: { $0.hasPrefix("\(match.1)}") }) else { continue }
        #expect(end - number + 1 <= 60, "\(file.path):\(number + 1) is \(end - number + 1) lines long")
      }
    }
  }

  @Test func `nothing traps, and what is swallowed says why`() {
    for file in Self.sources {
      for (number, line) in file.lines.enumerated() {
        let place = "\(file.path):\(number + 1): \(line.trimmingCharacters(in: .whitespaces))"
        #expect(!line.contains(/\bfatalError\(|\btry!|\bas!/), "\(place)")
        guard line.contains("try?") else { continue }
        // The comment stands in the line, or within the three above it.
        let near = file.lines[max(0, number - 3)...min(number + 3, file.lines.count - 1)]
        #expect(near.contains { $0.contains("// ") }, "\(place) swallows an error without a word")
      }
    }
  }

  @Test func `every type and package function of the sources has a line of documentation`() {
    let declared =
      /^\s*(?:package )(?:final |static |mutating |nonisolated )*(?:struct|class|enum|actor|protocol|func)\b/
    // What a protocol asks for is documented there.
    let required = [
      "func encode(to", "func < (", "func log(event", "func abilities()", "func submit(", "func cancel(", "func run()",
      "func finishEarly(", "func commandLine(",
    ]
    for file in Self.sources {
      for (number, line) in file.lines.enumerated() where line.contains(declared) {
        guard !required.contains(where: line.contains) else { continue }
        var above = number - 1
        while above >= 0, file.lines[above].trimmingCharacters(in: .whitespaces).hasPrefix("@") { above -= 1 }
        #expect(above >= 0 && file.lines[above].contains("///"), "\(file.path):\(number + 1): \(line)")
      }
    }
  }

  /// Files that hold several small types of one kind.
  private static let filesOfSeveral = [
    "Records", "States", "Answers", "Routes", "Names", "ListTables", "PauseAndResume",
  ]

  @Test func `one main type per file, named like it`() {
    for file in Self.sources {
      let name = FilePath(file.path).stem ?? ""
      let text = file.lines.joined(separator: "\n")
      #expect(
        text.contains(name) || text.contains("extension JobFlow") || text.contains("extension Ledger")
          || text.contains("extension WatchState")
          || Self.filesOfSeveral.contains(name),
        "\(file.path) does not hold \(name)")
    }
  }

  @Test(arguments: ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"])
  func `documents name only files that are there`(document: String) throws {
    let text = String(decoding: Self.root.appending(document).contents, as: UTF8.self)
    try #require(!text.isEmpty)
    let tops = ["Sources/", "Tests/", "etc/", "packaging/", ".ci/", "Benchmarks/"]
    for match in text.matches(of: /`([^`\s]+)`/) {
      let path = String(match.1)
      guard tops.contains(where: { path.hasPrefix($0) }), !path.contains("<"), !path.contains("*") else { continue }
      #expect(Self.root.appending(path).isThere, "\(document) names \(path), which is not there")
    }
  }
}
