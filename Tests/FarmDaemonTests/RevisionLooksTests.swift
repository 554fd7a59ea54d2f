import FarmModel
import Testing

@testable import FarmDaemon

@Suite("A revision whose files may be others by now")
struct RevisionLooksTests {
  private var looks = RevisionLooks()

  @Test mutating func `is inspected once more when that is asked for while an inspection runs`() {
    let begun = [looks.begin(1), looks.begin(1), looks.begin(1), looks.begin(2)]
    let repeated = [looks.end(1), looks.end(1), looks.end(2)]
    let again = looks.begin(1)

    #expect(begun == [true, false, false, true])
    #expect(repeated == [true, false, false])
    #expect(again)
  }

  @Test mutating func `is not completed before that is known`() {
    looks.doubt(1)
    let isFirst = looks.begin(1)
    let before = looks.isDoubted(1)
    _ = looks.end(1)

    #expect(isFirst && before && !looks.isDoubted(1) && !looks.isOutdated(1))
  }

  @Test mutating func `takes no further frame once another one comes in its place`() {
    let outdated = [looks.outdate(1), looks.outdate(1)]
    let (isDoubted, isOutdated) = (looks.isDoubted(1), looks.isOutdated(1))
    looks.forget(1)

    #expect(outdated == [true, false])
    #expect(isDoubted && isOutdated && !looks.isDoubted(1))
  }
}

@Suite("What an inspection says of how a file is rendered")
struct RevisionBasisTests {
  private func basis(_ frames: ClosedRange<FrameNumber>, isSimulated: Bool = false) -> RevisionBasis {
    RevisionBasis(frames: FrameSet(Array(frames)), scene: "Scene", format: .png, isSimulated: isSimulated)
  }

  @Test func `is another with other frames, and when something is simulated that was not`() {
    #expect(basis(1...20) == basis(1...20))
    #expect(basis(1...20) != basis(1...1))
    #expect(basis(1...20) != basis(1...20, isSimulated: true))
  }

  @Test func `holds a job up for the same reason, however the files lie that it waits for`() {
    func problem(_ why: String, _ seen: [Int64]?) -> Problem {
      let file = MissingFile(path: "/v/a.jpg", neededBy: "image A", why: why, seen: seen)
      return Problem(.missingFile, cause: "image A needs //a.jpg", missing: [file])
    }

    #expect(problem("is not whole", [5, 1]).isSameButForFiles(as: problem("is not whole", [9, 2])))
    #expect(!problem("is not whole", [5, 1]).isSameButForFiles(as: problem("is not there", nil)))
  }
}
