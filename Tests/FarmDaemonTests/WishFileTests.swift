import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

@testable import FarmDaemon

/// Files in which people say what they want, as an editor or a full disk leaves them for a while.
@Suite("A file of wishes")
struct WishFileTests {
  private static let plan = "jobs: [a, b]\nharvest: manual\npriority: 60\n"

  private func write(_ world: FlowWorld, _ text: String) async throws {
    let path = try world.scratch.write(text, to: "volume/releases/r/release.yaml")
    await world.flow.readPlan(at: path, nil)
  }

  private func planned() async throws -> FlowWorld {
    let world = try FlowWorld()
    world.run()
    await world.flow.take(.folderFound(try world.scratch.folder("volume/releases/r")))
    try await write(world, Self.plan)
    #expect(try await world.ledger.release(named: "r")?.order.jobs == ["a", "b"])
    return world
  }

  @Test(arguments: [
    "", " \n\n", "# my plan\n", "jobs: [a, b]\nharvest: manual\npriority: 6", "jobs: [a, b]\nharvest: man", "jobs:",
    "jobs: [a, b]\n",
  ])
  func `of a release that is emptied or cut ends no plan, and nothing is delivered until it is whole`(
    text: String
  ) async throws {
    let world = try await planned()
    try await world.drop("releases/r/store/a.blend", frames: 1...1)
    #expect(try await world.comes("r/a", to: .completed))

    try await write(world, text)
    world.time.advance(by: .seconds(31))
    await world.flow.review("r")

    #expect(world.volume.dist.filesBelow.isEmpty)
    let release = try #require(try await world.ledger.release(named: "r"))
    #expect(release.order.jobs == ["a", "b"] && release.order.harvest == .manual && release.order.priority == 60)
    #expect(release.problem?.problemClass == .badRelease)
    try await world.drop("releases/r/store/b.blend", frames: 1...1)
    #expect(try await world.comes("r/b", to: .blocked))

    try await write(world, Self.plan.replacing("manual", with: "auto"))
    #expect(try await world.comes("r/b", to: .completed))
    world.time.advance(by: .seconds(31))
    #expect(await world.delivers(["r/a.png", "r/b.png"]))
    #expect(try await world.ledger.release(named: "r")?.problem == nil)
  }

  @Test func `of a release that was cut at the end of a line is taken as it is when nothing follows for a minute`()
    async throws
  {
    let world = try await planned()

    try await write(world, "jobs: [a, b]\n")
    #expect(try await world.ledger.release(named: "r")?.order.harvest == .manual)
    world.time.advance(by: .seconds(61))

    #expect(try await eventually { try await world.ledger.release(named: "r")?.order.harvest == .auto })
    #expect(try await world.ledger.release(named: "r")?.problem == nil)
  }

  @Test func `of a release that is another file of fewer lines is taken at once`() async throws {
    let world = try await planned()
    let new = try world.scratch.write("jobs: [a, b]\nharvest: manual\n", to: "new.yaml")
    rename(new.string, world.scratch("volume/releases/r/release.yaml").string)

    await world.flow.readPlan(at: world.scratch("volume/releases/r/release.yaml"), nil)

    #expect(try await world.ledger.release(named: "r")?.order.priority == ReleaseOrder.usualPriority)
    #expect(try await world.ledger.release(named: "r")?.problem == nil)
  }

  @Test func `of a release with another mistake than before has its jobs quote that one`() async throws {
    let world = try await planned()
    try await write(world, "jobs: a, b\n# a list is missing\n")
    try await world.drop("releases/r/store/b.blend", frames: 1...1)
    #expect(try await world.comes("r/b", to: .blocked))

    try await write(world, "jobs: [a, b]\nharvest: automatic\n")

    #expect(
      try await eventually {
        try await world.flow.jobDetail("b").problem?.cause.contains("automatic") == true
      })
    try await write(world, Self.plan)
    #expect(try await world.comes("r/b", to: .completed))
  }

  @Test func `of a release that is empty says how to end the plan, and that works`() async throws {
    let world = try await planned()
    try await write(world, "")
    let remedy = try #require(try await world.ledger.release(named: "r")?.problem?.remedy)
    let advised = try #require(remedy.firstMatch(of: /`([^`]+)`/)).1

    try await write(world, "\(advised)\n")

    let release = try #require(try await world.ledger.release(named: "r"))
    #expect(release.problem == nil && !release.isPlanned && release.order.harvest == .auto)
  }

  @Test func `of a release that was cut while the daemon was down is seen to be cut`() async throws {
    let first = try await planned()
    await first.crash()
    _ = try first.scratch.write("jobs: [a, b]\nharvest: manual\npriority: 6", to: "volume/releases/r/release.yaml")

    let second = try FlowWorld(on: first.scratch)
    second.run()

    #expect(try await eventually { try await second.ledger.release(named: "r")?.problem != nil })
    #expect(try await second.ledger.release(named: "r")?.order.priority == 60)
  }

  // MARK: - Sidecars

  private func say(_ world: FlowWorld, _ text: String?) async throws {
    let path = world.scratch("volume/quick/a.farm.yaml")
    if let text { try path.write(Array(text.utf8)) } else { Placement.remove(path) }
    await world.flow.readSidecar(at: path, nil)
  }

  @Test(arguments: ["", "\n", "frames: 1-", "frames: 1", "# later\n"])
  func `of a job that is emptied or cut changes nothing of the job, and a note says so`(text: String) async throws {
    let world = try FlowWorld()
    world.run()
    try world.scratch.write("frames: 1-2\n", to: "volume/quick/a.farm.yaml")
    try await world.drop("quick/a.blend", frames: 1...5)
    #expect(await world.delivers(["quick/a_0001.png", "quick/a_0002.png"]))
    #expect(try await world.comes("quick/a", to: .completed))

    try await say(world, text)

    #expect(try await eventually { try await !world.flow.notes().notes.isEmpty })
    #expect(try await world.flow.jobDetail("a").revision == 1)
    #expect(world.volume.dist.filesBelow.count == 2)
    // The advice for one that is meant to say nothing: take it away.
    try await say(world, nil)
    #expect(await eventually { world.volume.dist.filesBelow.count == 5 })
    #expect(try await eventually { try await world.flow.notes().notes.isEmpty })
  }

  @Test func `of a job that is empty at first holds up the job until it is written or taken away`() async throws {
    let world = try FlowWorld()
    world.run()
    try world.scratch.write("", to: "volume/quick/a.farm.yaml")
    try await world.drop("quick/a.blend", frames: 1...5)
    #expect(try await world.comes("quick/a", to: .blocked))
    #expect(try await world.flow.jobDetail("a").problem?.cause.contains("a.farm.yaml is empty") == true)

    try await say(world, "frames: 2\n")

    #expect(await world.delivers(["quick/a.png"]))
  }

  @Test func `of comments alone says nothing, from the first on`() async throws {
    let world = try FlowWorld()
    world.run()
    try world.scratch.write("# frames: 2\n", to: "volume/quick/a.farm.yaml")

    try await world.drop("quick/a.blend", frames: 1...2)

    #expect(await world.delivers(["quick/a_0001.png", "quick/a_0002.png"]))
  }
}

@Suite("The text of a file of wishes")
struct WishTextTests {
  private let before = WishText("jobs: [a]\nharvest: manual\n", inode: 1)

  @Test(arguments: [
    ("", WishText.Doubt.isEmpty), (" \r\n\u{FEFF}", .isEmpty), ("# harvest: manual\n", .isSilent),
    ("jobs: [a]\nharv", .endsInLine), ("jobs: [a]\nharvest: manua", .endsInLine), ("jobs: [a]\n", .endsAfterLine),
    ("jobs: [a]", .endsAfterLine),
  ])
  func `is in doubt when it is empty, or the beginning of what it was`(text: String, doubt: WishText.Doubt) {
    #expect(WishText(text, inode: 1).doubt(after: before, saidSomething: true) == doubt)
  }

  @Test(arguments: [
    "jobs: [a]\nharvest: auto\n", "jobs: [a]\nharvest: manual", "harvest: manual\n", "jobs: [a]\n# end",
  ])
  func `is whole when it is another one`(text: String) {
    #expect(WishText(text, inode: 1).doubt(after: before, saidSomething: true) == nil)
  }

  @Test func `is whole as another file, though it is shorter, unless it is empty`() {
    #expect(WishText("jobs: [a]\n", inode: 2).doubt(after: before, saidSomething: true) == nil)
    #expect(WishText("", inode: 2).doubt(after: before, saidSomething: true) == .isEmpty)
  }

  @Test func `of comments alone is whole where nothing was said before`() {
    #expect(WishText("# later\n", inode: 1).doubt(after: nil, saidSomething: false) == nil)
  }

  @Test func `is read back from the ledger as it was`() throws {
    #expect(WishText(remark: try #require(before.remark)) == before)
    #expect(WishText(remark: "of another form") == nil)
  }

  @Test func `that is shorter is meant so after a minute without a change`() {
    var texts = ShortenedTexts()
    let (text, start) = (WishText("a: 1\n", inode: 1), Timestamp(nanoseconds: 0))
    let later = { (seconds: Int64) in Timestamp(nanoseconds: start.nanoseconds + seconds * 1_000_000_000) }

    let isMeantAtOnce = texts.isMeant(text, at: "/p", now: start)
    #expect(!isMeantAtOnce)
    #expect(texts.due(at: later(59)).isEmpty && texts.due(at: later(60)) == ["/p"])
    let verdicts = [
      texts.isMeant(WishText("a: ", inode: 1), at: "/p", now: later(60)), texts.isMeant(text, at: "/p", now: later(61)),
      texts.isMeant(text, at: "/p", now: later(121)),
    ]
    #expect(verdicts == [false, false, true])
  }
}
