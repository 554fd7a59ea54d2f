import FarmModel
import FarmTesting
import Supervisor
import SystemPackage
import Testing

@testable import Assembly

@Suite("A frame that shows nothing")
struct DarkFramesTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func frames(_ bytes: [Int64], dark: Set<FrameNumber> = []) -> DarkFrames {
    DarkFrames(
      among: bytes.enumerated().map { number, bytes in
        let frame = FrameNumber(number + 1)
        return DarkFrames.Frame(
          frame: frame, file: FilePath("/\(number)"), bytes: bytes, looksDark: dark.contains(frame))
      })
  }

  @Test(
    arguments: [
      ([100, 100, 9, 100], [3]), ([9, 9, 100, 100, 100, 9], []), ([100, 9, 9, 100, 100, 100], [2, 3]),
      ([100, 30, 100], []), ([9, 9], []), ([], []), ([100, 0, 100], [2]),
    ] as [([Int64], [FrameNumber])])
  func `is suspected by its file, between lit ones alone`(bytes: [Int64], suspects: [FrameNumber]) {
    #expect(frames(bytes).suspects.map(\.frame) == suspects)
  }

  @Test func `is suspected when it looked dark, however large its file`() {
    #expect(frames([100, 90, 100, 90], dark: [2, 4]).suspects.map(\.frame) == [2])
    #expect(frames([100, 9, 100, 90], dark: [1, 2, 3, 4]).suspects.map(\.frame) == [2], "all of a night look dark")
  }

  @Test func `is none of very many: such a job is dark by nature`() {
    #expect(frames([100] + [Int64](repeating: 1, count: 30) + [Int64](repeating: 100, count: 60)).suspects.isEmpty)
  }

  @Test func `is known by its pixels: black or transparent, and not only small`() async throws {
    var all: [DarkFrames.Frame] = []
    for (number, color) in ["noise", "0,0,0,1", "noise", "1,1,1,0", "0.5,0.5,0.5,1", "noise", "noise", "noise"]
      .enumerated()
    {
      let file = scratch("\(number).png")
      let pattern = color == "noise" ? "noise:seed=\(number)" : "constant:color=\(color)"
      let words = ["--pattern", pattern, "64x36", "4", "-d", "uint8", "-o", file.string]
      let (end, lines) = try await ChildProcess.output(of: ChildCommand("/usr/bin/oiiotool", words))
      try #require(end.isSuccess, "\(lines)")
      all.append(
        DarkFrames.Frame(
          frame: FrameNumber(number + 1), file: file, bytes: Int64(file.contents.count),
          looksDark: false))
    }

    #expect(DarkFrames(among: all).suspects.map(\.frame) == [2, 4, 5])
    #expect(try await DarkFrames(among: all).found() == [2, 4])
  }
}
