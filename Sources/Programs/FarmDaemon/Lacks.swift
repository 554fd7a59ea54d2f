import FarmModel
import FarmStore
import VolumeFiles

/// Blocked revisions that wait for files, and which of them are worth a look now. A value.
///
/// The watch tells of files that come, where the disk tells of them; now and then everything is looked for.
struct Lacks {
  /// A blocked revision with the files that it waits for; without files it is the right to write its frames.
  struct Lack {
    let revision: Revision
    let files: [MissingFile]
    /// How the files were at the last look.
    fileprivate var last: [ExactText: Fingerprint] = [:]
    fileprivate var isStirred = true
    /// Since when they were like that, and whether it was told that they stay so.
    fileprivate var since: Timestamp?
    fileprivate var isStalled = false
    /// Where it waits for the right to write: when that is looked at.
    fileprivate let notBefore: Timestamp

    fileprivate init(_ revision: Revision, _ files: [MissingFile], notBefore: Timestamp) {
      self.revision = revision
      self.files = files
      self.notBefore = notBefore
    }
  }

  private static let everything = Duration.seconds(30)

  /// In nanoseconds: half a minute, and ten.
  private static let pauseMin: Int64 = 30_000_000_000
  private static let pauseMax: Int64 = 600_000_000_000

  private var waiting: [Int64: Lack] = [:]
  /// How often before a revision seemed to be cured.
  private var cures: [Int64: Int] = [:]
  /// Of which the watch told since the last look.
  private var told: Set<ExactText> = []
  private var everythingAt: Timestamp?
  /// When was looked last.
  private var now = Timestamp(nanoseconds: 0)

  mutating func add(_ revision: Revision, _ files: [MissingFile], at now: Timestamp) {
    // It seemed to be cured, and was not: that one frame cannot be written is found out by rendering it.
    let pause = cures[revision.id].map { min(Self.pauseMin << min($0, 5), Self.pauseMax) } ?? 0
    waiting[revision.id] = Lack(revision, files, notBefore: Timestamp(nanoseconds: now.nanoseconds + pause))
  }

  /// A revision is done.
  mutating func forget(_ revision: Int64) { cures[revision] = nil }

  /// What a revision waited for is there.
  /// - Returns: false when it waited for nothing.
  mutating func cure(_ revision: Int64) -> Bool {
    guard remove(revision) else { return false }
    cures[revision, default: -1] += 1
    return true
  }

  /// - Returns: false when it waited for nothing.
  @discardableResult
  mutating func remove(_ revision: Int64) -> Bool { waiting.removeValue(forKey: revision) != nil }

  /// Something happened to a file.
  mutating func tell(of path: String) {
    if !waiting.isEmpty { told.insert(ExactText(path)) }
  }

  /// The files that anything waits for.
  var paths: [String] { Set(waiting.values.flatMap(\.files).map { ExactText($0.path) }).map(\.text) }

  /// Those to be looked after: of which something was told, what changed at the last look, and now and then all.
  mutating func due(at now: Timestamp) -> [Lack] {
    self.now = now
    let isEverything = everythingAt.map { now.since($0) >= Self.everything } ?? true
    if isEverything { everythingAt = now }
    let told = told
    self.told = []
    if !told.isEmpty || isEverything {
      let stirred = waiting.filter { _, lack in
        isEverything || lack.files.contains { told.contains(ExactText($0.path)) }
      }
      for id in stirred.keys { waiting[id]?.isStirred = true }
    }
    return waiting.values.filter { $0.files.isEmpty ? now >= $0.notBefore : $0.isStirred }.sorted {
      $0.revision.id < $1.revision.id
    }
  }

  /// Those with a file that was found wanting and stayed like that for so long; each once, until something changes.
  mutating func stalled(for stall: Duration, at now: Timestamp) -> [Lack] {
    var stalled: [Lack] = []
    for (id, lack) in waiting where !lack.isStalled {
      guard let since = lack.since, now.since(since) >= stall,
        lack.files.contains(where: { file in
          guard let seen = file.seen, let there = lack.last[ExactText(file.path)] else { return false }
          return seen == [there.size, there.mtimeNanoseconds]
        })
      else { continue }
      waiting[id]?.isStalled = true
      stalled.append(lack)
    }
    return stalled.sorted { $0.revision.id < $1.revision.id }
  }

  /// Takes in a look at the files of a revision.
  /// - Returns: whether every one is another than Blender found, and unchanged since the last look.
  mutating func isCured(_ revision: Int64, _ now: [ExactText: Fingerprint]) -> Bool {
    guard let lack = waiting[revision] else { return false }
    let isCured = lack.files.allSatisfy { file in
      let path = ExactText(file.path)
      guard let there = now[path] else { return false }
      return [there.size, there.mtimeNanoseconds] != file.seen && lack.last[path] == there
    }
    if lack.last != now || lack.since == nil { waiting[revision]?.since = self.now }
    if lack.last != now { waiting[revision]?.isStalled = false }
    waiting[revision]?.last = now
    // Cured, but maybe somebody still writes.
    waiting[revision]?.isStirred = isCured || lack.last != now
    return isCured
  }
}
