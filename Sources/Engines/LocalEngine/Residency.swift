import FarmModel

/// What a Blender that stays has done and holds, and what that means for it. A value; time comes from outside.
package struct Residency: Hashable, Sendable {
  /// When a Blender lets go of its scene, and when it is ended.
  package struct Rule: Hashable, Sendable {
    /// Tasks after which it is replaced: nothing that a thousand scenes leave behind piles up.
    var tasksMax = 200
    /// It is replaced when it takes so many times the memory that it took after the first frame of the same scene.
    var growthMax = 2.0
    /// Idle, it lets go of its scene after this time.
    var forgetsAfter = Duration.seconds(60)
    /// And is ended after this one.
    var endsAfter = Duration.seconds(600)

    package init() {}
  }

  /// What is to be done with a Blender that is idle.
  enum Verdict: Hashable {
    case stays, forgets, ends
  }

  private let rule: Rule
  private var tasks = 0
  /// Bytes after the first frame of the scene that is open, and now.
  private var firstMemory: Int64?
  private var memory: Int64?
  private var holdsScene = false
  private var ranScripts = false
  /// Nil while it works.
  private var idleSince: ContinuousClock.Instant?

  init(_ rule: Rule = Rule()) {
    self.rule = rule
  }

  /// A task begins.
  /// - Parameter trustsScripts: whether its file may run Python, which may leave anything behind.
  mutating func began(trustsScripts: Bool) {
    idleSince = nil
    ranScripts = ranScripts || trustsScripts
  }

  /// A file is open; a new one begins its own measure.
  mutating func opened(isNew: Bool) {
    holdsScene = true
    if isNew { firstMemory = nil }
  }

  /// A frame is done.
  /// - Parameter bytes: of memory that it takes now.
  mutating func rendered(_ bytes: Int64?) {
    memory = bytes
    firstMemory = firstMemory ?? bytes
  }

  /// A task has ended.
  mutating func ended(at now: ContinuousClock.Instant) {
    tasks += 1
    idleSince = now
  }

  mutating func forgot() {
    holdsScene = false
    firstMemory = nil
  }

  /// Whether it was led through no task before.
  var isFresh: Bool { tasks == 0 }

  /// Whether it is replaced before the next task.
  var isSpent: Bool {
    guard tasks < rule.tasksMax, !ranScripts else { return true }
    guard let firstMemory, let memory else { return false }
    return Double(memory) > rule.growthMax * Double(firstMemory)
  }

  /// What is to be done with it now.
  func verdict(at now: ContinuousClock.Instant) -> Verdict {
    guard let idleSince else { return .stays }
    let idle = now - idleSince
    if isSpent || idle >= rule.endsAfter { return .ends }
    return holdsScene && idle >= rule.forgetsAfter ? .forgets : .stays
  }
}
