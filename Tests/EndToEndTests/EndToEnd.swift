import Supervisor
import SystemPackage
import Testing

/// The real `farmd`, `farm` and Blender, as a user has them; one after the other, so that each has the machine's cores
/// for itself and for what runs beside it.
@Suite("End to end", .serialized)
enum EndToEnd {
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

  private static func oiiotool(_ words: String...) async throws -> [String] {
    let (end, lines) = try await ChildProcess.output(of: ChildCommand("/usr/bin/oiiotool", words))
    try #require(end.isSuccess, "\(lines)")
    return lines
  }
}
