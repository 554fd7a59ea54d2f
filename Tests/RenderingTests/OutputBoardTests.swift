import FarmModel
import FarmTesting
import Rendering
import Testing

@Suite("What a revision owes")
struct OutputBoardTests {
  private func output(_ frame: FrameNumber, _ state: OutputState = .owed, milliseconds: Int64? = nil) -> Output {
    Output(
      id: Int64(frame) + 1000, revision: 1, path: "\(frame).png", frame: frame, state: state, attempts: 0, size: nil,
      bytes: nil, file: nil, renderMilliseconds: milliseconds, problem: nil)
  }

  @Test func `is handed out in order of frames, and what failed comes back`() {
    var board = OutputBoard([5, 3, 4, 1].map { output($0) })
    #expect(board.owed(first: 2) == [1, 3])
    #expect(board.owedCount == 4)

    board.begin(FrameSet([1, 3, 77]))
    #expect(board.owed(first: 10) == [4, 5])
    #expect(!board.isOwed(3) && board.isOwed(4) && !board.isOwed(77))

    board.put(output(3))
    #expect(board.owed(first: 1) == [3])
  }

  @Test func `is done when every output is, and over when none can come any more`() {
    var board = OutputBoard([output(1, .done), output(2, .active), output(3, .harvested)])
    #expect(!board.isOver)

    board.put(output(2, .failed))
    #expect(board.isOver && !board.isDone)

    board.put(output(2, .done))
    #expect(board.isDone && board.doneCount == 3)
  }

  @Test func `remembers what frames took, each once`() {
    var board = OutputBoard([output(1, .done, milliseconds: 400), output(2), output(3)])
    board.put(output(2, .promoting, milliseconds: 200))
    #expect(board.times.count == 1)

    board.put(output(2, .done, milliseconds: 200))
    board.put(output(2, .harvested, milliseconds: 200))

    #expect(board.times.count == 2)
    #expect(board.times.median == .milliseconds(400))
    #expect(board.times.total == .milliseconds(600))
  }

  @Test func `takes in nothing of another revision`() {
    var board = OutputBoard([output(1)])

    let isTaken = board.put(output(2, .done))

    #expect(!isTaken)
    #expect(board.outputs.count == 1)
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func `counts as one does who goes through all of them`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var plain = (1...40).map { output($0) }
    var board = OutputBoard(plain)
    for _ in 0..<200 {
      let place = Int.random(in: plain.indices, using: &random)
      plain[place].state = OutputState.allCases.randomElement(using: &random) ?? .owed
      board.put(plain[place])

      #expect(board.owed(first: 100) == plain.filter { $0.state == .owed }.map(\.frame))
      #expect(board.owedCount == plain.count { $0.state == .owed })
      #expect(board.isDone == plain.allSatisfy(\.state.isDone))
      #expect(board.isOver == plain.allSatisfy { $0.state.isDone || $0.state == .failed })
    }
  }
}
