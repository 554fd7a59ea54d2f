import CInotifyTools
import FarmModel
import SystemPackage
import Testing
import VolumeFiles

@testable import FolderWatch

@Suite("What is watched")
struct WatchStateTests {
  private let now = ContinuousClock.now

  @Test func `is looked for once more when it was moved while its watch was set`() {
    var state = WatchState.begun(at: now)
    let quick = FileName(bytes: Array("quick".utf8))
    let arrives = InotifyEvent(watch: 2, mask: UInt32(IN_MOVED_TO) | UInt32(IN_ISDIR), name: quick)
    #expect(watches(state.take(.events([arrives]), at: now)) == ["/v/quick"])
    _ = state.take(.watched("/v/quick", .success(3)), at: now)

    // The kernel tells the folder above first: the watch of the folder itself may be there before its own event.
    let moved = InotifyEvent(watch: 3, mask: UInt32(IN_MOVE_SELF), name: nil)

    #expect(watches(state.take(.events([moved]), at: now)) == ["/v/quick"])
  }

  @Test func `is asked of the memory again when that has changed by itself`() throws {
    var state = WatchState.begun(at: now)
    let arrives = InotifyEvent(
      watch: 2, mask: UInt32(IN_MOVED_TO) | UInt32(IN_ISDIR), name: FileName(bytes: Array("quick".utf8)))
    _ = state.take(.events([arrives]), at: now)
    _ = state.take(.watched("/v/quick", .success(3)), at: now)
    let known = Fingerprint(device: 1, inode: 2, size: 3, mtimeNanoseconds: 4, ctimeNanoseconds: 5)
    _ = state.take(.recalled("/v/quick", [FileName("a.blend"): known]), at: now)
    _ = state.take(.folderLooked("/v/quick", turn: 1, .gone), at: now)

    let memories = [false, true].map { forgets -> [FilePath] in
      var state = state
      if forgets { _ = state.take(.forget("/v"), at: now) }
      _ = state.take(.events([arrives]), at: now)
      return state.take(.watched("/v/quick", .success(4)), at: now).compactMap {
        if case .recall(let folder) = $0 { folder } else { nil }
      }
    }

    #expect(memories == [[], ["/v/quick"]])
  }

  @Test func `keeps the watch of a folder that has another name, though the old one is left later`() {
    var state = WatchState.begun(at: now)
    let (quick, releases) = (FileName(bytes: Array("quick".utf8)), FileName(bytes: Array("releases".utf8)))
    let arrived = { (name: FileName) in
      InotifyEvent(watch: 2, mask: UInt32(IN_CREATE) | UInt32(IN_ISDIR), name: name)
    }
    _ = state.take(.events([arrived(quick)]), at: now)
    _ = state.take(.watched("/v/quick", .success(3)), at: now)

    // A listing finds the new name first: the kernel answers the number that the folder has.
    _ = state.take(.events([arrived(releases)]), at: now)
    _ = state.take(.watched("/v/releases", .success(3)), at: now)
    let left = InotifyEvent(watch: 2, mask: UInt32(IN_MOVED_FROM) | UInt32(IN_ISDIR), name: quick)
    let unwatched = state.take(.events([left]), at: now).filter { if case .unwatch = $0 { true } else { false } }

    #expect(unwatched.isEmpty)
    #expect(state.paths[3] == "/v/releases")
  }

  @Test func `is looked at once more when it came back during a look that found it gone`() {
    var state = WatchState.begun(at: now)
    let quick = FileName(bytes: Array("quick".utf8))
    let arrives = InotifyEvent(watch: 2, mask: UInt32(IN_CREATE) | UInt32(IN_ISDIR), name: quick)
    _ = state.take(.events([arrives]), at: now)
    _ = state.take(.watched("/v/quick", .success(3)), at: now)
    _ = state.take(.recalled("/v/quick", [:]), at: now)
    _ = state.take(.events([arrives]), at: now)
    _ = state.take(.watched("/v/quick", .success(4)), at: now)
    _ = state.take(.barrier(1), at: now)
    let cookie = InotifyEvent(watch: 1, mask: UInt32(IN_CREATE), name: FileName(bytes: Array("m-1".utf8)))
    _ = state.take(.events([cookie]), at: now)

    let root = FolderStamp(device: 1, inode: 1, mtimeNanoseconds: 1, ctimeNanoseconds: 1)
    let empty = FolderLook.listed(root, folders: [], files: Reconciler.Differences())
    var actions = state.take(.folderLooked("/v", turn: 1, empty), at: now)
    actions += state.take(.folderLooked("/v/quick", turn: 1, .gone), at: now)

    let isReached = actions.contains { if case .tell(.barrier) = $0 { true } else { false } }
    #expect(!isReached)
    #expect(state.paths[4] == "/v/quick")
    let looksAgain = actions.contains { if case .lookAtFolder("/v/quick", _, _, _) = $0 { true } else { false } }
    #expect(looksAgain)
  }

  private func watches(_ actions: [WatchAction]) -> [FilePath] {
    actions.compactMap { if case .watch(let path) = $0 { path } else { nil } }
  }
}

extension WatchState {
  /// A watch of `/v`, in which `quick` takes drops, with the first watches set and nothing looked at.
  static func begun(at now: Instant) -> WatchState {
    let setup = FolderWatcher.Setup(
      root: "/v", tree: .named(["quick": .drops]), cookieFolder: "/v/cookies", mark: "m", known: NothingKnown(),
      rules: SettleRules(), now: { ContinuousClock.now }, accepts: { _, _ in true }, isWhole: { _ in .whole })
    var state = WatchState(setup, mounts: MountTable(parsing: ""), at: now)
    _ = state.take(.watched("/v/cookies", .success(1)), at: now)
    _ = state.take(.watched("/v", .success(2)), at: now)
    return state
  }
}

private struct NothingKnown: KnownFiles {
  func knownFiles(in folder: FilePath) async -> [FileName: Fingerprint] { [:] }
}
