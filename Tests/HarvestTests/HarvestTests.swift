import FarmModel
import FarmTesting
import Harvest
import SystemPackage
import Testing
import VolumeFiles

private func output(_ id: Int64, _ frame: FrameNumber, _ state: OutputState = .done) -> Output {
  Output(
    id: id, revision: 1, path: "00000\(frame).png", frame: frame, state: state, attempts: 1, size: nil, bytes: nil,
    file: FileIdentity(inode: id, size: 1, mtimeNanoseconds: id), renderMilliseconds: nil, problem: nil)
}

@Suite("A harvest is planned")
struct HarvestPlanTests {
  private let volume = Volume(root: "/v")

  private func plan(_ jobs: [(String, [Output])]) throws -> HarvestPlan {
    try HarvestPlan(release: "spring", jobs: jobs.map { (JobName(release: "spring", job: $0.0), $0.1) }, in: volume)
  }

  @Test func `with the default names, a still without its frame`() throws {
    let moves = try plan([("shot", [output(1, 1), output(2, 2)]), ("still", [output(3, 1)])]).moves

    #expect(moves.map(\.target) == ["dist/spring/shot_0001.png", "dist/spring/shot_0002.png", "dist/spring/still.png"])
    #expect(moves.map(\.source).first == "releases/spring/out/shot/000001.png")
  }

  @Test func `not when a frame is missing`() {
    let failure = #expect(throws: HarvestFailure.self) { try plan([("shot", [output(1, 1), output(2, 2, .owed)])]) }

    #expect(failure?.description == "spring/shot cannot be delivered: its output 000002.png is not done")
  }

  @Test func `not when two outputs would get one name, also where only the case differs`() {
    let failure = #expect(throws: HarvestFailure.self) {
      try plan([("Still", [output(1, 1)]), ("still", [output(2, 1)])])
    }

    #expect(failure?.description.contains("spring/still and spring/Still would both be delivered") == true)
  }

  @Test func `without what is delivered already`() throws {
    #expect(try plan([("shot", [output(1, 1, .harvested), output(2, 2)])]).moves.map(\.output.id) == [2])
  }
}

@Suite("A harvested file")
struct HarvesterTests {
  private let scratch: ScratchFolder
  private let harvester: Harvester
  private let target = "dist/spring/shot.png"

  init() throws {
    scratch = try ScratchFolder()
    harvester = Harvester(Volume(root: scratch.path))
  }

  private func frame(_ text: String) throws -> FileIdentity {
    let path = try scratch.write(text, to: "out/000001.png")
    return try #require(try FileStatus(at: path)).identity
  }

  private func move(_ file: FileIdentity, ours: FileIdentity? = nil) throws -> Harvester.Landing {
    try harvester.move(file, from: "out/000001.png", to: target, ours: ours)
  }

  @Test func `is moved, and moved again after a crash nothing changes`() throws {
    let file = try frame("new")

    let first = try move(file)
    let second = try move(file)

    #expect(first == second)
    #expect(first.path == target)
    #expect(scratch(target).contents == Array("new".utf8))
    #expect(!scratch("out/000001.png").isThere)
  }

  @Test func `takes the place of our own earlier delivery`() throws {
    let old = try move(frame("old"))

    let new = try move(frame("new"), ours: old.file)

    #expect(new.path == target)
    #expect(scratch("dist/spring").names == ["shot.png"])
    #expect(scratch(target).contents == Array("new".utf8))
  }

  @Test func `lies beside what somebody else put there or changed`() throws {
    let old = try move(frame("old"))
    try scratch.write("retouched by hand", to: target)

    let new = try move(frame("new"), ours: old.file)

    #expect(new.path == "dist/spring/shot.new.png")
    #expect(scratch(target).contents == Array("retouched by hand".utf8))
    harvester.removeDelivery(target, ours: old.file)
    #expect(scratch(target).isThere)
  }

  @Test func `is found again beside another's after a crash`() throws {
    try scratch.write("somebody's", to: target)
    let file = try frame("new")
    let first = try move(file)

    #expect(first.path == "dist/spring/shot.new.png")
    #expect(try move(file) == first)
  }

  @Test func `that is nowhere is told as lost`() throws {
    let failure = #expect(throws: HarvestFailure.self) {
      try move(FileIdentity(inode: 1, size: 1, mtimeNanoseconds: 1))
    }

    #expect(failure == .lost("out/000001.png"))
    #expect(failure?.remedy.contains("Save the .blend again") == true)
  }
}
