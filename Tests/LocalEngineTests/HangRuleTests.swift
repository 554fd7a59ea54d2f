import FarmModel
import Testing

@testable import LocalEngine

@Suite("A Blender hangs")
struct HangRuleTests {
  private func looks(_ rule: inout HangRule, _ count: Int, ticks: (Int) -> Int64, lines: (Int) -> Int) -> [Bool] {
    (0..<count).map { rule.looked(.init(processorTicks: ticks($0), lines: lines($0))) }
  }

  @Test func `when it uses no processor and says nothing for the whole time`() {
    var rule = HangRule(atLeast: .seconds(600), usualFrame: nil)

    let verdicts = looks(&rule, 21, ticks: { _ in 7 }, lines: { _ in 3 })

    #expect(verdicts == [Bool](repeating: false, count: 20) + [true])
    #expect(rule.pause * 20 == .seconds(600))
  }

  @Test func `never while it computes in silence`() {
    var rule = HangRule(atLeast: .seconds(600), usualFrame: nil)

    #expect(!looks(&rule, 1000, ticks: { Int64($0) }, lines: { _ in 3 }).contains(true))
  }

  @Test func `never while it talks without computing`() {
    var rule = HangRule(atLeast: .seconds(600), usualFrame: nil)

    #expect(!looks(&rule, 1000, ticks: { _ in 7 }, lines: { $0 / 19 }).contains(true))
  }

  @Test func `later in a job whose frames take long`() {
    #expect(HangRule(atLeast: .seconds(600), usualFrame: .seconds(3600)).limit == .seconds(10_800))
    #expect(HangRule(atLeast: .seconds(600), usualFrame: .seconds(1)).limit == .seconds(600))
  }
}
