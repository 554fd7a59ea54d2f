import FarmModel
import FarmTesting
import GRDB
import SystemPackage
import Testing

@testable import FarmStore

@Suite("A ledger that is made again")
struct RebuiltLedgerTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  @Test func `takes what manifests say that are newer, whatever their numbers are, and gives no number twice`()
    async throws
  {
    let path = scratch("again.sqlite")
    let again = try Ledger(at: path, clock: TestTime().clock)
    func manifest(revision: Int, droppedAt: Int64, job: String = "a") -> Manifest {
      Manifest(
        form: Manifest.form, release: "r", job: job, path: "releases/r/store/\(job).blend",
        file: Fingerprint(device: 1, inode: 2, size: 3, mtimeNanoseconds: 4, ctimeNanoseconds: 5), owner: "ann",
        priority: nil, state: .completed, revision: revision,
        digest: Digest(bytes: [UInt8](repeating: UInt8(revision), count: 32)), frames: FrameSet([1]), format: .png,
        scene: nil, savedBy: nil, blender: nil, problem: nil, createdAt: 1, droppedAt: droppedAt, endedAt: 99,
        outputs: [])
    }
    let name = JobName(release: "r", job: "a")
    try await again.rebuild(from: [manifest(revision: 2, droppedAt: 5)])
    let first = try #require(try await again.newestRevision(of: name))

    try await again.rebuild(from: [manifest(revision: 3, droppedAt: 4)])
    #expect(try await again.newestRevision(of: name)?.number == 2, "older")
    try await again.rebuild(from: [manifest(revision: 1, droppedAt: 6)])
    let second = try #require(try await again.newestRevision(of: name))
    #expect(second.number == 1 && second.id > first.id)
    #expect(try await again.manifests(of: "r").map(\.endedAt) == [99])
    try await again.goOn(after: ["revision": 1000, "release": 1000])
    try await again.rebuild(from: [manifest(revision: 1, droppedAt: 7)])
    #expect(try await again.newestRevision(of: name)?.id == 1001)
    #expect(Ledger.numbers(at: path)["revision"] == 1001 && Ledger.numbers(at: "/nonexistent").isEmpty)
    try await again.rebuild(from: [manifest(revision: 1, droppedAt: 7, job: "renamed")])
    #expect(try await again.jobs(in: "r", adopted: true).map(\.name.job) == ["renamed"])
    #expect(try await again.knownFiles(in: "releases/r/store").isEmpty == false)
    try await again.rebuild(from: [], archived: ["r", "unknown"])
    #expect(try await again.knownFiles(in: "releases/r/store").isEmpty)
    #expect(try await again.release(named: "r")?.state == .archived)
    #expect(try await again.job(name) == nil)
  }

  @Test func `is no ledger when it is something else, and not to be gone on with when it is newer`() throws {
    let path = scratch("other.sqlite")
    #expect(Ledger.mistake(at: path) == "it is no ledger of the farm")
    try ledgerOfNewerVersion(at: path)
    #expect(Ledger.mistake(at: path) == "a newer version of the farm has written it")
    let failure = #expect(throws: StoreFailure.self) { try Ledger(at: path, clock: TestTime().clock) }
    #expect(failure == .newer(path) && failure?.remedy.contains("Start that version of farmd") == true)
    try scratch.write("words", to: "words.sqlite")
    #expect(Ledger.mistake(at: scratch("words.sqlite")) == "file is not a database")
  }

  private func ledgerOfNewerVersion(at path: FilePath) throws {
    _ = try Ledger(at: path, clock: TestTime().clock)
    let file = try DatabaseQueue(path: path.string)
    try file.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99')") }
    try file.close()
  }
}
