import FarmAPI
import FarmModel
import FarmTesting
import Testing

@testable import farm

@Suite("farm status on a terminal")
struct StatusTableTests {
  private let problem = Problem(.noCamera, cause: "scene Main has no camera", remedy: "Add one.")

  private var status: FarmStatus {
    FarmStatus(
      daemon: DaemonStatus(
        running: true, version: "0.1.0", engine: "local", paused: false, at: "", ready: true,
        slots: SlotCounts(used: 1, all: 2),
        blenders: [FakeEngine.blender], troubles: []),
      releases: [
        ReleaseStatus(
          name: "spring", state: .active, planned: true, priority: 50, paused: false, problem: nil,
          waitsFor: ["shot_020 (blocked)"],
          jobs: [
            JobStatus(
              name: "shot_010", state: .active, revision: 2, frames: FrameCounts(expected: 12, done: 6, failed: 0),
              problem: nil, owner: "ann", createdAt: ""),
            JobStatus(
              name: "shot_020", state: .blocked, revision: 1, frames: FrameCounts(), problem: problem, owner: "ann",
              createdAt: ""),
          ])
      ])
  }

  @Test func `shows the files that are not picked up, also when there is nothing else`() {
    let file = OverlookedFile(path: "top\u{1B}.blend", why: "it lies beside quick/", remedy: "Move it into quick/.")
    var status = status
    (status.overlooked, status.moreOverlooked, status.releases) = ([file], 3, [])

    let lines = StatusTable(status: status, terminal: Terminal(width: 100, hasColor: false)).lines

    #expect(lines.contains("  top\\e.blend: it lies beside quick/. Move it into quick/."))
    #expect(lines.contains("  and 3 more"))
  }

  @Test func `shows each job with a bar`() {
    let lines = StatusTable(status: status, terminal: Terminal(width: 60, hasColor: false)).lines

    #expect(
      lines == [
        "farm 0.1.0 · 1 of 2 slots at work · Blender 3.4.0",
        "",
        "spring  active",
        "  waits for shot_020 (blocked)",
        "  shot_010  active      ████████████░░░░░░░░░░░░ 6/12",
        "  shot_020  blocked",
        "    ! no-camera: scene Main has no camera. Add one.",
      ])
  }

  @Test func `says how long a job will take yet where there is room`() {
    var status = status
    status.releases[0].jobs[0].timeLeft = TimeLeft(leastSeconds: 120, mostSeconds: 180)

    let wide = StatusTable(status: status, terminal: Terminal(width: 80, hasColor: false)).lines[4]
    #expect(wide.hasSuffix(" 6/12  2-3m left"))
    let narrow = StatusTable(status: status, terminal: Terminal(width: 60, hasColor: false)).lines[4]
    #expect(narrow.hasSuffix(" 6/12"))
  }

  @Test(arguments: [20, 40, 80, 200])
  func `keeps to the terminal's width`(width: Int) {
    let lines = StatusTable(status: status, terminal: Terminal(width: width, hasColor: false)).lines

    // Words longer than the line are not cut; a name is.
    if width >= 40 { #expect(lines.allSatisfy { $0.count <= width }, "\(lines)") }
    #expect(!lines.joined().contains("\u{1B}"))
  }

  @Test func `has colours only where they are shown`() {
    let lines = StatusTable(status: status, terminal: Terminal(width: 60, hasColor: true)).lines

    #expect(lines.joined().contains("\u{1B}[36m"))
  }

  @Test func `shows a hostile name harmlessly`() {
    var hostile = status
    hostile.releases[0].jobs[0].name = "a\u{1B}[2Jb\nc"

    let lines = StatusTable(status: hostile, terminal: Terminal(width: 80, hasColor: false)).lines

    #expect(lines.contains { $0.contains("a\\e[2Jb\\nc") })
  }

  @Test func `says what to do when nothing was dropped`() {
    let empty = FarmStatus(daemon: status.daemon, releases: [])

    #expect(
      StatusTable(status: empty, terminal: Terminal(width: 80, hasColor: false)).lines.last?.contains(
        "Copy a .blend into quick/") == true)
  }
}

@Suite("A table of cells")
struct CellTableTests {
  @Test func `is aligned`() {
    let table = CellTable(head: ["job", "state"], rows: [["quick/a", "active"], ["b", "queued"]])

    #expect(
      table.lines(Terminal(width: 80, hasColor: false)) == ["job      state", "quick/a  active", "b        queued"])
    #expect(CellTable(head: ["job"], rows: []).lines(Terminal(width: 80, hasColor: false)).isEmpty)
  }

  @Test func `wraps words`() {
    #expect(Terminal.wrapped("one two three four", 10) == ["one two", "three four"])
    #expect(Terminal.fitted("abcdef", 4) == "abc…")
  }
}

@Suite("The sheet of a job")
struct JobSheetTests {
  private func lines(_ outputs: [Output], problem: Problem? = nil) -> [String] {
    let job = JobDetail(
      name: JobName(release: "r", job: "a"), path: "releases/r/store/a.blend", owner: "ann", state: .active,
      revision: 1, digest: nil, savedBy: nil, blender: nil, frames: "1-250", counts: FrameCounts(outputs),
      problem: problem, notes: [], waitsFor: nil, outputs: outputs.map(JobDetail.OutputLine.init), log: nil)
    return JobSheet(job: job).lines(Terminal(width: 80, hasColor: false))
  }

  private func output(_ frame: FrameNumber, _ state: OutputState, milliseconds: Int64? = nil) -> Output {
    Output(
      id: Int64(frame), revision: 1, path: "\(frame).png", frame: frame, state: state, attempts: 1, size: nil,
      bytes: nil, file: nil, renderMilliseconds: milliseconds, problem: nil)
  }

  @Test func `has one row for frames of which the same is to be said`() {
    let done = [output(1, .done, milliseconds: 400), output(2, .done, milliseconds: 500)]
    let owed = (3...250).map { output($0, .owed) }

    let rows = lines(done + owed).suffix(3)

    #expect(
      rows.map { $0.split(separator: " ").prefix(2).joined(separator: " ") } == ["1 done", "2 done", "3-250 owed"])
  }

  @Test func `keeps frames apart between which one is missing`() {
    #expect(lines([output(1, .owed), output(3, .owed)]).suffix(2).map { $0.prefix(1) } == ["1", "3"])
  }

  @Test func `draws what frames took, and names those that took longest`() {
    let outputs = (1...4).map { output($0, .done, milliseconds: [400, 800, 3200, 400][Int($0) - 1]) }

    let lines = lines(outputs)
    let at = lines.firstIndex { $0.hasPrefix("  times ") } ?? 0

    #expect(lines[at] == "  times       ▂▃█▂")
    #expect(lines[at + 1] == "              median 0.80 s, longest: frame 3 3.20 s, frame 2 0.80 s, frame 1 0.40 s")
    #expect(!self.lines([output(1, .done, milliseconds: 400)]).contains { $0.hasPrefix("  times ") })
  }

  @Test func `draws a thousand frames in sixty columns`() {
    let outputs = (1...1000).map { output($0, .done, milliseconds: $0 == 1000 ? 300_000 : 12_000) }

    let lines = lines(outputs).filter { $0.contains("▁") || $0.contains("median") }

    #expect(lines[0].count == 14 + 60)
    #expect(lines[1].contains("median 12 s, longest: frame 1000 5m 0s"))
  }

  @Test func `shows a hostile cause harmlessly`() {
    let problem = Problem(.notWritable, cause: "cannot make \u{1B}[31m", remedy: "chmod \u{1B}[2J")

    #expect(!lines([], problem: problem).joined().contains("\u{1B}"))
  }
}
