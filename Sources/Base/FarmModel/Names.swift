/// What a release and a job are called, and which names are refused.
///
/// Names become folder names for artists on every system, so the rules are those of the strictest one.
package enum NameRule {
  /// The reserved release whose jobs lie in `quick/`.
  package static let quick = "quick"

  /// Says why `name` cannot be that of a release or a job; nil when it can.
  package static func refusal(of name: String) -> String? {
    if name.isEmpty { return "it is empty" }
    if name.hasPrefix(".") { return "it starts with a dot, which hides it" }
    if name.hasSuffix(".") || name.hasSuffix(" ") { return "it ends with a dot or a blank, which Windows cannot open" }
    if name.contains("/") { return "it has a slash" }
    if name.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) { return "it has a control character" }
    if name.utf8.count > 200 { return "it is longer than 200 bytes" }
    return nil
  }

  /// Scene, layer and node names are data: what a path may not hold becomes `_`.
  package static func asPathComponent(_ text: String) -> String {
    let safe = String(
      text.map { $0 == "/" || $0.unicodeScalars.contains { $0.value < 32 || $0.value == 127 } ? "_" : $0 })
    return safe.isEmpty || safe.allSatisfy { $0 == "." } ? "_" : safe
  }
}

/// Names of scenes, layers and nodes as the names of folders and files, no two alike.
package struct PathNames: Hashable, Sendable {
  /// Names of our own beside them.
  package static let reserved: Set<String> = ["nodes", ".tiles", ".previous", "contact-sheet.jpg"]
  private let components: [String: String]

  /// - Parameter reserved: names that none may get.
  package init(_ names: [String], reserved: Set<String> = Self.reserved) {
    var taken = reserved
    components = names.reduce(into: [:]) { components, name in
      guard components[name] == nil else { return }
      let plain = NameRule.asPathComponent(name)
      let free = ([plain] + (2...names.count + 2).map { "\(plain)-\($0)" }).first { !taken.contains($0.lowercased()) }
      components[name] = free ?? plain
      taken.insert((free ?? plain).lowercased())
    }
  }

  /// What a name is called on the disk.
  package subscript(name: String) -> String { components[name] ?? NameRule.asPathComponent(name) }
}

/// A job named in full: its release and its own name, printed as `release/job`.
package struct JobName: Codable, Hashable, Sendable, CustomStringConvertible {
  package let release: String
  package let job: String

  package init(release: String, job: String) {
    self.release = release
    self.job = job
  }

  package var description: String { "\(release)/\(job)" }

  /// Whether people mean it by this text: `job` or `release/job`.
  package func fits(_ text: String) -> Bool { job == text || description == text }
}

extension String {
  /// The text as one word of a shell, in quotes only where it needs them.
  package var quotedForShell: String {
    let isPlain = !isEmpty && !hasPrefix("-") && wholeMatch(of: /[A-Za-z0-9_\/.,:@%+=-]+/) != nil
    return isPlain
      ? self : "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }

  /// The text with everything that a terminal would obey made visible: `\e`, `\n`, other controls as `\u{…}`.
  package var escapedForTerminal: String {
    isPlain ? self : escaped
  }

  /// Whether it has only characters of ASCII that are printed.
  package var isPlain: Bool { utf8.allSatisfy { (32..<127).contains($0) } }

  private var escaped: String {
    unicodeScalars.reduce(into: "") { text, scalar in
      switch scalar.value {
      case 10: text += "\\n"
      case 27: text += "\\e"
      case 0..<32, 127..<160, 0x202A...0x202E, 0x2066...0x2069: text += "\\u{\(String(scalar.value, radix: 16))}"
      default: text.unicodeScalars.append(scalar)
      }
    }
  }
}
