import FarmModel
import Rendering
import Testing

@Suite("A job whose texture or library changes")
struct RefreshRuleTests {
  private let rule = RefreshRule(limit: .seconds(3600))

  private func release(_ state: ReleaseState, planned: Bool, onChange: OnChange = .render) -> Release {
    Release(
      id: 1, name: "r", state: state, order: ReleaseOrder(jobs: planned ? [] : nil, onChange: onChange),
      isPaused: false, problem: nil, changedAt: Timestamp(nanoseconds: 0))
  }

  @Test(arguments: [JobState.queued, .active, .assembling])
  func `begins anew while it is rendered, whatever the release wants`(state: JobState) {
    for planned in [true, false] {
      let release = release(.active, planned: planned, onChange: .ask)
      #expect(rule.verdict(for: state, of: release, cost: .seconds(7200)) == .render)
    }
  }

  @Test func `is rendered again by itself where nothing else was said`() {
    let loose = release(.harvested, planned: false)
    #expect(rule.verdict(for: .completed, isDelivered: true, of: loose, cost: .seconds(60)) == .render)
    #expect(rule.verdict(for: .failed, of: release(.failed, planned: false), cost: .zero) == .render)
    #expect(rule.verdict(for: .completed, of: release(.open, planned: true), cost: .zero) == .render)
  }

  @Test func `is stale once its planned release is delivered, where somebody wants to be asked, and when it is dear`() {
    for state in [ReleaseState.completed, .harvested, .stale] {
      let release = release(state, planned: true)
      #expect(rule.verdict(for: .completed, isDelivered: true, of: release, cost: .zero) == .stale)
    }
    #expect(
      rule.verdict(for: .completed, of: release(.open, planned: false, onChange: .ask), cost: .zero) == .stale)
    #expect(rule.verdict(for: .completed, of: release(.harvested, planned: false), cost: .seconds(3601)) == .stale)
  }

  @Test func `is left alone when it is archived or killed`() {
    #expect(rule.verdict(for: .completed, of: release(.archived, planned: false), cost: .zero) == .nothing)
    for state in [JobState.canceled, .removed] {
      #expect(rule.verdict(for: state, of: release(.open, planned: false), cost: .zero) == .nothing)
    }
  }

  @Test func `is inspected again while it is blocked, or did not begin with what was another before`() {
    let loose = release(.open, planned: false)
    for isSeen in [true, false] {
      #expect(rule.verdict(for: .blocked, isSeen: isSeen, of: loose, cost: .zero) == .inspect)
    }
    for state in [JobState.queued, .active] {
      #expect(rule.verdict(for: state, isSeen: false, of: loose, cost: .zero) == .inspect)
    }
    #expect(rule.verdict(for: .blocked, of: release(.archived, planned: false), cost: .zero) == .nothing)
    // A file that was not there, of a job that was rendered without.
    #expect(rule.verdict(for: .completed, isSeen: false, of: loose, cost: .zero) == .render)
  }

  @Test func `waits the longer the more often it began anew without being finished`() {
    var pace = RefreshPace()
    let waits = (1...8).map { _ in pace.restart() }

    #expect(waits == [0, 60, 120, 300, 900, 1800, 1800, 1800].map { .seconds($0) })
  }

  @Test func `waits no less than it is told, also beyond the pace of saves`() {
    var pace = SavePace()
    let start = Timestamp(nanoseconds: 1_000_000_000_000)
    let later = { (seconds: Int64) in Timestamp(nanoseconds: start.nanoseconds + seconds * 1_000_000_000) }
    pace.wait(.seconds(300), from: start)

    #expect(pace.isDue && pace.isWaiting(at: later(299)))
    #expect(!pace.isWaiting(at: later(300)))
    // A clock that was set back by a day holds up nothing.
    #expect(!pace.isWaiting(at: later(-86_400)))
    // What comes in its place waits for the same moment.
    #expect(SavePace(after: [pace]).isWaiting(at: later(299)))
  }
}
