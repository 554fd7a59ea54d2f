/// What a failure means to the one who asked; decides the exit code and the HTTP status, in one table each.
package enum FailureKind: String, Codable, CaseIterable, Sendable {
  /// The request itself is wrong; asking again cannot help.
  case wrongUse = "wrong-use"
  /// What was named does not exist.
  case notFound = "not-found"
  /// It exists, but not in a state in which this can be done.
  case conflict
  /// Something that is needed is not there right now.
  case unavailable
  /// It was tried and did not work.
  case failed
}

/// An error that a person can meet: it says what failed, on which file, while doing what, and how to mend it.
///
/// `description` is lower case without a full stop; `remedy` is one imperative sentence, with a command where one
/// helps.
package protocol Failure: Error, CustomStringConvertible, Sendable {
  var description: String { get }
  var remedy: String { get }
  /// Whether the same act may succeed later without anybody doing anything.
  var isTransient: Bool { get }
  var kind: FailureKind { get }
}

extension Error {
  /// What failed and how to mend it, as a person reads it.
  package var sentences: String { "\(self). \(remedyOrReport)" }

  /// How to mend it; of an error that says nothing of that, that it is to be reported.
  package var remedyOrReport: String { (self as? any Failure)?.remedy ?? "Report this." }
}

extension Failure {
  package var isTransient: Bool { false }
  package var kind: FailureKind { .failed }
}

/// Why something of a job went wrong: a class to search for, the first cause in words, what to do about it.
package struct Problem: Codable, Hashable, Sendable {
  package var problemClass: ProblemClass
  package var cause: String
  package var remedy: String
  /// The files that are missing, when that is the problem.
  package var missing: [MissingFile]?

  package init(_ problemClass: ProblemClass, cause: String, remedy: String? = nil, missing: [MissingFile]? = nil) {
    self.problemClass = problemClass
    self.cause = cause
    self.remedy = remedy ?? problemClass.usualRemedy
    self.missing = missing
  }

  /// Class, cause and remedy as a person reads them.
  package var sentences: String {
    let end = cause.last.map { ".?!".contains($0) } == true ? "" : "."
    return "\(problemClass.rawValue): \(cause)\(end) \(remedy)"
  }

  /// What `problem:` of a query looks into: also what the missing files are to Blender and to people.
  package var words: String {
    let files = (missing ?? []).map { file in
      "\(file.neededBy) \(file.path)" + (file.neededBy.hasPrefix("image ") ? " texture" : "")
    }
    return ([problemClass.rawValue, cause] + files).joined(separator: " ")
  }

  enum CodingKeys: String, CodingKey {
    case problemClass = "class"
    case cause, remedy, missing
  }
}

/// A file that a .blend needs and that is not there, or cannot be read.
package struct MissingFile: Codable, Hashable, Sendable {
  /// Where it was looked for; absolute.
  package let path: String
  /// What refers to it: `image Wood`.
  package let neededBy: String
  /// What is wrong with it: `is not there`.
  package let why: String
  /// Size in bytes and modification time in nanoseconds of what was found there; nil when nothing was.
  package let seen: [Int64]?

  package init(path: String, neededBy: String, why: String, seen: [Int64]?) {
    self.path = path
    self.neededBy = neededBy
    self.why = why
    self.seen = seen
  }
}
