import FarmModel

/// Which files of baked simulations the structures of a `.blend` name: in which folder, under which names, for which
/// frames. As measured with Blender 3.4, 4.2 and 5.0.
enum NamedCaches {
  private typealias Name = CacheFiles.Name

  /// Structures that point to the cache of a simulation.
  static let pointCacheOwners: Set<String> = [
    "ClothModifierData", "SoftBody", "SoftBody_Shared", "ParticleSystem", "RigidBodyWorld", "RigidBodyWorld_Shared",
    "DynamicPaintSurface",
  ]

  // MARK: - Cloth, soft bodies, particles, rigid bodies, dynamic paint

  /// A simulation that was baked to a folder beside the file, or lies wherever the artist said.
  static func pointCache(
    of record: BlendRecord, _ owner: Int, _ reader: BlendReader
  ) throws(BlendFailure) -> [BlendSummary.NamedFile] {
    let field = record.has("pointcache") ? "pointcache" : "point_cache"
    guard let cache = try reader.record(at: record.pointer(field)), cache.type == "PointCache" else { return [] }
    let flag = cache.int("flag") ?? 0
    let bakedToDisk = CacheCodes.baked | CacheCodes.onDisk
    let isBesideMain = flag & CacheCodes.ignoresLibrary != 0
    let index = max(0, cache.int("index") ?? 0)
    var path: [UInt8] = []
    var kind = BlendDependency.Kind.bakedFolder
    var stem: String?
    if flag & CacheCodes.external != 0, let folder = cache.text("path"), !folder.isEmpty {
      (path, kind, stem) = (folder, .cacheFolder, cache.string("name") ?? "")
    } else if flag & bakedToDisk == bakedToDisk {
      stem = cache.string("name").flatMap { $0.isEmpty ? nil : $0 }
      // The world of rigid bodies has no object: 3.4 crashes when it bakes one to disk.
      if stem == nil, !record.type.hasPrefix("RigidBody") { stem = try reader.objectName(owner).map(stemOfFiles) }
    } else {
      return []
    }
    var file = BlendSummary.NamedFile(kind: kind, path: path, owner: owner)
    let frames = CacheFrames(
      first: cache.int("startframe") ?? 1, last: cache.int("endframe") ?? 0, step: max(1, cache.int("step") ?? 1),
      outside: .last)
    if let stem, frames.isPlausible {
      let isNumbered = kind == .bakedFolder || cache.int("index") ?? 0 >= 0
      let tail = isNumbered ? "_\(index < 10 ? "0" : "")\(index).bphys" : ".bphys"
      file.members = .cache(
        CacheFiles(frames: frames, names: [Name(head: "\(stem)_", digits: 6, tail: tail)]), isBesideMain: isBesideMain)
    }
    return [file]
  }

  /// How the names of a cache's files begin that has no name itself: with the bytes of the object's, in hexadecimal
  /// digits.
  /// - Parameter object: the name of its datablock, `OBGrid`.
  static func stemOfFiles(ofObject object: String) -> String {
    DatablockName.plain(object).utf8.hexadecimal.uppercased()
  }

  // MARK: - Oceans

  static func ocean(_ ocean: BlendRecord, _ folder: [BlendSummary.NamedFile]) -> [BlendSummary.NamedFile] {
    guard ocean.int("cached") ?? 0 != 0 else { return [] }
    let flag = ocean.int("flag") ?? 0
    let frames = CacheFrames(first: ocean.int("bakestart") ?? 1, last: ocean.int("bakeend") ?? 0, outside: .ends)
    let (foam, normals, spray) = (0x1, 0x2, 0x4)
    var names = ["disp"]
    if flag & foam != 0 { names.append("foam") }
    if flag & normals != 0 { names.append("normal") }
    if flag & spray != 0 { names += ["spray", "spray_inverse"] }
    return with(frames, names.map { Name(head: "\($0)_", digits: 4, tail: ".exr") }, folder)
  }

  // MARK: - Fluids

  /// Mantaflow has a folder for each part of a bake. Grids in OpenVDB are one file a frame, in Uni one a grid: those
  /// that every bake has are named.
  static func fluid(_ domain: BlendRecord, _ folder: [BlendSummary.NamedFile]) -> [BlendSummary.NamedFile] {
    guard CacheCodes.isBaked(fluid: domain) else { return [] }
    let (baked, flags) = (domain.int("cache_flag") ?? 0, domain.int("flags") ?? 0)
    let isLiquid = domain.int("type") ?? 0 == CacheCodes.liquid
    var names = [Name(head: "config/config_", digits: 4, tail: ".uni")]
    var others: [String] = []
    let grids = { (part: String, format: String, one: String, each: [String]) in
      switch domain.int(format) ?? 0 {
      case CacheCodes.openVDB: names.append(Name(head: "\(part)/\(one)_", digits: 4, tail: ".vdb"))
      case CacheCodes.uni:
        names += each.map { Name(head: "\(part)/\($0)_", digits: 4, tail: ".uni") }
        others.append(part)
      default: break  // RAW, which 3.4 no longer writes.
      }
    }
    grids("data", "cache_data_format", "fluid_data", isLiquid ? ["pp", "pVel", "vel"] : ["density", "shadow", "vel"])
    if !isLiquid, flags & CacheCodes.usesNoise != 0, baked & CacheCodes.bakedNoise != 0 {
      // Noise has the format of the data, whatever its own says.
      grids("noise", "cache_data_format", "fluid_noise", ["density_noise"])
    }
    if isLiquid, flags & CacheCodes.usesMesh != 0, baked & CacheCodes.bakedMesh != 0 {
      let tails = [CacheCodes.meshObject: ".obj", CacheCodes.meshPacked: ".bobj.gz"]
      let tail = domain.int("cache_mesh_format").flatMap { tails[$0] }
      if let tail { names.append(Name(head: "mesh/fluid_mesh_", digits: 4, tail: tail)) }
    }
    let isSpraying = (domain.int("particle_type") ?? 0) & ~CacheCodes.particlesOfLiquid != 0
    if isLiquid, isSpraying, baked & CacheCodes.bakedParticles != 0 {
      grids("particles", "cache_particle_format", "fluid_particles", [])
    }
    let frames = CacheFrames(
      first: domain.int("cache_frame_start") ?? 1, last: domain.int("cache_frame_end") ?? 0,
      delay: domain.int("cache_frame_offset") ?? 0, outside: .nothing)
    return with(frames, names, folder, othersIn: others)
  }

  private static func with(
    _ frames: CacheFrames, _ names: [Name], _ folder: [BlendSummary.NamedFile], othersIn others: [String] = []
  ) -> [BlendSummary.NamedFile] {
    guard frames.isPlausible else { return folder }
    let files = CacheFiles(frames: frames, names: names, othersIn: others)
    return folder.map { $0.with(.cache(files, isBesideMain: false)) }
  }

  // MARK: - Geometry nodes

  /// The bakes of a modifier. The `.blend` does not say whether they were made: their folders do.
  static func bakes(
    _ modifier: BlendRecord, _ owner: Int, _ reader: BlendReader
  ) throws(BlendFailure) -> [BlendSummary.NamedFile] {
    guard let block = reader.block(at: modifier.pointer("bakes")) else { return [] }
    let field = modifier.has("bake_directory") ? "bake_directory" : "simulation_bake_directory"
    let shared = try reader.text(at: modifier.pointer(field))
    let tree = modifier.pointer("node_group")
    var named: [BlendSummary.NamedFile] = []
    for bake in try reader.records(of: block) where bake.type == "NodesModifierBake" {
      guard let id = bake.int("id"), bake.pointer("packed") == nil else { continue }
      let (flag, hasRange, hasFolder) = (bake.int("flag") ?? 0, 0x1, 0x2)
      let own = flag & hasFolder != 0 ? try reader.text(at: bake.pointer("directory")) : []
      guard !own.isEmpty || !shared.isEmpty else { continue }
      let isBakeNode = try isBakeNode(id, in: tree, reader)
      let isStill = isBakeNode && bake.int("bake_mode") == CacheCodes.bakedStill
      var range: ClosedRange<Int>?
      if flag & hasRange != 0, let start = bake.int("frame_start"), let end = bake.int("frame_end"), start <= end {
        range = start...end
      }
      var file = BlendSummary.NamedFile(
        kind: .cacheFolder, path: own.isEmpty ? shared + Array("/\(id)".utf8) : own,
        owner: owner)
      file.members = .bake(NodesBake(isStill: isStill, range: range))
      named.append(file)
    }
    return named
  }

  /// Whether the node of a bake is a Bake node, which may hold one frame; a simulation zone always holds a range.
  private static func isBakeNode(
    _ id: Int, in tree: UInt64?, _ reader: BlendReader, depth: Int = 0
  ) throws(BlendFailure) -> Bool {
    guard depth < 32, let group = try reader.record(at: tree),
      let block = reader.block(at: group.pointer("nested_node_refs"))
    else { return false }
    guard let path = try reader.records(of: block).first(where: { $0.int("id") == id })?.record("path") else {
      return false
    }
    for node in try reader.list(group.record("nodes")) where node.int("identifier") == path.int("node_id") {
      let inGroup = path.int("id_in_node") ?? -1
      let inner = node.pointer("id")
      if inGroup == -1 || inner == nil { return node.string("idname") == "GeometryNodeBake" }
      return try isBakeNode(inGroup, in: inner, reader, depth: depth + 1)
    }
    return false
  }
}

extension BlendReader {
  /// A text that has a block of its own.
  func text(at address: UInt64?) throws(BlendFailure) -> [UInt8] {
    guard let block = block(at: address) else { return [] }
    return Array(try body(of: block).prefix { $0 != 0 })
  }

  /// The name of a datablock by its number.
  fileprivate func objectName(_ number: Int) throws(BlendFailure) -> String? {
    let datablocks = blocks.lazy.filter(\.code.isDatablock)
    guard let block = datablocks.dropFirst(number).first else { return nil }
    return try datablockName(of: block)
  }
}
