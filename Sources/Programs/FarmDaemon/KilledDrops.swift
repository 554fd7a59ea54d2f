import FarmModel
import FoundationEssentials
import SystemPackage

/// Drops that a person killed while they were being copied. Each becomes a canceled job once it is whole; a change
/// after that is a new drop. A value.
struct KilledDrops: Hashable, Codable {
  /// Below the volume's root.
  private var jobs: [String: JobName] = [:]

  init() {}

  /// - Parameter text: as ``text`` wrote it.
  init?(_ text: String) {
    guard let drops = try? JSONDecoder().decode(Self.self, from: Data(text.utf8)) else { return nil }  // Of no version.
    self = drops
  }

  /// For the ledger; nil when there are none.
  var text: String? {
    guard !jobs.isEmpty, let bytes = try? JSONEncoder().encode(self) else { return nil }  // Texts are always encoded.
    return String(decoding: bytes, as: UTF8.self)
  }

  mutating func insert(_ below: FilePath, _ job: JobName) { jobs[below.string] = job }

  /// - Returns: whether it was one of them.
  mutating func remove(_ below: FilePath) -> Bool { jobs.removeValue(forKey: below.string) != nil }

  func contains(_ below: FilePath) -> Bool { jobs[below.string] != nil }

  /// The jobs that they will be, in one release.
  func names(in release: String) -> [JobName] { jobs.values.filter { $0.release == release } }

  /// The releases in which some are.
  var releases: Set<String> { Set(jobs.values.map(\.release)) }

  static let problem = Problem(.killed, cause: "a person killed it while it was being copied")
}
