@testable import FarmDaemon
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing

@Suite("farm.yaml")
struct FarmConfigTests {
  private func parse(_ text: String) throws -> FarmConfig { try FarmConfig(parsing: text, file: "/etc/farm/farm.yaml") }

  @Test func `sets what it names and leaves the rest at its default`() throws {
    let config = try parse(
      """
      # a comment
      slots: 3
      blenders: [/opt/b*/blender]
      settle_quiet: 250ms
      harvest_quiet: 2m
      allow_newer_major: yes
      volume_seen_as: ['Z:\\show', /Volumes/show]
      trust_scripts: [releases/rigs]
      still: never
      """)

    #expect(config.slots == 3)
    #expect(config.blenders == ["/opt/b*/blender"])
    #expect(config.settleQuiet == .milliseconds(250))
    #expect(config.harvestQuiet == .seconds(120))
    #expect(config.allowsNewerMajor)
    #expect(config.volumeSeenAs == ["Z:\\show", "/Volumes/show"])
    #expect(config.trustScripts == ["releases/rigs"] && config.still == .never)
    #expect(config.chunk == FarmConfig().chunk)
    #expect(try parse("") == FarmConfig())
    #expect(try parse("# only comments\n") == FarmConfig())
  }

  @Test func `with an unknown key is refused with file, line and the nearest key`() {
    let failure = #expect(throws: ConfigFailure.self) { try parse("chunk: 4\nslotz: 2\n") }

    #expect(failure?.description == "/etc/farm/farm.yaml:2:1: there is no key \"slotz\"; did you mean \"slots\"?")
    #expect(failure?.kind == .wrongUse)
  }

  @Test(arguments: [
    "slots: 0", "slots: many", "chunk: 100000", "settle_quiet: 1", "blenders: blender", "state: here",
    "harvest_quiet: -1s", "still: no", "trust_scripts: yes", "volume_seen_as: ['']",
  ])
  func `with a value out of range is refused with the range`(text: String) {
    let failure = #expect(throws: ConfigFailure.self) { try parse(text) }

    #expect(failure?.description.hasPrefix("/etc/farm/farm.yaml:1:") == true, "\(failure?.description ?? "")")
    #expect(failure?.description.contains(": the value of") == true)
  }

  @Test(arguments: ["- a\n- b", "slots: [", "just words"])
  func `that is no list of keys is refused`(text: String) {
    #expect(throws: ConfigFailure.self) { try parse(text) }
  }

  @Test func `in etc documents every key with unit, default and range`() throws {
    let path = FilePath(#filePath).removingLastComponent().appending("../../etc/farm.yaml")
    let text = String(decoding: path.contents, as: UTF8.self)

    for key in ConfigKey.all {
      let head = "# \(key.meaning)\n# Unit: \(key.unit). Default: \(key.standard). Range: \(key.range).\n#\(key.name):"
      #expect(text.contains(head), "\(key.name) is not documented as\n\(head)")
    }
    #expect(try parse(text) == FarmConfig())
    let uncommented = text.split(separator: "\n").filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") }.map {
      $0.dropFirst()
    }
    #expect(try parse(uncommented.joined(separator: "\n")).slots == 1)
  }
}

@Suite("release.yaml")
struct ReleasePlanTests {
  private func parse(_ text: String) throws -> ReleaseOrder { try ReleasePlan.parse(text, file: "/v/release.yaml") }

  @Test func `reads back what the farm writes`() throws {
    let order = ReleaseOrder(
      jobs: ["shot_010", "it's: odd", "-dash"], priority: 70, harvest: .manual, naming: "{job}'_{rx:3}.{ext}",
      namingObject: "Cube.001", archiveAfter: .seconds(30 * 86_400))

    #expect(try parse(ReleasePlan.text(order)) == order)
    #expect(try parse(ReleasePlan.text(ReleaseOrder(jobs: []))) == ReleaseOrder(jobs: []))
    #expect(try parse("# nothing but a remark") == ReleaseOrder())
    #expect(try parse("priority: 60").jobs == nil)
  }

  @Test(arguments: [
    ("job: [a]", 1, "there is no key \"job\"; did you mean \"jobs\"?"),
    ("jobs: a", 7, "is not in its range: a list of job names"),
    ("priority: 101", 11, "is not in its range: 0 to 100"),
    ("harvest: never", 10, "is not in its range: auto or manual"),
    ("jobs: ['a/b']", 7, "is not in its range: a list of job names"),
    ("naming: '{jub}.png'", 9, "is not in its range: a file name with {job}"),
    ("archive_after: soon", 16, "is not in its range: a duration, as 30d"),
    ("harvest: auto: x", 14, "this is not understood"), ("jobs: [a]\njobs: [b]", 1, "\"jobs\" is said twice"),
    ("[a, b]", 1, "it is not a list of `key: value`"),
  ])
  func `with a mistake is refused with its line and column`(text: String, column: Int, words: String) {
    let failure = #expect(throws: ConfigFailure.self) { try parse("# plan\n" + text) }

    #expect(failure?.description.hasPrefix("/v/release.yaml:2:\(column): ") == true, "\(failure?.description ?? "")")
    #expect(failure?.description.contains(words) == true, "\(failure?.description ?? "")")
  }

  @Test func `is described in etc, with every key and its range`() throws {
    let text = try String(contentsOfFile: Self.described, encoding: .utf8)
    let plain = text.replacingOccurrences(of: "\n# ", with: " ")
    for key in ReleaseKey.all {
      #expect(text.contains("\n#\(key.name): "), "\(key.name) is missing")
      #expect(plain.contains("Range: \(key.range)."), "the range of \(key.name) is another: \(key.range)")
    }
    #expect(try parse(text) == ReleaseOrder())
    let lines = text.split(separator: "\n").filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") }
    #expect(try parse(lines.map { $0.dropFirst() }.joined(separator: "\n")).jobs == ["shot_010", "shot_020"])
  }

  private static let described = #filePath.components(separatedBy: "/Tests/")[0] + "/etc/release.yaml"
}
