import FarmAPI
@testable import FarmDaemon
import FarmModel
import FarmTesting
import Foundation
import Logging
import SystemPackage
import Testing
import VolumeFiles

@Suite("A state folder")
struct StateClaimTests {
  private let scratch: ScratchFolder
  private let state: FilePath

  init() throws {
    scratch = try ScratchFolder()
    state = try scratch.folder("state")
  }

  private func volume(_ name: String) throws -> Volume {
    let volume = Volume(root: scratch(name))
    try VolumeTree.make(volume, adopts: false)
    return volume
  }

  @Test func `of one volume is refused to another, at once and later, until it may have it`() throws {
    let (spring, summer) = (try volume("spring"), try volume("summer"))
    let claim = try StateClaim(state, for: spring)
    #expect(throws: DaemonFailure.foreignState(state, of: spring.root)) { try StateClaim(state, for: summer) }
    claim.release()

    let failure = #expect(throws: DaemonFailure.self) { try StateClaim(state, for: summer) }

    #expect(failure?.description == "the state folder \(state) belongs to the volume \(spring.root)")
    #expect(failure?.remedy.contains("`state:`") == true && failure?.remedy.contains("\(state)/volume") == true)
    #expect(failure?.kind == .conflict)
    unlink(state.appending("volume").string)
    try StateClaim(state, for: summer).release()
  }

  @Test func `stays with a volume that is mounted elsewhere, and with one whose own folder was made anew`() throws {
    let spring = try volume("spring")
    try StateClaim(state, for: spring).release()
    try #require(rename(spring.root.string, scratch("moved").string) == 0)
    let moved = Volume(root: scratch("moved"))
    try StateClaim(state, for: moved).release()

    try FileManager.default.removeItem(atPath: moved.own.string)
    try VolumeTree.make(moved, adopts: true)

    try StateClaim(state, for: moved).release()
    try StateClaim(state, for: moved).release()
  }

  @Test func `is held by one claim at a time`() throws {
    let spring = try volume("spring")
    let claim = try StateClaim(state, for: spring)

    #expect(throws: DaemonFailure.self) { try StateClaim(state, for: spring) }
    claim.release()
    try StateClaim(state, for: spring).release()
  }
}

@Suite("The volume's lock")
struct VolumeLockTests {
  private let scratch: ScratchFolder
  private let volume: Volume

  init() throws {
    scratch = try ScratchFolder()
    volume = try scratch.makeVolume()
  }

  @Test func `is held by one daemon, and the second is told by whom`() throws {
    let lock = try VolumeLock(volume, socket: "/s")

    let failure = #expect(throws: DaemonFailure.self) { try VolumeLock(volume, socket: "/s") }

    #expect(failure?.description.contains("pid \(getpid()) on host") == true)
    #expect(failure?.kind == .conflict)
    lock.release()
    try VolumeLock(volume, socket: "/s").release()
  }

  @Test func `says where the daemon can be talked to`() throws {
    let lock = try VolumeLock(volume, socket: "/run/x.socket")
    defer { lock.release() }

    let holder = try JSONDecoder().decode(LockHolder.self, from: Data(volume.lock.contents))

    #expect(holder.socket == "/run/x.socket")
    #expect(holder.pid == getpid())
  }

  @Test func `is lost when its file is removed or replaced, and another daemon could take the volume`() throws {
    let first = try VolumeLock(volume, socket: "/s")
    defer { first.release() }
    try first.renew()
    unlink(volume.lock.string)
    #expect(throws: DaemonFailure.lockLost(volume.lock)) { try first.renew() }

    let second = try VolumeLock(volume, socket: "/s")
    defer { second.release() }
    try second.renew()
    let failure = #expect(throws: DaemonFailure.self) { try first.renew() }
    #expect(failure?.description == "the lock \(volume.lock) was removed, so that another daemon could take the volume")
  }

  @Test(.enabled(if: Needs.mounts)) func `is taken on a full disk, and written there where it was written before`()
    throws
  {
    let disk = try SmallDisk(size: "64k", at: volume.own)
    try disk.fill()

    let first = try VolumeLock(volume, socket: "/s")
    #expect(first.trouble?.description.contains("No space left") == true)
    #expect(throws: DaemonFailure.self) { try VolumeLock(volume, socket: "/s") }
    try disk.removeFill()
    try first.renew()
    #expect(first.trouble == nil)
    #expect(LockHolder.of(volume)?.socket == "/s")
    first.release()
    #expect(LockHolder.of(volume) == nil)
    try disk.fill()

    let second = try VolumeLock(volume, socket: "/other")
    #expect(second.trouble == nil)
    #expect(LockHolder.of(volume)?.socket == "/other")
    second.release(waitingBecause: "the disk is full. Free space.")
    #expect(LockHolder.of(volume)?.livingWaits == "the disk is full. Free space.")
    let third = try VolumeLock(volume, socket: "/other")
    #expect(LockHolder.of(volume)?.livingWaits == nil)
    third.release()
  }

  @Test(.enabled(if: Needs.mounts)) func `is taken on a disk that became read-only`() async throws {
    let disk = try SmallDisk(size: "64k", at: volume.own)
    try VolumeLock(volume, socket: "/s").release()
    try await disk.setReadOnly(true)

    let lock = try VolumeLock(volume, socket: "/s")

    #expect(lock.trouble?.description.contains("Read-only file system") == true)
    #expect(throws: DaemonFailure.self) { try VolumeLock(volume, socket: "/s") }
    lock.release()
  }

  @Test func `of a daemon on another host counts as long as it is renewed`() throws {
    let other = LockHolder(host: "other-host", pid: 7, bootID: "b", socket: "/s")
    try JSONEncoder().encode(other).write(to: URL(filePath: volume.lock.string))

    let failure = #expect(throws: DaemonFailure.self) { try VolumeLock(volume, socket: "/s") }
    #expect(failure?.description.contains("pid 7 on host other-host") == true)

    let old = [timeval(tv_sec: 1_000_000, tv_usec: 0), timeval(tv_sec: 1_000_000, tv_usec: 0)]
    utimes(volume.lock.string, old)
    try VolumeLock(volume, socket: "/s").release()
  }
}

@Suite("The state folder")
struct StateFolderTests {
  @Test func `is on the volume, elsewhere when told, and its socket's path is short enough`() throws {
    let scratch = try ScratchFolder()
    let long = try scratch.folder(String(repeating: "deep/", count: 30))

    let near = try StateFolder(volume: Volume(root: scratch.path), configured: nil)
    let far = try StateFolder(volume: Volume(root: scratch.path), configured: long.string)

    #expect(near.folder == scratch(".farm/state"))
    #expect(near.socket == scratch(".farm/state/socket").string)
    #expect(far.folder == long)
    #expect(far.socket.hasPrefix("/run/farm-"))
    #expect(far.socket.utf8.count <= 107)
  }
}

@Suite("A log record")
struct FarmLogTests {
  private let time = TestTime()

  @Test func `is one line for people, with nothing a terminal would obey`() {
    let line = FarmLog(label: "t", format: .text, clock: time.clock)
      .line(.notice, "job.queued", [("job", "quick/a\u{1B}[2J b"), ("n", "1")])

    #expect(line == "2026-09-21 14:13:20Z notice job.queued job=\"quick/a\\e[2J b\" n=1")
  }

  @Test func `is one JSON object`() throws {
    let line = FarmLog(label: "t", format: .json, clock: time.clock).line(.error, "a \"b\"\n", [("job", "x")])

    let fields = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
    #expect(fields["message"] == "a \"b\"\n")
    #expect(fields["level"] == "error")
    #expect(fields["job"] == "x")
    #expect(!line.contains("\n"))
  }
}

@Suite("An end that comes again and again")
struct RepeatedEndTests {
  private func time(_ seconds: Int64) -> Timestamp { Timestamp(nanoseconds: seconds * 1_000_000_000) }

  @Test func `is said at once, and then rarely`() throws {
    let end = try #require(RepeatedEnd(RepeatedEnd("the disk is full", saidAt: time(1000)).text))
    #expect(end.reason == "the disk is full")

    #expect(end.covers("the disk is full", at: time(1005), after: .seconds(1)))
    #expect(!end.covers("another", at: time(1005), after: .seconds(1)))
    #expect(!end.covers("the disk is full", at: time(1601), after: .seconds(1)))
    // It had recovered.
    #expect(!end.covers("the disk is full", at: time(1100), after: .seconds(90)))
    // The clock was set back.
    #expect(!end.covers("the disk is full", at: time(10), after: .seconds(1)))
  }

  @Test(arguments: ["", "x", "12", "a b"]) func `of which nothing is known is said`(text: String) {
    #expect(RepeatedEnd(text) == nil)
  }
}

@Suite("Events")
struct EventHubTests {
  @Test func `reach everybody who listens, in order, until the end`() async {
    let hub = EventHub()
    let (a, b) = (hub.listen(), hub.listen())
    for number in 1...3 {
      hub.tell(FarmEvent(at: Timestamp(nanoseconds: 0), event: "frame.done", frame: FrameNumber(number)))
    }
    hub.finish()

    for stream in [a, b] {
      var frames: [FrameNumber?] = []
      for await event in stream { frames.append(event.frame) }
      #expect(frames == [1, 2, 3])
    }
  }
}

@Suite("What a person asked for and cannot have")
struct CommandFailureTests {
  @Test(arguments: [
    CommandFailure.noJob("shto", nearest: "shot"), .severalJobs("a", [JobName(release: "r", job: "a")]),
    .noRelease("sprin", nearest: "spring"), .noLog(JobName(release: "r", job: "a")),
    .logGone(JobName(release: "r", job: "a"), "/x/task-1.log"),
    .badName("a/b", why: "it has a slash"),
    .planned("spring"), .emptyQuery, .notFinished("spring", waitsFor: ["a drop of b"]),
    .badPlan(Problem(.badRelease, cause: "release.yaml:1:1: it is wrong")), .fileGone(JobName(release: "r", job: "a")),
    .beingAssembled(JobName(release: "r", job: "a")),
    .noFrames(JobName(release: "r", job: "a"), FrameSet([7]), of: FrameSet([1])),
    .blocked(JobName(release: "r", job: "a"), nil),
  ])
  func `is said with a remedy`(failure: CommandFailure) {
    #expect(failure.description.first?.isUppercase == false)
    #expect(!failure.description.hasSuffix("."))
    #expect(failure.remedy.hasSuffix("."))
    #expect(failure.kind != .failed)
  }

  @Test func `names the nearest`() {
    #expect(
      CommandFailure.noJob("shto", nearest: "shot").description == "there is no job \"shto\"; did you mean \"shot\"?")
  }
}
