import FarmModel
import SystemPackage

/// What marks of crashes say of each file. A value: touches no file.
struct CrashHistory: Sendable {
  /// Whether a file may be taken in.
  enum Verdict: Hashable, Sendable {
    /// The daemon died once while it, or something beside it, was taken in: it is taken in alone.
    case suspected
    /// The daemon died twice on it, last by this signal.
    case rejected(deaths: Int, signal: Int32)
  }

  private struct Deaths {
    /// On which nothing else can have died.
    var sure = 0
    /// Something else was taken in at that moment too.
    var possible = 0
    var signal: Int32 = 0

    private static let max = 2
    var isReject: Bool { sure > 0 && sure + possible >= Self.max }
  }

  private var deaths: [MarkedFile: Deaths] = [:]

  init(_ marks: [CrashMark] = []) {
    for mark in marks { add(mark) }
  }

  mutating func add(_ mark: CrashMark) {
    guard mark.signal != 0 else {
      for file in mark.files { deaths[file] = nil }
      return
    }
    let suspects = Set(mark.files.filter { deaths[$0] != nil })
    let culprit: MarkedFile? =
      if mark.isSure { mark.files.first } else if Set(mark.files).count == 1 { mark.files.first } else {
        // Suspects are taken in one at a time: the one that was there again is the one.
        suspects.count == 1 ? suspects.first : nil
      }
    if let culprit {
      deaths[culprit, default: Deaths()].sure += 1
      deaths[culprit]?.signal = mark.signal
    } else {
      for file in Set(mark.files) {
        deaths[file, default: Deaths()].possible += 1
        deaths[file]?.signal = mark.signal
      }
    }
  }

  /// - Parameter fingerprint: nil: not known.
  func verdict(on path: FilePath, _ fingerprint: Fingerprint?) -> Verdict? {
    guard !deaths.isEmpty else { return nil }
    let own = deaths[MarkedFile(path, fingerprint)]
    // Marks that know no version speak of the one that was rejected since, if there is one.
    guard let found = own ?? (rejectedVersions(of: path).isEmpty ? deaths[MarkedFile(path, nil)] : nil) else {
      return nil
    }
    return found.isReject ? .rejected(deaths: found.sure + found.possible, signal: found.signal) : .suspected
  }

  /// Whether a file was rejected when nothing but its path was known: that holds for the version that lies there now.
  func isRejectedByPath(_ path: FilePath) -> Bool { deaths[MarkedFile(path, nil)]?.isReject == true }

  func rejectedVersions(of path: FilePath) -> [MarkedFile] {
    deaths.filter { $0.key.path == path && $0.key.stamp != MarkedFile.unknown && $0.value.isReject }.map(\.key)
  }
}
