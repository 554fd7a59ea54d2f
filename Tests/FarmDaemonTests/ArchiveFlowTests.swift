import Archiving
import FarmAPI
import FarmModel
import FarmStore
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

/// Releases that are over, with pictures that a fake engine made and a clock that the test sets.
@Suite("A release that is over")
struct ArchiveFlowTests {
  private static let pictures = ["spring/a_0001.png", "spring/a_0002.png"]

  /// With a delivered release `spring` of one job, in which nothing changed for half a year.
  private func world(_ config: FarmConfig = FarmConfig()) async throws -> FlowWorld {
    let world = try FlowWorld(config: config)
    world.run()
    try await world.drop("releases/spring/store/a.blend", frames: 1...2)
    #expect(await world.delivers(Self.pictures))
    #expect(try await isDelivered(world))
    // Files have the times of the real clock.
    world.time.advance(by: .seconds(200 * 86_400))
    return world
  }

  /// Waits until everything in it is delivered; until it is looked at anew, the release may still be called so.
  private func isDelivered(_ world: FlowWorld) async throws -> Bool {
    try await eventually {
      guard try await world.ledger.undelivered(in: "spring").isEmpty else { return false }
      return try await world.ledger.release(named: "spring")?.state == .harvested
    }
  }

  private func request(keeps: Bool = false, prunes: Bool = false, isForced: Bool = false) -> ArchiveRequest {
    ArchiveRequest(
      release: "spring", format: nil, prunesDist: prunes, keepsRelease: keeps, isForced: isForced)
  }

  private func refusal(_ world: FlowWorld) async -> String {
    let failure = await #expect(throws: ArchiveFailure.self) { try await world.flow.archive(request(), by: "ann") }
    return failure?.description ?? ""
  }

  @Test func `is archived by itself when its time has come, once, and its delivery stays`() async throws {
    var config = FarmConfig()
    config.archive = ArchiveRule(after: .seconds(300 * 86_400), format: .zst)
    let world = try await world(config)

    await world.flow.archiveWhatIsDue()
    #expect(world.volume.archives.filesBelow.isEmpty)
    let due = try await world.flow.dueArchives()
    #expect(due.isScheduled && due.lines.map(\.release) == ["spring"] && due.lines[0].reasons.isEmpty, "\(due)")
    #expect(try await world.flow.release("spring").archive == "300d after its last change")
    world.time.advance(by: .seconds(200 * 86_400))
    await world.flow.archiveWhatIsDue()

    #expect(world.volume.archives.filesBelow == ["spring.tar.zst"])
    #expect(!world.volume.release("spring").isThere && world.volume.dist.filesBelow == Self.pictures)
    #expect(try await world.ledger.release(named: "spring")?.state == .archived)
    #expect(try await world.ledger.jobs(in: "spring", adopted: true).isEmpty)
    #expect(try await world.flow.dueArchives().lines.isEmpty)
    let words = "in archives/spring.tar.zst; `farm restore release spring` brings it back"
    #expect(try await world.flow.release("spring").archive == words)
    let history = try await world.flow.history([], limit: 100)
    #expect(history.contains { $0.what == "archived" && $0.who == "farm" && $0.release == "spring" })
  }

  @Test func `leaves no number to what is dropped after it, which is rendered`() async throws {
    let world = try await world()
    try await world.flow.pause(PauseRequest(release: nil, paused: true), by: "ann")
    try await world.drop("releases/spring/store/b.blend", frames: 1...3)
    #expect(try await world.comes("spring/b", to: .queued))
    // Saved again before it was rendered: that revision is over for this run.
    try await world.drop("releases/spring/store/b.blend", frames: 1...1)
    try await world.flow.pause(PauseRequest(release: nil, paused: false), by: "ann")
    #expect(try await world.comes("spring/b", to: .completed))
    #expect(try await isDelivered(world))
    let name = JobName(release: "spring", job: "b")
    let last = try #require(try await world.ledger.newestRevision(of: name)).id
    world.time.advance(by: .seconds(200 * 86_400))
    _ = try await world.flow.archive(request(), by: "ann")

    for job in ["x", "y", "z"] { try await world.drop("releases/next/store/\(job).blend", frames: 1...1) }
    for job in ["x", "y", "z"] {
      #expect(try await world.comes("next/\(job)", to: .completed))
      let revision = try await world.ledger.newestRevision(of: JobName(release: "next", job: job))
      #expect(try #require(revision).id > last)
    }
  }

  @Test func `that was killed while its pictures were looked at comes back`() async throws {
    let world = try await world()
    try await world.flow.pause(PauseRequest(release: nil, paused: true), by: "ann")
    try await world.drop("releases/spring/store/b.blend", frames: 1...2)
    #expect(try await world.comes("spring/b", to: .queued))
    let name = JobName(release: "spring", job: "b")
    _ = try await world.flow.steer(
      SteerRequest(.kill, query: ["b"], release: nil, isDryRun: false, jobs: nil), by: "ann")
    let revision = try #require(try await world.ledger.newestRevision(of: name))
    var outputs = try await world.ledger.outputs(of: revision.id)
    outputs[0].state = .promoting
    outputs[1].state = .active
    try await world.ledger.update(outputs)
    #expect(try await isDelivered(world))
    world.time.advance(by: .seconds(200 * 86_400))

    _ = try await world.flow.archive(request(), by: "ann")
    #expect(try await world.flow.verify(ArchivedRequest(release: "spring"), by: "ann").archive.jobs == 2)
    #expect(try await world.flow.restore(ArchivedRequest(release: "spring"), by: "ann").archive.isReleaseThere)

    #expect(try await world.state("spring/b") == .canceled)
    let restored = try #require(try await world.ledger.newestRevision(of: name))
    #expect(try await world.ledger.outputs(of: restored.id).map(\.state) == [.owed, .owed])
  }

  @Test(arguments: [(500, 500), (8, 300)])
  func `is archived later when its release.yaml says so, and never sooner`(own: Int, expected: Int) async throws {
    var config = FarmConfig()
    config.archive = ArchiveRule(after: .seconds(300 * 86_400))
    let world = try await world(config)
    try await world.ledger.setOrder(of: "spring", ReleaseOrder(archiveAfter: .seconds(own * 86_400)))
    let quiet = try #require(try await world.ledger.archiveCandidates().first).quietSince

    let due = try #require(try await world.flow.dueArchives().lines.first)
    let moment = Timestamp(nanoseconds: quiet.nanoseconds + Int64(expected) * 86_400_000_000_000)
    #expect(due.dueAt == moment.rfc3339, "\(due)")
    world.time.advance(by: moment.since(world.time.clock.now()) - .milliseconds(1))
    await world.flow.archiveWhatIsDue()
    #expect(world.volume.archives.filesBelow.isEmpty)
    world.time.advance(by: .milliseconds(1))
    await world.flow.archiveWhatIsDue()
    #expect(world.volume.archives.filesBelow == ["spring.tar.gz"])
  }

  @Test func `is not archived soon after something in its folder changed, of which the ledger knows nothing`()
    async throws
  {
    var config = FarmConfig()
    config.archive = ArchiveRule()
    let world = try FlowWorld(config: config)
    // Files have the times of the real clock: all of them are far later than what the ledger knows.
    world.time.advance(by: .seconds(-10 * 365 * 86_400))
    world.run()
    try await world.drop("releases/spring/store/a.blend", frames: 1...2)
    #expect(await world.delivers(Self.pictures))
    #expect(try await isDelivered(world))

    world.time.advance(by: .seconds(365 * 86_400))
    await world.flow.archiveWhatIsDue()
    let due = try await world.flow.dueArchives().lines.map(\.dueAt)
    let moment = Date.now.addingTimeInterval(30 * 86_400).formatted(.iso8601).prefix(10)
    #expect(due.map { $0.prefix(10) } == [moment], "thirty days after the file was written, by its own clock")
    #expect(world.volume.archives.filesBelow.isEmpty)

    world.time.advance(by: .seconds(20 * 365 * 86_400))
    await world.flow.archiveWhatIsDue()
    #expect(world.volume.archives.filesBelow == ["spring.tar.gz"])
  }

  @Test func `is not tried twice in a night when something keeps it, which is told`() async throws {
    var config = FarmConfig()
    config.archive = ArchiveRule()
    let world = try await world(config)
    try await world.drop("releases/spring/store/b.blend", frames: 1...1)
    #expect(try await world.comes("spring/b", to: .completed))
    #expect(try await isDelivered(world))
    world.time.advance(by: .seconds(200 * 86_400))
    #expect(mkfifo(world.volume.release("spring").string + "/pipe", 0o600) == 0)

    await world.flow.archiveWhatIsDue()
    let night = try await world.ledger.archiveCandidates().first { $0.release == "spring" }?.triedNight
    try FileManager.default.removeItem(atPath: world.volume.release("spring").string + "/pipe")
    await world.flow.archiveWhatIsDue()
    #expect(night != nil && world.volume.archives.filesBelow.isEmpty)
    let line = try #require(try await world.flow.dueArchives().lines.first)
    #expect(line.reasons.count == 1 && line.reasons[0].hasPrefix("in the night of "), "\(line.reasons)")
    #expect(line.reasons[0].contains("pipe cannot be archived"), "\(line.reasons)")
    #expect(
      try await world.flow.release("spring").archive?.contains("30d after its last change; it was tried: ") == true)
    #expect(line.beginsAt?.prefix(10) != world.time.clock.now().rfc3339.prefix(10), "not tonight again")
    let troubles = try await world.flow.status().daemon.troubles
    #expect(troubles.count == 1 && troubles[0].hasPrefix("spring was not archived, and is tried again the next night"))

    let now = world.time.clock.now()
    await world.crash()
    let later = try FlowWorld(on: world.scratch, config: config)
    later.time.advance(by: now.since(later.time.clock.now()))
    later.run()
    await later.flow.archiveWhatIsDue()
    #expect(later.volume.archives.filesBelow.isEmpty)
    later.time.advance(by: .seconds(86_400))
    await later.flow.archiveWhatIsDue()
    #expect(later.volume.archives.filesBelow == ["spring.tar.gz"])
    #expect(try await later.flow.status().daemon.troubles.isEmpty)
  }

  @Test func `stays where it is when that is wanted, and an older archive is kept beside`() async throws {
    let world = try await world()

    let first = try await world.flow.archive(request(keeps: true), by: "ann")
    let place = world.volume.archives.appending("spring.tar.gz")
    try place.write(place.contents.map { $0 ^ 0xFF })
    await #expect(throws: ArchiveFailure.self) {
      try await world.flow.verify(ArchivedRequest(release: "spring"), by: "ann")
    }
    world.time.advance(by: .seconds(1))
    let second = try await world.flow.archive(request(keeps: true), by: "ann")

    #expect(first.archive.isReleaseThere && second.archive.isReleaseThere)
    #expect(try await world.state("spring/a") == .completed && world.volume.dist.filesBelow == Self.pictures)
    let files = world.volume.archives.filesBelow
    #expect(files.count == 2 && files[0].hasPrefix(".older/") && files[1] == "spring.tar.gz", "\(files)")
    let listed = try await world.flow.archives()
    #expect(listed.map(\.path) == files.map { "archives/\($0)" } && listed.map(\.isOlder) == [true, false])
    #expect(listed.map(\.archivedAt) == [first.archive.archivedAt, second.archive.archivedAt])
    #expect(try await world.ledger.archives().map(\.state) == [.kept, .kept])
    // The damage of the older one is nobody's trouble any more, also after a restart.
    #expect(listed.map { $0.problem == nil } == [false, true])
    await world.crash()
    let later = try FlowWorld(on: world.scratch)
    await later.start()
    #expect(try await later.flow.status().daemon.troubles.isEmpty)
  }

  @Test func `is not archived while somebody writes into one of its files, and stays in its place`() async throws {
    let world = try await world()
    let texture = try world.scratch.write("wood", to: "volume/releases/spring/store/wood.png")
    world.time.advance(by: .seconds(200 * 86_400))
    let writer = try #require(FileHandle(forWritingAtPath: texture.string))

    let why = await refusal(world)
    #expect(why == "spring is not archived: a program has \(texture) open for writing")
    #expect(texture.isThere && world.volume.archives.filesBelow.isEmpty)
    #expect(try await world.state("spring/a") == .completed)

    try writer.close()
    #expect(try await world.flow.archive(request(), by: "ann").notes.isEmpty)
    #expect(!texture.isThere)
  }

  @Test func `is not archived into a folder that is a link`() async throws {
    let world = try await world()
    let (archives, elsewhere) = (world.volume.archives.string, world.scratch("elsewhere").string)
    try FileManager.default.moveItem(atPath: archives, toPath: elsewhere)
    try FileManager.default.createSymbolicLink(atPath: archives, withDestinationPath: elsewhere)

    let failure = await #expect(throws: FileFailure.self) { try await world.flow.archive(request(), by: "ann") }
    #expect(failure?.description == "cannot list \(archives): Not a directory")
    #expect(world.volume.release("spring").isThere && FilePath(elsewhere).filesBelow.isEmpty)
  }

  @Test func `of which every job was killed goes into the archive all the same, and comes back`() async throws {
    let world = try FlowWorld()
    world.run()
    try await world.flow.pause(PauseRequest(release: nil, paused: true), by: "ann")
    try await world.drop("releases/spring/store/a.blend", frames: 1...2)
    #expect(try await world.comes("spring/a", to: .queued))
    world.time.advance(by: .seconds(200 * 86_400))
    #expect(await refusal(world).contains("it is open: it waits for a (queued)"))
    _ = try await world.flow.steer(
      SteerRequest(.kill, query: ["a"], release: nil, isDryRun: false, jobs: nil), by: "ann")
    world.time.advance(by: .seconds(200 * 86_400))

    _ = try await world.flow.archive(request(), by: "ann")
    #expect(world.volume.archives.filesBelow == ["spring.tar.gz"] && !world.volume.release("spring").isThere)
    _ = try await world.flow.restore(ArchivedRequest(release: "spring"), by: "ann")
    #expect(try await world.state("spring/a") == .canceled)
  }

  @Test func `stays told while its archive is damaged or gone, also after a restart`() async throws {
    let world = try await world()
    _ = try await world.flow.archive(request(), by: "ann")
    let place = world.volume.archives.appending("spring.tar.gz")
    let (whole, status) = (place.contents, try #require(try FileStatus(at: place)))
    var flipped = whole
    flipped[flipped.count / 2] ^= 0xFF
    let asked = ArchivedRequest(release: "spring")
    for (bytes, isSameTime) in [(flipped, true), (Array(whole.prefix(whole.count / 2)), false)] {
      try place.write(bytes)
      if isSameTime { try Placement.setTime(of: place, like: status) }
      let failure = await #expect(throws: ArchiveFailure.self) { try await world.flow.verify(asked, by: "ann") }
      let why = try #require(failure?.description)
      #expect(try await world.flow.archives().map(\.problem) == [why])
      let troubles = try await world.flow.status().daemon.troubles
      #expect(troubles.first?.hasPrefix("\(why), and spring is nowhere else. ") == true, "\(troubles)")
    }

    try FileManager.default.removeItem(atPath: place.string)
    #expect(try await world.flow.archives().map(\.problem) == ["it is not there"])
    await #expect(throws: ArchiveFailure.lost("spring", place)) { try await world.flow.restore(asked, by: "ann") }
    await world.crash()
    let later = try FlowWorld(on: world.scratch)
    later.run()
    #expect(
      try await eventually {
        try await later.flow.status().daemon.troubles.first?.hasPrefix("\(place) is not there, and spring is") == true
      })

    // From a backup, without its time.
    try place.write(whole)
    #expect(try await later.flow.verify(asked, by: "ann").archive.problem == nil)
    #expect(try await later.flow.status().daemon.troubles.isEmpty)
    #expect(try await later.ledger.archives().map(\.state) == [.stored])
    await later.crash()
    let last = try FlowWorld(on: world.scratch)
    last.run()
    #expect(await eventually { await last.flow.areArchivesRecovered })
    #expect(try await last.flow.status().daemon.troubles.isEmpty)
    #expect(try await last.flow.restore(asked, by: "ann").archive.isReleaseThere)
    #expect(try await last.ledger.archives().map(\.state) == [.kept])
  }

  @Test func `is not archived while others need its files, or something is wrong`() async throws {
    let world = try await world()
    try await world.drop("quick/b.blend", frames: 1...1)
    #expect(try await world.comes("quick/b", to: .completed))
    let name = JobName(release: "quick", job: "b")
    let other = try #require(try await world.ledger.newestRevision(of: name))
    let library = world.volume.store(of: "spring").appending("lib.blend").string
    try await world.ledger.setDependencies(of: other.id, [SeenFile(path: library, size: 1, mtimeNanoseconds: 1)])

    #expect(await refusal(world).contains("others depend on it: quick/b needs releases/spring/store/lib.blend"))
    #expect(try await world.flow.archive(request(keeps: true), by: "ann").archive.isReleaseThere)
    try await world.ledger.setDependencies(of: other.id, [])
    let release = try #require(try await world.ledger.release(named: "spring"))
    try await world.ledger.setRelease(release.id, problem: Problem(.badRelease, cause: "release.yaml:1:1: no"))
    #expect(await refusal(world).contains("release.yaml:1:1: no"))
    try await world.ledger.setRelease(release.id, problem: nil)
    try await world.flow.pause(PauseRequest(release: nil, paused: true), by: "ann")
    try await world.drop("releases/spring/store/c.blend", frames: 1...1)
    #expect(try await world.comes("spring/c", to: .queued))
    let open = await refusal(world)
    #expect(open.contains("it is open: it waits for c (queued)"), "\(open)")
  }

  @Test func `comes back beside what was changed in its delivery, which is left as it is`() async throws {
    let world = try await world()
    _ = try await world.flow.archive(request(), by: "ann")
    try world.volume.dist.appending("spring/a_0001.png").write([1, 2, 3])
    try FileManager.default.removeItem(atPath: world.volume.dist.string + "/spring/a_0002.png")

    let answer = try await world.flow.restore(ArchivedRequest(release: "spring"), by: "ann")

    #expect(answer.notes == ["dist/spring/a_0001.png was changed since and is left as it is"])
    #expect(world.volume.dist.appending("spring/a_0001.png").contents == [1, 2, 3])
    #expect(world.volume.dist.filesBelow == Self.pictures)
    #expect(try await world.state("spring/a") == .completed)
    #expect(try await isDelivered(world))
    #expect(world.volume.own.names.filter { $0.hasPrefix("restoring") }.isEmpty)
    let again = await #expect(throws: ArchiveFailure.self) {
      try await world.flow.restore(ArchivedRequest(release: "spring"), by: "ann")
    }
    #expect(again == .inTheWay("spring", world.volume.release("spring")))
  }

  @Test func `is as it was when archiving it is stopped, also before its turn, until all is packed and compared`()
    async throws
  {
    let world = try await world()
    let (flow, stop) = (world.flow, ArchivedRequest(release: "spring"))
    let nothing = await #expect(throws: ArchiveFailure.self) { try await flow.stopArchiving(stop, by: "ann") }
    #expect(nothing?.description == "nothing is done with an archive of spring")
    #expect(nothing?.remedy.contains("farm status") == true)

    let other = try await flow.beginArchiving("other")
    async let refused = #expect(throws: ArchiveFailure.canceled) { try await flow.archive(self.request(), by: "ann") }
    #expect(await eventually { await flow.archivings.count == 2 })
    #expect(try await flow.stopArchiving(stop, by: "ann").phase == "waiting")
    _ = await refused
    #expect(await flow.archivings.map(\.release) == ["other"] && !other.isCanceled)
    await flow.endArchiving(other)

    let progress = try await flow.beginArchiving("spring")
    async let stopped = flow.stopArchiving(stop, by: "ann")
    #expect(await eventually { progress.isCanceled })
    #expect(throws: ArchiveFailure.canceled) { try progress.commit() }
    await flow.endArchiving(progress)
    #expect(try await stopped.release == "spring")

    let committed = try await flow.beginArchiving("spring")
    try committed.commit()
    let late = await #expect(throws: ArchiveFailure.self) { try await flow.stopArchiving(stop, by: "ann") }
    #expect(late?.description.contains("cannot be stopped any more: all of it is written and compared") == true)
    #expect(late?.remedy.contains("farm restore release") == true)
    #expect(!committed.isCanceled)
    await flow.endArchiving(committed)

    #expect(world.volume.archives.filesBelow.isEmpty && world.volume.release("spring").isThere)
    _ = try await flow.archive(request(), by: "ann")
    #expect(world.volume.archives.filesBelow == ["spring.tar.gz"])
  }

  /// What happened to it, but for what archiving it added.
  private func story(_ world: FlowWorld) async throws -> [String] {
    let lines = try await world.flow.history([], limit: 1000)
    return lines.filter { $0.release == "spring" && $0.what != "archived" && $0.what != "restored" }
      .map { "\($0.at) \($0.who) \($0.what) \($0.job ?? "") \($0.revision ?? 0) \($0.detail ?? "")" }.sorted()
  }

  @Test func `has its history while it is in its archive, and when it is back, also on another farm`() async throws {
    let world = try await world()
    _ = try await world.flow.renderAgain(AgainRequest(job: "spring/a", what: .all), by: "ann")
    #expect(
      try await eventually {
        let newest = try await world.ledger.newestRevision(of: JobName(release: "spring", job: "a"))
        guard newest?.number == 2, newest?.state == .completed else { return false }
        return try await world.ledger.undelivered(in: "spring").isEmpty
      })
    #expect(try await isDelivered(world))
    world.time.advance(by: .seconds(200 * 86_400))
    let story = try await story(world)
    for what in ["dropped a 1", "again a 2", "completed a 2", "delivered  0 2 files"] {
      #expect(story.contains { $0.contains(what) }, "\(what) of \(story)")
    }

    for turn in 1...2 {
      _ = try await world.flow.archive(request(isForced: true), by: "ann")
      #expect(try await self.story(world) == story, "turn \(turn)")
      world.time.advance(by: .seconds(1))
      _ = try await world.flow.restore(ArchivedRequest(release: "spring"), by: "ann")
      #expect(try await self.story(world) == story, "turn \(turn)")
      world.time.advance(by: .seconds(1))
    }

    let other = try FlowWorld()
    other.run()
    other.time.advance(by: .seconds(800 * 86_400))
    let name = "/spring.tar.gz"
    try FileManager.default.copyItem(
      atPath: world.volume.archives.string + name, toPath: other.volume.archives.string + name)
    _ = try await other.flow.restore(ArchivedRequest(release: "spring"), by: "eve")
    #expect(try await self.story(other) == story)
    let deeds = try await other.flow.history([], limit: 1000).filter { ["archived", "restored"].contains($0.what) }
    #expect(deeds.map(\.what) == ["archived", "restored", "archived", "restored"])
    #expect(deeds.map(\.who) == ["ann", "ann", "ann", "eve"])
  }

  @Test func `is verified as it is when its turn has come`() async throws {
    let world = try await world()
    let flow = world.flow
    _ = try await flow.archive(request(keeps: true), by: "ann")
    let turn = try await flow.beginArchiving("other")
    let newer = ArchiveRequest(
      release: "spring", format: .zst, prunesDist: false, keepsRelease: true, isForced: true)
    async let archived = flow.archive(newer, by: "ann")
    #expect(await eventually { await flow.archivings.count == 2 })
    async let verified = flow.verify(ArchivedRequest(release: "spring"), by: "ann")
    #expect(await eventually { await flow.archivings.count == 3 })

    await flow.endArchiving(turn)

    #expect(try await archived.archive.path == "archives/spring.tar.zst")
    #expect(try await verified.archive.path == "archives/spring.tar.zst")
  }

  @Test func `is not archived without its delivery, which is a link, nor when the daemon ends`() async throws {
    let world = try await world()
    let (dist, aside) = (world.volume.dist(of: "spring"), world.scratch("elsewhere"))
    rename(dist.string, aside.string)
    symlink(aside.string, dist.string)

    #expect(await refusal(world) == "\(dist.string) is no folder, so what was delivered cannot be archived")

    unlink(dist.string)
    rename(aside.string, dist.string)
    let flow = world.flow
    let progress = try await flow.beginArchiving("spring")
    await flow.endArchivings()
    #expect(throws: ArchiveFailure.canceled) { try progress.commit() }
    await flow.endArchiving(progress)
    #expect(world.volume.archives.filesBelow.isEmpty && dist.isThere)
  }

  @Test func `whose folder was lost comes back out of its archive when its jobs are let go, also after a restart`()
    async throws
  {
    let first = try await world()
    _ = try await first.flow.archive(request(keeps: true), by: "ann")
    await first.crash()
    try FileManager.default.removeItem(atPath: first.volume.release("spring").string)
    let world = try FlowWorld(on: first.scratch)
    world.run()
    #expect(try await eventually { try await world.flow.status().daemon.troubles.contains { $0.contains("is gone") } })

    let refusal = await #expect(throws: ArchiveFailure.self) {
      try await world.flow.restore(ArchivedRequest(release: "spring"), by: "ann")
    }
    #expect(refusal?.remedy.contains("farm kill spring.jobs '*'") == true)
    let kill = SteerRequest(.kill, query: ["*"], release: "spring", isDryRun: false, jobs: nil)
    #expect(try await world.flow.steer(kill, by: "ann").jobs == [JobName(release: "spring", job: "a")])
    #expect(try await !world.flow.status().daemon.troubles.contains { $0.contains("is gone") })
    _ = try await world.flow.restore(ArchivedRequest(release: "spring"), by: "ann")

    #expect(try await world.state("spring/a") == .completed)
    #expect(world.volume.store(of: "spring").names == ["a.blend"])
    #expect(world.volume.dist.filesBelow == Self.pictures)
  }

  @Test func `that came back under another name, or goes on, has nothing twice in its history`() async throws {
    let world = try await world()
    _ = try await world.flow.archive(request(isForced: true), by: "ann")
    _ = try await world.flow.restore(ArchivedRequest(release: "spring"), by: "ann")
    let story = try await story(world)

    let store = world.volume.store(of: "spring")
    try FileManager.default.moveItem(atPath: store.string + "/a.blend", toPath: store.string + "/b.blend")
    let place = store.appending("b.blend")
    await world.flow.take(.settled(place, try #require(try FileStatus(at: place)).fingerprint))
    #expect(await world.delivers(["spring/b_0001.png", "spring/b_0002.png"]))
    let renamed = try await self.story(world)
    #expect(
      renamed.filter { $0.contains("dropped") || $0.contains("completed") }
        == story.filter { $0.contains("dropped") || $0.contains("completed") })

    _ = try await world.flow.renderAgain(AgainRequest(job: "spring/b", what: .frames(FrameSet([1]))), by: "ann")
    #expect(
      try await eventually {
        try await self.story(world).count { $0.contains("completed") } == story.count { $0.contains("completed") } + 1
      })
    #expect(Set(try await self.story(world)).isSuperset(of: story), "how it ended before is not forgotten")
  }

  @Test func `of which only another name's archive is there is not restored`() async throws {
    let world = try await world()
    _ = try await world.flow.archive(request(), by: "ann")
    let archives = world.volume.archives.string
    try FileManager.default.moveItem(atPath: archives + "/spring.tar.gz", toPath: archives + "/summer.tar.gz")

    let missing = await #expect(throws: ArchiveFailure.self) {
      try await world.flow.restore(ArchivedRequest(release: "spring"), by: "ann")
    }
    #expect(missing == .lost("spring", world.volume.archives.appending("spring.tar.gz")))
    let strange = await #expect(throws: ArchiveFailure.self) {
      try await world.flow.restore(ArchivedRequest(release: "summer"), by: "ann")
    }
    #expect(strange?.description.contains("is of the release spring: give the archive that name") == true)
    #expect(world.volume.releases.names.isEmpty)
  }

  @Test(arguments: [
    (#""path":"releases/spring/store/a.blend""#, #""path":"../../../etc/a.blend""#),
    (#""path":"releases/spring/store/a.blend""#, #""path":"releases/other/store/a.blend""#),
    (#""path":"000001.png""#, #""path":"../../../../x.png""#), (#""path":"000001.png""#, #""path":"/etc/x.png""#),
    (#""delivered":"dist/spring/a_0001.png""#, #""delivered":"dist/spring/../../quick/a.blend""#),
    (#""delivered":"dist/spring/a_0001.png""#, #""delivered":"quick/a.blend""#),
    (#""state":"completed""#, #""state":"active""#), (#""attempts":1"#, #""attempts":9223372036854775807"#),
    (#""createdAt":"#, #""createdAt":-"#), (#""release":"spring""#, #""release":"other""#),
    (#""job":"a""#, #""job":"../a""#), (#""form":1"#, #""form":2"#),
    (#""path":"000002.png""#, #""path":"000001.png""#),
    (#""owner":""#, #""owner":"\(String(repeating: "x", count: 256))"#),
    (#""delivered":"dist/spring/a_0002.png""#, #""delivered":"dist/spring/a_0001.png""#),
  ])
  func `is not restored from words that lead out of it`(good: String, bad: String) async throws {
    let world = try await world()
    let manifest = try #require(try await world.ledger.manifests(of: "spring").first)
    let text = String(decoding: ManifestFolder.text(of: manifest), as: UTF8.self)
    let forged = text.replacingOccurrences(of: good, with: bad)
    #expect(forged != text, "\(good) is not in \(text)")

    let now = world.time.clock.now()
    let jobs = { (text: String) throws(ArchiveFailure) in
      let head = ArchiveManifest.Head(
        release: "spring", archivedAt: now, farm: "test", order: ReleaseOrder(), isPaused: false)
      let manifest = ArchiveManifest(head: head, jobs: [Array(text.utf8)])
      return try RestoredJobs(manifest, of: "spring", archive: "/x", now: now).manifests
    }
    #expect(try jobs(text).map(\.job) == ["a"])
    #expect(throws: ArchiveFailure.self) { try jobs(forged) }
  }

  @Test(arguments: [
    ("2027-01-01T00:00:00.000000000Z", "spring", 1, true), ("2027-01-01T00:00:00.000000000Z", "other", 1, false),
    ("2027-01-01T00:00:00.000000000Z", nil, 1, false), ("2027-01-01T00:00:00.000000000Z", "spring", -1, false),
    ("1927-01-01T00:00:00.000000000Z", "spring", 1, false),
    ("yesterday", "spring", 1, false),
  ])
  func `is not restored with a history that cannot be its own`(
    at: String, release: String?, revision: Int, isTaken: Bool
  ) throws {
    let now = try #require(Timestamp(rfc3339: "2027-06-01T00:00:00.000000000Z"))
    let head = ArchiveManifest.Head(
      release: "spring", archivedAt: now, farm: "test", order: ReleaseOrder(), isPaused: false)
    let line = HistoryLine(at: at, who: "ann", what: "dropped", release: release, job: "a", revision: revision)
    let manifest = ArchiveManifest(head: head, history: [line])

    var failure: ArchiveFailure?
    do { _ = try RestoredJobs(manifest, of: "spring", archive: "/x", now: now) } catch { failure = error }
    #expect((failure == nil) == isTaken)
    #expect(isTaken || failure?.description.contains("remembers what did not happen in the release") == true)
  }
}
