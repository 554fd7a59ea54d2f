import Glibc

/// Draws lines on a terminal, again and again: only what changed is written. A value; it writes nothing itself.
struct Screen {
  private var shown: [String] = []
  private var size: Size?

  /// Rows and columns of a window.
  struct Size: Hashable {
    let rows: Int
    let columns: Int

    /// The window's size now; 24 rows of 80 columns when nobody knows.
    static var now: Size {
      var size = winsize()
      guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else {
        return Size(rows: 24, columns: 80)
      }
      return Size(rows: Int(size.ws_row), columns: Int(size.ws_col))
    }
  }

  /// A screen of its own without a cursor; what was there before comes back with ``leave``.
  static let enter = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[H\u{1B}[2J"
  static let leave = "\u{1B}[?25h\u{1B}[?1049l"

  /// What to write so that these lines stand on the screen; empty when they do.
  /// - Parameter lines: none wider than the window; of more lines than rows the last ones are counted instead.
  mutating func draw(_ lines: [String], on size: Size) -> String {
    var bytes = ""
    if size != self.size {
      bytes = "\u{1B}[2J"
      shown = []
      self.size = size
    }
    var wanted = lines
    if lines.count > size.rows {
      wanted = lines.prefix(max(0, size.rows - 1)) + ["… \(lines.count - size.rows + 1) more lines"]
    }
    for row in 0..<max(wanted.count, shown.count) {
      let line = row < wanted.count ? wanted[row] : ""
      guard row >= shown.count || shown[row] != line else { continue }
      bytes += "\u{1B}[\(row + 1);1H\(line)\u{1B}[0m\u{1B}[K"
    }
    shown = wanted
    return bytes
  }
}
