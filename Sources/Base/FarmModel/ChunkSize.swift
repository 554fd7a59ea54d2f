/// How many frames a task has: so many, or as many as fit.
package enum ChunkSize: Codable, Hashable, Sendable {
  case auto
  case frames(Int)

  package static let range = 1...1000

  var words: String {
    switch self {
    case .auto: "auto"
    case .frames(let count): "\(count)"
    }
  }

  /// Reads `auto` or a number; nil for anything else.
  package init?(_ text: String) {
    if text == "auto" {
      self = .auto
    } else if let count = Int(text), Self.range.contains(count) {
      self = .frames(count)
    } else {
      return nil
    }
  }
}

/// In which order the frames of a job are rendered.
package enum FrameOrder: String, Codable, CaseIterable, Sendable {
  /// The first, the last and the middle one alone, then the others: what is wrong anywhere shows early.
  case firstLastMiddle = "first-last-middle"
  case ascending
}
