import FarmModel
import FarmTesting
import Foundation
import Glibc
import SystemPackage
import Testing
import VolumeFiles

@testable import Harvest

private func output(_ id: Int64, _ frame: FrameNumber, _ state: OutputState = .done) -> Output {
  Output(
    id: id, revision: 1, path: "00000\(frame).png", frame: frame, state: state, attempts: 1, size: nil, bytes: nil,
    file: FileIdentity(inode: id, size: 1, mtimeNanoseconds: id), renderMilliseconds: nil, problem: nil)
}

private func part(_ revision: Revision, of release: Release, _ outputs: [Output]) throws -> HarvestPlan.Part {
  let variety = outputs.reduce(into: OutputVariety()) { $0.add($1) }
  return outputs.reduce(into: try HarvestPlan.Part(revision, of: release, variety: variety)) { $0.add($1) }
}

@Suite("A harvest is planned")
struct HarvestPlanTests {
  private let volume = Volume(root: "/v")

  private func plan(_ jobs: [(String, [Output])], naming: String? = nil) throws -> HarvestPlan {
    let release = Release(
      id: 1, name: "spring", state: .completed, order: ReleaseOrder(naming: naming), isPaused: false, problem: nil,
      changedAt: Timestamp(nanoseconds: 0))
    return try HarvestPlan(of: release, jobs.map { try part(revision(of: $0.0), of: release, $0.1) }, in: volume)
  }

  private func revision(of job: String) -> Revision {
    Revision(
      id: 1, job: 1, name: JobName(release: "spring", job: job), number: 3,
      digest: Digest(bytes: Array(repeating: 0, count: 32)),
      state: .completed, frames: FrameSet([1]), format: .png, scene: "Main/One", notes: [], savedBy: nil, blender: nil,
      snapshot: nil, problem: nil,
      createdAt: Timestamp(rfc3339: "2026-11-22T01:02:03.000000000Z") ?? Timestamp(nanoseconds: 0))
  }

  @Test func `of layers that a path cannot tell apart tells them apart`() throws {
    let layers = ["A:B", "A/B", "a_b"].map { OutputKind(part: RenderPart(layer: $0)) }
    let outputs = layers.enumerated().map { number, kind in
      Output(
        id: Int64(number), revision: 1, path: "\(number).png", frame: 1, kind: kind, state: .done, attempts: 1,
        size: nil,
        bytes: nil, file: nil, renderMilliseconds: nil, problem: nil)
    }
    let moves = try plan([("shot", outputs)])

    #expect(moves.map(\.target) == ["A:B", "A_B", "a_b-2"].map { "dist/spring/shot_\($0).png" })
  }

  @Test(arguments: ["shot\u{0600}", "\u{301}shot", "shot\u{0D4E}", "a'b", String(repeating: "x", count: 200)])
  func `also of a job whose name's end would swallow the dot, or is as long as a name may be`(job: String) throws {
    #expect(try plan([(job, [output(1, 1)])]).map(\.target) == ["dist/spring/\(job).png"])
    #expect(
      try plan([(job, [output(1, 1), output(2, 2)])]).first { _ in true }?.target == "dist/spring/\(job)_0001.png")
  }

  @Test func `of scenes that differ in nothing but Unicode form tells them apart`() throws {
    let outputs = ["\u{E9}", "e\u{301}"].enumerated().map { number, scene in
      Output(
        id: Int64(number), revision: 1, path: "\(number).png", frame: 1,
        kind: OutputKind(part: RenderPart(scene: scene)), state: .done, attempts: 1, size: nil, bytes: nil, file: nil,
        renderMilliseconds: nil, problem: nil)
    }

    let targets = try plan([("shot", outputs)]).map(\.target)

    #expect(Set(targets).count == 2 && targets.allSatisfy { $0.hasPrefix("dist/spring/shot_") }, "\(targets)")
  }

  @Test func `by a template in which marks stand behind its signs`() throws {
    #expect(
      try plan([("shot", [output(1, 1)])], naming: "{job}\u{301}.{ext}").map(\.target) == [
        "dist/spring/shot\u{301}.png"
      ])
    #expect(throws: HarvestFailure.self) { try plan([("shot", [output(1, 1)])], naming: "a/\u{301}{job}.{ext}") }
  }

  @Test func `with the default names, a still without its frame`() throws {
    let moves = try plan([("shot", [output(1, 1), output(2, 2)]), ("still", [output(3, 1)])])

    #expect(moves.map(\.target) == ["dist/spring/shot_0001.png", "dist/spring/shot_0002.png", "dist/spring/still.png"])
    #expect(moves.first { _ in true }?.source == "releases/spring/out/shot/000001.png")
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
    #expect(try plan([("shot", [output(1, 1, .harvested), output(2, 2)])]).map(\.output) == [2])
  }
}

@Suite("A name of what is delivered")
struct NamingTemplateTests {
  private let facts = FrameFacts(camera: "Cam", rotations: ["Cube": [44.6, -90, 0.2]])

  private func names(_ template: String, frames: [FrameNumber] = [7], object: String? = nil) throws -> [String] {
    let release = Release(
      id: 1, name: "spring", state: .completed, order: ReleaseOrder(naming: template, namingObject: object),
      isPaused: false, problem: nil, changedAt: Timestamp(nanoseconds: 0))
    let revision = Revision(
      id: 1, job: 1, name: JobName(release: "spring", job: "shot"), number: 3,
      digest: Digest(bytes: Array(repeating: 0, count: 32)),
      state: .completed, frames: FrameSet(frames), format: .png, scene: "Main/One", notes: [], savedBy: nil,
      blender: nil, snapshot: nil, problem: nil,
      createdAt: Timestamp(rfc3339: "2026-11-22T01:02:03.000000000Z") ?? Timestamp(nanoseconds: 0))
    let outputs = frames.map { frame in
      var one = output(Int64(frame), frame)
      one.facts = facts
      return one
    }
    return try HarvestPlan(of: release, [part(revision, of: release, outputs)], in: Volume(root: "/v")).map {
      String($0.target.dropFirst(12))
    }
  }

  @Test(arguments: [
    ("{job}_{frame:4}.{ext}", "shot_0007.png"), ("cube_{rx:3}_{ry:3}_{rz:3}.png", "cube_045_-090_000.png"),
    ("{release}-{scene}-{camera}-r{revision:2}-{date}.{ext}", "spring-Main_One-Cam-r03-2026-11-22.png"),
    ("{job}[_{scene}][_{frame}].{ext}", "shot.png"), ("{job}{layer}{view}.{ext}", "shot.png"),
  ])
  func `is made of what is known of the frame`(template: String, name: String) throws {
    #expect(try names(template) == [name])
  }

  @Test func `says in brackets only what differs`() throws {
    #expect(try names("{job}[_{scene}][_f{frame:2}].{ext}", frames: [1, 2]) == ["shot_f01.png", "shot_f02.png"])
  }

  @Test(arguments: [
    ("{jub}.{ext}", "there is no field {jub}; did you mean {job}?"), ("{job:3}.{ext}", "may follow a field that is a"),
    ("{job.{ext}", "there is no field {job.{ext}"), ("{job", "a { has no }"), ("job}.{ext}", "a } has no {"),
    ("[{job}.{ext}", "a [ has no ]"), ("a].{ext}", "a ] has no ["), ("[a[b]]", "brackets stand in brackets"),
    ("{release}/{job}.{ext}", "it has a slash"), ("{frame}.exr", "does not end with .png, which the picture is"),
    (".{job}.{ext}", "it starts with a dot"),
  ])
  func `is refused with the reason`(template: String, reason: String) {
    let failure = #expect(throws: HarvestFailure.self) { try names(template) }

    #expect(failure?.description.contains(reason) == true, "\(failure?.description ?? "")")
    #expect(failure?.remedy.contains("release.yaml") == true)
  }

  @Test func `that would be given twice is refused, naming both`() {
    let failure = #expect(throws: HarvestFailure.self) { try names("{job}.{ext}", frames: [1, 2]) }

    #expect(failure?.description == "two outputs of spring/shot would be delivered as shot.png")
  }

  @Test func `of a turn beyond all numbers is refused`() {
    var one = output(1, 1)
    one.facts = FrameFacts(rotations: ["Cube": [1e300, 0, 0]])
    let named = NamedOutput(
      job: JobName(release: "r", job: "j"), revision: 1, date: "", kind: [:], output: one, object: nil)

    #expect(throws: NamingFailure.self) { try named.text(of: .rx, digits: 3) }
    #expect(throws: Never.self) { try named.text(of: .ry, digits: 3) }
  }

  @Test func `of an object that was not noted is refused with those that were`() {
    let failure = #expect(throws: HarvestFailure.self) { try names("{rx}.{ext}", object: "Sphere") }

    #expect(
      failure?.description == "spring/shot cannot be delivered: the rotation of \"Sphere\" at frame 7 is not known; "
        + "known is that of Cube")
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
    try scratch.folder("dist")
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

  @Test func `is known as we made it, also when somebody writes into it as soon as it is there`() throws {
    let picture = scratch(target)
    let person = Thread {
      while !Thread.current.isCancelled {
        let file = open(picture.string, O_WRONLY | O_TRUNC)
        if file >= 0 {
          _ = Glibc.write(file, "retouched", 9)
          close(file)
        }
      }
    }
    person.start()
    defer { person.cancel() }
    for turn in 1...200 {
      let file = try frame("new")
      #expect(try move(file).file == file, "move \(turn)")
      #expect(unlink(picture.string) == 0)
    }
  }

  @Test func `never takes the place of what somebody saves there meanwhile`() throws {
    try scratch.folder("dist/spring")
    for (turn, isOurs) in (1...40).map({ ($0, $0 % 2 == 0) }) {
      let old = isOurs ? try move(frame("old")).file : nil
      let file = try frame("new")
      let picture = scratch(target)
      let (begun, saved) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
      let person = Thread {
        begun.signal()
        let own = picture.string + ".tmp"
        let made = open(own, O_WRONLY | O_CREAT | O_EXCL, 0o644)
        _ = Glibc.write(made, "saved by hand", 13)
        close(made)
        rename(own, picture.string)
        saved.signal()
      }
      person.start()
      begun.wait()

      let new = try move(file, ours: old)
      saved.wait()

      // Whoever came last has the name: the person, or the picture lies beside it.
      #expect(picture.contents == Array("saved by hand".utf8), "turn \(turn)")
      if new.path != target {
        #expect(scratch(new.path).contents == Array("new".utf8), "turn \(turn)")
      }
      for name in scratch("dist/spring").names { unlink(scratch("dist/spring/\(name)").string) }
      unlink(scratch("out/000001.png").string)
    }
  }

  @Test func `whose earlier delivery changed places with it is moved to its end after a crash`() throws {
    let old = try move(frame("old"))
    let file = try frame("new")
    rename(scratch(target).string, scratch("old").string)
    rename(scratch("out/000001.png").string, scratch(target).string)
    rename(scratch("old").string, scratch("out/000001.png").string)

    #expect(try move(file, ours: old.file).path == target)

    #expect(!scratch("out/000001.png").isThere && scratch(target).contents == Array("new".utf8))
  }

  @Test func `is found again beside another's after a crash`() throws {
    try scratch.write("somebody's", to: target)
    let file = try frame("new")
    let first = try move(file)

    #expect(first.path == "dist/spring/shot.new.png")
    #expect(try move(file) == first)
  }

  @Test func `that an earlier try copied to another file system, and did not live to remove, lies there once`() throws {
    let file = try frame("new")
    for taken in [false, true] {
      if taken { try scratch.write("somebody's", to: target) }
      let first = try move(file)
      // The copy has the same time.
      let copy = try #require(try FileStatus(at: scratch(first.path))).fingerprint
      let source = try scratch.write("new", to: "out/000001.png")
      setTime(of: source, copy.mtimeNanoseconds)

      #expect(try move(file).path == first.path)
      #expect(!source.isThere)
      #expect(scratch("dist/spring").names == (taken ? ["shot.new.png", "shot.png"] : ["shot.png"]))
      try scratch.write("new", to: "out/000001.png")
      setTime(of: source, copy.mtimeNanoseconds)
    }
  }

  private func setTime(of file: FilePath, _ nanoseconds: Int64) {
    let time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    #expect(utimensat(AT_FDCWD, file.string, [time, time], 0) == 0)
  }

  @Test func `that is nowhere is told as lost`() throws {
    let failure = #expect(throws: HarvestFailure.self) {
      try move(FileIdentity(inode: 1, size: 1, mtimeNanoseconds: 1))
    }

    #expect(failure == .lost("out/000001.png"))
    #expect(failure?.remedy.contains("Save the .blend again") == true)
  }
}
