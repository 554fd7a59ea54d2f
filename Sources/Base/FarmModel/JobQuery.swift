import FoundationEssentials

/// A query for jobs: words that must all hold. A word is a glob on the name (`shot_0?0`, `shot_0[1-4]0`, `spring/*`) or
/// `field:value` with `state`, `release`, `owner`, `age>2d`, `priority>50`, `problem:texture`,
/// `uses:lib/chair.blend`.
package struct JobQuery: Hashable, Sendable {
  package let words: [Word]

  /// One word of a query.
  package enum Word: Hashable, Sendable {
    case name(Glob)
    case state(JobState)
    case release(Glob)
    case owner(Glob)
    case problem(String)
    /// A file that it depends on.
    case uses(Glob)
    case age(Comparison, Duration)
    case priority(Comparison, Int)
  }

  /// How a number or an age is compared.
  package enum Comparison: String, CaseIterable, Hashable, Sendable {
    case less = "<"
    case more = ">"
    case equal = ":"

    func holds<V: Comparable>(_ a: V, _ b: V) -> Bool {
      switch self {
      case .less: a < b
      case .more: a > b
      case .equal: a == b
      }
    }
  }

  package init(words: [Word]) {
    self.words = words
  }

  /// Reads the words of a query as they stand on the command line.
  package init(parsing words: [String]) throws(QueryFailure) {
    var parsed: [Word] = []
    for word in words.flatMap({ $0.pieces(between: " ").filter { !$0.isEmpty } }) {
      parsed.append(try Word(parsing: word))
    }
    self.words = parsed
  }

  /// Whether some word is about a job's age.
  package var asksAge: Bool {
    words.contains { word in
      if case .age = word { return true }
      return false
    }
  }

  /// The files whose users are asked for.
  package var used: [Glob] {
    words.compactMap { word in
      if case .uses(let file) = word { return file }
      return nil
    }
  }

  /// Whether all words hold for `job` at the moment `now`.
  /// - Parameter users: the jobs that depend on each of ``used``, by their numbers.
  package func matches(_ job: Job, now: Timestamp, users: [Glob: Set<Int64>] = [:]) -> Bool {
    words.allSatisfy { word in
      switch word {
      case .name(let glob): glob.matches(job.name.job) || glob.matches(job.name.description)
      case .state(let state): job.state == state
      case .release(let glob): glob.matches(job.name.release)
      case .owner(let glob): glob.matches(job.owner)
      case .problem(let text): job.problem?.words.contains(text) ?? false
      case .uses(let file): users[file]?.contains(job.id) ?? false
      case .age(let comparison, let age): comparison.holds(now.since(job.createdAt), age)
      case .priority(let comparison, let priority): comparison.holds(job.priority, priority)
      }
    }
  }
}

extension JobQuery.Word {
  private static let fields = ["state", "release", "owner", "problem", "uses", "age", "priority"]

  fileprivate init(parsing text: String) throws(QueryFailure) {
    let scalars = text.unicodeScalars
    guard let at = scalars.firstIndex(where: { $0 == ":" || $0 == "<" || $0 == ">" }) else {
      self = .name(Glob(text))
      return
    }
    let field = String(scalars[..<at])
    let value = String(scalars[scalars.index(after: at)...])
    guard Self.fields.contains(field) else {
      throw .unknownField(field, nearest: Nearest.name(to: field, among: Self.fields))
    }
    guard !value.isEmpty, let comparison = JobQuery.Comparison(rawValue: String(scalars[at])) else {
      throw .badValue(field: field, value: value)
    }
    switch (field, comparison) {
    case ("state", .equal):
      guard let state = JobState(rawValue: value) else { throw .badValue(field: field, value: value) }
      self = .state(state)
    case ("release", .equal): self = .release(Glob(value))
    case ("owner", .equal): self = .owner(Glob(value))
    case ("problem", .equal): self = .problem(value)
    case ("uses", .equal): self = .uses(Glob(value))
    case ("age", .less), ("age", .more):
      guard let age = Duration(spelled: value) else { throw .badValue(field: field, value: value) }
      self = .age(comparison, age)
    case ("priority", _):
      guard let priority = Int(value) else { throw .badValue(field: field, value: value) }
      self = .priority(comparison, priority)
    default: throw .badValue(field: field, value: String(scalars[at]) + value)
    }
  }
}

extension JobQuery: CustomStringConvertible {
  /// The query as a person would type it; parsing it again gives the same query.
  package var description: String {
    words.map { word in
      switch word {
      case .name(let glob): glob.pattern
      case .state(let state): "state:\(state.rawValue)"
      case .release(let glob): "release:\(glob.pattern)"
      case .owner(let glob): "owner:\(glob.pattern)"
      case .problem(let text): "problem:\(text)"
      case .uses(let file): "uses:\(file.pattern)"
      case .age(let comparison, let age): "age\(comparison.rawValue)\(age.spelled)"
      case .priority(let comparison, let priority): "priority\(comparison.rawValue)\(priority)"
      }
    }.joined(separator: " ")
  }
}

/// Why a query was refused.
package enum QueryFailure: Failure, Equatable {
  case unknownField(String, nearest: String?)
  case badValue(field: String, value: String)

  package var description: String {
    switch self {
    case .unknownField(let field, let nearest):
      "a query has no field \"\(field)\"" + (nearest.map { "; did you mean \"\($0)\"?" } ?? "")
    case .badValue(let field, let value): "\"\(value)\" is not a value of the query field \"\(field)\""
    }
  }

  package var remedy: String {
    switch self {
    case .unknownField:
      "Use a glob on the name, or state: release: owner: problem: uses: age> age< priority> priority<."
    case .badValue("state", _):
      "Use one of \(JobState.allCases.map(\.rawValue).joined(separator: ", "))."
    case .badValue("age", _): "Write `age>2d`, with s, m, h or d."
    case .badValue("priority", _): "Write `priority>50`, from 0 to 100."
    case .badValue(let field, _): "Write `\(field):<value>`."
    }
  }

  package var kind: FailureKind { .wrongUse }
}
