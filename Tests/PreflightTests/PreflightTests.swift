import BlendFile
import FarmModel
import Preflight
import Testing

@Suite("Before the first frame")
struct PreflightTests {
  private func blender(_ major: Int, _ minor: Int) -> BlenderProgram {
    BlenderProgram(
      path: "/opt/\(major).\(minor)", version: BlenderVersion(major: major, minor: minor),
      fullVersion: "\(major).\(minor).0",
      buildHash: "", canDenoise: true, devices: [])
  }

  private func facts(_ major: Int = 3, _ minor: Int = 4, frames: (FrameNumber, FrameNumber)? = (1, 10)) -> BlendFacts {
    BlendFacts(
      version: BlenderVersion(major: major, minor: minor), wrapper: .none,
      scenes: frames.map { [BlendFacts.SceneRange(name: "Main", start: $0.0, end: $0.1)] } ?? [])
  }

  private func blocking(_ facts: BlendFacts, _ blenders: [BlenderProgram]) -> [Problem] {
    Preflight(choice: BlenderChoice(allowsNewerMajor: false)).findings(.success(facts), blenders: blenders)
      .filter { $0.severity == .blocks }.map(\.problem)
  }

  @Test func `nothing speaks against a fitting file`() {
    #expect(
      Preflight(choice: BlenderChoice(allowsNewerMajor: false)).findings(.success(facts()), blenders: [blender(3, 4)])
        .isEmpty)
  }

  @Test func `an unreadable file blocks with the reason`() {
    let found = Preflight(choice: BlenderChoice(allowsNewerMajor: false))
      .findings(.failure(.notSupported("an odd header")), blenders: [blender(3, 4)])

    #expect(found.map(\.problem.problemClass) == [.unreadableFile])
    #expect(found.first?.problem.cause.contains("an odd header") == true)
  }

  @Test func `an empty or missing or endless frame range blocks`() {
    #expect(blocking(facts(frames: (10, 1)), [blender(3, 4)]).map(\.problemClass) == [.noFrames])
    #expect(blocking(facts(frames: nil), [blender(3, 4)]).map(\.problemClass) == [.noFrames])
    #expect(blocking(facts(frames: (1, 300_000)), [blender(3, 4)]).map(\.problemClass) == [.noFrames])
  }

  @Test(arguments: [
    ([(3, 4), (3, 6), (4, 2)], (3, 4), "3.4"), ([(3, 6), (4, 2), (3, 5)], (3, 4), "3.5"), ([(4, 2)], (3, 4), nil),
    ([(3, 3)], (3, 4), nil), ([(3, 4)], (2, 93), nil), ([], (3, 4), nil),
  ])
  func `the Blender is the file's own or the nearest newer one, never an older`(
    have: [(Int, Int)], saved: (Int, Int), chosen: String?
  ) {
    let choice = BlenderChoice(allowsNewerMajor: false)
      .fitting(BlenderVersion(major: saved.0, minor: saved.1), among: have.map { blender($0.0, $0.1) })

    #expect((try? choice.get())?.blender.version.description == chosen)
  }

  @Test func `a later major version opens it only when that is allowed`() throws {
    let fit = try BlenderChoice(allowsNewerMajor: true).fitting(
      BlenderVersion(major: 2, minor: 93), among: [blender(3, 4)]
    ).get()

    #expect(fit.blender.version.major == 3)
    #expect(fit.note?.cause == "the file was saved by Blender 2.93 and is rendered with 3.4")
  }

  @Test func `a file that no Blender here can open names both versions`() {
    let problem = blocking(facts(5, 0), [blender(3, 4), blender(4, 2)]).first

    #expect(problem?.problemClass == .wrongBlender)
    #expect(problem?.cause == "the file was saved by Blender 5.0; here is 3.4, 4.2")
    #expect(problem?.remedy.contains("blenders:") == true)
  }
}
