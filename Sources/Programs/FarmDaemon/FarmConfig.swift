import FarmModel
import LocalEngine
import SystemPackage
import VolumeFiles
import Yams

/// What farm.yaml says; every key has a default, so that no file is needed.
package struct FarmConfig: Hashable, Sendable {
  package var state: String?
  package var blenders = Blenders.usualPlaces
  package var allowsNewerMajor = false
  package var slots: Int?
  package var chunk = ChunkSize.auto
  package var hangAfter = Duration.seconds(600)
  package var diskFloor = DiskFloor.percent(5)
  package var nimby: Nimby?
  package var settleQuiet = Duration.milliseconds(100)
  package var settleStall = Duration.seconds(60)
  package var harvestQuiet = Duration.seconds(30)
  package var autoRefreshLimit = Duration.seconds(8 * 3600)
  package var still = StillMode.auto
  package var volumeSeenAs: [String] = []
  package var trustScripts: [String] = []
  package var ignore: [String] = []
  package var archive: ArchiveRule?
  package var tidy = TidyLimits()
  package var backup = BackupRule()

  package init() {}

  /// Reads a configuration file.
  /// - Throws: ``ConfigFailure`` with file and line.
  package init(at path: FilePath) throws(ConfigFailure) {
    let bytes: [UInt8]
    do { bytes = try FileBytes.all(of: path, limitBytes: 1 << 20) } catch { throw .unreadable(path, error.description) }
    let text = String(decoding: bytes, as: UTF8.self)
    // It may have said where the ledger lies: a start with the defaults would render everything anew.
    if let doubt = WishText(text, inode: 0).doubt(after: nil, saidSomething: false) {
      let remedy = "Write it again; a line `# defaults` alone means that every default holds."
      throw .notWhole(path, reason: doubt.reason, remedy: remedy)
    }
    try self.init(parsing: text, file: path)
  }

  /// Reads the text of a configuration file.
  package init(parsing text: String, file: FilePath) throws(ConfigFailure) {
    try ConfigText.take(text, file: file, entries: ConfigKey.all, into: &self)
  }
}

/// One key of farm.yaml: what it is for, its unit, default and range, and how it is taken in.
package struct ConfigKey: ConfigEntry, Sendable {
  package let name: String
  package let meaning: String
  package let unit: String
  package let standard: String
  package let range: String
  /// Takes a value in; false when it is not of the range.
  let set: @Sendable (inout FarmConfig, Node) -> Bool
  var group: ConfigGroup<FarmConfig>?

  /// Every key, in the order of etc/farm.yaml.
  package static let all = [
    ConfigKey(
      name: "state", meaning: "Folder of ledger, socket and logs, when they shall not lie on the volume.", unit: "path",
      standard: "(.farm/state on the volume)", range: "an absolute path",
      set: { config, node in
        guard let path = node.string, path.hasPrefix("/") else { return false }
        config.state = path
        return true
      }),
    ConfigKey(
      name: "blenders", meaning: "Where Blenders are looked for; all that are found are used.", unit: "list of globs",
      standard: Blenders.usualPlaces.joined(separator: ", "), range: "absolute paths, with * and ?",
      set: { config, node in
        guard let globs = node.sequence?.map(\.string), globs.allSatisfy({ $0?.hasPrefix("/") == true }) else {
          return false
        }
        config.blenders = globs.compactMap { $0 }
        return true
      }),
    ConfigKey(
      name: "allow_newer_major", meaning: "Whether a Blender of a later major version may open a file.",
      unit: "yes or no",
      standard: "no", range: "yes or no",
      set: { config, node in
        guard let flag = node.bool else { return false }
        config.allowsNewerMajor = flag
        return true
      }),
    ConfigKey(
      name: "slots", meaning: "How many Blenders run at once on this machine.", unit: "processes",
      standard: "(one a GPU, else one per 16 cores; never more than memory allows)", range: "1 to 64",
      set: { config, node in ConfigValues.whole(node, 1...64) { config.slots = $0 } }),
    ConfigKey(
      name: "chunk",
      meaning: "How many frames a task has; auto: as many as take five minutes, and never so many that workers wait.",
      unit: "frames", standard: "auto", range: "auto, or 1 to 1000",
      set: { config, node in
        guard let size = node.string.flatMap({ ChunkSize($0) }) else { return false }
        config.chunk = size
        return true
      }),
    ConfigKey(
      name: "hang_after",
      meaning: "How long a Blender may use no processor and say nothing before it is ended; or three usual frames.",
      unit: "duration", standard: "10m", range: "1s to 7d",
      set: { config, node in ConfigValues.duration(node, .seconds(1), .seconds(604_800)) { config.hangAfter = $0 } }),
    ConfigKey(
      name: "disk_floor",
      meaning: "How much of the disk stays free: with less, nothing new is rendered or archived. "
        + "At least 16 MB do.",
      unit: "per cent of the disk, or a size", standard: "5%", range: "0% to 50%, or a size in MB, GB or TB",
      set: { config, node in
        guard let floor = node.string.flatMap({ DiskFloor($0) }) else { return false }
        config.diskFloor = floor
        return true
      }),
    ConfigKey(
      name: "nimby",
      meaning: "When nothing new is rendered, for a machine that people sit at: hours, and load of their programs.",
      unit: "hours, and processors that other programs use", standard: "(never)",
      range: "hours: as [mon-fri 08:00-19:00]; load: 0.1 to 1024",
      set: { _, _ in false },
      group: { (config, node, file) throws(ConfigFailure) in
        var nimby = Nimby()
        try ConfigText.take(node, file: file, entries: GroupKeys.nimby, into: &nimby)
        config.nimby = nimby
      }),
    ConfigKey(
      name: "settle_quiet", meaning: "How long a file must not change before it is taken.", unit: "duration",
      standard: "100ms", range: "10ms to 1h",
      set: { config, node in ConfigValues.duration(node, .milliseconds(10), .seconds(3600)) { config.settleQuiet = $0 }
      }),
    ConfigKey(
      name: "settle_stall", meaning: "How long a file may stay half-copied before somebody is told.", unit: "duration",
      standard: "1m", range: "1s to 1d",
      set: { config, node in ConfigValues.duration(node, .seconds(1), .seconds(86_400)) { config.settleStall = $0 } }),
    ConfigKey(
      name: "volume_seen_as",
      meaning: "What the volume is called on the artists' machines, for paths in their files.",
      unit: "list of paths", standard: "(none)", range: "paths, as Z:\\show, /Volumes/show or \\\\server\\show",
      set: { config, node in ConfigValues.list(node) { config.volumeSeenAs = $0 } }),
    ConfigKey(
      name: "trust_scripts",
      meaning: "Folders whose files may run their own Python scripts and drivers, with the daemon's rights.",
      unit: "list of folders", standard: "(none)", range: "absolute paths, or below the volume, as releases/rigs",
      set: { config, node in ConfigValues.list(node) { config.trustScripts = $0 } }),
    ConfigKey(
      name: "still",
      meaning: "Whether of a scene in which nothing can move one frame is rendered in place of its range.",
      unit: "auto or never", standard: "auto", range: "auto or never",
      set: { config, node in
        guard let mode = node.string.flatMap(StillMode.init(rawValue:)) else { return false }
        config.still = mode
        return true
      }),
    ConfigKey(
      name: "ignore",
      meaning: "Files that are no drops, by patterns as in a .gitignore, from the volume's root on.",
      unit: "list of patterns", standard: "(none)", range: "patterns with *, ?, [a-z], **, a leading ! and slashes",
      set: { config, node in ConfigValues.list(node) { config.ignore = $0 } }),
    ConfigKey(
      name: "archive",
      meaning: "When releases go into the archive by themselves, so long after their delivery and the last change of a "
        + "file.",
      unit: "duration, hours of the day, gz or zst, yes or no",
      standard: "(never; with a rule: after 30d, at any time, gz, keep_dist yes)",
      range: "after: 7d to 3650d; window: as \"02:00-05:00\"; format: gz or zst; keep_dist: yes or no",
      set: { _, _ in false },
      group: { (config, node, file) throws(ConfigFailure) in
        var rule = ArchiveRule()
        try ConfigText.take(node, file: file, entries: GroupKeys.archive, into: &rule)
        config.archive = rule
      }),
    ConfigKey(
      name: "quick",
      meaning: "How long pictures of quick jobs stay in dist/quick; their .blends stay for ever, "
        + "and are not rendered again for that.",
      unit: "duration", standard: "(for ever)", range: "keep: never, or 1d to 3650d",
      set: { _, _ in false },
      group: { (config, node, file) throws(ConfigFailure) in
        try ConfigText.take(node, file: file, entries: GroupKeys.quick, into: &config.tidy)
      }),
    ConfigKey(
      name: "tidy",
      meaning: "How long logs, thumbnails, damaged pictures and what slash-and-burn put aside are kept.",
      unit: "durations", standard: "{logs: 30d, thumbnails: 30d, bad: 30d, burnt: 90d}",
      range: "each never, or 1h to 3650d",
      set: { _, _ in false },
      group: { (config, node, file) throws(ConfigFailure) in
        try ConfigText.take(node, file: file, entries: GroupKeys.tidy, into: &config.tidy)
      }),
    ConfigKey(
      name: "backup", meaning: "How often the ledger is copied to backups/ beside it, and how many copies are kept.",
      unit: "duration, number", standard: "{every: 6h, keep: 8}",
      range: "every: 1m to 365d; keep: 0 (no copies) to 1000",
      set: { _, _ in false },
      group: { (config, node, file) throws(ConfigFailure) in
        try ConfigText.take(node, file: file, entries: GroupKeys.backup, into: &config.backup)
      }),
    ConfigKey(
      name: "harvest_quiet", meaning: "How long nothing may change in a planned release before it is harvested.",
      unit: "duration", standard: "30s", range: "0s to 1d",
      set: { config, node in ConfigValues.duration(node, .zero, .seconds(86_400)) { config.harvestQuiet = $0 } }),
    ConfigKey(
      name: "auto_refresh_limit",
      meaning: "What one change of a texture or library may cost before the jobs that need it wait for a person.",
      unit: "duration of rendering, all frames together", standard: "8h", range: "0s to 365d",
      set: { config, node in ConfigValues.duration(node, .zero, .seconds(365 * 86_400)) { config.autoRefreshLimit = $0 }
      }),
  ]
}

/// Why a configuration file was refused.
package enum ConfigFailure: Failure, Equatable {
  case unreadable(FilePath, String)
  /// The daemon died on it.
  case crashed(FilePath, Problem)
  /// It was emptied or cut; what it said before stays in force.
  case notWhole(FilePath, reason: String, remedy: String)
  case notYAML(ConfigPlace, String)
  case unknownKey(String, ConfigPlace, nearest: String?)
  case badValue(String, ConfigPlace, wanted: String)

  package var description: String {
    switch self {
    case .unreadable(_, let reason): reason
    case .crashed(let path, let problem): "\(path.string.escapedForTerminal): \(problem.cause)"
    case .notWhole(let path, let reason, _): "\(path.lastComponent?.string.escapedForTerminal ?? "") \(reason)"
    case .notYAML(let place, let reason): "\(place): this is not understood: \(reason)"
    case .unknownKey(let key, let place, let nearest):
      "\(place): there is no key \"\(key.escapedForTerminal)\"" + (nearest.map { "; did you mean \"\($0)\"?" } ?? "")
    case .badValue(let key, let place, let wanted): "\(place): the value of \"\(key)\" is not in its range: \(wanted)"
    }
  }

  package var remedy: String {
    switch self {
    case .unreadable(let path, _) where path.isPlan || path.isSidecar:
      "Put a file there that the daemon's user may read, or remove it."
    case .crashed(let path, _):
      "Write \(path.lastComponent?.string.escapedForTerminal ?? "it") anew, or remove it; report it with the file and "
        + "the daemon's log."
    case .notWhole(_, _, let remedy): remedy
    case .unreadable: "Name an existing file with `--config`, or leave it out."
    case .notYAML(let place, _), .unknownKey(_, let place, _), .badValue(_, let place, _):
      "Correct the file; etc/\(place.file.isPlan ? Volume.planName : sample(of: place.file)) shows every key."
    }
  }

  private func sample(of file: FilePath) -> String { file.isSidecar ? "job.farm.yaml" : "farm.yaml" }

  package var kind: FailureKind { .wrongUse }

  /// The class under which a job shows it.
  var problemClass: ProblemClass {
    if case .crashed = self { .crashedTheFarm } else { .badSettings }
  }
}
