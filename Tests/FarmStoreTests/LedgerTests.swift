import FarmModel
import FarmStore
import FarmTesting
import SystemPackage
import Testing

@Suite("The ledger")
struct LedgerTests {
  private let scratch: ScratchFolder
  private let time = TestTime()
  private let ledger: Ledger
  private let name = JobName(release: "spring", job: "shot")

  init() throws {
    scratch = try ScratchFolder()
    ledger = try Ledger(at: scratch("ledger.sqlite"), clock: time.clock)
  }

  private func drop(
    _ content: UInt8, state: JobState = .queued, frames: ClosedRange<FrameNumber> = 1...3
  ) async throws -> (revision: Revision, superseded: [Revision]) {
    try await ledger.record(
      NewRevision(
        name: name, path: "releases/spring/store/shot.blend", owner: "ann",
        digest: Digest(bytes: [UInt8](repeating: content, count: 32)), state: state, frames: FrameSet(frames),
        format: .png, savedBy: BlenderVersion(major: 3, minor: 4),
        problem: state == .blocked ? Problem(.noCamera, cause: "none") : nil,
        outputs: state == .blocked ? [] : frames.map { OwedOutput(path: "\($0).png", frame: $0) }),
      known: (KnownPath("releases/spring/store/shot.blend"), Self.fingerprint))
  }

  private static let fingerprint = Fingerprint(
    device: 1, inode: 2, size: 3, mtimeNanoseconds: 4, ctimeNanoseconds: 5)

  @Test func `keeps which picture of its frame each output is`() async throws {
    let revision = try await drop(1).revision
    let tile = Tile(column: 1, row: 0, grid: TileGrid(columns: 2, rows: 2))
    let kinds = [
      OutputKind(part: RenderPart(scene: "Main", layer: "Sky"), view: "left", node: "Depth"),
      OutputKind(part: RenderPart(scene: "Main", tile: tile)),
    ]
    let owed = kinds.enumerated().map { OwedOutput(path: "more-\($0.offset)", frame: 9, kind: $0.element) }

    for _ in 1...2 { try await ledger.owe(owed, of: revision.id) }

    let more = try await ledger.outputs(of: revision.id).filter { $0.frame == 9 }
    #expect(more.map(\.kind) == kinds)
    // Neither is what people count.
    #expect(try await ledger.newestFrameCounts().values.map(\.expected) == [3])
  }

  @Test func `gives a job that ended with its file no other name, under which nobody would render it`() async throws {
    let revision = try await drop(1).revision
    let job = try #require(try await ledger.job(name))
    let old = KnownPath("releases/spring/store/shot.blend")
    _ = try await ledger.removeJob(name, known: old)

    let isRenamed = try await ledger.rename(
      job, to: JobName(release: "spring", job: "new"), path: "releases/spring/store/new.blend",
      known: (old, KnownPath("releases/spring/store/new.blend"), Self.fingerprint))

    #expect(!isRenamed)
    #expect(try await ledger.newestRevision(of: name)?.id == revision.id)
    #expect(try await ledger.job(JobName(release: "spring", job: "new")) == nil)
  }

  @Test func `keeps a revision with all it owes`() async throws {
    let revision = try await drop(1).revision

    #expect(revision.number == 1)
    #expect(revision.state == .queued)
    #expect(try await ledger.outputs(of: revision.id).map(\.frame) == [1, 2, 3])
    #expect(try await ledger.job(name)?.state == .queued)
    #expect(try await ledger.job(name)?.priority == 50)
    #expect(try await ledger.knownFiles(in: "releases/spring/store").values.first == Self.fingerprint)
    #expect(try await ledger.newestRevision(of: name)?.digest == revision.digest)
  }

  @Test func `ends the older open revision when a newer one is queued`() async throws {
    let first = try await drop(1).revision

    let (second, superseded) = try await drop(2)

    #expect(superseded.map(\.id) == [first.id])
    #expect(try await ledger.revision(first.id).state == .superseded)
    #expect(try await ledger.revisions(in: [.queued]).map(\.id) == [second.id])
  }

  @Test func `lets the older revision go on when the newer one is blocked`() async throws {
    let first = try await drop(1).revision

    let (second, superseded) = try await drop(2, state: .blocked)

    #expect(superseded.isEmpty)
    #expect(try await ledger.revision(first.id).state == .queued)
    #expect(try await ledger.job(name)?.state == .blocked)
    #expect(try await ledger.job(name)?.problem?.problemClass == .noCamera)
    #expect(second.number == 2)
  }

  @Test func `ends a blocked revision when a newer one is blocked: what was missing from it is awaited no more`()
    async throws
  {
    let rendered = try await drop(1).revision
    let blocked = try await drop(2, state: .blocked).revision

    let (newest, superseded) = try await drop(3, state: .blocked)

    #expect(superseded.map(\.id) == [blocked.id])
    #expect(try await ledger.revisions(in: [.blocked]).map(\.id) == [newest.id])
    #expect(try await ledger.revision(rendered.id).state == .queued)
  }

  @Test func `shows on the job only the state of its newest revision`() async throws {
    let first = try await drop(1).revision
    _ = try await drop(2, state: .blocked)

    #expect(try await ledger.move(first.id, to: .active))

    #expect(try await ledger.job(name)?.state == .blocked)
  }

  @Test func `moves no revision that somebody else has ended meanwhile`() async throws {
    let first = try await drop(1).revision
    _ = try await drop(2)

    #expect(try await !ledger.move(first.id, to: .active))

    #expect(try await ledger.revision(first.id).state == .superseded)
  }

  @Test func `delivers what was completed though a newer revision is blocked`() async throws {
    let first = try await drop(1, frames: 1...1).revision
    var output = try #require(try await ledger.outputs(of: first.id).first)
    output.state = .done
    try await ledger.update([output])
    for state in [JobState.active, .assembling, .completed] { _ = try await ledger.move(first.id, to: state) }

    _ = try await drop(2, state: .blocked)
    #expect(try await ledger.undelivered(in: "spring").map(\.id) == [first.id])

    _ = try await drop(3)
    #expect(try await ledger.undelivered(in: "spring").isEmpty)
  }

  @Test func `counts the frames of the newest revision`() async throws {
    let revision = try await drop(1).revision
    var outputs = try await ledger.outputs(of: revision.id)
    outputs[0].state = .done
    outputs[0].size = PixelSize(width: 64, height: 36)
    outputs[0].bytes = 5
    outputs[0].file = FileIdentity(inode: 77, size: 5, mtimeNanoseconds: 9)
    outputs[1].state = .failed
    outputs[1].problem = Problem(.truncated, cause: "cut")
    try await ledger.update(outputs)

    let job = try #require(try await ledger.job(name))
    #expect(try await ledger.newestFrameCounts()[job.id] == FrameCounts(expected: 3, done: 1, failed: 1))
    #expect(try await ledger.outputs(of: revision.id) == outputs)
  }

  @Test func `ends what was open of a job that is gone`() async throws {
    let revision = try await drop(1).revision

    let ended = try await ledger.removeJob(name, known: KnownPath("releases/spring/store/shot.blend"))

    #expect(ended.map(\.id) == [revision.id])
    #expect(try await ledger.job(name)?.state == .removed)
    #expect(try await ledger.knownFiles(in: "releases/spring/store").isEmpty)
  }

  @Test func `finds a job by its name, with its release or without`() async throws {
    _ = try await drop(1)

    #expect(try await ledger.jobs(fitting: "shot").map(\.name) == [name])
    #expect(try await ledger.jobs(fitting: "spring/shot").map(\.name) == [name])
    #expect(try await ledger.jobs(fitting: "spring").isEmpty)
    #expect(try await ledger.jobs(fitting: "other/shot").isEmpty)
  }

  @Test func `knows where the files of jobs are, but of those that are gone`() async throws {
    _ = try await drop(1)

    let places = try await ledger.jobPlaces()

    #expect(places.map(\.name) == [name])
    #expect(places.map(\.path) == ["releases/spring/store/shot.blend"])
    #expect(try await ledger.jobStates(in: "spring") == ["shot": .queued])
    #expect(try await ledger.jobStates(in: "other").isEmpty)
    _ = try await ledger.removeJob(name, known: KnownPath("releases/spring/store/shot.blend"))
    #expect(try await ledger.jobPlaces().isEmpty)
  }

  @Test func `remembers tasks and the process that works on them`() async throws {
    let revision = try await drop(1).revision
    let (id, log) = try await ledger.beginTask(
      revision: revision.id, part: RenderPart(scene: "Scene"), frames: FrameSet(1...2), logFolder: "/logs")
    try await ledger.startTask(id, worker: "local-1", pid: 42, startTicks: 99)

    let active = try await ledger.tasks(of: nil)
    #expect(log == "/logs/task-\(id).log")
    #expect(active.map(\.pid) == [42])
    #expect(active.map(\.frames) == [FrameSet(1...2)])

    try await ledger.endTask(id, as: .softFailed, problem: Problem(.rendererCrashed, cause: "signal 9"))
    #expect(try await ledger.tasks(of: nil).isEmpty)
    #expect(try await ledger.tasks(of: revision.id).map(\.state) == [.softFailed])
  }

  @Test func `journals a harvest and knows afterwards what it delivered`() async throws {
    let revision = try await drop(1, frames: 1...1).revision
    var output = try #require(try await ledger.outputs(of: revision.id).first)
    output.state = .done
    try await ledger.update([output])
    for state in [JobState.active, .assembling, .completed] { #expect(try await ledger.move(revision.id, to: state)) }
    #expect(try await ledger.undelivered(in: "spring").map(\.id) == [revision.id])

    let release = try #require(try await ledger.release(named: "spring"))
    let file = FileIdentity(inode: 9, size: 3, mtimeNanoseconds: 4)
    let harvest = try await ledger.beginHarvest(
      release: release.id,
      moves: [
        PlannedMove(
          output: output.id, file: file, job: revision.name, source: "out/1.png", target: "dist/spring/shot.png")
      ])
    #expect(try await ledger.openHarvests() == [harvest])
    let move = try #require(try await ledger.movesLeft(of: harvest, after: 0, limit: 10).first)
    #expect(move.file == file)
    try await ledger.moved([
      (
        move,
        Delivery(path: move.target, job: move.job, revision: revision.id, output: move.output, file: move.file)
      )
    ])
    try await ledger.endHarvest(harvest, forgetting: [])

    #expect(try await ledger.openHarvests().isEmpty)
    #expect(try await ledger.undelivered(in: "spring").isEmpty)
    #expect(try await ledger.deliveries(before: harvest).map(\.path) == ["dist/spring/shot.png"])
    #expect(try await ledger.outputs(of: revision.id).map(\.state) == [.harvested])
  }

  @Test func `is there again after it was closed`() async throws {
    let revision = try await drop(1).revision
    try await ledger.setPaused(true)

    let again = try Ledger(at: scratch("ledger.sqlite"), clock: time.clock)

    #expect(try await again.revision(revision.id) == revision)
    #expect(try await again.isPaused())
  }

  @Test func `clears a harvest's problem with the next change, but not a plan's`() async throws {
    let release = try await ledger.ensureRelease(named: "spring", priority: 50)
    try await ledger.setRelease(release.id, problem: Problem(.notWritable, cause: "dist"))
    _ = try await drop(1)
    #expect(try await ledger.release(named: "spring")?.problem == nil)

    try await ledger.setRelease(release.id, problem: Problem(.badRelease, cause: "line 3"))
    _ = try await drop(2)
    #expect(try await ledger.release(named: "spring")?.problem?.problemClass == .badRelease)
  }

  @Test func `keeps file names that are not UTF-8`() async throws {
    let odd = "quick/a".withCString { prefix in
      FilePath(platformString: Array(UnsafeBufferPointer(start: prefix, count: 7)) + [CChar(bitPattern: 0xFF), 0])
    }

    try await ledger.remember(KnownPath(odd), Self.fingerprint)

    #expect(try await ledger.knownFiles(in: "quick") == [try #require(odd.lastName): Self.fingerprint])
  }

  @Test func `that is no database is refused and left as it is`() throws {
    let path = try scratch.write("this is no database, but a longer text than SQLite's header", to: "bad.sqlite")

    let failure = #expect(throws: StoreFailure.self) { try Ledger(at: path, clock: time.clock) }

    #expect(failure?.description.contains("bad.sqlite") == true)
    #expect(path.contents.starts(with: Array("this is no database".utf8)))
  }
}

@Suite("A ledger whose disk refuses writes")
struct RefusedLedgerTests {
  private let scratch: ScratchFolder
  private let disk: SmallDisk
  private let path: FilePath

  init() throws {
    scratch = try ScratchFolder()
    disk = try SmallDisk(size: "1m", at: scratch("disk"))
    path = disk.path.appending("ledger.sqlite")
  }

  private func open() throws -> Ledger { try Ledger(at: path, clock: TestTime().clock) }

  @Test(.enabled(if: Needs.mounts)) func `that is full says so also where SQLite names an I/O error`() throws {
    try scratch.write([], to: "disk/ledger.sqlite")
    try disk.fill()

    let failure = #expect(throws: StoreFailure.self) { try open() }

    #expect(failure?.description.contains("the disk of the ledger is full") == true, "\(failure?.description ?? "")")
    #expect(failure?.remedy.contains("Free space") == true && failure?.isTransient == true)
    try disk.removeFill()
    _ = try open()
  }

  @Test(.enabled(if: Needs.mounts)) func `that is read-only says so`() async throws {
    try await disk.setReadOnly(true)

    let failure = #expect(throws: StoreFailure.self) { try open() }

    #expect(failure?.description.hasSuffix("the disk of the ledger is read-only") == true)
    #expect(failure?.remedy.contains("Mount the disk of the `state:` folder for writing") == true)
    try await disk.setReadOnly(false)
    _ = try open()
  }
}
