import FarmModel
import Harvest
import SystemPackage
import VolumeFiles
import Yams

/// release.yaml: what people want of a release, in the release's folder.
enum ReleasePlan {
  /// Reads a release's plan; nil when it has no release.yaml.
  /// - Throws: ``ConfigFailure`` with file, line and column.
  static func read(in release: FilePath) throws(ConfigFailure) -> ReleaseOrder? {
    let path = release.appending(Volume.planName)
    guard let text = try ConfigText.read(path) else { return nil }
    return try parse(text, file: path)
  }

  /// The text of a release's release.yaml; nil when it has none.
  static func text(in release: FilePath) throws(ConfigFailure) -> WishText? {
    try ConfigText.readWish(release.appending(Volume.planName))
  }

  /// Reads the text of a release.yaml; without keys it wants what every release gets.
  static func parse(_ text: String, file: FilePath) throws(ConfigFailure) -> ReleaseOrder {
    var order = ReleaseOrder()
    try ConfigText.take(text, file: file, entries: ReleaseKey.all, into: &order)
    return order
  }

  /// The file's text for a new release.
  static func text(_ order: ReleaseOrder) -> String {
    let jobs = order.jobs ?? []
    let list = jobs.isEmpty ? " []" : jobs.map { "\n  - \(quoted($0))" }.joined()
    var lines = [
      "# The plan of this release: it is delivered to dist/ as a whole, when every job here is completed.",
      "# A job that is not listed counts as soon as it is dropped into store/. Changes here are taken at once.",
      "jobs:\(list)", "harvest: \(order.harvest.rawValue)", "priority: \(order.priority)",
    ]
    if let naming = order.naming { lines.append("naming: \(quoted(naming))") }
    if let object = order.namingObject { lines.append("naming_object: \(quoted(object))") }
    if order.onChange != .render { lines.append("on_change: \(order.onChange.rawValue)") }
    if order.onMissing != .block { lines.append("on_missing: \(order.onMissing.rawValue)") }
    if let still = order.still { lines.append("still: \(still.rawValue)") }
    if !order.assets.isEmpty { lines.append("assets: [\(order.assets.map(quoted).joined(separator: ", "))]") }
    if let age = order.archiveAfter {
      lines.append("archive_after: \(age == ReleaseOrder.neverArchived ? "never" : age.spelled)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
}

/// One key of release.yaml.
struct ReleaseKey: ConfigEntry, Sendable {
  let name: String
  let range: String
  /// Takes a value in; false when it is not of the range.
  let set: @Sendable (inout ReleaseOrder, Node) -> Bool
  var group: ConfigGroup<ReleaseOrder>?

  static let all = [
    ReleaseKey(name: "jobs", range: "a list of job names") { order, node in
      guard let names = node.sequence?.map(\.string),
        names.allSatisfy({ $0.map { NameRule.refusal(of: $0) } == .some(nil) })
      else { return false }
      order.jobs = names.compactMap { $0 }
      return true
    },
    ReleaseKey(name: "harvest", range: "auto or manual") { order, node in
      guard let mode = node.string.flatMap(HarvestMode.init(rawValue:)) else { return false }
      order.harvest = mode
      return true
    },
    ReleaseKey(name: "priority", range: "0 to 100") { order, node in
      guard let number = node.int, (0...100).contains(number) else { return false }
      order.priority = number
      return true
    },
    ReleaseKey(name: "naming", range: "a file name with \(NamingTemplate.fields.joined(separator: " "))") {
      order, node in
      // The range says how it is written.
      guard let text = node.string, (try? NamingTemplate(parsing: text)) != nil else { return false }
      order.naming = text
      return true
    },
    ReleaseKey(name: "naming_object", range: "the name of an object") { order, node in
      guard let text = node.string, !text.isEmpty else { return false }
      order.namingObject = text
      return true
    },
    ReleaseKey(name: "on_change", range: "render or ask") { order, node in
      guard let choice = node.string.flatMap(OnChange.init(rawValue:)) else { return false }
      order.onChange = choice
      return true
    },
    ReleaseKey(name: "on_missing", range: "block or warn") { order, node in
      guard let choice = node.string.flatMap(OnMissing.init(rawValue:)) else { return false }
      order.onMissing = choice
      return true
    },
    ReleaseKey(name: "still", range: "auto or never") { order, node in
      guard let mode = node.string.flatMap(StillMode.init(rawValue:)) else { return false }
      order.still = mode
      return true
    },
    ReleaseKey(name: "assets", range: "a list of names, with * and ?") { order, node in
      guard let patterns = node.sequence?.map(\.string), !patterns.contains(nil) else { return false }
      order.assets = patterns.compactMap { $0 }
      return true
    },
    ReleaseKey(
      name: "defaults", range: "keys of a sidecar, see etc/job.farm.yaml", set: { _, _ in false },
      group: { (order, node, file) throws(ConfigFailure) in
        try ConfigText.take(node, file: file, entries: JobKey.all, into: &order.defaults)
      }),
    ReleaseKey(name: "archive_after", range: "never, or a duration, as 30d, to 36500d") { order, node in
      ConfigValues.durationOrNever(node, .zero, ReleaseOrder.neverArchived) {
        order.archiveAfter = $0 ?? ReleaseOrder.neverArchived
      }
    },
  ]
}
