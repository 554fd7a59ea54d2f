import FarmModel
import SystemPackage
import VolumeFiles
import Yams

/// What release.yaml says about a release.
struct ReleasePlan: Hashable {
  /// Nil: the file says nothing of jobs, and the release has no plan.
  var jobs: [String]?
  var harvest = HarvestMode.auto
  var priority = 50

  static let fileName = "release.yaml"

  init(jobs: [String]? = nil) {
    self.jobs = jobs
  }

  /// Reads a release's plan; nil when it has no release.yaml.
  /// - Throws: ``ConfigFailure`` with file and line.
  static func read(in release: FilePath) throws(ConfigFailure) -> ReleasePlan? {
    let path = release.appending(fileName)
    let bytes: [UInt8]
    do throws(FileFailure) {
      guard try FileStatus(at: path) != nil else { return nil }
      bytes = try FileBytes.all(of: path, limitBytes: 1 << 20)
    } catch {
      throw .unreadable(error.description)
    }
    return try ReleasePlan(parsing: String(decoding: bytes, as: UTF8.self), file: path)
  }

  init(parsing text: String, file: FilePath) throws(ConfigFailure) {
    let document: Node?
    do { document = try Yams.compose(yaml: text) } catch { throw .notYAML(file, "\(error)") }
    guard let mapping = document?.mapping else { return }
    for (key, value) in mapping {
      let place = ConfigPlace(file: file, line: key.mark?.line ?? 0)
      let name = key.string ?? ""
      guard take(name, value) ?? false else {
        guard let wanted = Self.ranges[name] else {
          throw .unknownKey(name, place, nearest: Nearest.name(to: name, among: Self.ranges.keys.sorted()))
        }
        throw .badValue(name, place, wanted: wanted)
      }
    }
  }

  private static let ranges = [
    "jobs": "a list of job names", "harvest": "auto or manual", "priority": "0 to 100",
  ]

  private mutating func take(_ key: String, _ value: Node) -> Bool? {
    switch key {
    case "jobs":
      guard let names = value.sequence?.map(\.string),
        names.allSatisfy({ $0.map { NameRule.refusal(of: $0) } == .some(nil) })
      else { return false }
      jobs = names.compactMap { $0 }
    case "harvest":
      guard let mode = value.string.flatMap(HarvestMode.init(rawValue:)) else { return false }
      harvest = mode
    case "priority":
      guard let number = value.int, (0...100).contains(number) else { return false }
      priority = number
    default: return nil
    }
    return true
  }

  /// The file's text.
  var text: String {
    let head = """
      # The plan of this release: it is delivered to dist/ as a whole, when every job here is completed.
      # A job that is not listed counts as soon as it is dropped into store/.
      """
    let names = jobs ?? []
    let list = names.isEmpty ? " []" : names.map { "\n  - \(Self.quoted($0))" }.joined()
    return head + "\njobs:\(list)\nharvest: \(harvest.rawValue)\npriority: \(priority)\n"
  }

  private static func quoted(_ name: String) -> String {
    "'" + name.replacing("'", with: "''") + "'"
  }
}
