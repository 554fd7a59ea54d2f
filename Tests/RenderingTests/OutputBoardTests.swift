import FarmModel
import FarmTesting
import Rendering
import Testing

@Suite("What a revision owes")
struct OutputBoardTests {
  private let all = RenderPart()

  private func output(_ frame: FrameNumber, _ state: OutputState = .owed, milliseconds: Int64? = nil) -> Output {
    Output(
      id: Int64(frame) + 1000, revision: 1, path: "\(frame).png", frame: frame, state: state, attempts: 0, size: nil,
      bytes: nil, file: nil, renderMilliseconds: milliseconds, problem: nil)
  }

  @Test func `is handed out in order of frames, and what failed comes back`() {
    var board = OutputBoard([5, 3, 4, 1].map { output($0) })
    #expect(board.owed(first: 2, of: all) == [1, 3])
    #expect(board.owedCount == 4)

    board.begin(all, FrameSet([1, 3, 77]))
    #expect(board.owed(first: 10, of: all) == [4, 5])
    #expect(!board.isOwed(all, 3) && board.isOwed(all, 4) && !board.isOwed(all, 77))

    board.put(output(3))
    #expect(board.owed(first: 1, of: all) == [3])
  }

  @Test func `is done when every output is, and over when none can come any more`() {
    var board = OutputBoard([output(1, .done), output(2, .active), output(3, .harvested)])
    #expect(!board.isOver)

    board.put(output(2, .failed))
    #expect(board.isOver && !board.isDone)

    board.put(output(2, .done))
    #expect(board.isDone && board.frameCounts.done == 3)
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

  private func output(
    _ id: Int64, _ kind: OutputKind, frame: FrameNumber = 1, _ state: OutputState = .owed, milliseconds: Int64? = nil
  ) -> Output {
    Output(
      id: id, revision: 1, path: "\(id)", frame: frame, kind: kind, state: state, attempts: 0, size: nil, bytes: nil,
      file: nil, renderMilliseconds: milliseconds, peakBytes: milliseconds, problem: nil)
  }

  @Test func `is owed together where one rendering gives it: both eyes, and what nodes write`() {
    let kinds = [
      OutputKind(view: "left"), OutputKind(view: "right"), OutputKind(view: "left", node: "Depth"),
      OutputKind(view: "right", node: "Depth"),
    ]
    var board = OutputBoard(kinds.enumerated().map { output(Int64($0.offset + 1), $0.element) })
    #expect(board.owedCount == 1)
    #expect(board[all, 1].map(\.kind) == kinds)
    #expect(board.frameCounts == FrameCounts(expected: 2))

    board.begin(all, FrameSet([1]))
    board.put(output(3, kinds[2], .done))
    board.put(output(1, kinds[0], .owed))
    #expect(board.owedCount == 0, "somebody works on the rest of it")

    for (id, kind) in [(2, kinds[1]), (4, kinds[3])] { board.put(output(Int64(id), kind, .done)) }
    #expect(board.owed(first: 9, of: all) == [1])
    #expect(!board.isDone)

    board.begin(all, FrameSet([1]))
    #expect(board[all, 1].map(\.state) == [.active, .done, .done, .done])
  }

  @Test func `is a picture that no task renders where it comes as tiles`() throws {
    let tiles = TileGrid(columns: 2, rows: 1).tiles.map { OutputKind(part: RenderPart(tile: $0)) }
    var board = OutputBoard(
      [output(1, OutputKind())] + tiles.enumerated().map { output(Int64($0.offset + 2), $0.element) })
    #expect(board.owing == tiles.map(\.part))
    #expect(board.owedCount == 2 && board.unitsLeft == 2)
    #expect(board.frameCounts == FrameCounts(expected: 1))

    board.put(output(2, tiles[0], .done, milliseconds: 30))
    board.put(output(3, tiles[1], .done, milliseconds: 50))
    #expect(board.isDone && board.frameCounts.done == 0)
    #expect(board.times.count == 2 && board.peakBytes == 50)

    board.put(output(1, OutputKind(), .done, milliseconds: 99))
    #expect(board.frameCounts.done == 1)
    #expect(board.times.count == 2)
  }

  @Test func `cannot come as a picture when a tile of it cannot`() {
    let tiles = TileGrid(columns: 2, rows: 1).tiles.map { OutputKind(part: RenderPart(tile: $0)) }
    var owed = [output(1, OutputKind()), output(2, OutputKind(), frame: 2)]
    for (frame, id) in [(1, 10), (2, 20)] as [(FrameNumber, Int64)] {
      owed += tiles.enumerated().map { output(id + Int64($0.offset), $0.element, frame: frame, .done) }
    }
    var board = OutputBoard(owed)
    #expect(board.failedPictures.isEmpty)

    board.put(output(21, tiles[1], frame: 2, .failed))

    #expect(board.isOver && !board.isDone)
    #expect(board.failedPictures.map(\.id) == [2])
    #expect(board.failedPictures.map(\.state) == [.failed])
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func `counts as one does who goes through all of them`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let parts = [RenderPart(layer: "A"), RenderPart(layer: "B")]
    let nodes = [nil, "Depth"].prefix(Int.random(in: 1...2, using: &random))
    var plain: [Output] = []
    for part in parts {
      for frame in 1...20 as ClosedRange<FrameNumber> {
        for node in nodes { plain.append(output(Int64(plain.count), OutputKind(part: part, node: node), frame: frame)) }
      }
    }
    var board = OutputBoard(plain)
    for _ in 0..<200 {
      let place = Int.random(in: plain.indices, using: &random)
      plain[place].state = OutputState.allCases.randomElement(using: &random) ?? .owed
      board.put(plain[place])

      for part in parts {
        let units = Dictionary(grouping: plain.filter { $0.kind.part == part }, by: \.frame).mapValues {
          $0.map(\.state)
        }
        let owed = units.filter { $0.value.contains(.owed) && !$0.value.contains { $0 == .active || $0 == .promoting } }
        #expect(board.owed(first: 100, of: part) == owed.keys.sorted())
      }
      #expect(board.owedCount == parts.reduce(0) { $0 + board.owedCount(of: $1) })
      #expect(board.isDone == plain.allSatisfy(\.state.isDone))
      #expect(board.isOver == plain.allSatisfy { $0.state.isDone || $0.state == .failed })
      #expect(board.frameCounts == FrameCounts(plain))
      let units = Dictionary(grouping: plain) { "\($0.kind.part) \($0.frame)" }.values
      #expect(board.unitsLeft == units.count { !$0.allSatisfy(\.state.isDone) })
    }
  }
}
