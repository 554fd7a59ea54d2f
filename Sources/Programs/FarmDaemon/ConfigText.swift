import FarmModel
import Intake
import SystemPackage
import VolumeFiles
import Yams

/// One key of a configuration file.
protocol ConfigEntry {
  associatedtype Settings
  var name: String { get }
  /// Which values it takes, for people.
  var range: String { get }
  /// Takes a value in; false when it is not of the range.
  var set: @Sendable (inout Settings, Node) -> Bool { get }
  /// What is wrong with a value that is not of the range; nil where nothing more can be said.
  func reason(_ value: Node) -> String?
  /// Takes in a value that has keys of its own; nil for any other.
  var group: ConfigGroup<Settings>? { get }
}

extension ConfigEntry {
  func reason(_ value: Node) -> String? { nil }
  var group: ConfigGroup<Settings>? { nil }
}

/// Takes the keys of a mapping in a file into settings.
typealias ConfigGroup<Settings> = @Sendable (inout Settings, Node, FilePath) throws(ConfigFailure) -> Void

/// A configuration file's text as keys and values that know where they stand.
enum ConfigText {
  /// Takes every key of a text into the settings; keys without a value are passed over.
  /// - Throws: ``ConfigFailure`` with file, line and column.
  static func take<Entry: ConfigEntry>(
    _ text: String, file: FilePath, entries: [Entry], into settings: inout Entry.Settings
  ) throws(ConfigFailure) {
    try take(try keys(of: text, file: file), file: file, entries: entries, into: &settings)
  }

  /// Takes every key of a mapping within a file into the settings.
  /// - Throws: ``ConfigFailure`` as for the file itself.
  static func take<Entry: ConfigEntry>(
    _ group: Node, file: FilePath, entries: [Entry], into settings: inout Entry.Settings
  ) throws(ConfigFailure) {
    guard case .mapping(let mapping) = group else {
      let form = entries.first.map { ", as {\($0.name): …}" } ?? ""
      throw .notYAML(ConfigPlace(file, group), "it is not a list of `key: value`\(form)")
    }
    try take(mapping.map { ($0.key, $0.value) }, file: file, entries: entries, into: &settings)
  }

  private static func take<Entry: ConfigEntry>(
    _ pairs: [(key: Node, value: Node)], file: FilePath, entries: [Entry], into settings: inout Entry.Settings
  ) throws(ConfigFailure) {
    for (key, value) in pairs {
      let name = key.string ?? ""
      guard let known = entries.first(where: { $0.name == name }) else {
        let nearest = Nearest.name(to: name, among: entries.map(\.name))
        throw .unknownKey(name, ConfigPlace(file, key), nearest: nearest)
      }
      if value.null != nil { continue }
      if let group = known.group {
        try group(&settings, value, file)
        continue
      }
      guard known.set(&settings, value) else {
        throw .badValue(name, ConfigPlace(file, value), wanted: "\(known.range)\(said(value, known))")
      }
    }
  }

  /// What stands there, and what is wrong with it where that is known.
  private static func said(_ value: Node, _ key: some ConfigEntry) -> String {
    guard case .scalar(let scalar) = value else { return " (it is a \(value.sequence == nil ? "mapping" : "list"))" }
    let isQuoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
    let why = key.reason(value) ?? (isQuoted ? "in quotes it is a text" : nil)
    let shown = scalar.string.count > 40 ? "\(scalar.string.prefix(40))…" : scalar.string
    return " (it is \"\(shown.escapedForTerminal)\"\(why.map { ": \($0)" } ?? ""))"
  }

  /// - Throws: ``ConfigFailure/notYAML`` when it is no mapping.
  private static func keys(of text: String, file: FilePath) throws(ConfigFailure) -> [(key: Node, value: Node)] {
    let document: Node?
    do {
      let parser = try Parser(yaml: text)
      document = try parser.nextRoot()
      if let second = try parser.nextRoot() {
        throw ConfigFailure.notYAML(ConfigPlace(file, second), "it has a second document")
      }
    } catch let failure as ConfigFailure {
      throw failure
    } catch let error as YamlError {
      throw notYAML(file, error)
    } catch {
      throw .notYAML(ConfigPlace(file: file, line: 1, column: 1), "\(error)")
    }
    guard let document else { return [] }
    if case .mapping(let mapping) = document { return mapping.map { ($0.key, $0.value) } }
    // A file of comments alone is an empty scalar.
    if case .scalar(let scalar) = document, scalar.string.isEmpty { return [] }
    throw .notYAML(ConfigPlace(file, document), "it is not a list of `key: value`")
  }

  private static func notYAML(_ file: FilePath, _ error: YamlError) -> ConfigFailure {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      .notYAML(ConfigPlace(file: file, line: mark.line, column: mark.column), problem)
    case .duplicatedKeysInMapping(let keys, let context):
      .notYAML(
        ConfigPlace(file: file, line: context.mark.line, column: context.mark.column),
        "\(keys.map { "\"\($0)\"" }.joined(separator: ", ")) is said twice")
    default: .notYAML(ConfigPlace(file: file, line: 1, column: 1), "\(error)")
    }
  }
}

/// A place in a configuration file.
package struct ConfigPlace: Hashable, Sendable, CustomStringConvertible {
  package let file: FilePath
  /// Both count from 1.
  package let line: Int
  package let column: Int

  init(file: FilePath, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  init(_ file: FilePath, _ node: Node) {
    self.init(file: file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
  }

  package var description: String { "\(file.string.escapedForTerminal):\(line):\(column)" }
}

extension ConfigText {
  /// The text of a file on the share; nil when there is none.
  /// - Throws: ``ConfigFailure/unreadable`` for what is no text, no file, or closed to us.
  static func read(_ path: FilePath) throws(ConfigFailure) -> String? { try readWish(path)?.text }

  /// The same with the file that it is.
  static func readWish(_ path: FilePath) throws(ConfigFailure) -> WishText? {
    let (status, bytes): (FileStatus?, [UInt8])
    do throws(FileFailure) {
      status = try FileStatus(at: path)
      bytes = status?.kind == .regular ? try FileBytes.all(of: path, limitBytes: 1 << 20) : []
    } catch {
      throw .unreadable(path, error.description)
    }
    guard let status else { return nil }
    let name = path.lastComponent?.string.escapedForTerminal ?? ""
    guard status.kind == .regular else {
      throw .unreadable(path, "\(name) is no file but a folder, a link or the like")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .unreadable(path, "\(name) is not UTF-8") }
    return WishText(text, inode: status.fingerprint.inode)
  }
}

extension FilePath {
  /// Whether it is called like a release's plan.
  var isPlan: Bool { lastComponent?.string == Volume.planName }
  /// Whether it is called like a job's sidecar.
  var isSidecar: Bool { lastName.map { DropPlace.isSidecar($0) } == true }
}
