import FarmModel
import Yams

/// A key below another one of farm.yaml, as `window` below `archive`.
struct GroupKey<Settings>: ConfigEntry, Sendable {
  let name: String
  let range: String
  let set: @Sendable (inout Settings, Node) -> Bool
  private let why: @Sendable (Node) -> String?

  /// - Parameter why: what is wrong with a value that is not of the range, where more can be said.
  init(
    _ name: String, range: String, why: @escaping @Sendable (Node) -> String? = { _ in nil },
    set: @escaping @Sendable (inout Settings, Node) -> Bool
  ) {
    (self.name, self.range, self.set, self.why) = (name, range, set, why)
  }

  func reason(_ value: Node) -> String? { why(value) }
}

/// The keys of each group.
enum GroupKeys {
  @Sendable private static func mistakeInHours(_ value: Node) -> String? {
    guard let text = value.string else { return nil }
    do throws(WeeklyHours.Mistake) {
      _ = try WeeklyHours(parsing: text)
      return nil
    } catch { return error.reason }
  }

  static let nimby: [GroupKey<Nimby>] = [
    GroupKey("hours", range: "hours, as mon-fri 08:00-19:00, or a list of them", why: mistakeInHours) { nimby, node in
      let texts = node.sequence?.map(\.string) ?? [node.string]
      let hours = texts.map { $0.flatMap { WeeklyHours($0) } }
      guard !hours.isEmpty, !hours.contains(nil) else { return false }
      nimby.hours = hours.compactMap { $0 }
      return true
    },
    GroupKey("load", range: "0.1 to 1024, in processors that other programs use") { nimby, node in
      guard let load = node.float, (0.1...1024).contains(load) else { return false }
      nimby.load = load
      return true
    },
  ]

  private static let day: Int64 = 86_400

  static let archive: [GroupKey<ArchiveRule>] = [
    GroupKey("after", range: "7d to 3650d") { rule, node in
      ConfigValues.duration(node, ArchiveRule.leastAfter, .seconds(3650 * day)) { rule.after = $0 }
    },
    GroupKey("window", range: "hours, as \"02:00-05:00\" or \"sat,sun 22:00-06:00\"", why: mistakeInHours) {
      rule, node in
      guard let window = node.string.flatMap({ WeeklyHours($0) }) else { return false }
      rule.window = window
      return true
    },
    GroupKey("format", range: "gz or zst") { rule, node in
      guard let format = node.string.flatMap(ArchiveFormat.init(rawValue:)) else { return false }
      rule.format = format
      return true
    },
    GroupKey("keep_dist", range: "yes or no") { rule, node in
      guard let keeps = node.bool else { return false }
      rule.keepsDist = keeps
      return true
    },
  ]

  static let quick: [GroupKey<TidyLimits>] = [
    GroupKey("keep", range: "never, or 1d to 3650d") { limits, node in
      ConfigValues.durationOrNever(node, .seconds(day), .seconds(3650 * day)) { limits.quick = $0 }
    }
  ]

  static let tidy: [GroupKey<TidyLimits>] = [
    kept("logs") { $0.logs = $1 }, kept("thumbnails") { $0.thumbnails = $1 }, kept("bad") { $0.bad = $1 },
    kept("burnt") { $0.burnt = $1 },
  ]

  private static func kept(
    _ name: String, _ take: @escaping @Sendable (inout TidyLimits, Duration?) -> Void
  ) -> GroupKey<TidyLimits> {
    GroupKey(name, range: "never, or 1h to 3650d") { limits, node in
      ConfigValues.durationOrNever(node, .seconds(3600), .seconds(3650 * day)) { take(&limits, $0) }
    }
  }

  static let backup: [GroupKey<BackupRule>] = [
    GroupKey("every", range: "1m to 365d") { rule, node in
      ConfigValues.duration(node, .seconds(60), .seconds(365 * day)) { rule.every = $0 }
    },
    GroupKey("keep", range: "0 (no copies) to 1000") { rule, node in
      ConfigValues.whole(node, 0...1000) { rule.keep = $0 }
    },
  ]
}
