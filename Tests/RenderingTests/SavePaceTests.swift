import FarmModel
import Rendering
import Testing

@Suite("A job that is saved again and again")
struct SavePaceTests {
  private func at(_ seconds: Double) -> Timestamp { Timestamp(nanoseconds: Int64(seconds * 1e9)) }

  @Test func `begins its first revision at once`() {
    let first = SavePace()

    #expect(!first.isWaiting(at: at(0)))
    #expect(!first.isDue)
  }

  @Test func `begins the newest ten seconds after the one that ran`() {
    var first = SavePace()
    first.begins(at: at(1))
    first.begins(at: at(5))
    let second = SavePace(after: [first])
    let third = SavePace(after: [second])

    for pace in [second, third] {
      #expect(pace.isWaiting(at: at(10.9)))
      #expect(!pace.isWaiting(at: at(11)))
      #expect(pace.isDue)
    }
  }

  @Test func `begins at once when what ran began long ago`() {
    var first = SavePace()
    first.begins(at: at(1))

    #expect(!SavePace(after: [first]).isWaiting(at: at(60)))
  }

  @Test func `waits no longer once it began, nor for a clock that was set back`() {
    var first = SavePace()
    first.begins(at: at(1000))
    var second = SavePace(after: [first])

    #expect(!second.isWaiting(at: at(500)))
    second.begins(at: at(1010))
    #expect(!second.isWaiting(at: at(1005)))
    #expect(!second.isDue)
  }
}
