import FarmModel
import FoundationEssentials
import SystemPackage

/// The text of a release.yaml or a sidecar as it was read. Tells a whole one from one that an editor or a full disk
/// left empty or cut. A value.
struct WishText: Hashable, Codable, Sendable {
  let text: String
  let inode: Int64

  init(_ text: String, inode: Int64) {
    (self.text, self.inode) = (text, inode)
  }

  /// - Parameter remark: as ``remark`` wrote it.
  init?(remark: String) {
    guard let read = try? JSONDecoder().decode(Self.self, from: Data(remark.utf8)) else { return nil }  // Unknown form.
    self = read
  }

  /// For the ledger.
  var remark: String? {
    guard let bytes = try? JSONEncoder().encode(self) else { return nil }  // Texts are always encoded.
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Why a text is taken as not whole.
  enum Doubt: Hashable, Sendable {
    /// It has no characters but blanks.
    case isEmpty
    /// It has comments alone, and said something before.
    case isSilent
    /// It ends within a line in which the text before went on.
    case endsInLine
    /// It ends with a line after which the text before went on: cut, or meant so.
    case endsAfterLine
  }

  private var isBlank: Bool { text.unicodeScalars.allSatisfy { $0.properties.isWhitespace || $0 == "\u{FEFF}" } }

  /// Whether a line of it is more than a comment.
  var saysSomething: Bool {
    text.split(whereSeparator: \.isNewline).contains { line in
      line.drop { $0.isWhitespace || $0 == "\u{FEFF}" }.first.map { $0 != "#" } ?? false
    }
  }

  /// What speaks against taking this text for whole; nil when nothing does.
  ///
  /// A file that was renamed into place is another inode: its writer was done with it. A text that was cut before it
  /// was ever read whole cannot be told from a shorter one.
  /// - Parameters:
  ///   - before: the text that is in force.
  ///   - saidSomething: whether anything is in force.
  func doubt(after before: WishText?, saidSomething: Bool) -> Doubt? {
    if isBlank { return .isEmpty }
    if !saysSomething, saidSomething { return .isSilent }
    guard let before, before.inode == inode else { return nil }
    let (new, old) = (Array(text.utf8), Array(before.text.utf8))
    guard new.count < old.count, old.starts(with: new) else { return nil }
    let newline = UInt8(ascii: "\n")
    let rest = old[new.count...]
    if new.last == newline || rest.first == newline || rest.starts(with: Array("\r\n".utf8)) {
      return rest.allSatisfy { [9, 10, 13, 32].contains($0) } ? nil : .endsAfterLine
    }
    return rest.allSatisfy { [9, 10, 13, 32].contains($0) } ? nil : .endsInLine
  }
}

/// Texts that end with a line after which the former text went on, with the time since when: after a minute without a
/// change such a text is meant so. A value.
struct ShortenedTexts: Hashable {
  private static let patience = Duration.seconds(60)

  private struct Entry: Hashable {
    let text: WishText
    let since: Timestamp
  }

  private var entries: [FilePath: Entry] = [:]

  /// Takes in that a text was read again.
  /// - Returns: whether it has been the same for so long that it is meant so.
  mutating func isMeant(_ text: WishText, at path: FilePath, now: Timestamp) -> Bool {
    if let entry = entries[path], entry.text == text, now >= entry.since {
      return now.since(entry.since) >= Self.patience
    }
    entries[path] = Entry(text: text, since: now)
    return false
  }

  mutating func forget(_ path: FilePath) { entries[path] = nil }

  /// Those to be read again.
  func due(at now: Timestamp) -> [FilePath] {
    entries.filter { now.since($0.value.since) >= Self.patience }.keys.sorted { $0.string < $1.string }
  }
}

extension WishText.Doubt {
  /// In words that follow the file's name.
  var reason: String {
    switch self {
    case .isEmpty: "is empty, and seems not to be written yet"
    case .isSilent: "has comments alone where it said something before"
    case .endsInLine: "ends within a line that was longer before, and seems to be cut"
    case .endsAfterLine: "ends where it went on before, and may be cut"
    }
  }

  /// - Parameter isPlan: of a release.yaml, not of a sidecar.
  func remedy(isPlan: Bool) -> String {
    switch self {
    case .isEmpty, .isSilent:
      isPlan
        ? "Write it again; a line such as `harvest: auto` alone ends a plan."
        : "Write it, or remove it: then the job is rendered as its .blend says."
    case .endsInLine: "Write the rest; when it is meant so, add a line `# end`."
    case .endsAfterLine: "Write the rest; when it is meant so, wait: after a minute without a change it counts."
    }
  }
}
