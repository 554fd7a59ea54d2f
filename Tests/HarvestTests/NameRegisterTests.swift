import FarmModel
import Testing

@testable import Harvest

@Suite("The names of what a release delivers")
struct NameRegisterTests {
  private func revision(_ job: String, _ frames: ClosedRange<Int>, kinds: [OutputKind] = [OutputKind()])
    -> ExpectedRevision
  {
    ExpectedRevision(
      job: JobName(release: "r", job: job), number: 1, createdAt: Timestamp(nanoseconds: 0), scene: "Scene",
      outputs: kinds.map { ExpectedOutputs(kind: $0, frames: frames.map { FrameNumber($0) }, path: "000001.png") })
  }

  private func register(_ revisions: [ExpectedRevision], naming: String? = nil) throws -> NameRegister {
    var register = NameRegister()
    for (number, revision) in revisions.enumerated() {
      let names = try ExpectedNames(of: revision, ReleaseOrder(naming: naming))
      _ = register.set(names, of: revision.job, rank: NameRegister.Rank(isDelivered: false, number: Int64(number)))
    }
    return register
  }

  private func clash(_ register: NameRegister, _ job: String) -> String? {
    register.clash(of: JobName(release: "r", job: job)).map { "\($0.file) \($0.other.job)" }
  }

  @Test(arguments: [
    ("{job}_{frame:4}.{ext}", "shot_0002.png"), ("{job}{frame:4}.{ext}", "shot0002.png"),
    ("{frame:4}_{job}.{ext}", "0002_shot.png"), ("{frame}-{job}-{frame:2}.{ext}", "2-shot-02.png"),
  ])
  func `of a series are those that its frames get`(naming: String, name: String) throws {
    let names = try #require(try ExpectedNames(of: revision("Shot", 1...3), ReleaseOrder(naming: naming)))

    #expect(names.first { $0 == name ? true : nil } == true)
    #expect(names.twice == nil)
  }

  @Test(
    arguments: [
      // The usual names, a still in the way of a frame.
      (nil, ("shot", 1...3), ("shot_0002", 1...1), "shot_0002.png shot"),
      (nil, ("shot_0002", 1...1), ("SHOT", 1...3), "shot_0002.png shot_0002"),
      // Two series whose digits run into each other.
      ("{job}{frame:4}.{ext}", ("a", 11_000...11_002), ("a1", 1000...1002), "a11000.png a"),
      ("{frame}{job}.{ext}", ("3x", 1...2), ("x", 23...24), "23x.png 3x"),
      ("{scene}_{frame}.{ext}", ("a", 1...2), ("b", 2...3), "scene_2.png a"),
    ] as [(String?, (String, ClosedRange<Int>), (String, ClosedRange<Int>), String)])
  func `are the first one's where two jobs want one`(
    naming: String?, first: (String, ClosedRange<Int>), second: (String, ClosedRange<Int>), expected: String
  ) throws {
    let register = try register([revision(first.0, first.1), revision(second.0, second.1)], naming: naming)

    #expect(clash(register, second.0) == expected)
    #expect(clash(register, first.0) == nil)
  }

  @Test(arguments: [
    ("shot", 1...3, "shot_0004", 1...1), ("shot", 1...3, "shot_002", 1...1), ("a", 1...2, "a_0001_b", 1...2),
  ])
  func `that only look alike part two jobs`(
    first: String, frames: ClosedRange<Int>, second: String, others: ClosedRange<Int>
  ) throws {
    let register = try register([revision(first, frames), revision(second, others)])

    #expect(clash(register, first) == nil && clash(register, second) == nil)
  }

  @Test func `of layers are told apart, and clash with a job that is called like one`() throws {
    let layers = ["Sky", "Land"].map { OutputKind(part: RenderPart(layer: $0)) }
    let register = try register([revision("shot", 1...2, kinds: layers), revision("shot_sky_0001", 5...5)])

    #expect(clash(register, "shot_sky_0001") == "shot_sky_0001.png shot")
  }

  @Test func `are free when the other job goes, and the job is among those to be told`() throws {
    var register = try register([revision("shot", 1...3), revision("shot_0002", 1...1)])

    let touched = register.set(
      nil, of: JobName(release: "r", job: "shot"), rank: NameRegister.Rank(isDelivered: false, number: 0))

    #expect(touched.map(\.job).sorted() == ["shot", "shot_0002"])
    #expect(clash(register, "shot_0002") == nil)
  }

  @Test func `are those of a job that has delivered, though it came later`() throws {
    var register = try register([revision("shot", 1...3), revision("shot_0002", 1...1)])
    let still = revision("shot_0002", 1...1)
    let names = try ExpectedNames(of: still, ReleaseOrder())

    _ = register.set(names, of: still.job, rank: NameRegister.Rank(isDelivered: true, number: 1))

    #expect(clash(register, "shot_0002") == nil)
    #expect(clash(register, "shot") == "shot_0002.png shot_0002")
  }

  @Test func `that only a rendered frame tells are not foretold`() throws {
    #expect(try ExpectedNames(of: revision("a", 1...2), ReleaseOrder(naming: "x_{rx}[_{camera}].{ext}")) == nil)
  }

  @Test func `of ten thousand jobs are looked up without walking over them`() throws {
    var register = try register((0..<10_000).map { revision("shot_\($0)", 1...24) })
    let late = revision("shot_77_0012", 1...1)

    let touched = register.set(
      try ExpectedNames(of: late, ReleaseOrder()), of: late.job,
      rank: NameRegister.Rank(isDelivered: false, number: 10_000))

    #expect(touched.map(\.job).sorted() == ["shot_77", "shot_77_0012"])
  }
}

@Suite("The remedy for a name that is taken")
struct NameRemedyTests {
  private func revision(_ job: String, _ frames: ClosedRange<FrameNumber>) -> ExpectedRevision {
    ExpectedRevision(
      job: JobName(release: "r", job: job), number: 1, createdAt: Timestamp(nanoseconds: 0), scene: nil,
      outputs: [ExpectedOutputs(kind: OutputKind(), frames: Array(frames), path: "1.png")])
  }

  private func remedy(_ order: ReleaseOrder, _ revisions: [ExpectedRevision]) -> String {
    NameRemedy(
      for: JobName(release: "r", job: "s_0002"), beside: JobName(release: "r", job: "s"), order: order,
      revisions: revisions
    ).text
  }

  @Test func `names a template that parts the two, not one that does not`() throws {
    let remedy = remedy(
      ReleaseOrder(naming: "{job}[_{frame:4}].{ext}"), [revision("s", 1...2), revision("s_0002", 1...1)])

    #expect(
      remedy == "Rename s_0002.blend or s.blend, or write "
        + "`naming: '{job}[_{scene}][_{layer}][_{view}][_{node}]_f{frame:4}.{ext}'` into release.yaml.")
  }

  @Test(arguments: [true, false])
  func `does not advise to rename files whose names are not in the pictures' names`(areKnown: Bool) {
    let remedy = remedy(
      ReleaseOrder(naming: "pic_{frame:4}.{ext}"), areKnown ? [revision("s", 1...2), revision("s_0002", 1...1)] : [])

    #expect(remedy.hasPrefix("Write `naming: '{job}"), "\(remedy)")
  }

  @Test func `says that the plan has to name a renamed file too`() {
    let remedy = remedy(ReleaseOrder(jobs: ["s", "s_0002"]), [revision("s", 1...2), revision("s_0002", 1...1)])

    #expect(
      remedy.hasPrefix("Rename s_0002.blend or s.blend (and its name in `jobs:` of release.yaml), or write "),
      "\(remedy)")
  }

  @Test func `advises quick jobs, which have no release.yaml, to rename`() {
    let remedy = NameRemedy(for: JobName(release: "quick", job: "a"), beside: JobName(release: "quick", job: "b")).text

    #expect(remedy == "Rename a.blend or b.blend.")
  }
}
