/// A file that its artist may take for a drop and that is none: where it lies, why it is not picked up, what to do.
package struct OverlookedFile: Codable, Hashable, Sendable {
  /// Below the volume's root.
  package let path: String
  package let why: String
  /// One imperative sentence.
  package let remedy: String

  package init(path: String, why: String, remedy: String) {
    self.path = path
    self.why = why
    self.remedy = remedy
  }

  /// All of it in one line: `quick/a.zip is not picked up: it is packed. Unpack it and put the .blend into quick/.`
  package var sentences: String { "\(path) is not picked up: \(why). \(remedy)" }
}

/// The overlooked files that are shown, and how many more there are.
package struct OverlookedFiles: Hashable, Sendable {
  /// Lines that status and STATUS.txt have at most.
  package static let shownMax = 20

  package let shown: [OverlookedFile]
  package let more: Int

  /// - Parameter files: in any order.
  package init(_ files: some Sequence<OverlookedFile> = []) {
    let all = files.sorted { $0.path < $1.path }
    shown = Array(all.prefix(Self.shownMax))
    more = all.count - shown.count
  }
}
