/// What a release and a job are called, and which names are refused.
///
/// Names become folder names for artists on every system, so the rules are those of the strictest one.
package enum NameRule {
  /// The reserved release whose jobs lie in `quick/`.
  package static let quick = "quick"

  /// The longest name of a release or a job.
  package static let bytesMax = 200
  /// The longest name of a delivered picture, which is made of a job's: `.farm-part-` and `.new99` fit beside it.
  package static let deliveredBytesMax = 230

  /// Says why `name` cannot be that of a release or a job; nil when it can.
  ///
  /// Looks at bytes and Unicode scalars: a slash with a combining mark behind it is a slash to every file system.
  /// - Parameter bytesMax: file systems take 255; what farm makes beside a file has a longer name.
  package static func refusal(of name: String, bytesMax: Int = Self.bytesMax) -> String? {
    if name.isEmpty { return "it is empty" }
    if name.hasBytePrefix(".") { return "it starts with a dot, which hides it" }
    if name.hasByteSuffix(".") || name.hasByteSuffix(" ") {
      return "it ends with a dot or a blank, which Windows cannot open"
    }
    if name.utf8.contains(UInt8(ascii: "/")) { return "it has a slash" }
    if name.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) { return "it has a control character" }
    if name.utf8.count > bytesMax { return "it is longer than \(bytesMax) bytes" }
    return nil
  }

  /// Says why a folder below `releases/` cannot be a release of this name; nil when it can.
  package static func refusal(ofRelease name: String) -> String? {
    if name == quick { return "it is reserved for quick/" }
    if Volume.isOfSystem(name) { return "systems keep their own files under that name" }
    return refusal(of: name)
  }

  /// Scene, layer and node names are data: scalars that a path may not hold become `_`, and what is too long is cut.
  package static func asPathComponent(_ text: String) -> String {
    var safe = String.UnicodeScalarView()
    for scalar in text.prefix(bytesMax: bytesMax).unicodeScalars {
      safe.append(scalar == "/" || scalar.value < 32 || scalar.value == 127 ? "_" : scalar)
    }
    return safe.allSatisfy { $0 == "." } ? "_" : String(safe)
  }
}

/// Names of scenes, layers and nodes as the names of folders and files, no two alike, also not in another case or
/// Unicode form.
package struct PathNames: Hashable, Sendable {
  /// Names of our own beside them.
  package static let reserved: Set<String> = ["nodes", ".tiles", ".previous", "contact-sheet.jpg"]
  private let components: [ExactText: String]

  /// - Parameter reserved: names that none may get.
  package init(_ names: [String], reserved: Set<String> = Self.reserved) {
    var taken = reserved
    components = names.reduce(into: [:]) { components, name in
      guard components[ExactText(name)] == nil else { return }
      let plain = NameRule.asPathComponent(name)
      let free = ([plain] + (2...names.count + 2).map { "\(plain)-\($0)" }).first { !taken.contains($0.lowercased()) }
      components[ExactText(name)] = free ?? plain
      taken.insert((free ?? plain).lowercased())
    }
  }

  /// What a name is called on the disk.
  package subscript(name: String) -> String { components[ExactText(name)] ?? NameRule.asPathComponent(name) }
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

  /// By bytes, as the ledger and the file system compare.
  package static func == (a: JobName, b: JobName) -> Bool {
    a.job.isSameBytes(as: b.job) && a.release.isSameBytes(as: b.release)
  }

  /// Of the bytes.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(ExactText(release))
    hasher.combine(ExactText(job))
  }

  /// Whether people mean it by this text: `job` or `release/job`; in any Unicode form, for keyboards type another than
  /// some disks hold.
  package func fits(_ text: String) -> Bool { job == text || description == text }
}

/// A job's name as other systems see it, where case and Unicode form make no difference.
///
/// Swift compares texts by canonical equivalence, so lower case is all that is to be folded.
package struct FoldedName: Hashable, Sendable {
  package let release: String
  package let job: String

  package init(_ name: JobName) {
    release = name.release.lowercased()
    job = name.job.lowercased()
  }
}

extension String {
  /// The text as one word of a shell, in quotes only where it needs them.
  package var quotedForShell: String {
    let isPlain = !isEmpty && !hasBytePrefix("-") && utf8.allSatisfy { Self.plainInShell.contains($0) }
    return isPlain
      ? self : "'" + pieces(between: "'").joined(separator: "'\\''") + "'"
  }

  private static let plainInShell = Set(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/.,:@%+=-".utf8)

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
