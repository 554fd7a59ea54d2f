import Testing

@testable import Supervisor

@Suite("Output in lines")
struct LineSplitterTests {
  private func lines(_ pieces: [[UInt8]], bytesMax: Int = 100) throws -> [String] {
    var splitter = LineSplitter(bytesMax: bytesMax)
    var found: [String] = []
    for piece in pieces { found += try piece.withUnsafeBytes { bytes in try splitter.add(bytes) } }
    return found + [splitter.end()].compactMap(\.self)
  }

  @Test(arguments: [1, 2, 3, 7, 100])
  func `is the same, however it is cut into pieces`(size: Int) throws {
    let text = Array("one\n\ntwo ü\r\nlast without an end".utf8)
    let pieces = stride(from: 0, to: text.count, by: size).map { Array(text[$0..<min($0 + size, text.count)]) }
    #expect(try lines(pieces) == ["one", "", "two ü\r", "last without an end"])
  }

  @Test func `that is ended has nothing after its last line`() throws {
    #expect(try lines([Array("a\nb\n".utf8)]) == ["a", "b"])
    #expect(try lines([]) == [])
  }

  @Test func `that is no UTF-8 is handed on with what was replaced`() throws {
    #expect(try lines([[0x61, 0xFF, 10]]) == ["a\u{FFFD}"])
  }

  @Test func `without an end is refused`() throws {
    #expect(try lines([Array("12345\n".utf8)], bytesMax: 5) == ["12345"])
    #expect(throws: LineTooLong(bytesMax: 5)) { try lines([Array("123456\n".utf8)], bytesMax: 5) }
    #expect(throws: LineTooLong(bytesMax: 5)) { try lines([Array("123".utf8), Array("456".utf8)], bytesMax: 5) }
  }
}
