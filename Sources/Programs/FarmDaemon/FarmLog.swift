import FarmModel
import FoundationEssentials
import Glibc
import Logging

/// Writes log records to standard error, one a line: for people, or as JSON.
package struct FarmLog: LogHandler {
  /// How a record looks.
  package enum Format: String, CaseIterable, Sendable {
    case text, json
  }

  package var logLevel: Logger.Level = .info
  package var metadata: Logger.Metadata = [:]
  private let format: Format
  private let label: String
  private let clock: WallClock

  package init(label: String, format: Format, clock: WallClock) {
    self.label = label
    self.format = format
    self.clock = clock
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    let pairs = all.map { ($0.key, "\($0.value)") }.sorted { $0.0 < $1.0 }
    write(line(event.level, "\(event.message)", pairs))
  }

  func line(_ level: Logger.Level, _ message: String, _ pairs: [(String, String)]) -> String {
    let at = clock.now().rfc3339
    switch format {
    case .text:
      let short = at.prefix(19).replacing("T", with: " ")
      let rest = pairs.map { " \($0)=\(Self.quoted($1))" }.joined()
      return "\(short)Z \(level.rawValue) \(message)\(rest)".escapedForTerminal
    case .json:
      var fields = Dictionary(pairs) { first, _ in first }
      fields["at"] = at
      fields["level"] = level.rawValue
      fields["message"] = message
      fields["source"] = label
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      // Texts always encode.
      return (try? encoder.encode(fields)).map { String(decoding: $0, as: UTF8.self) } ?? message
    }
  }

  /// In quotes where a blank is in it.
  private static func quoted(_ value: String) -> String {
    guard value.utf8.contains(UInt8(ascii: " ")) else { return value }
    return "\"" + value.pieces(between: "\"").joined(separator: "\\\"") + "\""
  }

  /// One write, so that lines of two threads do not mix.
  private func write(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = Glibc.write(2, bytes, bytes.count)
  }
}
