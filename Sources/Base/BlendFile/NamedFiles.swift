/// Which structures of a `.blend` name files, by the names that their fields have in the file: Blender's Python calls
/// many of them otherwise.
enum NamedFiles {
  static let structures: Set<String> = NamedCaches.pointCacheOwners.union([
    "Library", "Image", "bSound", "MovieClip", "VFont", "Volume", "CacheFile", "Text", "MeshCacheModifierData",
    "FluidDomainSettings", "NodeShaderTexIES", "NodeShaderScript", "Sequence", "Strip", "OceanModifierData",
    "NodesModifierData", "CustomDataExternal",
  ])

  private static let builtinFont = Array("<builtin>".utf8)

  /// The files that a structure names.
  /// - Parameter owner: the number of its datablock.
  static func named(
    in record: BlendRecord, _ owner: Int, _ reader: BlendReader
  ) throws(BlendFailure) -> [BlendSummary.NamedFile] {
    let file = { (kind: BlendDependency.Kind, field: String) -> [BlendSummary.NamedFile] in
      guard let path = record.text(field), !path.isEmpty else { return [] }
      return [BlendSummary.NamedFile(kind: kind, path: path, owner: owner)]
    }
    let isPacked = record.pointer("packedfile") != nil || record.record("packedfiles")?.pointer("first") != nil
    if isPacked, record.type != "Library" { return [] }
    switch record.type {
    case "Library": return library(file(.library, record.has("name") ? "name" : "filepath"), isPacked: isPacked)
    case "Image": return try image(record, owner, reader)
    case "bSound": return file(.sound, record.has("name") ? "name" : "filepath")
    case "MovieClip": return clip(record, file(.clip, record.has("name") ? "name" : "filepath"))
    case "VFont":
      return file(.font, record.has("name") ? "name" : "filepath").filter { $0.path != builtinFont }
    case "Volume": return sequence(record, file(.volume, "filepath"), .sequence([SequenceUser(volume: record)]))
    case "MeshCacheModifierData": return file(.cache, "filepath")
    // Alembic; the frame may be overridden.
    case "CacheFile": return sequence(record, file(.cache, "filepath"), .between)
    // The levels of a multiresolution mesh.
    case "CustomDataExternal": return file(.cache, "filename")
    case "OceanModifierData": return NamedCaches.ocean(record, file(.cacheFolder, "cachepath"))
    case "FluidDomainSettings": return NamedCaches.fluid(record, file(.cacheFolder, "cache_directory"))
    case "NodesModifierData": return try NamedCaches.bakes(record, owner, reader)
    case _ where NamedCaches.pointCacheOwners.contains(record.type):
      return try NamedCaches.pointCache(of: record, owner, reader)
    case "NodeShaderTexIES", "NodeShaderScript":
      let isExternal = 1
      return record.int("mode") == isExternal ? file(.script, record.has("filepath") ? "filepath" : "filename") : []
    case "Text": return try text(record, owner, reader)
    case "Sequence": return try strip(record, owner, reader)
    case "Strip": return record.has("stripdata") ? [] : try strip(record, owner, reader)
    default: return []
    }
  }

  private static func library(
    _ file: [BlendSummary.NamedFile], isPacked: Bool
  ) -> [BlendSummary.NamedFile] {
    file.map { named in
      var named = named
      named.isPacked = isPacked
      return named
    }
  }

  // MARK: - Images

  private static func image(
    _ image: BlendRecord, _ owner: Int, _ reader: BlendReader
  ) throws(BlendFailure) -> [BlendSummary.NamedFile] {
    guard let path = image.text(image.has("name") ? "name" : "filepath"), !path.isEmpty else { return [] }
    let kinds: [Int: BlendDependency.Kind] = [1: .image, 2: .sequence, 3: .movie, 6: .tiles]
    guard let kind = kinds[image.int("source") ?? 1] else { return [] }
    // One file for each eye: that of the image's own path need not be there.
    let usesViews = 0x4000
    if (image.int("flag") ?? 0) & usesViews != 0 {
      let views = try reader.list(image.record("views")).compactMap { $0.text("filepath") }.filter { !$0.isEmpty }
      if kind == .image, !views.isEmpty {
        return views.map { BlendSummary.NamedFile(kind: kind, path: $0, owner: owner) }
      }
    }
    var file = BlendSummary.NamedFile(kind: kind, path: path, owner: owner)
    if kind == .sequence { file.members = .between }
    if kind == .tiles {
      file.members = .tiles(try reader.list(image.record("tiles")).compactMap { $0.int("tile_number") })
    }
    return [file]
  }

  // MARK: - Clips and volumes

  private static func clip(_ clip: BlendRecord, _ file: [BlendSummary.NamedFile]) -> [BlendSummary.NamedFile] {
    let sequence = 1
    return file.map { named in
      // Debian's 3.4 takes pictures for a movie, and reads them all the same.
      let isOfPictures = clip.int("source") == sequence || isPicture(named.path)
      guard isOfPictures, let first = NumberedPath(named.path, isTiled: false)?.number else { return named }
      return named.with(.sequence([SequenceUser(clip: clip, first: first)]))
    }
  }

  private static func isPicture(_ path: [UInt8]) -> Bool {
    let ending = String(decoding: path.suffix(5), as: UTF8.self).lowercased()
    return ["png", "jpg", "jpeg", "tif", "tiff", "exr", "tga", "bmp", "dpx", "webp"].contains {
      ending.hasSuffix(".\($0)")
    }
  }

  /// A file, or where the structure says so one a frame.
  private static func sequence(
    _ record: BlendRecord, _ file: [BlendSummary.NamedFile], _ members: BlendSummary.Members
  ) -> [BlendSummary.NamedFile] {
    record.int("is_sequence") ?? 0 == 0 ? file : file.map { $0.with(members) }
  }

  // MARK: - Texts, strips

  /// Its lines are in the `.blend`; the file is where they came from.
  private static func text(
    _ text: BlendRecord, _ owner: Int, _ reader: BlendReader
  ) throws(BlendFailure) -> [BlendSummary.NamedFile] {
    let path = try reader.text(at: text.pointer(text.has("name") ? "name" : "filepath"))
    return path.isEmpty ? [] : [BlendSummary.NamedFile(kind: .text, path: path, owner: owner)]
  }

  /// A strip of pictures, or of a movie; sounds and scenes are datablocks.
  private static func strip(
    _ strip: BlendRecord, _ owner: Int, _ reader: BlendReader
  ) throws(BlendFailure) -> [BlendSummary.NamedFile] {
    let (image, movie, muted) = (0, 3, 0x20)
    guard let type = strip.int("type"), [image, movie].contains(type),
      let data = try reader.record(at: strip.pointer(strip.has("strip") ? "strip" : "data")),
      let folder = data.text(data.has("dir") ? "dir" : "dirpath"),
      let elements = reader.block(at: data.pointer("stripdata"))
    else { return [] }
    let names = try reader.records(of: elements).prefix(type == movie ? 1 : .max).compactMap { element in
      element.text(element.has("name") ? "name" : "filename")
    }
    return names.filter { !$0.isEmpty }.map { name in
      let slash = folder.last == 0x2F || folder.last == 0x5C || folder.isEmpty ? [] : Array("/".utf8)
      return BlendSummary.NamedFile(
        kind: .strip, path: folder + slash + name, owner: owner, isIdle: (strip.int("flag") ?? 0) & muted != 0)
    }
  }
}
