import FarmModel
import Rendering
import Testing

@Suite("The next task")
struct TaskChooserTests {
  private func candidate(
    _ id: Int64, priority: Int = 50, in release: String = "spring", of owner: String = "ann", paused: Bool = false,
    missing: Int = 1
  ) -> TaskChooser.Candidate {
    TaskChooser.Candidate(
      revision: id, priority: priority, party: Turns.Party(release: release, owner: owner), isPaused: paused,
      missing: missing)
  }

  /// Whose turns these are, each turn of one second unless another time is told.
  private func turns(
    among candidates: [TaskChooser.Candidate], count: Int, _ book: inout Turns,
    took: (TaskChooser.Candidate) -> Duration = { _ in .seconds(1) }
  ) -> [Int64] {
    (0..<count).compactMap { _ in
      guard let next = TaskChooser.next(among: candidates, book) else { return nil }
      book.begin(next.party, expected: .seconds(1))
      book.took(next.party, took(next), of: .seconds(1))
      return next.revision
    }
  }

  @Test func `is of the highest priority, then of the first drop`() {
    #expect(TaskChooser.next(among: [candidate(3), candidate(2), candidate(9, priority: 60)], Turns())?.revision == 9)
    #expect(TaskChooser.next(among: [candidate(3), candidate(2)], Turns())?.revision == 2)
  }

  @Test func `is none of a paused release, and none that has nothing to do`() {
    #expect(TaskChooser.next(among: [candidate(1, paused: true), candidate(2, missing: 0)], Turns()) == nil)
  }

  @Test func `goes round the releases, whatever their number of jobs`() {
    var book = Turns()
    let all = [candidate(1), candidate(2), candidate(3), candidate(4, in: "autumn")]

    #expect(turns(among: all, count: 4, &book) == [1, 4, 1, 4])
  }

  @Test func `goes round the owners of a release`() {
    var book = Turns()
    let all = [candidate(1), candidate(2), candidate(3, of: "bob")]

    #expect(turns(among: all, count: 4, &book) == [1, 3, 1, 3])
  }

  @Test func `goes by time, not by number`() {
    var book = Turns()
    let all = [candidate(1), candidate(2, in: "autumn")]
    let order = turns(among: all, count: 8, &book) { $0.revision == 1 ? .seconds(3) : .seconds(1) }

    #expect(order == [1, 2, 2, 2, 1, 2, 2, 2])
  }

  @Test func `goes round while turns are still running`() {
    var book = Turns()
    book.begin(Turns.Party(release: "spring", owner: "ann"), expected: .seconds(5))

    #expect(TaskChooser.next(among: [candidate(1), candidate(2, in: "autumn")], book)?.revision == 2)
  }

  @Test func `is not a newcomer's for as long as the others were served`() {
    var book = Turns()
    _ = turns(among: [candidate(1)], count: 100, &book)
    let order = turns(among: [candidate(1), candidate(2, in: "autumn")], count: 6, &book)

    #expect(order.count { $0 == 2 } == 3)
  }

  @Test func `asks the least urgent tasks to make room, one for each that waits and is more urgent`() {
    let running: [(RenderTask.ID, Int)] = [(1, 50), (2, 40), (3, 60)]

    #expect(TaskChooser.makingRoom(for: [candidate(9, priority: 90)], running: running) == [2])
    #expect(
      TaskChooser.makingRoom(for: [candidate(8, priority: 45), candidate(9, priority: 90)], running: running) == [2])
    #expect(TaskChooser.makingRoom(for: [candidate(9, priority: 40)], running: running) == [])
    #expect(TaskChooser.makingRoom(for: [candidate(9, priority: 90, paused: true)], running: running) == [])
  }
}
