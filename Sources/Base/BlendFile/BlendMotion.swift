/// What in a file can make its pictures differ from frame to frame, or needs Python for it. The bits are those that
/// files of 3.4, 4.2 and 5.0 have.
enum BlendMotion {
  /// Whatever has one of these may move.
  private static let movers: Set<String> = [
    "SoftbodyModifierData", "FluidModifierData", "SmokeModifierData", "FluidsimModifierData",
    "DynamicPaintModifierData", "OceanModifierData", "WaveModifierData", "BuildModifierData", "MeshCacheModifierData",
    "MeshSeqCacheModifierData", "RigidBodyWorld", "RigidBodyOb", "SoftBody", "CacheFile", "MovieClip",
    "BuildGpencilModifierData", "NoiseGpencilModifierData", "TimeGpencilModifierData",
    "GreasePencilBuildModifierData", "GreasePencilNoiseModifierData", "GreasePencilTimeModifierData",
  ]
  private static let simulations: Set<String> = [
    "ClothModifierData", "SoftBody", "SoftBody_Shared", "RigidBodyWorld", "RigidBodyWorld_Shared",
    "DynamicPaintSurface", "SmokeDomainSettings",
  ]
  private static let timeNodes: Set<String> = [
    "GeometryNodeInputSceneTime", "CompositorNodeSceneTime", "CompositorNodeTime", "TextureNodeCurveTime",
    "GeometryNodeBake", simulationZone,
  ]
  private static let simulationZone = "GeometryNodeSimulationOutput"

  static let structures = movers.union(simulations).union([
    "AnimData", "Image", "TimeMarker", "bNode", "Volume", "Editing", "ParticleSettings", "ParticleSystem",
    "FluidDomainSettings", "Text", "FCurve", "Scene", "bGPDlayer", "GreasePencilLayer",
  ])

  // MARK: - Moves

  /// Whether a structure makes anything move. In doubt it does: a picture too many is better than one too few.
  static func moves(_ record: BlendRecord, _ reader: BlendReader) throws(BlendFailure) -> Bool {
    switch record.type {
    case "AnimData":
      return record.pointer("action") != nil || record.record("drivers")?.pointer("first") != nil
        || record.record("nla_tracks")?.pointer("first") != nil
    case "Image":
      let (sequence, movie) = (2, 3)
      return [sequence, movie].contains(record.int("source") ?? 1)
    case "TimeMarker": return record.pointer("camera") != nil
    case "bNode":
      let node = record.string("idname") ?? ""
      if node == "ShaderNodeAttribute" { return try readsScene(record, reader) }
      return timeNodes.contains(node)
    case "Volume": return record.int("is_sequence") ?? 0 != 0
    case "Editing": return record.record("seqbase")?.pointer("first") != nil
    // Hair has one too, without a cache of its own.
    case "ClothModifierData": return try reader.record(at: record.pointer("point_cache")) != nil
    case "ParticleSettings": return record.int("type") != hair
    case "ParticleSystem": return (record.int("flag") ?? 0) & hairDynamics != 0
    case "Text": return isRunOnOpening(record)
    case "Scene":
      // The frame's number burnt into the picture.
      let isDrawn = 0x40
      return (record.record("r")?.int("stamp") ?? 0) & isDrawn != 0
    case "bGPDlayer": return record.record("frames").map { $0.pointer("first") != $0.pointer("last") } ?? true
    case "GreasePencilLayer": return record.record("frames_storage")?.int("size") ?? 2 > 1
    default: return movers.contains(record.type)
    }
  }

  /// Whether a node reads an attribute of the scene or its view layer, which may be the frame's number.
  private static func readsScene(_ node: BlendRecord, _ reader: BlendReader) throws(BlendFailure) -> Bool {
    let viewLayer = 3
    return try reader.record(at: node.pointer("storage"))?.int("type") == viewLayer
  }

  private static let hair = 2
  private static let hairDynamics = 0x4

  // MARK: - Simulations

  /// Whether a frame of it can only be had by way of all the frames before: it is simulated and not baked.
  static func isSimulated(_ record: BlendRecord, _ reader: BlendReader) throws(BlendFailure) -> Bool {
    switch record.type {
    case "ParticleSystem":
      let settings = try reader.record(at: record.pointer("part"))
      let isStill = settings?.int("type") == hair && (record.int("flag") ?? 0) & hairDynamics == 0
      return isStill ? false : try isUnbaked(record.pointer("pointcache"), reader)
    case "FluidDomainSettings": return !CacheCodes.isBaked(fluid: record)
    case "bNode": return record.string("idname") == simulationZone
    case _ where simulations.contains(record.type):
      let field = record.has("pointcache") ? "pointcache" : "point_cache"
      return try isUnbaked(record.pointer(field), reader)
    default: return false
    }
  }

  private static func isUnbaked(_ cache: UInt64?, _ reader: BlendReader) throws(BlendFailure) -> Bool {
    guard let flag = try reader.record(at: cache)?.int("flag") else { return false }
    return flag & (CacheCodes.baked | CacheCodes.external) == 0
  }

  // MARK: - Python

  /// What a structure would have Python run.
  static func script(
    _ record: BlendRecord, _ owner: Int, _ reader: BlendReader
  ) throws(BlendFailure) -> BlendSummary.Script? {
    switch record.type {
    case "Text": return isRunOnOpening(record) ? BlendSummary.Script(owner: owner, driver: nil) : nil
    case "FCurve":
      let (muted, python) = (0x10, 1)
      guard (record.int("flag") ?? 0) & muted == 0, let driver = try reader.record(at: record.pointer("driver")),
        driver.int("type") == python, let expression = driver.string("expression"), needsTrust(expression)
      else { return nil }
      return BlendSummary.Script(owner: owner, driver: expression)
    default: return nil
    }
  }

  private static func isRunOnOpening(_ text: BlendRecord) -> Bool {
    let isModule = 0x10
    return (text.int("flags") ?? 0) & isModule != 0
  }

  /// Whether Blender refuses a driver's expression where scripts are off: it computes those without attributes itself.
  /// One that calls a function of nobody's is refused too, which only Blender knows.
  private static func needsTrust(_ expression: String) -> Bool {
    let isName = { (character: Character) in character.isLetter || character.isNumber || character == "_" }
    if expression.split(whereSeparator: { !isName($0) }).contains("self") { return true }
    return zip(expression, expression.dropFirst()).contains { $0 == "." && ($1.isLetter || $1 == "_") }
  }
}

/// Numbers that Blender writes for the caches of simulations, as measured in files of 3.4, 4.2 and 5.0.
enum CacheCodes {
  static let baked = 0x1
  static let onDisk = 0x40
  static let external = 0x200
  /// The cache of a linked object lies beside the file that links it.
  static let ignoresLibrary = 0x800

  static let liquid = 1
  static let usesNoise = 0x2
  static let usesMesh = 0x200
  static let bakedNoise = 0x8
  static let bakedMesh = 0x20
  static let bakedParticles = 0x80
  static let particlesOfLiquid = 0x1
  static let uni = 1
  static let openVDB = 2
  static let meshObject = 8
  static let meshPacked = 16

  static let bakedStill = 1

  static func isBaked(fluid: BlendRecord) -> Bool {
    let data = 0x2
    return (fluid.int("cache_flag") ?? 0) & data != 0
  }
}
