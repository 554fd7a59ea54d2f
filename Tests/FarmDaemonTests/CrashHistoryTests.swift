import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing

@testable import FarmDaemon

@Suite("The history of crashes")
struct CrashHistoryTests {
  private func version(_ number: Int64) -> Fingerprint {
    Fingerprint(device: 1, inode: 2, size: 3, mtimeNanoseconds: number, ctimeNanoseconds: number)
  }

  private func file(_ name: String, _ number: Int64 = 1) -> MarkedFile {
    MarkedFile(FilePath("/v/quick/\(name).blend"), version(number))
  }

  private func verdict(_ history: CrashHistory, _ name: String, _ number: Int64 = 1) -> CrashHistory.Verdict? {
    history.verdict(on: FilePath("/v/quick/\(name).blend"), version(number))
  }

  private func mark(_ files: MarkedFile..., isSure: Bool = false) -> CrashMark {
    CrashMark(signal: SIGSEGV, isSure: isSure, files: files)
  }

  @Test func `rejects a file that was read at two crashes, and no other version of it`() {
    let history = CrashHistory([
      mark(file("a"), file("b"), isSure: true), mark(file("a"), file("b"), isSure: true),
    ])

    #expect(verdict(history, "a") == .rejected(deaths: 2, signal: SIGSEGV))
    #expect(verdict(history, "a", 2) == nil)
    #expect(verdict(history, "b") == nil)
  }

  @Test func `suspects all that were taken in together, and rejects the one that was there again`() {
    var history = CrashHistory([mark(file("a"), file("b"), file("c"))])
    for name in ["a", "b", "c"] { #expect(verdict(history, name) == .suspected) }

    // Suspects are taken in one at a time, beside files that none died on.
    history.add(CrashMark(signal: 0, isSure: false, files: [file("a")]))
    history.add(mark(file("new"), file("b")))

    #expect(verdict(history, "a") == nil)
    #expect(verdict(history, "b") == .rejected(deaths: 2, signal: SIGSEGV))
    #expect(verdict(history, "c") == .suspected)
    #expect(verdict(history, "new") == nil)
  }

  @Test func `rejects none of several suspects that were there both times`() {
    let history = CrashHistory([mark(file("a"), file("b")), mark(file("a"), file("b"))])

    #expect(verdict(history, "a") == .suspected)
    #expect(verdict(history, "b") == .suspected)
  }

  @Test func `is read from the bytes of its marks, up to one that was cut off`() {
    let marks = [mark(file("ä\u{0600}"), file("b", 7), isSure: true), mark(file("c"))]
    let bytes = marks.flatMap(\.bytes)

    #expect(CrashMark.all(in: bytes) == marks)
    #expect(CrashMark.all(in: bytes.dropLast(1) + []) == [marks[0]])
    #expect(CrashMark.all(in: Array("no marks at all, but much longer than a head".utf8)).isEmpty)
  }
}
