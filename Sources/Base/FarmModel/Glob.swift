/// A shell-like pattern: `*` any run of characters, `?` one; everything else stands for itself.
package struct Glob: Hashable, Sendable {
  package let pattern: String

  package init(_ pattern: String) {
    self.pattern = pattern
  }

  /// Whether the whole of `text` fits; time is bounded by pattern × text.
  package func matches(_ text: String) -> Bool {
    let wanted = Array(pattern)
    let given = Array(text)
    var w = 0
    var g = 0
    var star: (w: Int, g: Int)?
    while g < given.count {
      if w < wanted.count, wanted[w] == "*" {
        star = (w, g)
        w += 1
      } else if w < wanted.count, wanted[w] == "?" || wanted[w] == given[g] {
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
    return wanted[w...].allSatisfy { $0 == "*" }
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
