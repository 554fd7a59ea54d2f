import FarmModel
import FarmTesting
import SystemPackage
import Testing

@testable import ShareNotes

@Suite("A note beside a drop")
struct ProblemNoteTests {
  private let volume = Volume(root: "/share")

  private func note(_ drop: FilePath, _ problem: Problem = Problem(.noCamera, cause: "scene A has no camera"))
    -> ProblemNote
  {
    ProblemNote(drop: drop, state: .blocked, problem: problem, in: volume)
  }

  @Test func `says what, why and what to do, in lines that every system reads`() {
    let missing = MissingFile(
      path: "/share/releases/x/store/tex/wood.png", neededBy: "image Wood", why: "is not there", seen: nil)
    let problem = Problem(.missingFile, cause: "image Wood needs //tex/wood.png", missing: [missing])

    let lines = note("/share/releases/x/store/shot.blend", problem).text.components(separatedBy: "\r\n")

    #expect(
      lines == [
        ProblemNote.mark, "", "shot.blend is not rendered (blocked).", "",
        "Why:   missing-file: image Wood needs //tex/wood.png",
        "       releases/x/store/tex/wood.png is not there (image Wood)", "",
        "Do:    Put the missing files in their places; the job goes on by itself.", "",
      ])
  }

  @Test func `has the drop's name, shortened with a digest where that is too long or no UTF-8`() throws {
    #expect(note("/share/quick/Shot 1.BLEND").name == "Shot 1.BLEND.PROBLEM.txt")
    let long = FilePath("/share/quick").appending(String(repeating: "é", count: 120) + ".blend")
    let other = FilePath("/share/quick").appending(String(repeating: "é", count: 120) + "2.blend")
    #expect(note(long).name.utf8.count <= 240)
    #expect(note(long).name.hasSuffix(".PROBLEM.txt"))
    #expect(note(long).name != note(other).name)
    let bytes: [CChar] = Array("/share/quick/bad".utf8CString.dropLast()) + [-1] + Array(".blend".utf8CString)
    let invalid = try #require(bytes.withUnsafeBufferPointer { $0.baseAddress.map { FilePath(platformString: $0) } })
    #expect(note(invalid).name.contains("~"))
    #expect(note(invalid).path.removingLastComponent() == "/share/quick")
  }

  @Test func `shows nothing that a terminal or a page would obey`() {
    let text = note("/share/quick/x\u{1B}[31m.blend", Problem(.badName, cause: "a\u{1B}]0;b\u{07}")).text

    #expect(!text.unicodeScalars.contains { $0.value < 32 && $0 != "\r" && $0 != "\n" })
    #expect(text.contains("x\\e[31m.blend"))
  }
}

@Suite("The board of notes")
struct NoteBoardTests {
  private let scratch: ScratchFolder
  private let volume: Volume

  init() throws {
    scratch = try ScratchFolder()
    volume = try scratch.makeVolume()
  }

  private func note(_ name: String, _ cause: String = "why") -> ProblemNote {
    ProblemNote(
      drop: volume.quick.appending(name), state: .blocked, problem: Problem(.noCamera, cause: cause), in: volume)
  }

  @Test func `hangs a note, changes it, and takes it down when the problem is gone`() async {
    let board = NoteBoard(volume)

    #expect(await board.show([note("a.blend")], folders: [volume.quick]).isEmpty)
    #expect(volume.quick.names == ["a.blend.PROBLEM.txt", "out"])
    #expect(await board.show([note("a.blend", "other")], folders: [volume.quick]).isEmpty)
    #expect(String(decoding: volume.quick.appending("a.blend.PROBLEM.txt").contents, as: UTF8.self).contains("other"))
    #expect(await board.show([], folders: [volume.quick]).isEmpty)
    #expect(volume.quick.names == ["out"])
  }

  @Test func `never touches a file of somebody else, and hangs the note elsewhere`() async throws {
    try scratch.write("mine", to: "volume/quick/a.blend.PROBLEM.txt")
    let board = NoteBoard(volume)

    #expect(await board.show([note("a.blend")], folders: [volume.quick]).isEmpty)

    #expect(volume.root.appending("PROBLEMS").names == ["quick-a.blend.PROBLEM.txt"])
    #expect(await board.show([], folders: [volume.quick]).isEmpty)
    #expect(volume.root.appending("PROBLEMS").names.isEmpty)
    #expect(volume.quick.appending("a.blend.PROBLEM.txt").contents == Array("mine".utf8))
  }

  @Test(.enabled(if: Needs.mounts)) func `hangs a note that the disk refused as soon as it takes it`() async throws {
    let disk = try SmallDisk(size: "64k", at: volume.root)
    try scratch.folder("volume/quick")
    try await disk.setReadOnly(true)
    let board = NoteBoard(volume)

    #expect(await board.show([note("a.blend")], folders: [volume.quick]).count == 1)
    #expect(await board.show([note("a.blend")], folders: [volume.quick], retrying: false).isEmpty)
    try await disk.setReadOnly(false)
    #expect(await board.show([note("a.blend")], folders: [volume.quick]).isEmpty)

    #expect(volume.quick.names == ["a.blend.PROBLEM.txt"])
  }

  @Test func `removes at its start what an earlier life left, and only that`() async throws {
    _ = await NoteBoard(volume).show([note("a.blend"), note("b.blend")], folders: [volume.quick])
    try scratch.write("mine", to: "volume/quick/c.blend.PROBLEM.txt")

    let board = NoteBoard(volume)
    await board.removeLeftovers()
    _ = await board.show([note("b.blend")], folders: [volume.quick])

    #expect(volume.quick.names == ["b.blend.PROBLEM.txt", "c.blend.PROBLEM.txt", "out"])
  }

  @Test func `keeps STATUS txt, unless it is somebody else's`() async throws {
    let sheet = StatusSheet(status: StatusSheetTests.status([]), moment: "now")
    let board = NoteBoard(volume)

    #expect(await board.show(sheet) == nil)
    #expect(volume.root.appending("STATUS.txt").contents == Array(sheet.text.utf8))
    try scratch.write("mine", to: "volume/STATUS.txt")
    #expect(await board.show(sheet) != nil)
    #expect(volume.root.appending("STATUS.txt").contents == Array("mine".utf8))
  }
}
