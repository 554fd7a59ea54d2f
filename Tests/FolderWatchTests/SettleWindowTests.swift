import FarmModel
import FolderWatch
import Testing
import VolumeFiles

@Suite("A dropped file settles")
struct SettleWindowTests {
  private let start = ContinuousClock.now
  private let rules = SettleRules(
    quiet: .milliseconds(100), blindQuiet: .seconds(2), stall: .seconds(60), vanish: .seconds(5),
    lookMin: .milliseconds(100), lookMax: .seconds(5))

  private func file(_ size: Int64) -> Fingerprint {
    Fingerprint(device: 1, inode: 7, size: size, mtimeNanoseconds: 5, ctimeNanoseconds: size)
  }

  private func window(_ arrival: SettleWindow.Arrival, known: Fingerprint? = nil) -> SettleWindow {
    SettleWindow(known: known, arrival: arrival, rules: rules, at: start)
  }

  private func at(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

  @Test func `at once when it was renamed into place whole`() {
    var window = window(.renamed)

    #expect(window.looked(.file(file(10), writer: .noWriter, wholeness: .whole), at: start) == .settled(file(10)))
  }

  @Test func `once nothing was written for the quiet time`() {
    var window = window(.other)

    let first = window.looked(.file(file(10), writer: .noWriter, wholeness: nil), at: start)
    let second = window.looked(.file(file(10), writer: .noWriter, wholeness: .whole), at: at(100))

    #expect(first == .look(after: .milliseconds(100), deep: true))
    #expect(second == .settled(file(10)))
  }

  @Test func `later when it grew meanwhile`() {
    var window = window(.other)
    _ = window.looked(.file(file(10), writer: .noWriter, wholeness: nil), at: start)

    let grown = window.looked(.file(file(20), writer: .noWriter, wholeness: .whole), at: at(100))

    #expect(grown == .look(after: .milliseconds(100), deep: true))
    #expect(window.looked(.file(file(20), writer: .noWriter, wholeness: .whole), at: at(200)) == .settled(file(20)))
  }

  @Test func `never while some process has it open for writing`() {
    var window = window(.renamed)

    let busy = window.looked(.file(file(10), writer: .writer, wholeness: .whole), at: start)
    let free = window.looked(.file(file(10), writer: .noWriter, wholeness: .whole), at: at(5000))

    #expect(busy == .look(after: .milliseconds(100), deep: false))
    #expect(free == .settled(file(10)))
  }

  @Test func `after two seconds where nobody can say who writes`() {
    var window = window(.renamed)

    #expect(
      window.looked(.file(file(10), writer: .unknown, wholeness: .whole), at: start)
        == .look(after: .seconds(2), deep: true))
    #expect(window.looked(.file(file(10), writer: .unknown, wholeness: .whole), at: at(2000)) == .settled(file(10)))
  }

  @Test func `not while it is not whole, ever more slowly, and tells that once`() {
    var window = window(.renamed)
    let half = Look.file(file(10), writer: .noWriter, wholeness: .notYet("half"))

    #expect(window.looked(half, at: start) == .look(after: .milliseconds(100), deep: true))
    #expect(window.looked(half, at: at(100)) == .look(after: .milliseconds(200), deep: true))
    #expect(window.looked(half, at: at(60_000)) == .stalled("half", lookAfter: .milliseconds(400)))
    #expect(window.looked(half, at: at(61_000)) == .look(after: .milliseconds(800), deep: true))
    for _ in 0..<5 { _ = window.looked(half, at: at(62_000)) }
    #expect(window.looked(half, at: at(63_000)) == .look(after: .seconds(5), deep: true))
  }

  @Test func `as known when it is what was known`() {
    var window = window(.other, known: file(10))

    #expect(window.looked(.file(file(10), writer: .unknown, wholeness: nil), at: start) == .unchanged)
  }

  @Test func `as gone only when a save would long be over`() {
    var window = window(.other, known: file(10))

    #expect(window.looked(.gone, at: start) == .look(after: .seconds(5), deep: false))
    #expect(window.looked(.file(file(10), writer: .noWriter, wholeness: nil), at: at(100)) == .unchanged)

    #expect(window.looked(.gone, at: at(200)) == .look(after: .seconds(5), deep: false))
    #expect(window.looked(.gone, at: at(5200)) == .vanished)
  }

  @Test func `as refused when it is no file, or never can be whole`() {
    var folder = window(.other)
    var picture = window(.renamed)

    #expect(
      folder.looked(.notAFile("a folder", file(1)), at: start) == .refused("it is a folder, not a file", file(1)))
    #expect(
      picture.looked(.file(file(1), writer: .noWriter, wholeness: .never("it is a PNG")), at: start)
        == .refused("it is a PNG", file(1)))
  }

  @Test func `to nothing new when what was refused is still the same`() {
    var link = window(.other, known: file(1))

    #expect(link.looked(.notAFile("a symbolic link", file(1)), at: start) == .unchanged)
  }
}
