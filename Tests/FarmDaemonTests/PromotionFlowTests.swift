import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import Rendering
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

/// What ends or moves a job between the commit that a frame is about to be promoted and its rename.
@Suite("A frame that is about to be promoted")
struct PromotionFlowTests {
  /// A job of two frames: frame 1 waits for its rename behind a harvest, a worker is at frame 2.
  private func worldWithFrameInFlight(release: String = "quick") async throws -> (world: FlowWorld, job: String) {
    var config = FarmConfig()
    config.chunk = .frames(1)
    let world = try FlowWorld(slots: 2, config: config) { frame, attempt in
      frame == 2 && attempt == 1 ? .endless : nil
    }
    world.run()
    // Recovery holds the same lock.
    #expect(await eventually { await world.flow.areArchivesRecovered })
    #expect(await eventually { await world.flow.lanes.recovering.isEmpty })
    await world.flow.beginHarvesting(release)
    try await world.drop(release == "quick" ? "quick/a.blend" : "releases/\(release)/store/a.blend", frames: 1...2)
    #expect(
      try await eventually {
        guard let revision = try await world.ledger.newestRevision(of: JobName(release: release, job: "a")) else {
          return false
        }
        return try await world.ledger.outputs(of: revision.id).contains { $0.state == .promoting }
      })
    // It is at the frame, and has not only its task: what is not begun is not ended.
    #expect(await eventually { await world.engine.tries[2] == 1 })
    #expect(await eventually { await world.flow.running.values.contains { $0.task.frames.frames == [2] } })
    return (world, "\(release)/a")
  }

  private func states(_ world: FlowWorld, _ job: String) async throws -> [OutputState] {
    try await world.flow.jobDetail(job).outputs.map(\.state)
  }

  @Test func `is rendered when its job was blocked meanwhile and goes on`() async throws {
    let (world, job) = try await worldWithFrameInFlight()
    let wood = world.scratch("volume/quick/wood.png")
    let task = try #require(await world.flow.running.first { $0.value.task.frames.frames == [2] }?.key)
    let missing = MissingFile(path: wood.string, neededBy: "image Wood", why: "is not there", seen: nil)

    await world.flow.take(
      .frameFailed(task: task, frame: 2, Problem(.missingFile, cause: "no wood", missing: [missing])))
    #expect(try await world.comes(job, to: .blocked))
    await world.flow.endHarvesting("quick")
    #expect(await eventually { await world.flow.flushing.isEmpty })
    #expect(try await !states(world, job).contains(.promoting))
    try wood.write([1])
    // Nobody watches here, and everything is looked for twice a minute.
    world.time.advance(by: .seconds(31))

    #expect(await world.delivers(["quick/a_0001.png", "quick/a_0002.png"]))
  }

  @Test func `is done or rendered when its job was killed and tried again before the rename`() async throws {
    let (world, job) = try await worldWithFrameInFlight()
    let kill = SteerRequest(.kill, query: ["a"], release: nil, isDryRun: false, jobs: nil)
    let retry = SteerRequest(.retry, query: ["a"], release: nil, isDryRun: false, jobs: nil)

    #expect(try await world.flow.steer(kill, by: "ann").jobs.count == 1)
    #expect(try await world.flow.steer(retry, by: "ann").jobs.count == 1)
    await world.flow.endHarvesting("quick")

    #expect(await world.delivers(["quick/a_0001.png", "quick/a_0002.png"]))
    #expect(try await world.comes(job, to: .completed))
  }

  @Test func `is done or rendered when its release was renamed before the rename`() async throws {
    let (world, _) = try await worldWithFrameInFlight(release: "spring")
    let summer = world.volume.release("summer")
    rename(world.volume.release("spring").string, summer.string)

    async let found: Void = world.flow.take(.folderFound(summer.appending("store")))
    await world.flow.endHarvesting("spring")
    await found

    #expect(await world.delivers(["summer/a_0001.png", "summer/a_0002.png"]))
  }

  @Test func `is settled when its job goes on, also after a crash that left the job blocked`() async throws {
    let scratch = try ScratchFolder()
    let first = try FlowWorld(on: scratch) { frame, _ in frame == 2 ? .endless : nil }
    first.run()
    try await first.drop("quick/a.blend", frames: 1...2)
    let job = JobName(release: "quick", job: "a")
    #expect(try await first.comes("quick/a", to: .active))
    #expect(try await eventually { try await first.flow.jobDetail("a").counts.done == 1 })
    await first.crash()
    let revision = try #require(try await first.ledger.newestRevision(of: job))
    var outputs = try await first.ledger.outputs(of: revision.id)
    // Frame 1 was renamed and not noted, frame 2 was about to be.
    for index in outputs.indices {
      outputs[index].state = .promoting
      outputs[index].file = outputs[index].file ?? FileIdentity(inode: 1, size: 1, mtimeNanoseconds: 1)
    }
    try await first.ledger.update(outputs)
    #expect(try await first.ledger.move(revision.id, to: .blocked, problem: Problem(.noBlender, cause: "none")))

    let second = try FlowWorld(on: scratch) { frame, _ in frame == 1 ? .truncated : nil }
    second.run()
    let retry = SteerRequest(.retry, query: ["nothing-fits"], release: nil, isDryRun: false, jobs: nil)
    #expect(try await second.flow.steer(retry, by: "ann").jobs.isEmpty)
    #expect(await eventually { await second.flow.abilities != nil })
    await second.flow.requeue(try await second.ledger.revision(revision.id))

    #expect(await second.delivers(["quick/a_0001.png", "quick/a_0002.png"]))
  }
}

@Suite("A job of which everything is rendered")
struct RenderedJobTests {
  @Test func `is put together though a crash left it queued`() async throws {
    let scratch = try ScratchFolder()
    let first = try FlowWorld(on: scratch)
    first.run()
    _ = try await first.flow.plan(PlanRequest(name: "spring", order: ReleaseOrder(jobs: ["a", "b"])), by: "ann")
    try await first.drop("releases/spring/store/a.blend", frames: 1...2)
    #expect(try await first.comes("spring/a", to: .completed))
    await first.crash()
    let job = JobName(release: "spring", job: "a")
    let revision = try #require(try await first.ledger.newestRevision(of: job))
    #expect(try await first.ledger.move(revision.id, to: .queued))

    let second = try FlowWorld(on: scratch)
    second.run()

    #expect(try await second.comes("spring/a", to: .completed))
  }
}

@Suite("A picture that comes as tiles")
struct TiledJobTests {
  @Test func `is put together when its folder is back, also when a crash left it about to be promoted`() async throws {
    let scratch = try ScratchFolder()
    let first = try FlowWorld(on: scratch, slots: 2)
    await first.start()
    var order = ReleaseOrder(jobs: ["a", "b"])
    order.defaults.tiles = .grid(TileGrid(columns: 2, rows: 1))
    _ = try await first.flow.plan(PlanRequest(name: "spring", order: order), by: "ann")
    // What is cut into tiles has to be understood in depth.
    let scene = try await Scenes.shared.path("still").contents
    let blend = try scratch.write(scene, to: "volume/releases/spring/store/a.blend")
    await first.flow.take(.settled(blend, try #require(try FileStatus(at: blend)).fingerprint))
    #expect(try await first.comes("spring/a", to: .completed))
    await first.crash()
    let job = JobName(release: "spring", job: "a")
    let revision = try #require(try await first.ledger.newestRevision(of: job))
    for state in [JobState.queued, .active, .assembling] {
      #expect(try await first.ledger.move(revision.id, to: state))
    }
    var outputs = try await first.ledger.outputs(of: revision.id)
    for index in outputs.indices { outputs[index].state = outputs[index].kind.isFrame ? .promoting : .done }
    try await first.ledger.update(outputs)
    let away = scratch("away.blend")
    try #require(rename(blend.string, away.string) == 0)

    let second = try FlowWorld(on: scratch, slots: 2)
    await second.start()
    #expect(await eventually { await !second.flow.assemblies.isEmpty })
    #expect(try await second.state("spring/a") == .assembling)
    try #require(rename(away.string, blend.string) == 0)
    second.time.advance(by: .seconds(60))

    #expect(try await second.comes("spring/a", to: .completed))
    #expect(try await second.flow.jobDetail("a").outputs.filter(\.kind.isFrame).map(\.state) == [.done])
  }
}

@Suite("What is about to be promoted")
struct PromotionBookTests {
  private func output(_ id: Int64, _ state: OutputState) -> Output {
    Output(
      id: id, revision: 7, path: "\(id).png", frame: FrameNumber(id), state: state, attempts: 1, size: nil, bytes: nil,
      file: nil, renderMilliseconds: nil, problem: nil)
  }

  @Test func `is settled by its flush, and by a look at the disk when there is none`() {
    var book = PromotionBook()
    let outputs = [output(1, .promoting), output(2, .promoting), output(3, .done)]
    book.begin([outputs[0]])

    #expect(book.interrupted(among: outputs).map(\.id) == [2])
    let isAlone = book.opened(7, [outputs[0]])
    #expect(!isAlone && book.interrupted.isEmpty)
    let isLeft = book.opened(7, outputs)
    #expect(isLeft && book.interrupted == [7])
    book.end([outputs[0]])
    #expect(book.interrupted(among: outputs).map(\.id) == [1, 2])
  }

  @Test func `is looked at by one at a time, again and again until it is settled`() {
    var book = PromotionBook()
    _ = book.opened(7, [output(1, .promoting)])

    let looks = [book.beginLook(7), book.beginLook(7)]
    #expect(looks == [true, false])
    book.endLook(7, isSettled: false)
    let isLookedAtAgain = book.beginLook(7)
    #expect(book.interrupted == [7] && isLookedAtAgain)
    book.endLook(7, isSettled: true)
    #expect(book.interrupted.isEmpty)
  }
}
