import FarmAPI
import FarmModel
import Testing

@testable import ShareNotes

@Suite("The sheet STATUS txt")
struct StatusSheetTests {
  static func status(_ releases: [ReleaseStatus], running: Bool = true) -> FarmStatus {
    FarmStatus(
      daemon: DaemonStatus(
        running: running, version: "1", engine: "local", paused: false, at: "", ready: true,
        slots: SlotCounts(used: 1, all: 2), blenders: [], troubles: []), releases: releases)
  }

  private static func release(_ name: String, _ jobs: [JobStatus], state: ReleaseState = .active) -> ReleaseStatus {
    ReleaseStatus(
      name: name, state: state, planned: false, priority: 50, paused: false, problem: nil, waitsFor: [], jobs: jobs)
  }

  private static func job(_ name: String, _ state: JobState, problem: Problem? = nil) -> JobStatus {
    JobStatus(
      name: name, state: state, revision: 1, frames: FrameCounts(expected: 12, done: 5), problem: problem, owner: "ann",
      createdAt: "")
  }

  private func lines(_ status: FarmStatus) -> [String] {
    StatusSheet(status: status, moment: "10:31").text.components(separatedBy: "\r\n").dropLast()
  }

  @Test func `says who is waited for, what is rendered, what comes next and what is done`() {
    let jobs = [
      Self.job("a", .active), Self.job("b", .queued), Self.job("c", .completed),
      Self.job("d", .blocked, problem: Problem(.noCamera, cause: "scene S has no camera")),
    ]

    #expect(
      lines(Self.status([Self.release("spring", jobs)])) == [
        StatusSheet.mark, "", "10:31: 1 of 2 Blenders at work.", "Waits for you:", "  spring/d  scene S has no camera",
        "Rendering:", "  spring/a  5 of 12 frames", "Next:", "  spring/b  12 frames", "Delivered or complete:",
        "  spring/c  in dist/spring",
      ])
  }

  @Test func `says where one frame stands for a range`() {
    var job = Self.job("c", .completed)
    job.notes = [.wrongBlender, .still]

    #expect(
      lines(Self.status([Self.release("spring", [job])])).last == "  spring/c  in dist/spring; nothing moves: 1 frame")
  }

  @Test func `has twenty lines of 79 columns at most, whatever happens, and no section crowds out another`() {
    let long = String(repeating: "long", count: 60)
    let jobs = (1...40).flatMap { number in
      [
        Self.job("\(long)\(number)", .active), Self.job("q\(number)", .queued), Self.job("c\(number)", .completed),
        Self.job("f\(number)", .failed, problem: Problem(.hung, cause: long + "\u{1B}[31m\n")),
      ]
    }

    let lines = lines(Self.status([Self.release("spring", jobs)]))

    #expect(lines.count <= 20)
    #expect(lines.allSatisfy { $0.count <= 79 && !$0.contains("\u{1B}") && !$0.contains("\n") })
    for title in ["Waits for you:", "Rendering:", "Next:", "Delivered or complete:"] {
      #expect(lines.contains(title))
    }
    #expect(lines.contains { $0.contains("more") })
  }

  @Test func `says of each file that is not picked up where it lies, why, and where to put it`() {
    var status = Self.status([Self.release("spring", (1...30).map { Self.job("a\($0)", .active) })])
    let files = (1...30).map {
      OverlookedFile(path: "quick/p\($0).zip", why: "it is packed (.zip)", remedy: "Unpack it.")
    }
    (status.overlooked, status.moreOverlooked) = (OverlookedFiles(files).shown, OverlookedFiles(files).more)

    let lines = lines(status)

    #expect(lines.count <= 20)
    #expect(lines.contains("  quick/p1.zip: it is packed (.zip). Unpack it."))
    let told = lines.count { $0.contains("it is packed") }
    #expect(lines.contains("  … \(30 - told) more") && lines.contains("Rendering:"))
  }

  @Test func `says that the farm is switched off`() {
    #expect(lines(Self.status([], running: false))[2].contains("the farm is switched off"))
    #expect(lines(Self.status([])).last == "Nothing was dropped yet. Copy a .blend into quick/.")
  }
}
