import CInotifyTools
import FarmModel
import SystemPackage
import Testing
import VolumeFiles

@testable import FolderWatch

@Suite("Barriers")
struct BarrierTests {
  private let state: WatchState
  private let now = ContinuousClock.now

  init() { state = .begun(at: now) }

  private func reached(_ actions: [WatchAction]) -> [Int] {
    actions.compactMap { if case .tell(.barrier(let number)) = $0 { number } else { nil } }
  }

  @Test func `whose files lay there at the start are all reached, in whatever order they are found`() {
    var state = state
    let names = ["m-2", "m-1", "earlier-7"].map { FileName(bytes: Array($0.utf8)) }

    var actions = state.take(.cookies(names), at: now)
    actions += state.take(.barrier(1), at: now) + state.take(.barrier(2), at: now)
    let stamp = FolderStamp(device: 1, inode: 1, mtimeNanoseconds: 1, ctimeNanoseconds: 1)
    let look = FolderLook.listed(stamp, folders: [], files: Reconciler.Differences())
    actions += state.take(.folderLooked("/v", turn: 1, look), at: now)

    #expect(reached(actions) == [1, 2])
  }

  @Test func `are cleared away, but not what somebody else put beside them`() {
    var state = state
    let names = ["m-1", "earlier-7", ".farm-probe"].map { FileName(bytes: Array($0.utf8)) }

    let removed = state.take(.cookies(names), at: now).compactMap { action in
      if case .removeCookie(let name) = action { name.string } else { nil }
    }

    #expect(Set(removed) == ["m-1", "earlier-7"])
  }

  @Test func `whose event is lost are reached all the same, after a while`() {
    var state = state
    let stamp = FolderStamp(device: 1, inode: 1, mtimeNanoseconds: 1, ctimeNanoseconds: 1)
    let look = FolderLook.listed(stamp, folders: [], files: Reconciler.Differences())
    _ = state.take(.folderLooked("/v", turn: 1, look), at: now)

    let asked = state.take(.barrier(1), at: now)
    _ = state.passed(to: now + .seconds(3))
    let actions = state.take(.folderLooked("/v", turn: 2, look), at: now + .seconds(3))

    #expect(reached(asked).isEmpty)
    #expect(reached(actions) == [1])
  }

  @Test func `wait for a folder that came in the same moment, and for its files`() {
    var state = state
    let stamp = FolderStamp(device: 1, inode: 1, mtimeNanoseconds: 1, ctimeNanoseconds: 1)
    let empty = FolderLook.listed(stamp, folders: [], files: Reconciler.Differences())
    let name = { (text: String) in FileName(bytes: Array(text.utf8)) }
    _ = state.take(.folderLooked("/v", turn: 1, empty), at: now)
    _ = state.take(.barrier(1), at: now)

    let events = [
      InotifyEvent(watch: 2, mask: UInt32(IN_MOVED_TO) | UInt32(IN_ISDIR), name: name("quick")),
      InotifyEvent(watch: 1, mask: UInt32(IN_CREATE), name: name("m-1")),
    ]
    #expect(reached(state.take(.events(events), at: now)).isEmpty)
    #expect(reached(state.take(.watched("/v/quick", .success(3)), at: now)).isEmpty)
    _ = state.take(.recalled("/v/quick", [:]), at: now)
    var files = Reconciler.Differences()
    files.new = [name("a.blend")]
    let full = FolderLook.listed(stamp, folders: [], files: files)
    #expect(reached(state.take(.folderLooked("/v/quick", turn: 1, full), at: now)).isEmpty)
    let file = FileKey(folder: "/v/quick", name: name("a.blend"))
    #expect(reached(state.take(.looked(file, turn: 1, .gone), at: now)) == [1])
  }

  /// What is written while it is looked at is looked at once more, to its end.
  @Test func `wait for the quiet time of a file that is found whole before it is over`() {
    var state = state
    let stamp = FolderStamp(device: 1, inode: 1, mtimeNanoseconds: 1, ctimeNanoseconds: 1)
    let name = FileName(bytes: Array("a.blend".utf8))
    let file = FileKey(folder: "/v/quick", name: name)
    let print = Fingerprint(device: 1, inode: 2, size: 3, mtimeNanoseconds: 4, ctimeNanoseconds: 5)
    let empty = FolderLook.listed(stamp, folders: [], files: Reconciler.Differences())
    _ = state.take(.folderLooked("/v", turn: 1, empty), at: now)
    let folder = InotifyEvent(
      watch: 2, mask: UInt32(IN_MOVED_TO) | UInt32(IN_ISDIR), name: FileName(bytes: Array("quick".utf8)))
    _ = state.take(.events([folder]), at: now)
    _ = state.take(.watched("/v/quick", .success(3)), at: now)
    _ = state.take(.recalled("/v/quick", [:]), at: now)
    _ = state.take(.folderLooked("/v/quick", turn: 1, empty), at: now)
    _ = state.take(.events([InotifyEvent(watch: 3, mask: UInt32(IN_CREATE), name: name)]), at: now)
    _ = state.take(.barrier(1), at: now)
    let cookie = InotifyEvent(watch: 1, mask: UInt32(IN_CREATE), name: FileName(bytes: Array("m-1".utf8)))

    var actions = state.take(.events([cookie]), at: now)
    actions += state.take(.looked(file, turn: 1, .file(print, writer: .noWriter, wholeness: nil)), at: now)
    actions += state.take(.looked(file, turn: 2, .file(print, writer: .noWriter, wholeness: .whole)), at: now)
    #expect(reached(actions).isEmpty)
    let later = now + .seconds(1)
    actions = state.passed(to: later)
    actions += state.take(.looked(file, turn: 4, .file(print, writer: .noWriter, wholeness: .whole)), at: later)

    #expect(reached(actions) == [1])
  }
}
