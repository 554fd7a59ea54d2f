import FarmModel
import FarmStore
import Testing
import VolumeFiles

@testable import FarmDaemon

@Suite("Missing files of blocked revisions")
struct LacksTests {
  private var lacks = Lacks()

  private func at(_ seconds: Int64) -> Timestamp { Timestamp(nanoseconds: seconds * 1_000_000_000) }

  private func file(_ size: Int64) -> Fingerprint {
    Fingerprint(device: 1, inode: 1, size: size, mtimeNanoseconds: 5, ctimeNanoseconds: 0)
  }

  /// A look that finds files of these sizes.
  private func look(_ sizes: KeyValuePairs<String, Int64>) -> [ExactText: Fingerprint] {
    Dictionary(uniqueKeysWithValues: sizes.map { (ExactText($0.key), file($0.value)) })
  }

  private func missing(_ path: String, seen: [Int64]? = nil) -> MissingFile {
    MissingFile(path: path, neededBy: "image Wood", why: "is not there", seen: seen)
  }

  private func revision(_ id: Int64) -> Revision {
    Revision(
      id: id, job: id, name: JobName(release: "spring", job: "shot-\(id)"), number: 1,
      digest: Digest(bytes: Array(repeating: 0, count: 32)), state: .blocked, frames: FrameSet([1]), format: .png,
      scene: "Scene", notes: [], savedBy: nil, blender: nil, snapshot: nil, problem: nil, createdAt: at(0))
  }

  /// What is looked for at a time, when nothing is there.
  private mutating func lookedFor(at seconds: Int64) -> [Int64] {
    let due = lacks.due(at: at(seconds)).map(\.revision.id)
    for id in due where lacks.isCured(id, [:]) { Issue.record("\(id) is cured by nothing") }
    return due
  }

  @Test mutating func `are looked for at once, then when the watch tells of them, and all now and then`() {
    lacks.add(revision(1), [missing("/v/a.png"), missing("/v/b.png")], at: at(0))
    lacks.add(revision(2), [missing("/v/b.png")], at: at(0))
    lacks.add(revision(3), [missing("/v/c.png")], at: at(0))

    let first = [lookedFor(at: 0), lookedFor(at: 1)]
    #expect(first == [[1, 2, 3], []])
    lacks.tell(of: "/v/b.png")
    lacks.tell(of: "/v/other.png")
    let told = [lookedFor(at: 2), lookedFor(at: 29)]
    #expect(told == [[1, 2], []])
    let later = [lookedFor(at: 30), lookedFor(at: 59), lookedFor(at: 60)]
    #expect(later == [[1, 2, 3], [], [1, 2, 3]])
  }

  @Test mutating func `are cured when each is there and stays as it is between two looks`() {
    lacks.add(revision(1), [missing("/v/a.png"), missing("/v/b.png")], at: at(0))
    let (a, b) = (look(["/v/a.png": 1]), look(["/v/a.png": 1, "/v/b.png": 2]))
    let changed = look(["/v/a.png": 1, "/v/b.png": 3])

    let cured = [a, a, b, changed, changed].map { lacks.isCured(1, $0) }

    #expect(cured == [false, false, false, false, true])
    let due = lacks.due(at: at(2)).count
    #expect(due == 1, "somebody may still write")
    let removed = [lacks.remove(1), lacks.remove(1)]
    #expect(removed == [true, false])
  }

  @Test mutating func `whose names differ in Unicode form alone are two files`() {
    let (composed, decomposed) = ("/v/\u{E9}.png", "/v/e\u{301}.png")
    lacks.add(revision(1), [missing(composed), missing(decomposed)], at: at(0))

    #expect(lacks.paths.count == 2)
    let one = look([composed: 1])
    let both = look([composed: 1, decomposed: 2])
    let cured = [one, one, both, both].map { lacks.isCured(1, $0) }
    #expect(cured == [false, false, false, true])
  }

  @Test mutating func `that were there and no use are cured by others`() {
    lacks.add(revision(1), [missing("/v/a.png", seen: [7, 5])], at: at(0))

    let cured = [7, 7, 8, 8].map { lacks.isCured(1, look(["/v/a.png": $0])) }

    #expect(cured == [false, false, false, true])
  }

  @Test mutating func `of which there are none, for only a right is missing, are looked for always`() {
    lacks.add(revision(1), [], at: at(0))

    let due = (0..<5).map { lacks.due(at: at($0)).count }

    #expect(due == [1, 1, 1, 1, 1])
  }

  @Test mutating func `that seemed to be cured and were not are looked for less and less often`() {
    var looked: [Int64] = []
    for _ in 0..<3 {
      lacks.add(revision(1), [], at: at(0))
      looked.append((0...200 as ClosedRange<Int64>).first { !lacks.due(at: at($0)).isEmpty } ?? -1)
      let isCured = lacks.cure(1)
      #expect(isCured)
    }

    #expect(looked == [0, 30, 60])
    let isCured = lacks.cure(1)
    #expect(!isCured)
  }

  @Test func `that are there and no use are told of once when they stay so for the stall time`() {
    var lacks = Lacks()
    lacks.add(revision(1), [missing("/v/a.jpg", seen: [7, 5]), missing("/v/b.png")], at: at(0))
    func stalled(_ size: Int64, _ seconds: Int64, _ lacks: inout Lacks) -> [Int64] {
      _ = lacks.due(at: at(seconds))
      _ = lacks.isCured(1, look(["/v/a.jpg": size]))
      return lacks.stalled(for: .seconds(60), at: at(seconds)).map(\.revision.id)
    }

    let same = [stalled(7, 0, &lacks), stalled(7, 59, &lacks), stalled(7, 60, &lacks), stalled(7, 200, &lacks)]
    #expect(same == [[], [], [1], []])
    // Another one: nothing is known of that.
    let other = [stalled(8, 201, &lacks), stalled(8, 300, &lacks)]
    #expect(other == [[], []])
    lacks.add(revision(1), [missing("/v/a.jpg", seen: [8, 5])], at: at(300))
    let anew = [stalled(8, 301, &lacks), stalled(8, 360, &lacks), stalled(8, 361, &lacks)]
    #expect(anew == [[], [], [1]])
  }
}
