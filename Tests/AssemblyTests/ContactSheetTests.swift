import Assembly
import FarmModel
import FarmTesting
import Pictures
import Supervisor
import SystemPackage
import Testing

@Suite("A contact sheet")
struct ContactSheetTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func run(_ arguments: String...) async throws -> [String] {
    let (end, lines) = try await ChildProcess.output(of: ChildCommand("/usr/bin/oiiotool", arguments))
    try #require(end.isSuccess, "\(lines)")
    return lines
  }

  @Test(arguments: [(1, 1, 1), (2, 2, 1), (6, 3, 2), (12, 4, 3), (48, 7, 7)])
  func `is as near to a square as can be`(frames: Int, columns: Int, rows: Int) {
    let sheet = ContactSheet(of: (0..<frames).map { FilePath("/\($0)") })

    #expect(sheet.columns == columns)
    #expect(sheet.rows == rows)
  }

  @Test func `shows the frames in their colours, side by side`() async throws {
    for (name, color) in [("a", "1,0,0,1"), ("b", "0,0,1,1")] {
      _ = try await run(
        "--pattern", "constant:color=\(color)", "64x36", "4", "-d", "uint8", "-o", scratch("\(name).png").string)
    }

    let sheet = try await ContactSheet(of: [scratch("a.png"), scratch("b.png")]).make(in: scratch.path)

    #expect(sheet.lastComponent?.string == "contact-sheet.jpg")
    #expect(try await run("--info", sheet.string).first?.contains("644 x  180, 3 channel") == true)
    for (x, channel) in [(100, 0), (500, 2)] {
      let pixel = try await run(sheet.string, "--cut", "1x1+\(x)+90", "--printstats").first { $0.contains("Stats Avg") }
      let values = try #require(pixel).split(separator: " ").compactMap { Double($0) }
      #expect(values.firstIndex(of: values.max() ?? 0) == channel, "\(pixel ?? "")")
    }
    #expect(scratch.path.names == ["a.png", "b.png", "contact-sheet.jpg"])
  }

  @Test func `that cannot be made says why and leaves nothing`() async throws {
    let failure = await #expect(throws: ToolFailure.self) {
      try await ContactSheet(of: [scratch("none.png"), scratch("none2.png")]).make(in: scratch.path)
    }

    #expect(failure?.description.contains("oiiotool did not work") == true)
    #expect(scratch.path.names.isEmpty)
  }
}
