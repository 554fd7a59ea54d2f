import SystemPackage
import Testing

@testable import Intake

@Suite("Ignore patterns")
struct IgnoreRulesTests {
  @Test(arguments: [
    (["test_*"], "quick/test_1.blend", true), (["test_*"], "quick/a.blend", false),
    (["test_*"], "releases/test_r/store/a.blend", true), (["/quick/test_*"], "quick/test_1.blend", true),
    (["/quick/test_*"], "releases/quick/store/test_1.blend", false),
    (["releases/*/store/wip_*"], "releases/r/store/wip_a.blend", true),
    (["releases/*/store/wip_*"], "releases/r/x/store/wip_a.blend", false),
    (["releases/**/wip_*"], "releases/r/store/wip_a.blend", true), (["**/wip.blend"], "quick/wip.blend", true),
    (["old/"], "releases/old/store/a.blend", true), (["a.blend/"], "quick/a.blend", false),
    (["*.blend", "!keep.blend"], "quick/keep.blend", false), (["*.blend", "!keep.blend"], "quick/a.blend", true),
    (["!a.blend", "a.blend"], "quick/a.blend", true), (["# a", "", "  "], "quick/# a", false),
    (["\\#1.blend"], "quick/#1.blend", true), (["shot_[0-9].blend"], "quick/shot_7.blend", true),
    (["quick/"], "quick/a.blend", true), ([], "quick/a.blend", false),
  ])
  func `fit as in a gitignore`(patterns: [String], path: String, isIgnored: Bool) {
    #expect(IgnoreRules(patterns).ignores(FilePath(path)) == isIgnored)
  }
}
