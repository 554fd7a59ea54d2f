import FarmModel
import FarmTesting
import Testing

@Suite("A query for jobs")
struct JobQueryTests {
  private static let day: Int64 = 86_400_000_000_000

  private func job(
    _ release: String = "spring", _ name: String = "shot_010", state: JobState = .active, owner: String = "ann",
    priority: Int = 50, problem: Problem? = nil, createdAt: Int64 = 0
  ) -> Job {
    Job(
      id: 1, name: JobName(release: release, job: name), path: "", owner: owner, state: state, revision: 1,
      problem: problem, priority: priority, createdAt: Timestamp(nanoseconds: createdAt),
      changedAt: Timestamp(nanoseconds: createdAt))
  }

  private func matches(_ words: String, _ job: Job) throws -> Bool {
    try JobQuery(parsing: [words]).matches(job, now: Timestamp(nanoseconds: 3 * Self.day))
  }

  @Test(arguments: [
    ("shot_0?0", true), ("shot_*", true), ("spring/shot*", true), ("shot_011", false), ("*", true), ("", true),
    ("state:active", true), ("state:failed", false), ("release:spr*", true), ("release:winter", false),
    ("owner:ann", true), ("owner:bob", false), ("age>2d", true), ("age<2d", false), ("priority>49", true),
    ("priority>50", false), ("priority:50", true), ("shot_* state:active owner:ann", true),
    ("shot_* state:failed owner:ann", false),
  ])
  func `holds when all its words do`(words: String, expected: Bool) throws {
    #expect(try matches(words, job()) == expected)
  }

  @Test func `finds a problem by class and by cause`() throws {
    let broken = job(problem: Problem(.noCamera, cause: "scene Main has no camera"))

    #expect(try matches("problem:no-camera", broken))
    #expect(try matches("problem:Main", broken))
    #expect(try !matches("problem:texture", broken))
    #expect(try !matches("problem:no-camera", job()))
  }

  @Test func `names the nearest field when one is misspelled`() {
    let failure = #expect(throws: QueryFailure.self) { try JobQuery(parsing: ["stat:failed"]) }

    #expect(failure?.description == "a query has no field \"stat\"; did you mean \"state\"?")
  }

  @Test(arguments: ["state:broken", "age>soon", "age:2d", "priority>high", "state:", "owner>ann"])
  func `says what a field's value may be`(text: String) {
    let failure = #expect(throws: QueryFailure.self) { try JobQuery(parsing: [text]) }

    #expect(failure?.description.contains("is not a value of the query field") == true)
    #expect(failure?.remedy.isEmpty == false)
    #expect(failure?.kind == .wrongUse)
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func `parsed from its own words is the same query`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let query = JobQuery(words: (0..<Int.random(in: 0...5, using: &random)).map { _ in Self.word(&random) })

    #expect(try JobQuery(parsing: [query.description]) == query)
  }

  private static func word(_ random: inout SeededGenerator) -> JobQuery.Word {
    let letters = Array("abc_*?é/-[]!")
    let text = String(
      (0..<Int.random(in: 1...8, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a" })
    let order: JobQuery.Comparison = Bool.random(using: &random) ? .less : .more
    switch Int.random(in: 0..<7, using: &random) {
    case 0: return .name(Glob(text))
    case 1: return .state(JobState.allCases.randomElement(using: &random) ?? .active)
    case 2: return .release(Glob(text))
    case 3: return .owner(Glob(text))
    case 4: return .problem(text)
    case 5: return .age(order, .seconds(Int.random(in: 0...1_000_000, using: &random)))
    default:
      return .priority(
        JobQuery.Comparison.allCases.randomElement(using: &random) ?? .equal, Int.random(in: 0...100, using: &random))
    }
  }
}

@Suite("A glob")
struct GlobTests {
  @Test(arguments: [
    ("a*c", "abbbc", true), ("a*c", "ab", false), ("?", "x", true), ("?", "", false), ("*", "", true),
    ("*a*a*", "banana", true), ("a[b]", "a[b]", true), ("**", "x", true), ("", "", true), ("", "x", false),
    ("a[b]", "ab", true), ("shot_0[5-7]0", "shot_060", true), ("shot_0[5-7]0", "shot_080", false),
    ("x[!0-9]", "xy", true), ("x[!0-9]", "x7", false), ("x[^0-9]", "x7", false), ("[]]", "]", true),
    ("[a-]", "-", true), ("[", "[", true), ("a[b", "a[b", true), ("[!]", "[!]", true), ("*[ab]*c", "xxbyyc", true),
    ("[z-a]", "-", true), ("[]", "[]", true),
  ])
  func `fits the whole text or not at all`(pattern: String, text: String, fits: Bool) {
    #expect(Glob(pattern).matches(text) == fits)
  }

  @Test func `takes bounded time on a hostile pattern`() {
    let text = String(repeating: "a", count: 2000)

    #expect(!Glob(String(repeating: "*a", count: 30) + "b").matches(text))
  }
}
