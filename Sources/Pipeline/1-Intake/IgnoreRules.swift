import FarmModel
import SystemPackage

/// Patterns of files that are no drops, as in a `.gitignore`: the last one that fits decides, `!` takes a file back in,
/// a pattern with a slash before its end speaks of the path from the volume's root, one without of any name on the way,
/// `**` stands for any folders, and a slash at the end means folders with all that is in them.
package struct IgnoreRules: Hashable, Sendable {
  private struct Rule: Hashable {
    let pieces: [Glob]
    let isAnchored: Bool
    let isForFolders: Bool
    let takesBack: Bool
  }

  private let rules: [Rule]

  package init(_ patterns: [String] = []) { rules = patterns.compactMap(Self.rule) }

  /// Nil for empty lines and comments.
  private static func rule(_ pattern: String) -> Rule? {
    var text = pattern.unicodeScalars[...]
    while text.last == " " { text.removeLast() }
    guard let first = text.first, first != "#" else { return nil }
    let takesBack = first == "!"
    let isEscaped = first == "\\" && [.some("#"), .some("!")].contains(text.dropFirst().first)
    if takesBack || isEscaped { text.removeFirst() }
    let isForFolders = text.last == "/"
    if isForFolders { text.removeLast() }
    let isAnchored = text.contains("/")
    let pieces = text.split(separator: "/").map { Glob(String($0)) }
    return pieces.isEmpty
      ? nil : Rule(pieces: pieces, isAnchored: isAnchored, isForFolders: isForFolders, takesBack: takesBack)
  }

  /// Whether a file at this path below the volume's root is none that counts. A folder that is left out leaves out all
  /// that is in it, but each file may be taken back in.
  package func ignores(_ below: FilePath) -> Bool {
    guard !rules.isEmpty else { return false }
    let names = below.components.map(\.string)
    var isIgnored = false
    for rule in rules where Self.fits(rule, names) { isIgnored = !rule.takesBack }
    return isIgnored
  }

  private static func fits(_ rule: Rule, _ names: [String]) -> Bool {
    // The whole path is a file's; what it begins with are folders.
    let longest = rule.isForFolders ? names.count - 1 : names.count
    return longest > 0
      && (1...longest).contains { end in
        rule.isAnchored
          ? fits(rule.pieces[...], names[..<end]) : rule.pieces.last.map { $0.matches(names[end - 1]) } ?? false
      }
  }

  private static func fits(_ pieces: ArraySlice<Glob>, _ names: ArraySlice<String>) -> Bool {
    guard let piece = pieces.first else { return names.isEmpty }
    let rest = pieces.dropFirst()
    guard piece.pattern == "**" else {
      return names.first.map { piece.matches($0) && fits(rest, names.dropFirst()) } ?? false
    }
    return (names.startIndex...names.endIndex).contains { fits(rest, names[$0...]) }
  }
}
