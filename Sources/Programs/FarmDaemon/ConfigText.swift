import FarmModel
import SystemPackage
import Yams

/// One key of a configuration file.
protocol ConfigEntry {
  associatedtype Settings
  var name: String { get }
  /// Which values it takes, for people.
  var range: String { get }
  /// Takes a value in; false when it is not of the range.
  var set: @Sendable (inout Settings, Node) -> Bool { get }
}

/// A configuration file's text as keys and values that know where they stand.
enum ConfigText {
  /// Takes every key of a text into the settings; keys without a value are passed over.
  /// - Throws: ``ConfigFailure`` with file, line and column.
  static func take<Entry: ConfigEntry>(
    _ text: String, file: FilePath, entries: [Entry], into settings: inout Entry.Settings
  ) throws(ConfigFailure) {
    for (key, value) in try keys(of: text, file: file) {
      let name = key.string ?? ""
      guard let known = entries.first(where: { $0.name == name }) else {
        let nearest = Nearest.name(to: name, among: entries.map(\.name))
        throw .unknownKey(name, ConfigPlace(file, key), nearest: nearest)
      }
      if value.null != nil { continue }
      guard known.set(&settings, value) else { throw .badValue(name, ConfigPlace(file, value), wanted: known.range) }
    }
  }

  /// - Throws: ``ConfigFailure/notYAML`` when it is no mapping.
  private static func keys(of text: String, file: FilePath) throws(ConfigFailure) -> [(key: Node, value: Node)] {
    let document: Node?
    do { document = try Yams.compose(yaml: text) } catch let error as YamlError {
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

extension FilePath {
  /// Whether it is called like a release's plan.
  var isPlan: Bool { lastComponent?.string == Volume.planName }
}
