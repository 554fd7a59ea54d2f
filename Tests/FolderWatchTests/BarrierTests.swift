import FarmModel
import SystemPackage
import Testing
import VolumeFiles

@testable import FolderWatch

@Suite("Barriers")
struct BarrierTests {
  private var state: WatchState
  private let now = ContinuousClock.now

  init() {
    let setup = FolderWatcher.Setup(
      root: "/v", tree: .named(["quick": .drops]), cookieFolder: "/v/cookies", mark: "m", known: NothingKnown(),
      rules: SettleRules(), now: { ContinuousClock.now }, accepts: { _, _ in true }, isWhole: { _ in .whole })
    state = WatchState(setup, mounts: MountTable(parsing: ""), at: now)
    _ = state.take(.watched("/v/cookies", .success(1)), at: now)
    _ = state.take(.watched("/v", .success(2)), at: now)
  }

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
}

private struct NothingKnown: KnownFiles {
  func knownFiles(in folder: FilePath) async -> [FileName: Fingerprint] { [:] }
}
