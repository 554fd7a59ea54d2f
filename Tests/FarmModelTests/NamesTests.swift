import FarmModel
import FarmTesting
import SystemPackage
import Testing

@Suite("A name")
struct NamesTests {
  @Test(arguments: ["", ".hidden", "shot.", "shot ", "a/b", "a\nb", "a\u{1B}[2Jb", String(repeating: "x", count: 201)])
  func `is refused with a reason when some system cannot hold it`(name: String) {
    #expect(NameRule.refusal(of: name) != nil)
  }

  @Test(arguments: ["shot_010", "Ärger & Liebe", "$(rm -rf)", "-v", "shot 10", "日本"])
  func `may be anything else`(name: String) {
    #expect(NameRule.refusal(of: name) == nil)
  }

  @Test(arguments: [("a/b", "a_b"), ("..", "_"), ("", "_"), ("a\0b", "a_b"), ("ok.name", "ok.name")])
  func `of a layer becomes a path component`(text: String, component: String) {
    #expect(NameRule.asPathComponent(text) == component)
  }

  @Test func `is shown without what a terminal would obey`() {
    #expect("a\u{1B}[31mb\nc\u{202E}d\u{7}".escapedForTerminal == "a\\e[31mb\\nc\\u{202e}d\\u{7}")
  }
}

@Suite("A path")
struct QuotingTests {
  @Test(arguments: [("/srv/farm", "/srv/farm"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("-x", "'-x'"), ("", "''")])
  func `is one word of a shell`(path: String, word: String) {
    #expect(path.quotedForShell == word)
  }
}

@Suite("A volume")
struct VolumeTests {
  private let volume = Volume(root: "/srv/farm/")

  @Test func `knows where everything lies`() {
    let job = JobName(release: "spring", job: "shot")

    #expect(volume.store(of: "quick") == "/srv/farm/quick")
    #expect(volume.store(of: "spring") == "/srv/farm/releases/spring/store")
    #expect(volume.out(of: job) == "/srv/farm/releases/spring/out/shot")
    #expect(volume.out(of: JobName(release: "quick", job: "s")) == "/srv/farm/quick/out/s")
    #expect(volume.relative("/srv/farm/quick/a.blend") == "quick/a.blend")
    #expect(volume.relative("/elsewhere/a") == "/elsewhere/a")
  }

  @Test(arguments: ["jobs", "file-store", ".snapshot", "lost+found", "#recycle", "@eaDir", "quick", "dist"])
  func `may hold Flamenco's and system names from the start`(name: String) {
    #expect(Volume.accepts(topName: name))
  }

  @Test func `may not hold other things`() {
    #expect(!Volume.accepts(topName: "My Documents"))
  }
}

@Suite("A duration")
struct DurationTests {
  @Test(arguments: [
    ("30s", Duration.seconds(30)), ("15m", .seconds(900)), ("2h", .seconds(7200)), ("30d", .seconds(2_592_000)),
    ("100ms", .milliseconds(100)), ("0s", .zero),
  ])
  func `is spelled as it is read`(text: String, time: Duration) {
    #expect(Duration(spelled: text) == time)
    #expect(Duration(spelled: time.spelled) == time)
  }

  @Test(arguments: ["", "5", "s", "-1s", "1w", "1.5h", "9999999999d"])
  func `is nothing else`(text: String) {
    #expect(Duration(spelled: text) == nil)
  }

  @Test func `of a moment is printed in RFC 3339 with nanoseconds`() {
    #expect(Timestamp(nanoseconds: 1_790_000_000_000_000_042).rfc3339 == "2026-09-21T14:13:20.000000042Z")
    let moment = Timestamp(nanoseconds: 1_790_000_000_000_000_042)
    #expect(Timestamp(rfc3339: moment.rfc3339) == moment)
    #expect(Timestamp(rfc3339: "yesterday") == nil)
    #expect(Timestamp(rfc3339: "9999-12-31T23:59:59.000000000Z") == nil)
    #expect(Timestamp(nanoseconds: 0).rfc3339 == "1970-01-01T00:00:00.000000000Z")
  }
}

@Suite("A failed attempt")
struct RetryRuleTests {
  @Test(arguments: [
    (0, ProblemClass.rendererCrashed, OutputState.owed, 1), (1, .truncated, .owed, 2), (2, .truncated, .failed, 3),
    (0, .noCamera, .failed, 1), (2, .killed, .owed, 2), (0, .diskFull, .owed, 0),
  ])
  func `is tried again while that can help`(before: Int, problem: ProblemClass, state: OutputState, after: Int) {
    let verdict = RetryRule().verdict(attempts: before, problem: problem)

    #expect(verdict.state == state)
    #expect(verdict.attempts == after)
  }

  @Test(arguments: ProblemClass.allCases)
  func `always has a remedy`(problem: ProblemClass) {
    #expect(problem.usualRemedy.hasSuffix("."))
  }
}
