import FarmModel
import Yams

/// How values of farm.yaml are taken in; each is false for one that is not of the range.
enum ConfigValues {
  static func list(_ node: Node, _ take: ([String]) -> Void) -> Bool {
    guard let texts = node.sequence?.map(\.string), texts.allSatisfy({ $0?.isEmpty == false }) else { return false }
    take(texts.compactMap { $0 })
    return true
  }

  static func whole(_ node: Node, _ range: ClosedRange<Int>, _ take: (Int) -> Void) -> Bool {
    guard let number = node.int, range.contains(number) else { return false }
    take(number)
    return true
  }

  static func duration(
    _ node: Node, _ least: Duration, _ most: Duration, _ take: (Duration) -> Void
  ) -> Bool {
    guard let text = node.string, let time = Duration(spelled: text), (least...most).contains(time) else {
      return false
    }
    take(time)
    return true
  }

  /// The same, or nil for `never`.
  static func durationOrNever(
    _ node: Node, _ least: Duration, _ most: Duration, _ take: (Duration?) -> Void
  ) -> Bool {
    if node.string == "never" {
      take(nil)
      return true
    }
    return duration(node, least, most) { take($0) }
  }
}

/// One key of `nimby:`.
struct NimbyKey: ConfigEntry, Sendable {
  let name: String
  let range: String
  let set: @Sendable (inout Nimby, Node) -> Bool

  static let all = [
    NimbyKey(name: "hours", range: "hours, as mon-fri 08:00-19:00, or a list of them") { nimby, node in
      let texts = node.sequence?.map(\.string) ?? [node.string]
      let hours = texts.map { $0.flatMap { WeeklyHours($0) } }
      guard !hours.isEmpty, !hours.contains(nil) else { return false }
      nimby.hours = hours.compactMap { $0 }
      return true
    },
    NimbyKey(name: "load", range: "0.1 to 1024, in processors that other programs use") { nimby, node in
      guard let load = node.float, (0.1...1024).contains(load) else { return false }
      nimby.load = load
      return true
    },
  ]
}

private let day: Int64 = 86_400

/// One key of `archive:`.
struct ArchiveKey: ConfigEntry, Sendable {
  let name: String
  let range: String
  let set: @Sendable (inout ArchiveRule, Node) -> Bool

  static let all = [
    ArchiveKey(name: "after", range: "7d to 3650d") { rule, node in
      ConfigValues.duration(node, ArchiveRule.leastAfter, .seconds(3650 * day)) { rule.after = $0 }
    },
    ArchiveKey(name: "window", range: "hours, as \"02:00-05:00\" or \"sat,sun 22:00-06:00\"") { rule, node in
      guard let window = node.string.flatMap({ WeeklyHours($0) }) else { return false }
      rule.window = window
      return true
    },
    ArchiveKey(name: "format", range: "gz or zst") { rule, node in
      guard let format = node.string.flatMap(ArchiveFormat.init(rawValue:)) else { return false }
      rule.format = format
      return true
    },
    ArchiveKey(name: "keep_dist", range: "yes or no") { rule, node in
      guard let keeps = node.bool else { return false }
      rule.keepsDist = keeps
      return true
    },
  ]
}

/// The key of `quick:`.
struct QuickKey: ConfigEntry, Sendable {
  let name: String
  let range: String
  let set: @Sendable (inout TidyLimits, Node) -> Bool

  static let all = [
    QuickKey(name: "keep", range: "never, or 1d to 3650d") { limits, node in
      ConfigValues.durationOrNever(node, .seconds(day), .seconds(3650 * day)) { limits.quick = $0 }
    }
  ]
}

/// One key of `tidy:`.
struct TidyKey: ConfigEntry, Sendable {
  let name: String
  let range = "never, or 1h to 3650d"
  let set: @Sendable (inout TidyLimits, Node) -> Bool

  private init(_ name: String, _ take: @escaping @Sendable (inout TidyLimits, Duration?) -> Void) {
    self.name = name
    set = { limits, node in
      ConfigValues.durationOrNever(node, .seconds(3600), .seconds(3650 * day)) { take(&limits, $0) }
    }
  }

  static let all = [
    TidyKey("logs") { $0.logs = $1 }, TidyKey("thumbnails") { $0.thumbnails = $1 }, TidyKey("bad") { $0.bad = $1 },
    TidyKey("burnt") { $0.burnt = $1 },
  ]
}

/// One key of `backup:`.
struct BackupKey: ConfigEntry, Sendable {
  let name: String
  let range: String
  let set: @Sendable (inout BackupRule, Node) -> Bool

  static let all = [
    BackupKey(name: "every", range: "1m to 365d") { rule, node in
      ConfigValues.duration(node, .seconds(60), .seconds(365 * day)) { rule.every = $0 }
    },
    BackupKey(name: "keep", range: "0 (no copies) to 1000") { rule, node in
      ConfigValues.whole(node, 0...1000) { rule.keep = $0 }
    },
  ]
}
