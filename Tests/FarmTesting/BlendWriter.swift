import FarmModel

/// Writes small `.blend`s of a made-up Blender whose few structures have the names of the real ones, in every form that
/// there is of headers, pointers and the order of bytes.
package struct BlendWriter: Sendable {
  /// A form in which Blender writes, or wrote.
  package struct Form: Hashable, Sendable, CustomStringConvertible {
    package let header: String
    let pointerBytes: Int
    let isBigEndian: Bool
    /// Blocks as from 5.0 on.
    let isLong: Bool

    package var description: String { header }
  }

  package static let forms =
    ["304", "279"].flatMap { version in
      [("-v", 8, false), ("-V", 8, true), ("_v", 4, false), ("_V", 4, true)].map { mark, pointerBytes, isBigEndian in
        Form(
          header: "BLENDER\(mark)\(version)", pointerBytes: pointerBytes, isBigEndian: isBigEndian, isLong: false)
      }
    } + [Form(header: "BLENDER17-01v0500", pointerBytes: 8, isBigEndian: false, isLong: true)]

  /// What stands in a field.
  private enum Value {
    case int(Int)
    case float(Float)
    case text(String)
    case address(UInt64)
    case fields([String: Value])
  }

  private static let basicTypes = ["char": 1, "short": 2, "int": 4, "float": 4, "void": 0]
  private static let structures: [(name: String, fields: [(type: String, name: String)])] = [
    ("ID", [("char", "name[66]"), ("short", "flag")]),
    ("ListBase", [("void", "*first"), ("void", "*last")]),
    ("ImageFormatData", [("char", "imtype"), ("char", "_pad[3]")]),
    (
      "RenderData",
      [
        ("ImageFormatData", "im_format"), ("int", "cfra"), ("int", "sfra"), ("int", "efra"), ("int", "frame_step"),
        ("float", "frs_sec_base"), ("short", "frs_sec"), ("short", "size"), ("int", "xsch"), ("int", "ysch"),
        ("int", "mode"), ("int", "scemode"), ("char", "engine[32]"), ("ListBase", "layers"),
      ]
    ),
    (
      "Scene",
      [
        ("ID", "id"), ("Object", "*camera"), ("ListBase", "view_layers"), ("ListBase", "markers"),
        ("RenderData", "r"), ("Image", "*shown"),
      ]
    ),
    ("ViewLayer", [("ViewLayer", "*next"), ("ViewLayer", "*prev"), ("char", "name[64]"), ("int", "flag")]),
    (
      "TimeMarker",
      [
        ("TimeMarker", "*next"), ("TimeMarker", "*prev"), ("int", "frame"), ("char", "name[64]"),
        ("Object", "*camera"), ("int", "flag"),
      ]
    ),
    ("Object", [("ID", "id"), ("void", "*data"), ("float", "matrix[4][4]")]),
    ("Library", [("ID", "id"), ("char", "filepath[96]")]),
    ("Image", [("ID", "id"), ("char", "filepath[96]"), ("short", "source"), ("void", "(*reload)()")]),
    ("FileGlobal", [("char", "subvstr[4]"), ("Scene", "*curscene")]),
  ]

  private let form: Form

  package init(_ form: Form) {
    self.form = form
  }

  /// A scene `Main` of the frames 3 to 9, every second, with a camera, two layers, a texture that it shows and one that
  /// it does not, and a library.
  package var bytes: [UInt8] {
    var file = Array(form.header.utf8)
    file += block("REND", "", 0, integer(3, 4) + integer(9, 4) + text("Main", form.isLong ? 256 : 64))
    file += block("GLOB", "FileGlobal", 0x10, ["curscene": .address(0x20)])
    file += block("SC", "Scene", 0x20, scene)
    for (address, next, name, flag) in [(0x50, 0x58, "Front", 1), (0x58, 0, "Back", 0)] {
      let layer: [String: Value] = [
        "next": .address(UInt64(next)), "name": .text(name), "flag": .int(flag),
      ]
      file += block("DATA", "ViewLayer", UInt64(address), layer)
    }
    file += block("DATA", "TimeMarker", 0x60, ["frame": .int(-5), "name": .text("cut"), "camera": .address(0x30)])
    file += block("OB", "Object", 0x30, ["id": .fields(["name": .text("OBEye")]), "data": .address(0x99)])
    for (address, name, path) in [(0x40, "IMWood", "//wood.png"), (0x48, "IMSpare", "//spare.png")] {
      let image: [String: Value] = [
        "id": .fields(["name": .text(name)]), "filepath": .text(path), "source": .int(1),
      ]
      file += block("IM", "Image", UInt64(address), image)
    }
    file += block(
      "LI", "Library", 0x70, ["id": .fields(["name": .text("LIchair.blend")]), "filepath": .text("//chair.blend")])
    file += block("DNA1", "", 0, dna)
    return file + block("ENDB", "", 0, [UInt8]())
  }

  private var scene: [String: Value] {
    let render: [String: Value] = [
      "im_format": .fields(["imtype": .int(17)]), "cfra": .int(4), "sfra": .int(3), "efra": .int(9),
      "frame_step": .int(2), "frs_sec_base": .float(1.5), "frs_sec": .int(30), "size": .int(50), "xsch": .int(1920),
      "ysch": .int(1080), "engine": .text("CYCLES"),
    ]
    return [
      "id": .fields(["name": .text("SCMain")]), "camera": .address(0x30), "r": .fields(render),
      "view_layers": .fields(["first": .address(0x50), "last": .address(0x58)]),
      "markers": .fields(["first": .address(0x60), "last": .address(0x60)]), "shown": .address(0x40),
    ]
  }

  // MARK: - Blocks

  private func block(_ code: String, _ structure: String, _ address: UInt64, _ values: [String: Value]) -> [UInt8] {
    block(code, structure, address, body(structure, values))
  }

  private func block(_ code: String, _ structure: String, _ address: UInt64, _ body: [UInt8]) -> [UInt8] {
    let code = text(code, 4)
    let number = integer(Self.structures.firstIndex { $0.name == structure } ?? 0, 4)
    let pointer = integer(Int(address), form.pointerBytes)
    return form.isLong
      ? code + number + pointer + integer(body.count, 8) + integer(1, 8) + body
      : code + integer(body.count, 4) + pointer + number + integer(1, 4) + body
  }

  private func body(_ structure: String, _ values: [String: Value]) -> [UInt8] {
    let fields = Self.structures.first { $0.name == structure }?.fields ?? []
    return fields.flatMap { field -> [UInt8] in
      let name = String(field.name.drop { $0 == "*" || $0 == "(" }.prefix { $0 != "[" && $0 != ")" })
      let length = bytes(of: field)
      switch values[name] {
      case .int(let number): return integer(number, length)
      case .float(let number): return integer(Int(number.bitPattern), length)
      case .text(let letters): return text(letters, length)
      case .address(let address): return integer(Int(address), form.pointerBytes)
      case .fields(let inner): return body(field.type, inner)
      case nil: return [UInt8](repeating: 0, count: length)
      }
    }
  }

  private func bytes(of field: (type: String, name: String)) -> Int {
    if field.name.hasPrefix("*") || field.name.hasPrefix("(") { return form.pointerBytes }
    let counts = field.name.split(separator: "[").dropFirst().compactMap { Int($0.dropLast()) }
    return counts.reduce(bytes(ofType: field.type), *)
  }

  private func bytes(ofType name: String) -> Int {
    if let bytes = Self.basicTypes[name] { return bytes }
    return (Self.structures.first { $0.name == name }?.fields ?? []).reduce(0) { $0 + bytes(of: $1) }
  }

  // MARK: - DNA1

  private var dna: [UInt8] {
    let types = Self.basicTypes.keys.sorted() + Self.structures.map(\.name)
    let names = Set(Self.structures.flatMap { $0.fields.map(\.name) }).sorted()
    var dna = Array("SDNANAME".utf8) + integer(names.count, 4) + names.flatMap { Array($0.utf8) + [0] }
    dna = padded(dna) + Array("TYPE".utf8) + integer(types.count, 4) + types.flatMap { Array($0.utf8) + [0] }
    dna = padded(dna) + Array("TLEN".utf8) + types.flatMap { integer(bytes(ofType: $0), 2) }
    dna = padded(dna) + Array("STRC".utf8) + integer(Self.structures.count, 4)
    for structure in Self.structures {
      dna += integer(types.firstIndex(of: structure.name) ?? 0, 2) + integer(structure.fields.count, 2)
      for field in structure.fields {
        dna += integer(types.firstIndex(of: field.type) ?? 0, 2) + integer(names.firstIndex(of: field.name) ?? 0, 2)
      }
    }
    return padded(dna)
  }

  private func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
  }

  private func integer(_ number: Int, _ count: Int) -> [UInt8] {
    let little = (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    return form.isBigEndian ? little.reversed() : little
  }

  private func text(_ letters: String, _ count: Int) -> [UInt8] {
    Array(letters.utf8.prefix(count)) + [UInt8](repeating: 0, count: max(0, count - letters.utf8.count))
  }
}
