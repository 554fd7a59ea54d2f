import Testing

@testable import LocalEngine

@Suite("A Blender that stays")
struct ResidencyTests {
  private let start = ContinuousClock.now

  private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

  /// One that was led through a task, at second 0.
  private func rested(memory: [Int64?] = [300]) -> Residency {
    var residency = Residency()
    residency.began(trustsScripts: false)
    residency.opened(isNew: true)
    for bytes in memory { residency.rendered(bytes) }
    residency.ended(at: start)
    return residency
  }

  @Test func `lets go of its scene after a minute, and is ended after ten`() {
    var residency = rested()

    #expect(residency.verdict(at: at(59)) == .stays)
    #expect(residency.verdict(at: at(60)) == .forgets)
    residency.forgot()
    #expect(residency.verdict(at: at(599)) == .stays)
    #expect(residency.verdict(at: at(600)) == .ends)
  }

  @Test func `is left alone while it works`() {
    var residency = rested()

    residency.began(trustsScripts: false)

    #expect(residency.verdict(at: at(6000)) == .stays)
  }

  @Test func `is replaced after two hundred tasks`() {
    var residency = rested()
    for _ in 2...199 {
      residency.began(trustsScripts: false)
      residency.ended(at: start)
    }
    #expect(!residency.isSpent)

    residency.ended(at: start)

    #expect(residency.isSpent)
    #expect(residency.verdict(at: start) == .ends)
  }

  @Test func `is replaced when it takes twice what it took after the first frame of the same scene`() {
    #expect(!rested(memory: [300, 600]).isSpent)
    #expect(rested(memory: [300, 601]).isSpent)
    #expect(!rested(memory: [nil, nil]).isSpent)
    // A larger scene is no leak.
    var larger = rested(memory: [300])
    larger.opened(isNew: true)
    larger.rendered(4000)
    #expect(!larger.isSpent)
    larger.opened(isNew: false)
    larger.rendered(8001)
    #expect(larger.isSpent)
  }

  @Test func `is replaced when a file ran scripts in it`() {
    var residency = rested()
    #expect(!residency.isSpent)

    residency.began(trustsScripts: true)

    #expect(residency.isSpent)
  }
}
