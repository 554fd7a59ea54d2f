import FarmModel
import Glibc

/// What text is printed to: how wide it is, and whether it shows colours.
struct Terminal: Hashable {
  let width: Int
  let hasColor: Bool

  /// Colours by meaning.
  enum Tint: String {
    case good = "32"
    case busy = "36"
    case bad = "31"
    case quiet = "2"
    case strong = "1"
  }

  /// Standard output: colour only on a terminal and without NO_COLOR (no-color.org), the window's width or COLUMNS.
  static var standardOutput: Terminal {
    var size = winsize()
    let isTerminal = isatty(1) == 1 && ioctl(1, UInt(TIOCGWINSZ), &size) == 0
    let columns = variable("COLUMNS").flatMap { Int($0) }
    let hasColor = isTerminal && (variable("NO_COLOR") ?? "").isEmpty && variable("TERM") != "dumb"
    return Terminal(width: columns ?? (isTerminal && size.ws_col > 0 ? Int(size.ws_col) : 100), hasColor: hasColor)
  }

  /// Columns of the terminal to which standard error goes.
  static var standardErrorWidth: Int {
    var size = winsize()
    return ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  /// Whether somebody sits there who can be asked.
  static var canAsk: Bool { isatty(0) == 1 && isatty(2) == 1 }

  /// Asks a question that a person answers with y or n; anything but a yes is a no.
  static func answersYes(_ question: String) -> Bool {
    let text = Array("\(question) [y/N] ".utf8)
    _ = write(2, text, text.count)
    return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
  }

  private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  func tinted(_ text: String, _ tint: Tint) -> String {
    hasColor ? "\u{1B}[\(tint.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// The text in exactly `columns` columns: filled with blanks, or cut with an ellipsis.
  static func fitted(_ text: String, _ columns: Int) -> String {
    let shown = text.escapedForTerminal
    let width = shown.columns
    if width <= columns { return shown + String(repeating: " ", count: columns - width) }
    return columns > 1 ? shown.prefix(columns - 1) + "…" : String(shown.prefix(columns))
  }

  /// The text in lines of at most `columns` columns, broken at blanks where that is possible.
  static func wrapped(_ text: String, _ columns: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.escapedForTerminal.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > max(columns, 10) {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return lines + [line]
  }
}

extension JobState {
  var tint: Terminal.Tint {
    switch self {
    case .completed: .good
    case .active, .assembling: .busy
    case .blocked, .rejected, .failed: .bad
    case .settling, .queued, .canceled, .superseded, .removed: .quiet
    }
  }
}

extension ReleaseState {
  var tint: Terminal.Tint {
    switch self {
    case .harvested, .completed, .archived: .good
    case .active: .busy
    case .failed, .stale: .bad
    case .planned, .open: .quiet
    }
  }
}

extension String {
  /// How many columns it takes; of plain text that is known without looking for its characters.
  var columns: Int { isPlain ? utf8.count : count }
}
