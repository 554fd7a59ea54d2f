/// Names as disks, `.blend` files and clients may hold them: combining marks at the start and behind slashes and dots,
/// scalars that join the character after them, right-to-left text, joiners, controls, quotes, bytes that are no text.
package enum ForeignNames {
  /// Pieces of which names are made. U+0600, U+06DD and U+0D4E make one character with what comes behind them.
  private static let pieces = [
    "a", "shot", "_010", "É", "E\u{301}", "日本", "\u{301}", "\u{20DD}", "\u{FE0F}", "\u{0600}", "\u{06DD}", "\u{0D4E}",
    "\u{200D}", "👩\u{200D}🚀", "\u{202E}", "ש", "'", "\"", "`", "$(x)", "-", " ", ".", "#", "@", "~", "(1)", "[a]",
    "{job}", "%20", "+", "&", "?", "*", "\\", ":", "<", "1",
  ]

  /// Pieces that no job may have in its name, but that a scene may.
  private static let forbidden = ["/", "..", "\n", "\r\n", "\u{7}", "\u{1B}[31m", "\u{7F}"]

  /// Names of scenes, layers and nodes: anything at all.
  package static func ofDatablocks(count: Int, seed: UInt64) -> [String] {
    var random = SeededGenerator(seed: seed)
    let all = pieces + forbidden
    return (0..<count).map { _ in
      (0..<Int.random(in: 1...6, using: &random)).map { _ in all.randomElement(using: &random) ?? "" }.joined()
    }
  }

  /// Names of jobs and releases that a file system holds: no slash, at most 200 bytes.
  package static func ofJobs(count: Int, seed: UInt64) -> [String] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { number in
      // Apart from one another also where case and Unicode form make no difference.
      "\((0..<Int.random(in: 0...4, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined())"
        + "n\(number)" + (pieces.randomElement(using: &random) ?? "")
    }
  }

  /// Names of files that a person or a bug may make, as bytes: some of them are no text.
  package static func ofFiles(count: Int, seed: UInt64) -> [[UInt8]] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      let all = pieces + forbidden.filter { $0 != "/" && $0 != ".." } + ["blend", ".blend", ".farm.yaml"]
      let parts = (0..<Int.random(in: 1...5, using: &random)).map { _ -> [UInt8] in
        let isText = Int.random(in: 0..<8, using: &random) > 0
        let noText: [[UInt8]] = [[0xFF], [0xC3], [0xE0, 0x80]]
        return (isText ? Array((all.randomElement(using: &random) ?? "").utf8) : noText.randomElement(using: &random))
          ?? []
      }
      return Array((Array(parts.joined()) + Array(".blend".utf8)).suffix(255))
    }
  }
}
