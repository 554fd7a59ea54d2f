import Testing

@testable import Supervisor

@Suite("Output in lines")
struct LineSplitterTests {
  private func lines(_ pieces: [[UInt8]], bytesMax: Int = 100) -> [String] {
    var splitter = LineSplitter(bytesMax: bytesMax)
    var found: [String] = []
    for piece in pieces { found += piece.withUnsafeBytes { bytes in splitter.add(bytes) } }
    return found + [splitter.end()].compactMap(\.self)
  }

  @Test(arguments: [1, 2, 3, 7, 100])
  func `is the same, however it is cut into pieces`(size: Int) {
    let text = Array("one\n\ntwo ü\r\nlast without an end".utf8)
    let pieces = stride(from: 0, to: text.count, by: size).map { Array(text[$0..<min($0 + size, text.count)]) }
    #expect(lines(pieces) == ["one", "", "two ü\r", "last without an end"])
  }

  @Test func `that is ended has nothing after its last line`() {
    #expect(lines([Array("a\nb\n".utf8)]) == ["a", "b"])
    #expect(lines([]) == [])
  }

  @Test func `that is no UTF-8 is handed on with what was replaced`() {
    #expect(lines([[0x61, 0xFF, 10]]) == ["a\u{FFFD}"])
  }

  @Test func `of too great a length is cut, and the next one is not`() {
    #expect(lines([Array("12345\n6\n".utf8)], bytesMax: 5) == ["12345", "6"])
    #expect(lines([Array("1234567\n8\n".utf8)], bytesMax: 5) == ["12345", "8"])
    #expect(lines([Array("123".utf8), Array("456".utf8), Array("7\n8\n".utf8)], bytesMax: 5) == ["12345", "8"])
    #expect(lines([Array("123".utf8), Array("456".utf8)], bytesMax: 5) == ["12345"])
  }
}
