import FarmTesting
import Supervisor
import SystemPackage
import Testing

/// The real `farmd`, `farm` and Blender, as a user has them. In five rows, each one after the other: they wait more
/// than they work, and a machine of two cores has five Blenders at once, and not twenty.
@Suite("End to end")
enum EndToEnd {
  /// What becomes of files.
  @Suite("What becomes of drops", .serialized)
  enum Drops {}

  /// What comes of what a scene needs and says.
  @Suite("What becomes of pictures", .serialized)
  enum Pictures {}

  /// What becomes of what people order, and of what is over.
  @Suite("What becomes of orders", .serialized)
  enum Life {}

  /// What becomes of deaths of the daemon, and of bursts.
  @Suite("What becomes of crashes", .serialized)
  enum Crashes {}

  /// What becomes of places that do not work.
  @Suite("What becomes of trouble", .serialized)
  enum Trouble {}

  /// The mean of red, green and blue in the middle of a picture.
  static func average(_ picture: FilePath) async throws -> [Double] {
    let lines = try await oiiotool(picture.string, "--cut", "8x8+28+14", "--printstats")
    let line = try #require(lines.first { $0.contains("Stats Avg") })
    return line.split(separator: " ").compactMap { Double($0) }
  }

  /// Writes a small picture of one colour, given as `1,0,0`.
  static func paint(_ picture: FilePath, _ color: String) async throws {
    _ = try await oiiotool("--create", "8x8", "3", "--fill:color=\(color)", "8x8", "-o", picture.string)
  }

  /// Whether two pictures look the same, but for a few rounded values.
  static func areSame(_ a: FilePath, _ b: FilePath) async throws -> Bool {
    let command = ChildCommand("/usr/bin/oiiotool", ["--fail", "0.02", a.string, b.string, "--diff"])
    return try await ChildProcess.output(of: command).0.isSuccess
  }

  /// Whether two pictures are the same in every bit of every pixel.
  static func areEqual(_ a: FilePath, _ b: FilePath) async throws -> Bool {
    let words = ["--no-autopremult", "--fail", "0", "--failpercent", "0", a.string, b.string, "--diff"]
    return try await ChildProcess.output(of: ChildCommand("/usr/bin/oiiotool", words)).0.isSuccess
  }

  /// Expects that what was delivered of a scene in `quick/` equals what Blender's own command line gives, pixel for
  /// pixel.
  /// - Parameter script: Python that is run before.
  static func expectAsByHand(
    _ scene: String, frames: Int, _ format: String = "png", of farm: TestFarm, baking script: String? = nil
  ) async throws {
    let words =
      ["-b", "--factory-startup", "-noaudio", farm.root.appending("quick/\(scene).blend").string]
      + (script.map { ["--python-expr", $0] } ?? []) + ["-o", farm.scratch("\(scene)_#").string, "-x", "1", "-a"]
    let (end, lines) = try await ChildProcess.output(of: ChildCommand("/usr/bin/blender", words))
    try #require(end.isSuccess, "\(lines)")
    for frame in 1...frames {
      let number = frames == 1 ? "" : "_000\(frame)"
      let ours = farm.root.appending("dist/quick/\(scene)\(number).\(format)")
      let theirs = farm.scratch("\(scene)_\(frame).\(format)")
      #expect(try await areEqual(ours, theirs), "\(scene), frame \(frame)")
    }
  }

  private static func oiiotool(_ words: String...) async throws -> [String] {
    let (end, lines) = try await ChildProcess.output(of: ChildCommand("/usr/bin/oiiotool", words))
    try #require(end.isSuccess, "\(lines)")
    return lines
  }
}
