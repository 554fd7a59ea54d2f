import FarmAPI
import FarmModel
import Testing

@testable import farm

@Suite("Archives on a terminal")
struct ArchiveTablesTests {
  private func bar(_ done: Int64, seconds: Int64 = 1, phase: String = "packing", columns: Int = 100) -> String {
    var pace = TransferPace()
    pace.take(0, of: phase, at: Timestamp(nanoseconds: 0))
    pace.take(done, of: phase, at: Timestamp(nanoseconds: seconds * 1_000_000_000))
    let line = ArchiveProgressLine(
      release: "spring", phase: phase, doneBytes: done, allBytes: 1_000_000_000, at: Timestamp(nanoseconds: 0))
    return ArchiveProgressBar.bar(line, pace, columns: columns)
  }

  @Test func `show how far they are, how fast, and for how long yet`() {
    let half = String(repeating: "█", count: 15) + String(repeating: "░", count: 15)
    #expect(bar(500_000_000) == "packing   \(half) 50 %  500.0 MB/s  1s left")
    #expect(bar(25_000_000, seconds: 5, phase: "unpacking").hasSuffix(" 2 %  5.0 MB/s  3m left"))
    #expect(bar(0).hasSuffix("░ 0 %"))
    #expect(bar(500_000_000, columns: 20).count == 19)
  }

  @Test func `do not say for how long yet while next to nothing is done`() {
    #expect(bar(1_000_000).hasSuffix(" 0 %  1.0 MB/s"))
    #expect(bar(20_000_000).hasSuffix(" 2 %  20.0 MB/s  49s left"))
  }

  @Test func `are told in the farm's status while they are made`() {
    var status = FarmStatus(
      daemon: DaemonStatus(
        running: true, version: "1", engine: "local", paused: false, at: "", ready: true,
        slots: SlotCounts(used: 0, all: 2), blenders: [], troubles: []), releases: [])
    status.daemon.archiving = [
      ArchiveProgressLine(
        release: "spring", phase: "packing", doneBytes: 61, allBytes: 100, at: Timestamp(nanoseconds: 0)),
      ArchiveProgressLine(
        release: "old", phase: "removing", doneBytes: 0, allBytes: 0, at: Timestamp(nanoseconds: 0)),
    ]
    let lines = StatusTable(status: status, terminal: Terminal(width: 80, hasColor: false)).lines
    #expect(lines[1...2] == ["packing spring, 61 %", "removing old"])
  }

  @Test func `begin a new pace with each phase`() {
    var pace = TransferPace()
    pace.take(0, of: "packing", at: Timestamp(nanoseconds: 0))
    pace.take(900, of: "packing", at: Timestamp(nanoseconds: 1_000_000_000))
    #expect(pace.bytesPerSecond == 900)
    pace.take(10, of: "checking", at: Timestamp(nanoseconds: 2_000_000_000))
    #expect(pace.bytesPerSecond == nil)
  }

  @Test func `are listed with what they hold, and what a newer one took the place of`() {
    let lines = WorkTable(archives: [
      ArchiveLine(
        release: "spring", path: "archives/.older/t/spring.tar.gz", size: 1_000, isReleaseThere: true, isOlder: true),
      ArchiveLine(
        release: "spring", path: "archives/spring.tar.gz", size: 3_200_000, contentBytes: 4_000_000, files: 12, jobs: 2,
        archivedAt: "2026-11-26T17:17:59.647997256Z", verifiedAt: "2026-11-27T09:00:00.000000000Z", isReleaseThere: true
      ),
      ArchiveLine(release: "x y", path: "archives/x y.tar.gz", size: 1_000, isReleaseThere: false),
      ArchiveLine(
        release: "gone", path: "archives/gone.tar.gz", size: 1_000, isReleaseThere: false, problem: "it is not there"),
    ]).lines(Terminal(width: 200, hasColor: false))
    #expect(lines.count == 5 && lines[4].hasSuffix("  it is not there"), "\(lines)")
    #expect(lines[1].hasSuffix("  a newer one is there"), "\(lines[1])")
    #expect(lines[2].contains("3.2 MB  4.0 MB    12     2     2026-11-26 17:17:59  2026-11-27 09:00:00"), "\(lines[2])")
    #expect(lines[3].contains("`farm verify archive 'x y'`"), "\(lines[3])")
  }
}
