import FarmModel
import FarmTesting
import Testing

@testable import FarmStore

@Suite("The ledger of files that jobs depend on")
struct DependencyLedgerTests {
  private let scratch: ScratchFolder
  private let ledger: Ledger
  private let wood = Fingerprint(device: 1, inode: 2, size: 30, mtimeNanoseconds: 400, ctimeNanoseconds: 500)
  private let digest = Digest(bytes: [UInt8](repeating: 1, count: 32))

  init() throws {
    scratch = try ScratchFolder()
    ledger = try Ledger(at: scratch("ledger.sqlite"), clock: TestTime().clock)
  }

  /// A completed job that was rendered from the texture as it was at first.
  private func job(_ job: String, in release: String = "r", uses path: String = "/t/wood.png") async throws -> Revision
  {
    let (revision, _) = try await ledger.record(
      NewRevision(
        name: JobName(release: release, job: job), path: "\(job).blend", owner: "ann", digest: digest, state: .queued,
        frames: FrameSet([1]), format: .png, savedBy: nil, problem: nil,
        outputs: [OwedOutput(path: "000001.png", frame: 1)]), known: nil)
    try await ledger.setDependencies(
      of: revision.id, [SeenFile(path: path, size: wood.size, mtimeNanoseconds: wood.mtimeNanoseconds)])
    for state in [JobState.active, .assembling, .completed] {
      #expect(try await ledger.move(revision.id, to: state))
    }
    return revision
  }

  private var other: Fingerprint {
    Fingerprint(device: 1, inode: 2, size: 30, mtimeNanoseconds: 401, ctimeNanoseconds: 501)
  }

  @Test func `names exactly the jobs whose newest revision needs a file that is another`() async throws {
    let first = try await job("a")
    _ = try await job("b", uses: "/t/stone.png")
    try await ledger.setPriority(of: job("c").job, 90)

    #expect(try await ledger.dependents(on: "/t/wood.png", otherThan: wood).isEmpty)
    let dependents = try await ledger.dependents(on: "/t/wood.png", otherThan: other)
    #expect(dependents.map(\.job.name.job) == ["c", "a"], "the most urgent first")
    // A newer revision that did not begin yet sees the file as it is then.
    let again = try await ledger.record(
      NewRevision(
        name: first.name, path: "a.blend", owner: "ann", digest: digest, state: .queued, frames: FrameSet([1]),
        format: .png, savedBy: nil, problem: nil, outputs: [OwedOutput(path: "000001.png", frame: 1)]), known: nil)
    #expect(again.revision.number == 2)
    #expect(try await ledger.dependents(on: "/t/wood.png", otherThan: other).map(\.job.name.job) == ["c"])
    #expect(try await ledger.dependencies() == ["/t/stone.png", "/t/wood.png"])
  }

  @Test func `names jobs that were inspected with another version and did not begin, and those that lacked the file`()
    async throws
  {
    func named(_ job: String, _ file: SeenFile) async throws -> Revision {
      try await ledger.record(
        NewRevision(
          name: JobName(release: "r", job: job), path: "\(job).blend", owner: "ann", digest: digest, state: .queued,
          frames: FrameSet([1]), format: .png, savedBy: nil, problem: nil,
          outputs: [OwedOutput(path: "000001.png", frame: 1)], files: [file]), known: nil
      ).revision
    }
    let lib = "/t/lib.blend"
    let (a, b) = (
      try await named("a", SeenFile(path: lib, size: 30, mtimeNanoseconds: 400)), try await named("b", .unknown(lib))
    )

    #expect(try await ledger.dependents(on: lib, otherThan: wood).map(\.revision) == [b.id])
    #expect(try await ledger.dependents(on: lib, otherThan: other).map(\.revision) == [a.id, b.id])
    #expect(try await ledger.dependents(on: lib, otherThan: other).map(\.isSeen) == [false, false])
    #expect(try await ledger.isDependency(lib))
    try await ledger.setNamedFiles(of: b.id, [SeenFile(path: lib, size: 30, mtimeNanoseconds: 401)])
    #expect(try await ledger.dependents(on: lib, otherThan: other).map(\.revision) == [a.id])

    // What Blender opened counts from then on; what was not there stays noted.
    try await ledger.setNamedFiles(of: b.id, [.unknown("/t/late.png")])
    try await ledger.setDependencies(of: b.id, [SeenFile(path: lib, size: 30, mtimeNanoseconds: 401)])
    try await ledger.setNamedFiles(of: b.id, [])
    #expect(try await ledger.dependencies(of: b.id).map(\.path) == [lib])
    for state in [JobState.active, .assembling, .completed] { #expect(try await ledger.move(b.id, to: state)) }
    #expect(try await ledger.dependents(on: "/t/late.png", otherThan: wood).map(\.revision) == [b.id])
  }

  @Test func `counts the same bytes under another time as what was rendered`() async throws {
    let revision = try await job("a")
    try await ledger.setDependencyFile(at: "/t/wood.png", wood, digest, sameAs: nil)
    #expect(try await ledger.dependencyFile(at: "/t/wood.png")?.0 == wood)

    try await ledger.setDependencyFile(at: "/t/wood.png", other, digest, sameAs: wood)

    #expect(try await ledger.dependents(on: "/t/wood.png", otherThan: other).isEmpty)
    #expect(try await ledger.dependencies(of: revision.id).map(\.mtimeNanoseconds) == [401])
  }

  @Test func `finds jobs by the end of a file's path`() async throws {
    let (a, b) = (try await job("a"), try await job("b", uses: "/t/stone.png"))

    #expect(try await ledger.jobs(using: Glob("wood.png")) == [a.job])
    #expect(try await ledger.jobs(using: Glob("t/*.png")) == [a.job, b.job])
    #expect(try await ledger.jobs(using: Glob("ood.png")).isEmpty)
  }

  @Test func `remembers what is stale until it is rendered again`() async throws {
    let revision = try await job("a")
    let cause = StaleCause(file: "t/wood.png", at: Timestamp(nanoseconds: 7), cost: .seconds(90))

    try await ledger.setStale([revision.job], because: cause)

    #expect(try await ledger.staleJobs(in: "r") == ["a": cause])
    #expect(try await ledger.staleJobs(in: "quick").isEmpty)
    #expect(try await ledger.dependents(on: "/t/wood.png", otherThan: other).map(\.isStale) == [true])
    _ = try await job("a")
    #expect(try await ledger.staleJobs(in: "r").isEmpty)
  }

  @Test func `makes them again from manifests`() async throws {
    _ = try await job("a")
    let manifests = try await ledger.dueManifests(limit: 10).compactMap(\.manifest)
    let again = try Ledger(at: scratch("again.sqlite"), clock: TestTime().clock)

    try await again.rebuild(from: manifests)

    #expect(try await again.dependents(on: "/t/wood.png", otherThan: other).map(\.job.name.job) == ["a"])
  }
}
