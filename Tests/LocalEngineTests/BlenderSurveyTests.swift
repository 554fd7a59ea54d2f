import FarmModel
import Testing

@testable import LocalEngine

@Suite("The survey of Blenders")
struct BlenderSurveyTests {
  private let begun = ContinuousClock.now

  private func file(_ inode: Int64) -> Fingerprint {
    Fingerprint(device: 1, inode: inode, size: 1, mtimeNanoseconds: 1, ctimeNanoseconds: 1)
  }

  private func program(_ path: String) -> Blenders.Probed {
    .found(
      BlenderProgram(
        path: path, version: BlenderVersion(major: 3, minor: 4), fullVersion: "3.4.0", buildHash: "", canDenoise: false,
        devices: []))
  }

  @Test func `tells of the first that answers, and which have not`() {
    var survey = BlenderSurvey()
    let due = survey.begin(looksFor: ["/a", "/b"], at: begun)
    let news = survey.looked(for: "/b", [("/b", file(2))])
    let hadAnswer = survey.hasAnswer

    let counts = survey.answered("/b", file(2), program("/b"))

    #expect(due == ["/a", "/b"])
    #expect(news.new.map(\.path) == ["/b"])
    #expect(!hadAnswer && counts && survey.hasAnswer)
    #expect(survey.found.map(\.path) == ["/b"])
    #expect(survey.probing == ["/a"])
  }

  @Test func `gives up what does not answer, and keeps the rest`() {
    var survey = BlenderSurvey()
    _ = survey.begin(looksFor: ["/a", "/b", "/dead/*"], at: begun)
    _ = survey.looked(for: "/a", [("/a", file(1))])
    _ = survey.looked(for: "/b", [("/b", file(2))])
    _ = survey.answered("/b", file(2), program("/b"))
    let early = survey.giveUp(at: begun + .seconds(30))

    let lost = survey.giveUp(at: begun + .seconds(70))

    #expect(early.isEmpty)
    #expect(lost.map(\.path) == ["/a", "/dead/*"])
    #expect(survey.probing.isEmpty)
    #expect(survey.found.map(\.path) == ["/b"])
    // A look that has not returned is not begun a second time.
    let due = survey.begin(looksFor: ["/a", "/b", "/dead/*"], at: begun + .seconds(75))
    #expect(due == ["/a", "/b"])
  }

  @Test func `takes what answers late after all`() {
    var survey = BlenderSurvey()
    _ = survey.begin(looksFor: ["/a"], at: begun)
    _ = survey.looked(for: "/a", [("/a", file(1))])
    _ = survey.giveUp(at: begun + .seconds(70))

    let counts = survey.answered("/a", file(1), program("/a"))

    #expect(counts)
    #expect(survey.found.map(\.path) == ["/a"])
    #expect(survey.unwell.isEmpty)
  }

  @Test func `asks one anew that was replaced, and passes over what the old one said`() {
    var survey = BlenderSurvey()
    _ = survey.begin(looksFor: ["/a"], at: begun)
    _ = survey.looked(for: "/a", [("/a", file(1))])

    let news = survey.looked(for: "/a", [("/a", file(9))])

    #expect(news.new.map(\.path) == ["/a"])
    #expect(news.gone == ["/a"])
    let old = survey.answered("/a", file(1), program("/a"))
    let new = survey.answered("/a", file(9), program("/a"))
    #expect(!old && new)
  }

  @Test func `does not have files wait for one that is asked again`() {
    var survey = BlenderSurvey()
    _ = survey.begin(looksFor: ["/a"], at: begun)
    _ = survey.looked(for: "/a", [("/a", file(1))])
    _ = survey.answered("/a", file(1), .failed(UnwellProgram(path: "/a", reason: "killed")))

    _ = survey.begin(looksFor: ["/a"], at: begun + .seconds(5))
    let news = survey.looked(for: "/a", [("/a", file(1))])

    #expect(news.new.map(\.path) == ["/a"])
    #expect(survey.probing.isEmpty)
    #expect(survey.unwell.map(\.path) == ["/a"])
  }
}
