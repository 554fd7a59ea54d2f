import FarmAPI
import FarmModel
import FarmStore
import FarmTesting
import FolderWatch
import Foundation
import Glibc
import Intake
import Logging
import Rendering
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

@Suite("A job")
struct JobFlowTests {
  @Test func `of quick is delivered when its frames are checked`() async throws {
    let world = try FlowWorld()
    world.run()

    try await world.drop("quick/a.blend")

    #expect(await world.delivers(["quick/a_0001.png", "quick/a_0002.png", "quick/a_0003.png"]))
    #expect(try await world.comes("quick/a", to: .completed))
    #expect(world.volume.work.filesBelow.isEmpty)
    #expect(world.volume.quick.names == ["a.blend", "out"])
  }

  @Test(arguments: [FakeEngine.Spoiling.truncated, .crash, .forgotten])
  func `renders a spoilt frame again`(spoiling: FakeEngine.Spoiling) async throws {
    let world = try FlowWorld { frame, attempt in frame == 2 && attempt == 1 ? spoiling : nil }
    world.run()

    try await world.drop("quick/a.blend")

    #expect(await world.delivers(["quick/a_0001.png", "quick/a_0002.png", "quick/a_0003.png"]))
    let attempts = try await world.flow.jobDetail("a").outputs.map(\.attempts)
    #expect(attempts == [1, 2, 1])
    // What was damaged is kept for people, with the reason.
    let bad = world.volume.bad.filesBelow
    #expect(bad.count == (spoiling == .truncated ? 2 : 0), "\(bad)")
    guard let reason = bad.first(where: { $0.hasSuffix(".txt") }) else { return }
    let text = String(decoding: world.volume.bad.pushing(FilePath(reason)).contents, as: UTF8.self)
    #expect(text.hasPrefix("truncated: the picture ends at byte "), "\(text)")
  }

  @Test func `fails when a frame is spoilt three times, with class and cause, and keeps the other frames`() async throws
  {
    let world = try FlowWorld { frame, _ in frame == 2 ? .truncated : nil }
    world.run()

    try await world.drop("quick/a.blend")

    #expect(try await world.comes("quick/a", to: .failed))
    let detail = try await world.flow.jobDetail("quick/a")
    #expect(detail.problem?.problemClass == .truncated)
    #expect(detail.problem?.remedy.isEmpty == false)
    #expect(detail.counts == FrameCounts(expected: 3, done: 2, failed: 1))
    #expect(detail.outputs.map(\.attempts) == [1, 3, 1])
    #expect(world.volume.dist.filesBelow.isEmpty)
    #expect(world.volume.out(of: detail.name).names == ["000001.png", "000003.png"])
  }

  @Test func `that is more urgent starts with the next free frame, and costs the others no try`() async throws {
    // On a busy machine too the first is not done before the second has come.
    let isSlow = Mutexed(true)
    let world = try FlowWorld { frame, _ in frame <= 60 && isSlow.with { $0 } ? .slow : nil }
    world.run()
    try await world.drop("releases/spring/store/a.blend", frames: 1...60)
    #expect(try await world.comes("spring/a", to: .active))

    try await world.drop("quick/b.blend", frames: 61...62)

    #expect(try await world.comes("quick/b", to: .completed))
    #expect(try await world.flow.jobDetail("spring/a").counts.done < 60)
    isSlow.with { $0 = false }
    #expect(try await world.comes("spring/a", to: .completed))
    #expect(try await world.flow.jobDetail("spring/a").outputs.allSatisfy { $0.attempts == 1 })
  }

  @Test func `saved again while it renders goes on as saved last`() async throws {
    // The middle frame comes after the first and the last one.
    let world = try FlowWorld { frame, attempt in frame == 2 && attempt == 1 ? .endless : nil }
    world.run()
    try await world.drop("quick/a.blend", frames: 1...3)
    #expect(try await world.comes("quick/a", to: .active))
    #expect(try await eventually { try await world.flow.jobDetail("quick/a").counts.done == 2 })

    try await world.drop("quick/a.blend", frames: 2...3)
    world.time.advance(by: .seconds(10))

    #expect(await world.delivers(["quick/a_0002.png", "quick/a_0003.png"]))
    #expect(try await world.ledger.revisions(in: [.superseded]).map(\.number) == [1])
    #expect(world.volume.quick.names == ["a.blend", "out"])
  }

  @Test func `saved five times in ten seconds renders what ran and what was saved last, nothing between`() async throws
  {
    let world = try FlowWorld { frame, attempt in frame == 1 && attempt == 1 ? .endless : nil }
    world.run()
    try await world.drop("quick/a.blend", frames: 1...1)
    // Once it is handed out, and not only about to be: from then on its ten seconds count.
    #expect(await eventually { await world.flow.workers().contains { $0.job?.job == "a" } })

    for last in 2...5 as ClosedRange<Int32> {
      world.time.advance(by: .seconds(2))
      try await world.drop("quick/a.blend", frames: 2...last)
      #expect(try await eventually { try await world.flow.jobDetail("a").revision == Int(last) })
    }
    try await world.drop("quick/other.blend", frames: 7...7)
    #expect(await world.delivers(["quick/other.png"]))
    #expect(try await world.flow.jobDetail("a").waitsFor?.contains("is saved again and again") == true)
    world.time.advance(by: .seconds(2))

    #expect(try await world.comes("quick/a", to: .completed))
    var rendered: [Int] = []
    for state in [JobState.superseded, .completed] {
      for revision in try await world.ledger.revisions(in: [state]) where revision.name.job == "a" {
        if try await !world.ledger.tasks(of: revision.id).isEmpty { rendered.append(revision.number) }
      }
    }
    #expect(rendered == [1, 5])
  }

  @Test func `rendered anew takes its old frames out of dist, but not what somebody changed`() async throws {
    let world = try FlowWorld()
    world.run()
    try await world.drop("quick/a.blend", frames: 1...3)
    #expect(await world.delivers(["quick/a_0001.png", "quick/a_0002.png", "quick/a_0003.png"]))
    try world.scratch.write("retouched", to: "volume/dist/quick/a_0001.png")

    try await world.drop("quick/a.blend", frames: 1...2)

    #expect(await world.delivers(["quick/a_0001.new.png", "quick/a_0001.png", "quick/a_0002.png"]))
    #expect(world.scratch("volume/dist/quick/a_0001.png").contents == Array("retouched".utf8))
    let notes = try await world.flow.jobDetail("a").notes
    #expect(notes.map(\.cause) == ["dist/quick/a_0001.png was changed after its delivery and is kept"])
    #expect(notes.first?.remedy.contains("The new picture is dist/quick/a_0001.new.png") == true)
  }

  @Test func `killed before all its frames came is not rendered by a wish for some of them`() async throws {
    // The last frame comes second.
    let world = try FlowWorld { frame, _ in frame == 3 ? .endless : nil }
    await world.start()
    try await world.drop("quick/a.blend", frames: 1...3)
    #expect(await eventually { await world.engine.tries[3] == 1 })
    let kill = SteerRequest(.kill, query: ["a"], release: nil, isDryRun: false, jobs: nil)
    _ = try await world.flow.steer(kill, by: "ann")

    let failure = await #expect(throws: CommandFailure.self) {
      try await world.flow.renderAgain(AgainRequest(job: "a", what: .frames(FrameSet([1]))), by: "ann")
    }

    #expect(failure?.description.contains("was killed before frames 2-3 were rendered") == true)
    #expect(failure?.remedy.contains("`farm retry jobs quick/a`") == true)
    #expect(try await world.state("quick/a") == .canceled)
    #expect(await world.engine.tries[2] == nil)
  }

  @Test func `is delivered nowhere while dist/ is away, and there once it is back`() async throws {
    let world = try FlowWorld()
    await world.start()
    let (dist, away) = (world.volume.dist, world.scratch("away"))
    try #require(rename(dist.string, away.string) == 0)
    try await world.drop("quick/a.blend", frames: 1...1)
    #expect(try await world.comes("quick/a", to: .completed))
    #expect(
      try await eventually {
        try await world.flow.status().releases.first?.problem?.cause.contains("\(dist)") == true
      })
    #expect(!dist.isThere)

    try #require(rename(away.string, dist.string) == 0)
    world.time.advance(by: .seconds(61))

    #expect(await world.delivers(["quick/a.png"]))
  }

  @Test func `of a plan waits for the others and for its quiet time`() async throws {
    let world = try FlowWorld()
    world.run()
    _ = try await world.flow.plan(PlanRequest(name: "spring", order: ReleaseOrder(jobs: ["a", "b"])), by: "ann")
    try await world.drop("releases/spring/store/a.blend", frames: 1...1)
    #expect(try await world.comes("spring/a", to: .completed))
    #expect(try await world.flow.status().releases.last?.waitsFor == ["a drop of b"])

    try await world.drop("releases/spring/store/b.blend", frames: 1...1)
    #expect(try await world.comes("spring/b", to: .completed))
    #expect(world.volume.dist.filesBelow.isEmpty)
    #expect(try await world.flow.status().releases.last?.waitsFor == ["30s without a change"])
    world.time.advance(by: .seconds(31))

    #expect(await world.delivers(["spring/a.png", "spring/b.png"]))
  }

  @Test func `whose frame a person deletes before the harvest renders that frame again`() async throws {
    let world = try FlowWorld()
    world.run()
    _ = try await world.flow.plan(PlanRequest(name: "spring", order: ReleaseOrder(jobs: [])), by: "ann")
    try await world.drop("releases/spring/store/a.blend")
    #expect(try await world.comes("spring/a", to: .completed))
    Placement.remove(world.scratch("volume/releases/spring/out/a/000002.png"))
    world.time.advance(by: .seconds(31))

    #expect(try await eventually { try await world.flow.jobDetail("a").outputs.map(\.attempts) == [1, 2, 1] })
    #expect(try await world.comes("spring/a", to: .completed))
    world.time.advance(by: .seconds(31))
    #expect(await world.delivers(["spring/a_0001.png", "spring/a_0002.png", "spring/a_0003.png"]))
  }

  @Test(arguments: ["quick", "bad."])
  func `takes no plan from a folder that cannot be a release`(name: String) async throws {
    let world = try FlowWorld()
    world.run()
    let folder = try world.scratch.folder("volume/releases/\(name)")
    let plan = try world.scratch.write("harvest: manual\n", to: "volume/releases/\(name)/release.yaml")
    // The start makes `quick`.
    #expect(try await eventually { try await !world.ledger.releases().isEmpty })
    let before = try await world.ledger.releases()

    await world.flow.take(.folderFound(folder))
    await world.flow.readPlan(at: plan, nil)
    await world.flow.take(.refused(plan, reason: "it is a symbolic link"))

    #expect(try await world.ledger.releases().map(\.order) == before.map(\.order))
    #expect(try await world.ledger.releases().allSatisfy { $0.problem == nil })
  }

  @Test func `that was refused and is taken away is told of both`() async throws {
    let world = try FlowWorld()
    world.run()
    var events = world.flow.events().makeAsyncIterator()
    let path = world.volume.quick.appending("folder.blend")

    await world.flow.take(.refused(path, reason: "it is a folder"))
    await world.flow.take(.vanished(path))

    #expect(await events.next()?.event == "job.rejected")
    #expect(await events.next()?.event == "job.removed")
  }

  @Test func `that is killed ends, and the same bytes do not bring it back`() async throws {
    let world = try FlowWorld { _, _ in .endless }
    world.run()
    try await world.drop("quick/a.blend")
    #expect(try await world.comes("quick/a", to: .active))

    let killed = try await world.flow.steer(
      SteerRequest(.kill, query: ["a"], release: nil, isDryRun: false, jobs: nil), by: "ann")

    #expect(killed.jobs.map(\.description) == ["quick/a"])
    #expect(try await world.state("quick/a") == .canceled)
    try await world.drop("quick/a.blend")
    #expect(try await world.comes("quick/a", to: .canceled))
    #expect(try await world.ledger.newestRevision(of: JobName(release: "quick", job: "a"))?.number == 1)
    #expect(world.volume.quick.names == ["a.blend", "out"])
    await #expect(throws: CommandFailure.emptyQuery) {
      try await world.flow.steer(SteerRequest(.kill, query: [], release: nil, isDryRun: false, jobs: nil), by: "ann")
    }
  }

  @Test func `whose file is taken away and brought back is rendered`() async throws {
    let world = try FlowWorld { frame, attempt in frame == 1 && attempt == 1 ? .endless : nil }
    world.run()
    try await world.drop("quick/a.blend")
    #expect(try await world.comes("quick/a", to: .active))
    Placement.remove(world.scratch("volume/quick/a.blend"))
    await world.flow.take(.vanished(world.scratch("volume/quick/a.blend")))
    #expect(try await world.comes("quick/a", to: .removed))

    try await world.drop("quick/a.blend")

    #expect(await world.delivers(["quick/a_0001.png", "quick/a_0002.png", "quick/a_0003.png"]))
  }

  @Test func `whose release is renamed between two frames is held up by nothing else`() async throws {
    let scratch = try ScratchFolder()
    let (old, new) = (scratch("volume/releases/spring"), scratch("volume/releases/summer"))
    let world = try FlowWorld(on: scratch) { frame, attempt in
      if frame == 2, attempt == 1 { rename(old.string, new.string) }
      return nil
    }
    let events = world.events.listen()
    world.run()

    try await world.drop("releases/spring/store/a.blend")
    // Nobody was told of the new name yet: the frame has no place to go to.
    #expect(
      try await eventually {
        try await world.flow.status().daemon.troubles.contains { $0.contains("spring/store is gone") }
      })
    #expect(try await world.state("spring/a") == .active)
    await world.flow.take(.folderFound(new.appending("store")))

    #expect(await world.delivers(["summer/a_0001.png", "summer/a_0002.png", "summer/a_0003.png"]))
    world.events.finish()
    let told = await events.reduce(into: []) { $0.append($1.event) }
    #expect(told.filter { $0.hasPrefix("job.") } == ["job.queued", "job.active", "job.assembling", "job.completed"])
  }

  @Test func `whose folder of drops is another one suddenly waits for its file`() async throws {
    let scratch = try ScratchFolder()
    let store = scratch("volume/releases/spring/store")
    var config = FarmConfig()
    config.chunk = .frames(1)
    let world = try FlowWorld(on: scratch, config: config) { frame, attempt in
      if frame == 1, attempt == 1 {
        rename(store.string, store.string + "-away")
        mkdir(store.string, 0o755)
      }
      return nil
    }
    world.run()

    try await world.drop("releases/spring/store/a.blend")
    #expect(try await world.comes("spring/a", to: .blocked))
    let problem = try await world.ledger.newestRevision(of: JobName(release: "spring", job: "a"))?.problem
    #expect(problem?.problemClass == .fileGone)
    rename(store.string + "-away/a.blend", store.string + "/a.blend")
    let status = try #require(try FileStatus(at: store.appending("a.blend")))
    await world.flow.take(.settled(store.appending("a.blend"), status.fingerprint))

    #expect(await world.delivers(["spring/a_0001.png", "spring/a_0002.png", "spring/a_0003.png"]))
  }

  @Test func `is one file: its twin in another spelling is refused`() async throws {
    let world = try FlowWorld()
    world.run()
    try await world.drop("quick/a.blend", frames: 1...1)
    #expect(await world.delivers(["quick/a.png"]))

    try await world.drop("quick/a.BLEND", frames: 1...2)

    #expect(await eventually { await world.flow.rejected[world.volume.quick.appending("a.BLEND")] != nil })
    let cause = await world.flow.rejected[world.volume.quick.appending("a.BLEND")]?.cause
    #expect(cause == "quick/a.blend has that name already: the two differ only in case or accents")
    #expect(world.volume.dist.filesBelow == ["quick/a.png"])
  }

  @Test func `goes on after a crash without rendering a promoted frame again`() async throws {
    let scratch = try ScratchFolder()
    let first = try FlowWorld(on: scratch) { frame, _ in frame == 2 ? .endless : nil }
    first.run()
    try await first.drop("quick/a.blend")
    #expect(try await first.comes("quick/a", to: .active))
    #expect(try await eventually { try await first.flow.jobDetail("a").counts.done == 2 })
    await first.crash()

    let second = try FlowWorld(on: scratch) { frame, _ in frame != 2 ? .truncated : nil }
    second.run()

    #expect(await second.delivers(["quick/a_0001.png", "quick/a_0002.png", "quick/a_0003.png"]))
    #expect(try await second.flow.jobDetail("a").outputs.map(\.attempts) == [1, 1, 1])
  }

  @Test func `is checked again: what is damaged is rendered anew, what somebody changed is left alone`() async throws {
    let world = try FlowWorld()
    world.run()
    try await world.drop("quick/a.blend", frames: 1...3)
    let names = ["quick/a_0001.png", "quick/a_0002.png", "quick/a_0003.png"]
    #expect(await world.delivers(names))
    let (ours, theirs) = (world.volume.dist.pushing("quick/a_0001.png"), world.volume.dist.pushing("quick/a_0003.png"))
    let before = try #require(try FileStatus(at: ours)).identity.mtimeNanoseconds
    try ours.write(Array(ours.contents.dropLast(12)))
    let time = timespec(tv_sec: Int(before / 1_000_000_000), tv_nsec: Int(before % 1_000_000_000))
    var times = [time, time]
    #expect(ours.withPlatformString { utimensat(AT_FDCWD, $0, &times, 0) } == 0)
    try theirs.write(Array("painted over".utf8))

    let shown = try await world.flow.check(CheckRequest(release: "quick", isDryRun: true), by: "ann")
    #expect(shown.checked == 3)
    #expect(shown.bad.map(\.path) == ["dist/quick/a_0001.png", "dist/quick/a_0003.png"])
    #expect(shown.bad.map(\.isAgain) == [true, false])
    #expect(world.volume.bad.filesBelow.isEmpty)
    _ = try await world.flow.check(CheckRequest(release: "quick", isDryRun: false), by: "ann")

    #expect(await eventually { ours.contents == TestFiles.png() })
    #expect(theirs.contents == Array("painted over".utf8))
    #expect(world.volume.bad.filesBelow.count == 2)
    await #expect(throws: (any Error).self) {
      try await world.flow.check(CheckRequest(release: "nosuch", isDryRun: true), by: "ann")
    }
  }

  @Test func `is given another slot only when memory allows, by what its frames took, and goes on by itself`()
    async throws
  {
    let megabytes = Mutexed<Int64>(512)
    let world = try FlowWorld(slots: 2, spoil: { frame, _ in frame == 1 || frame == 20 ? nil : .slow }) {
      megabytes.with { $0 } << 20
    }
    world.run()
    try await world.drop("quick/a.blend", frames: 1...20)
    #expect(try await world.comes("quick/a", to: .active))
    #expect(try await eventually { try await world.flow.jobDetail("a").counts.done >= 2 })

    // The scouts were handed out before anything was known.
    #expect(await eventually { await world.flow.shortOfMemory != nil })
    #expect(await world.flow.shortOfMemory?.reason == "memory: a frame of it takes 1024 MB, and 512 MB are free")
    #expect(await world.flow.running.count == 1)
    megabytes.with { $0 = 4096 }

    #expect(await eventually { await world.flow.running.count == 2 })
    #expect(try await world.comes("quick/a", to: .completed))
  }

  @Test func `is not handed out while the farm or its release is paused`() async throws {
    let world = try FlowWorld()
    world.run()
    try await world.flow.pause(PauseRequest(release: nil, paused: true), by: "ann")
    try await world.drop("quick/a.blend", frames: 1...1)
    #expect(try await world.comes("quick/a", to: .queued))
    #expect(try await world.flow.jobDetail("a").waitsFor == "the farm is paused (`farm resume`)")

    try await world.flow.pause(PauseRequest(release: "quick", paused: true), by: "ann")
    try await world.flow.pause(PauseRequest(release: nil, paused: false), by: "ann")
    #expect(try await world.flow.jobDetail("a").waitsFor == "the release is paused (`farm resume quick`)")
    try await world.flow.pause(PauseRequest(release: "quick", paused: false), by: "ann")

    #expect(await world.delivers(["quick/a.png"]))
  }

  @Test func `that failed is tried again on request: only the frames it lacks`() async throws {
    let tries = Mutexed(0)
    let world = try FlowWorld { frame, _ in
      if frame == 2 { tries.with { $0 += 1 } }
      return frame == 2 && tries.with { $0 } <= 3 ? .truncated : nil
    }
    world.run()
    try await world.drop("quick/a.blend")
    #expect(try await world.comes("quick/a", to: .failed))
    let request = SteerRequest(.retry, query: ["state:failed"], release: nil, isDryRun: true, jobs: nil)
    #expect(try await world.flow.steer(request, by: "ann").jobs.map(\.description) == ["quick/a"])
    #expect(try await world.state("quick/a") == .failed)

    let touched = try await world.flow.steer(
      SteerRequest(.retry, query: ["a"], release: "quick", isDryRun: false, jobs: nil), by: "ann")

    #expect(touched.jobs.count == 1)
    #expect(await world.delivers(["quick/a_0001.png", "quick/a_0002.png", "quick/a_0003.png"]))
    #expect(try await world.flow.jobDetail("a").outputs.map(\.attempts) == [1, 1, 1])
    #expect(try await world.flow.steer(request, by: "ann").jobs.isEmpty)
  }

  @Test func `that is over has nothing followed that no other needs`() async throws {
    let world = try FlowWorld()
    await world.flow.follow(["/art/wood.png", "/art/spare.png"])
    #expect(await world.flow.followedFiles.count == 2)

    await world.flow.followAll()

    #expect(await world.flow.followedFiles.isEmpty)
    #expect(await world.flow.followed.isEmpty)
  }
}
