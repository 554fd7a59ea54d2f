import FarmModel
import FarmTesting
import Foundation
import Logging
import Rendering
import Supervisor
import SystemPackage
import Testing

@testable import LocalEngine

/// Blenders besides Debian's, where they are installed: `make test-blenders`.
enum OtherBlenders {
  /// Pythons with the module `bpy`, as `packaging/install-blenders` installs them.
  static let pythons: [String] = {
    let folder = ProcessInfo.processInfo.environment["FARM_BLENDERS"] ?? "/opt/farm-blenders"
    return Blenders.executables(matching: [folder + "/*/bin/python3"])
  }()
}

@Suite("Another Blender keeps the contract", .serialized, .enabled(if: !OtherBlenders.pythons.isEmpty))
struct OtherBlendersTests {
  private let scratch: ScratchFolder
  private let script: FilePath

  init() throws {
    scratch = try ScratchFolder()
    script = try RenderScript.install(in: scratch.makeVolume())
  }

  private func contract(_ python: String) async throws -> EngineContract {
    let (script, temporary) = (script, scratch("tmp"))
    return EngineContract(scene: try await Scenes.shared.path("slow")) {
      LocalEngine(
        LocalEngine.Setup(script: script, blenders: [python], slots: 1, temporary: temporary, now: { .now }),
        log: Logger(label: "test"))
    }
  }

  @Test(arguments: OtherBlenders.pythons) func `renders every frame`(python: String) async throws {
    try await contract(python).rendersEveryFrame()
  }

  @Test(arguments: OtherBlenders.pythons) func `says why a file cannot be opened`(python: String) async throws {
    try await contract(python).saysWhyAFileCannotBeOpened()
  }

  @Test(arguments: OtherBlenders.pythons) func `cancels`(python: String) async throws {
    try await contract(python).cancels()
  }

  @Test(arguments: OtherBlenders.pythons) func `finishes early`(python: String) async throws {
    try await contract(python).finishesEarly()
  }

  /// Both 4.2 and 5.0 bake the simulation zone of `baked.blend` to a folder.
  @Test(arguments: OtherBlenders.pythons)
  func `renders no frame of geometry nodes whose bake is only half there`(python: String) async throws {
    let files = FilePath(#filePath).removingLastComponent().removingLastComponent()
      .appending("BlendFileTests/files/make_files.py")
    let folder = scratch("baked")
    let (end, lines) = try await ChildProcess.output(
      of: ChildCommand(FilePath(python), [files.string, "kept", folder.string]))
    try #require(end.isSuccess, "\(lines.suffix(5))")
    let zone = folder.appending("baked_files/Zone")
    let gone = zone.filesBelow.filter { $0.hasSuffix("meta/00002_00000.json") }
    for file in gone { try FileManager.default.removeItem(atPath: zone.pushing(FilePath(file)).string) }
    #expect(gone.count == 1)

    let reports = try await contract(python).reports(of: folder.appending("baked.blend"), frames: FrameSet(1...3))

    let failed = reports.compactMap { report -> Problem? in
      if case .frameFailed(_, 2, let problem) = report { problem } else { nil }
    }
    #expect(failed.map(\.problemClass) == [.missingFile])
    #expect(failed.first?.missing?.first?.path.hasSuffix("/meta/00002_00000.json") == true)
    let rendered = reports.compactMap { if case .frame(_, let frame) = $0 { frame.frame } else { nil } }
    #expect(rendered.contains(1) && !rendered.contains(2))
  }

  @Test(arguments: OtherBlenders.pythons) func `says what it is`(python: String) async throws {
    guard case .found(let program) = await Blenders.probe(python, script: script) else {
      Issue.record("\(python) did not answer")
      return
    }

    #expect(python.contains("bpy-\(program.fullVersion)"))
    #expect(program.canDenoise)
    #expect(program.devices.contains("CPU"))
  }
}
