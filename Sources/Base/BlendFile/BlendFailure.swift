import FarmModel

/// Why a `.blend` cannot be read; offsets count in the uncompressed bytes.
package enum BlendFailure: Failure, Equatable {
  case empty
  case notBlend(firstBytes: [UInt8])
  case unknownHeader(String)
  case truncated(atByte: Int64, while: String)
  case damaged(atByte: Int64, what: String)
  case notSupported(String)
  case unreadable(String)
  case notUnpacked(String)

  package var description: String {
    switch self {
    case .empty: "the file is empty"
    case .notBlend(let bytes): "the file is not a .blend; it starts with \(Self.shown(bytes))"
    case .unknownHeader(let text): "the file's header \"\(text.escapedForTerminal)\" is of no known version of Blender"
    case .truncated(let offset, let what): "the file ends at byte \(offset) in the middle of \(what)"
    case .damaged(let offset, let what): "the file is damaged at byte \(offset): \(what)"
    case .notSupported(let what): "the file cannot be read: \(what)"
    case .unreadable(let reason): "the file cannot be read: \(reason.escapedForTerminal)"
    case .notUnpacked(let reason): "the file cannot be unpacked to /tmp: \(reason.escapedForTerminal)"
    }
  }

  package var remedy: String {
    switch self {
    case .unreadable: "See that it is there, that it is a file, and that it may be read."
    case .notUnpacked: "Free space in /tmp."
    default: "Open the file in Blender and save it again, or copy it once more."
    }
  }

  /// Whether more bytes may still make it whole: someone may be copying it.
  package var isTransient: Bool {
    switch self {
    case .empty, .truncated, .damaged, .unreadable, .notUnpacked: true
    case .notBlend, .unknownHeader, .notSupported: false
    }
  }

  /// First bytes as a person would recognise them.
  private static func shown(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes.prefix(8), as: UTF8.self).escapedForTerminal
    return bytes.allSatisfy { (32..<127).contains($0) }
      ? "\"\(text)\"" : bytes.prefix(8).map { [$0].hexadecimal }.joined(separator: " ")
  }
}
