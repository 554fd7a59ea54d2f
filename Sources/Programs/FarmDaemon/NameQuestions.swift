import FarmModel

/// Which jobs' names in `dist/` are to be looked at, one release at a time. A value.
struct NameQuestions {
  /// What is to be looked at in a release.
  enum Question: Hashable {
    case all
    case jobs(Set<JobName>)
  }

  private var waiting: [String: Question] = [:]
  private var busy: Set<String> = []

  /// Takes in that names of a job, or of all of a release, may be others now.
  /// - Returns: whether somebody has to begin answering.
  mutating func ask(_ release: String, _ job: JobName?) -> Bool {
    switch (waiting[release], job) {
    case (.all?, _), (_, nil): waiting[release] = .all
    case (.jobs(let jobs)?, let job?): waiting[release] = .jobs(jobs.union([job]))
    case (nil, let job?): waiting[release] = .jobs([job])
    }
    return !busy.contains(release)
  }

  /// - Returns: false when somebody answers already.
  mutating func begin(_ release: String) -> Bool { busy.insert(release).inserted }

  /// The next question; nil when all are answered, and then nobody answers any more.
  mutating func next(_ release: String) -> Question? {
    if let question = waiting.removeValue(forKey: release) { return question }
    busy.remove(release)
    return nil
  }
}
