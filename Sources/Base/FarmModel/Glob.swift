/// A shell-like pattern: `*` any run of characters, `?` one, `[a-c5]` one of these, `[!a]` one of none of these.
///
/// Everything else stands for itself, a bracket without its partner too, and a text always fits the pattern that is
/// spelled like it: names may have brackets.
package struct Glob: Hashable, Sendable {
  package let pattern: String

  /// What stands for one character, or for a run of any.
  private enum Piece: Hashable {
    case run
    case one
    case letter(Character)
    case oneOf([ClosedRange<Character>], isNegated: Bool)

    func fits(_ letter: Character) -> Bool {
      switch self {
      case .run, .one: true
      case .letter(let wanted): wanted == letter
      case .oneOf(let ranges, let isNegated): ranges.contains { $0.contains(letter) } != isNegated
      }
    }
  }

  package init(_ pattern: String) {
    self.pattern = pattern
  }

  /// Whether a path fits, whole or from some folder on: `wood.png` and `textures/*.png` fit `/vol/textures/wood.png`.
  package func matchesPath(_ path: String) -> Bool {
    if matches(path) { return true }
    let scalars = path.unicodeScalars
    return scalars.indices.contains { scalars[$0] == "/" && matches(String(scalars[scalars.index(after: $0)...])) }
  }

  /// Whether the whole of `text` fits; time is bounded by pattern × text.
  package func matches(_ text: String) -> Bool {
    if text == pattern { return true }
    let wanted = pieces
    let given = Self.letters(text)
    var w = 0
    var g = 0
    var star: (w: Int, g: Int)?
    while g < given.count {
      if w < wanted.count, wanted[w] == .run {
        star = (w, g)
        w += 1
      } else if w < wanted.count, wanted[w].fits(given[g]) {
        w += 1
        g += 1
      } else if let back = star {
        star = (back.w, back.g + 1)
        w = back.w + 1
        g = back.g + 1
      } else {
        return false
      }
    }
    return wanted[w...].allSatisfy { $0 == .run }
  }

  /// The characters of a text. Punctuation and digits of ASCII stand alone, whatever mark is behind them: `*.blend`
  /// also fits a name whose last letter would swallow the dot, and `*` ends at the slash that it is meant to.
  private static func letters(_ text: String) -> [Character] {
    text.reduce(into: []) { letters, letter in
      let isCut =
        letter.unicodeScalars.count > 1
        && letter.unicodeScalars.contains {
          $0.isASCII && !$0.properties.isAlphabetic
        }
      if isCut { letters += letter.unicodeScalars.map(Character.init) } else { letters.append(letter) }
    }
  }

  private var pieces: [Piece] {
    var pieces: [Piece] = []
    var rest = Self.letters(pattern)[...]
    while let letter = rest.popFirst() {
      switch letter {
      case "*": pieces.append(.run)
      case "?": pieces.append(.one)
      case "[": pieces.append(Self.choice(&rest) ?? .letter(letter))
      default: pieces.append(.letter(letter))
      }
    }
    return pieces
  }

  /// Reads on behind an opening bracket; nil when it is none, and then nothing is taken.
  private static func choice(_ rest: inout ArraySlice<Character>) -> Piece? {
    var letters = rest
    let isNegated = letters.first == "!" || letters.first == "^"
    if isNegated { letters.removeFirst() }
    // A closing bracket that comes first is one of the letters.
    guard let close = letters.dropFirst().firstIndex(of: "]") else { return nil }
    var ranges: [ClosedRange<Character>] = []
    var inside = letters[..<close]
    while let low = inside.popFirst() {
      guard inside.count > 1, inside.first == "-", let high = inside.dropFirst().first, low <= high else {
        ranges.append(low...low)
        continue
      }
      ranges.append(low...high)
      inside.removeFirst(2)
    }
    rest = letters[close...].dropFirst()
    return .oneOf(ranges, isNegated: isNegated)
  }
}

/// Finds what a person meant by a misspelled name.
package enum Nearest {
  /// The name with the fewest edits from `text`; nil when none is near (a third of its letters, at least two).
  package static func name(to text: String, among names: some Sequence<String>) -> String? {
    let ranked = names.map { (name: $0, edits: edits(from: text, to: $0)) }.min { $0.edits < $1.edits }
    guard let best = ranked, best.edits <= max(2, best.name.count / 3) else { return nil }
    return best.name
  }

  /// `; did you mean "x"?` of the nearest name; empty when none is near.
  package static func hint(to text: String, among names: some Sequence<String>) -> String {
    name(to: text, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
  }

  /// Levenshtein's distance.
  static func edits(from a: String, to b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let change = diagonal + (letter == b[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(change, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[b.count]
  }
}

extension Duration {
  private static let spelledUnits: [(letter: Character, seconds: Int64)] = [
    ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1),
  ]

  /// Reads `30s`, `15m`, `2h`, `30d`, `100ms`; nil when it is none of these.
  package init?(spelled text: String) {
    if text.hasSuffix("ms"), let count = Int64(text.dropLast(2)), count >= 0 {
      self = .milliseconds(count)
      return
    }
    guard let unit = Self.spelledUnits.first(where: { $0.letter == text.last }), let count = Int64(text.dropLast()),
      count >= 0, count <= 1_000_000
    else { return nil }
    self = .seconds(count * unit.seconds)
  }

  /// The shortest spelling that ``init(spelled:)`` reads back.
  package var spelled: String {
    guard components.attoseconds == 0 else { return "\(inMilliseconds)ms" }
    let seconds = components.seconds
    let unit = Self.spelledUnits.first { seconds != 0 && seconds % $0.seconds == 0 } ?? ("s", 1)
    return "\(seconds / unit.seconds)\(unit.letter)"
  }
}
