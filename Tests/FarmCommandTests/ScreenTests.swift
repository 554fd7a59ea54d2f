import Testing

@testable import farm

@Suite("A live screen")
struct ScreenTests {
  private let size = Screen.Size(rows: 4, columns: 20)

  @Test func `writes all lines first, then only what changed, then nothing`() {
    var screen = Screen()

    let first = screen.draw(["a", "b", "c"], on: size)
    #expect(first.hasPrefix("\u{1B}[2J"))
    #expect(first.contains("\u{1B}[1;1Ha") && first.contains("\u{1B}[3;1Hc"))
    #expect(screen.draw(["a", "B", "c"], on: size) == "\u{1B}[2;1HB\u{1B}[0m\u{1B}[K")
    #expect(screen.draw(["a", "B", "c"], on: size).isEmpty)
    // A line that is gone is wiped away.
    #expect(screen.draw(["a"], on: size) == "\u{1B}[2;1H\u{1B}[0m\u{1B}[K\u{1B}[3;1H\u{1B}[0m\u{1B}[K")
  }

  @Test func `counts the lines for which there is no room`() {
    var screen = Screen()

    let drawn = screen.draw((1...9).map { "line \($0)" }, on: size)

    #expect(drawn.contains("\u{1B}[3;1Hline 3"))
    #expect(drawn.contains("\u{1B}[4;1H… 6 more lines"))
    #expect(!drawn.contains("line 4"))
  }

  @Test func `begins anew when the window has another size`() {
    var screen = Screen()
    _ = screen.draw(["a"], on: size)

    #expect(screen.draw(["a"], on: Screen.Size(rows: 9, columns: 20)).hasPrefix("\u{1B}[2J\u{1B}[1;1Ha"))
  }
}
