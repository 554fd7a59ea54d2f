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

  /// A cube that comes out of one Alembic file a frame, and from 5.0 on beside it a mesh that an import node reads.
  private static let named = """
    import bpy, os, sys
    folder = sys.argv[-1]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    bpy.ops.mesh.primitive_cube_add()
    for frame in (1, 2, 3):
        bpy.ops.wm.alembic_export(filepath=os.path.join(folder, "c_%04d.abc" % frame), start=frame, end=frame)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 3
    scene.render.resolution_x, scene.render.resolution_y = 16, 9
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    bpy.ops.wm.alembic_import(filepath=os.path.join(folder, "c_0001.abc"), is_sequence=True, as_background_job=False)
    cache = bpy.data.cache_files[0]
    cache.is_sequence, cache.filepath = True, os.path.join(folder, "c_0001.abc")
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    if bpy.app.version >= (5, 0):
        tree = bpy.data.node_groups.new("Import", "GeometryNodeTree")
        tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
        node = tree.nodes.new("GeometryNodeImportOBJ")
        node.inputs["Path"].default_value = os.path.join(folder, "m.obj")
        tree.links.new(node.outputs[0], tree.nodes.new("NodeGroupOutput").inputs[0])
        bpy.data.objects["Cube"].modifiers.new("Import", "NODES").node_group = tree
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "named.blend"))
    """

  @Test(arguments: OtherBlenders.pythons)
  func `asks for the Alembic file of each frame, and for what import nodes read`(python: String) async throws {
    let folder = try scratch.folder("named")
    let (end, lines) = try await ChildProcess.output(
      of: ChildCommand(FilePath(python), ["-c", Self.named, folder.string]))
    try #require(end.isSuccess, "\(lines.suffix(5))")
    func missing() async throws -> [String?] {
      try await contract(python).reports(of: folder.appending("named.blend"), frames: FrameSet(1...3)).compactMap {
        switch $0 {
        case .frameFailed(_, _, let problem), .ended(_, .failed(let problem, _)):
          problem.missing?.first.map { FilePath($0.path).lastComponent?.string }
        default: nil
        }
      }
    }

    if python.contains("bpy-5") {
      #expect(try await missing().first == "m.obj")
      try scratch.write("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", to: "named/m.obj")
    }
    #expect(try await missing() == [])
    try FileManager.default.removeItem(atPath: folder.appending("c_0002.abc").string)

    #expect(try await missing() == ["c_0002.abc"])
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
