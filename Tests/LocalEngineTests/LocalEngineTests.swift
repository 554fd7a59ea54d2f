import FarmModel
import FarmTesting
import Glibc
import LocalEngine
import Logging
import Rendering
import SystemPackage
import Testing
import VolumeFiles

@Suite("The local engine keeps the contract", .serialized)
struct LocalEngineContractTests {
  private let scratch: ScratchFolder
  private let script: FilePath

  init() throws {
    scratch = try ScratchFolder()
    script = try RenderScript.install(in: scratch.makeVolume())
  }

  private func contract() async throws -> EngineContract {
    let (script, temporary) = (script, scratch("tmp"))
    return EngineContract(scene: try await Scenes.shared.path("slow")) {
      LocalEngine(
        LocalEngine.Setup(
          script: script, blenders: [Scenes.blender], slots: 1, temporary: temporary, now: { .now }),
        log: Logger(label: "test"))
    }
  }

  @Test func `renders every frame`() async throws { try await contract().rendersEveryFrame() }
  @Test func `says why a file cannot be opened`() async throws { try await contract().saysWhyAFileCannotBeOpened() }
  @Test func `cancels`() async throws { try await contract().cancels() }
  @Test func `finishes early`() async throws { try await contract().finishesEarly() }
}

@Suite("The fake engine keeps the contract")
struct FakeEngineContractTests {
  private func contract() async throws -> EngineContract {
    EngineContract(scene: try await Scenes.shared.path("slow")) { FakeEngine() }
  }

  @Test func `renders every frame`() async throws { try await contract().rendersEveryFrame() }
  @Test func `says why a file cannot be opened`() async throws { try await contract().saysWhyAFileCannotBeOpened() }
  @Test func `cancels`() async throws { try await contract().cancels() }
  @Test func `finishes early`() async throws { try await contract().finishesEarly() }
}

@Suite("Blenders")
struct BlendersTests {
  @Test func `are found by globs and asked what they are`() async throws {
    let scratch = try ScratchFolder()
    let script = try scratch.write(RenderScript.bytes, to: "farm_render.py")

    let found = Blenders.executables(matching: ["/usr/bin/blende?", "/usr/bin/blender", "/no/such/*"])
    #expect(found == ["/usr/bin/blender"])
    guard case .found(let program) = await Blenders.probe("/usr/bin/blender", script: script) else {
      Issue.record("Blender did not answer")
      return
    }

    #expect(program.version >= BlenderVersion(major: 3, minor: 4))
    #expect(program.fullVersion.hasPrefix(program.version.description))
    #expect(program.devices.contains("CPU"))
  }

  @Test func `that are none are told with the reason`() async throws {
    let probed = await Blenders.probe("/bin/true", script: "/nowhere")

    #expect(probed == .failed(UnwellProgram(path: "/bin/true", reason: "it did not answer and ended with exit code 0")))
  }
}

@Suite("A Blender that does not answer", .serialized)
struct UnwellBlenderTests {
  @Test func `is asked again, since it may only have been killed`() async throws {
    let scratch = try ScratchFolder()
    let script = try RenderScript.install(in: scratch.makeVolume())
    let wrapper = "#!/bin/sh\n[ -e \"$0.tried\" ] && exec /usr/bin/blender \"$@\"\n: > \"$0.tried\"\nkill -9 $$\n"
    let program = try scratch.write(wrapper, to: "blender")
    #expect(program.withPlatformString { chmod($0, 0o755) } == 0)
    let engine = LocalEngine(
      LocalEngine.Setup(
        script: script, blenders: [program.string], slots: 1, temporary: scratch("tmp"), now: { .now }),
      log: Logger(label: "test"))

    await withTaskGroup(of: Void.self) { group in
      group.addTask { await engine.run() }
      var counts: [Int] = []
      for await report in engine.reports {
        if case .abilities(let able) = report { counts.append(able.blenders.count) }
        if counts.last == 1 { break }
      }
      #expect(counts == [0, 1])
      group.cancelAll()
    }
  }
}
