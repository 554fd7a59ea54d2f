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

  @Test func `that was emptied is not taken for one that says nothing`() throws {
    let scratch = try ScratchFolder()
    let failure = try #require(
      #expect(throws: ConfigFailure.self) { try FarmConfig(at: scratch.write("\n", to: "farm.yaml")) })

    #expect(failure.description == "farm.yaml is empty, and seems not to be written yet")
    // Its remedy.
    #expect(failure.remedy.contains("`# defaults`"))
    #expect(try FarmConfig(at: scratch.write("# defaults\n", to: "farm.yaml")) == FarmConfig())
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
    ("priority: 101", 11, "is not in its range: 0 to 100 (it is \"101\")"),
    ("priority: '10'", 11, "is not in its range: 0 to 100 (it is \"10\": in quotes it is a text)"),
    ("defaults: {frames: 10:1}", 20, "which means step in one system and interleave in another"),
    (
      "defaults: {frames: 4-1}", 20, "(it is \"4-1\": \"4-1\" in frame set \"4-1\" is not a frame or a range of frames)"
    ),
    ("harvest: never", 10, "is not in its range: auto or manual"),
    ("jobs: ['a/b']", 7, "is not in its range: a list of job names"),
    ("naming: '{jub}.png'", 9, "is not in its range: a file name with {job}"),
    ("archive_after: 36501d", 16, "is not in its range: never, or a duration, as 30d, to 36500d"),
    ("archive_after: [30d]", 16, "as 30d, to 36500d (it is a list)"),
    ("archive_after: soon", 16, "is not in its range: never, or a duration, as 30d, to 36500d"),
    ("harvest: auto: x", 14, "this is not understood"), ("jobs: [a]\njobs: [b]", 1, "\"jobs\" is said twice"),
    ("[a, b]", 1, "it is not a list of `key: value`"), ("defaults: 7", 11, "it is not a list of `key: value`"),
    ("defaults: {layer: split}", 12, "there is no key \"layer\"; did you mean \"layers\"?"),
    ("defaults: {samples: 0}", 21, "is not in its range: 1 to 1000000"),
  ])
  func `with a mistake is refused with its line and column`(text: String, column: Int, words: String) {
    let failure = #expect(throws: ConfigFailure.self) { try parse("# plan\n" + text) }

    #expect(failure?.description.hasPrefix("/v/release.yaml:2:\(column): ") == true, "\(failure?.description ?? "")")
    #expect(failure?.description.contains(words) == true, "\(failure?.description ?? "")")
  }

  @Test func `has defaults for its jobs`() throws {
    let order = try parse("defaults: {samples: 128, tiles: 4x2}")

    #expect(order.defaults.samples == 128)
    #expect(order.defaults.tiles == .grid(TileGrid(columns: 4, rows: 2)))
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

@Suite("A job's sidecar")
struct SidecarTests {
  private func parse(_ text: String) throws -> JobSettings { try Sidecar.parse(text, file: "/v/quick/a.farm.yaml") }

  @Test func `says how its job is wanted`() throws {
    let settings = try parse(
      """
      frames: 1-3,9
      chunk: 5
      tiles: auto
      layers: [Sky, Ground]
      scenes: all
      samples: 64
      percentage: 50
      format: open_exr
      device: optix
      threads: 4
      priority: 70
      order: ascending
      denoise: no
      on_missing: warn
      deliver_nodes: yes
      """)

    #expect(
      settings.words == "frames 1-3,9, scenes all, layers Sky+Ground, tiles auto, format OPEN_EXR, samples 64, "
        + "percentage 50, denoise no, device optix, threads 4, chunk 5, order ascending, priority 70, "
        + "on_missing warn, deliver_nodes yes")
    #expect(try parse("frames: 7").frames == FrameSet([7]))
    #expect(try parse("layers: split").layers == .all)
    #expect(try parse("") == JobSettings())
  }

  @Test(arguments: [
    ("frame: 1-10", 1, "there is no key \"frame\"; did you mean \"frames\"?"),
    ("frames: ten", 9, "frames, as 1-10,20,30-50x5"), ("tiles: 1x1", 8, "auto, never, or columns and rows"),
    ("tiles: 4x900", 8, "each up to 64"), ("layers: Sky", 9, "split, or a list of view layers"),
    ("layers: [Sky, Sky]", 9, "split, or a list of view layers"), ("format: GIF", 9, "PNG, JPEG, OPEN_EXR"),
    ("device: gpu", 9, "auto, cpu, cuda, optix, hip, oneapi"), ("samples: -1", 10, "1 to 1000000"),
    ("denoise: maybe", 10, "yes or no"), ("command: rm -rf /", 1, "there is no key \"command\""),
  ])
  func `with a mistake is refused with line, column and the nearest key`(text: String, column: Int, words: String) {
    let failure = #expect(throws: ConfigFailure.self) { try parse("# mine\n" + text) }

    #expect(
      failure?.description.hasPrefix("/v/quick/a.farm.yaml:2:\(column): ") == true, "\(failure?.description ?? "")")
    #expect(failure?.description.contains(words) == true, "\(failure?.description ?? "")")
    #expect(failure?.remedy == "Correct the file; etc/job.farm.yaml shows every key.")
  }

  @Test func `goes before the defaults of its release, and gives the same pictures where only the way differs`() throws
  {
    let own = try parse("samples: 8\npriority: 70")
    let both = own.over(try parse("samples: 64\nformat: TIFF\nchunk: 3"))

    #expect(both.words == "format TIFF, samples 8, chunk 3, priority 70")
    #expect(both.ofPictures.words == "format TIFF, samples 8")
  }

  @Test func `is described in etc, with every key and its range`() throws {
    let described = #filePath.components(separatedBy: "/Tests/")[0] + "/etc/job.farm.yaml"
    let text = try String(contentsOfFile: described, encoding: .utf8)
    let plain = text.replacingOccurrences(of: "\n# ", with: " ")
    for key in JobKey.all {
      #expect(text.contains("\n#\(key.name): "), "\(key.name) is missing")
      #expect(plain.contains("Range: \(key.range)."), "the range of \(key.name) is another: \(key.range)")
    }
    #expect(try parse(text) == JobSettings())
    let lines = text.split(separator: "\n").filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") }
    #expect(try parse(lines.map { $0.dropFirst() }.joined(separator: "\n")).threads == 8)
  }
}
