import FarmModel

/// Which Blenders there are, and which of them have said what they are. A value: touches no file and starts no program.
///
/// Globs are looked up and programs are asked side by side, because each of them may hang: one that does not answer
/// within ``Blenders/probeMax`` counts as unwell, and holds up nothing but itself.
struct BlenderSurvey {
  typealias Instant = ContinuousClock.Instant

  /// What a look found.
  struct News {
    /// Gone or replaced.
    var gone: Set<String> = []
    /// To be asked what they are.
    var new: [(path: String, file: Fingerprint)] = []
    var hasChanged = false
  }

  /// A program that does not work: the looks until it is asked again, and how many it were the last time.
  private struct Failed {
    var left: Int
    let pause: Int
    let reason: String
  }

  private static let pauseMax = 60

  /// When the look for a glob began that has not returned.
  private var looking: [String: Instant] = [:]
  /// What each glob led to, when its file system answered last.
  private var matches: [String: [String: Fingerprint]] = [:]
  /// The globs in their order, and within a glob by name: the order of programs.
  private var globs: [String] = []
  private var known: [String: Fingerprint] = [:]
  /// When a program was asked that has not answered.
  private var asked: [String: Instant] = [:]
  /// Programs that were asked and of which nothing is known yet: any of them may fit a file best.
  private var untold: Set<String> = []
  private var failed: [String: Failed] = [:]
  /// Globs whose file systems do not answer.
  private var silent: Set<String> = []
  private var programs: [String: BlenderProgram] = [:]
  private var now: Instant?
  /// Whether every program of the first look has answered or was given up.
  private(set) var isSurveyed = false

  /// The Blenders that work, in the order in which they are named.
  var found: [BlenderProgram] { programs.values.sorted { rank($0.path) < rank($1.path) } }

  var unwell: [UnwellProgram] {
    (failed.map { UnwellProgram(path: $0.key, reason: $0.value.reason) } + silent.map(Self.unanswered))
      .sorted { $0.path < $1.path }
  }

  /// Programs, and globs, that have not answered yet.
  var probing: [String] {
    let unknown = looking.keys.filter { matches[$0] == nil && !silent.contains($0) }
    return (unknown + untold).sorted()
  }

  /// Whether it is known of one program at least what it is, or that there is none.
  var hasAnswer: Bool { !programs.isEmpty || !failed.isEmpty || !silent.isEmpty || probing.isEmpty }

  /// To be called after the engine has reported what it can do.
  mutating func endSurveyIfDone() { if probing.isEmpty { isSurveyed = true } }

  private func rank(_ path: String) -> (Int, String) {
    (globs.firstIndex { matches[$0]?[path] != nil } ?? globs.count, path)
  }

  /// The file that a program was when it was looked at last.
  func file(of path: String) -> Fingerprint? { known[path] }

  // MARK: - Looking

  /// Begins a look.
  /// - Returns: the globs that are to be looked up: all but those whose file system has not answered yet.
  mutating func begin(looksFor globs: [String], at now: Instant) -> [String] {
    self.globs = globs
    self.now = now
    for path in failed.keys {
      failed[path]?.left -= 1
      if failed[path]?.left == 0 { known[path] = nil }
    }
    let due = globs.filter { looking[$0] == nil }
    for glob in due { looking[glob] = now }
    return due
  }

  /// Takes in what a glob leads to.
  mutating func looked(for glob: String, _ files: [(path: String, file: Fingerprint)]) -> News {
    let isFirst = matches[glob] == nil
    looking[glob] = nil
    silent.remove(glob)
    matches[glob] = Dictionary(files) { first, _ in first }
    var news = compare()
    news.hasChanged = news.hasChanged || isFirst
    return news
  }

  /// Takes in how one program is now; nil: it is gone.
  mutating func looked(at path: String, _ file: Fingerprint?) -> News {
    for glob in matches.keys where matches[glob]?[path] != nil { matches[glob]?[path] = file }
    return compare()
  }

  private mutating func compare() -> News {
    var there: [String: Fingerprint] = [:]
    for files in matches.values { there.merge(files) { first, _ in first } }
    var news = News()
    news.gone = Set(known.filter { there[$0.key] != $0.value }.keys)
    for path in news.gone {
      (programs[path], known[path]) = (nil, nil)
      (failed[path], asked[path]) = (nil, nil)
      untold.remove(path)
    }
    for path in failed.keys where there[path] == nil {
      failed[path] = nil
      news.hasChanged = true
    }
    for (path, file) in there.sorted(by: { $0.key < $1.key }) where known[path] == nil {
      known[path] = file
      guard asked[path] == nil else { continue }
      asked[path] = now
      if failed[path] == nil { untold.insert(path) }
      news.new.append((path, file))
    }
    // One that is asked again for it did not work is no news before it answers.
    news.hasChanged = news.hasChanged || !news.gone.isEmpty || news.new.contains { untold.contains($0.path) }
    return news
  }

  // MARK: - Asking

  /// What a program said does not count any more.
  /// - Returns: its file, for it is to be asked anew; nil when it is gone.
  mutating func askAgain(_ path: String, at now: Instant) -> Fingerprint? {
    guard let file = known[path] else { return nil }
    programs[path] = nil
    asked[path] = now
    untold.insert(path)
    return file
  }

  /// Takes in what a program said.
  /// - Returns: whether that counts: the program may have been replaced meanwhile, and is asked anew.
  mutating func answered(_ path: String, _ file: Fingerprint, _ answer: Blenders.Probed) -> Bool {
    guard known[path] == file else { return false }
    asked[path] = nil
    untold.remove(path)
    switch answer {
    case .found(let program):
      programs[path] = program
      failed[path] = nil
    case .failed(let program): fail(path, program.reason)
    }
    return true
  }

  /// A program does not work: it may have been killed, or memory was short. It is asked again, ever more seldom.
  mutating func fail(_ path: String, _ reason: String) {
    programs[path] = nil
    untold.remove(path)
    let pause = min((failed[path]?.pause ?? 0) * 2 + 1, Self.pauseMax)
    failed[path] = Failed(left: pause, pause: pause, reason: reason)
  }

  /// Gives up what has not answered for too long.
  /// - Returns: what counts as unwell from now on.
  mutating func giveUp(at now: Instant) -> [UnwellProgram] {
    let limit = Blenders.probeMax + .seconds(5)
    let programs = untold.filter { asked[$0].map { now - $0 >= limit } ?? true }.sorted()
    for path in programs { fail(path, "it did not answer in time, and cannot be ended") }
    let globs = looking.filter { matches[$0.key] == nil && !silent.contains($0.key) && now - $0.value >= limit }.keys
    silent.formUnion(globs)
    return programs.compactMap { path in failed[path].map { UnwellProgram(path: path, reason: $0.reason) } }
      + globs.sorted().map(Self.unanswered)
  }

  private static func unanswered(_ glob: String) -> UnwellProgram {
    UnwellProgram(path: glob, reason: "its file system does not answer")
  }
}
