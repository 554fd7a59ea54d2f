/// The types that a `.blend` describes in its own `DNA1` block: which fields each of its structures has, and where they
/// lie. All versions of Blender are read by the names in here; no offset is fixed.
///
/// Form, as measured in files of 3.4, 4.2 and 5.0: `SDNA`, `NAME` with n texts, `TYPE` with n texts, `TLEN` with a u16
/// for each type, `STRC` with n × {u16 type, u16 field count, fields × {u16 type, u16 name}}; each part begins at a
/// multiple of four bytes, and texts end in a NUL.
final class BlendTypes {
  /// One field of a structure.
  struct Field: Hashable {
    let offset: Int
    /// Of one element.
    let bytes: Int
    let count: Int
    let isPointer: Bool
    let type: String
  }

  /// One structure.
  final class Structure {
    let name: String
    let bytes: Int
    let fields: [String: Field]

    init(name: String, bytes: Int, fields: [String: Field]) {
      self.name = name
      self.bytes = bytes
      self.fields = fields
    }
  }

  private let dna: DNABytes
  private let pointerBytes: Int
  private let fieldNames: [Range<Int>]
  private let typeNames: [Range<Int>]
  private let typeBytes: [Int]
  /// Of each structure its type, and where its fields stand.
  private let layouts: [(type: Int, fields: Int, count: Int)]
  private var made: [Int: Structure] = [:]
  private var numbers: [String: Int] = [:]

  /// Reads the body of a `DNA1` block.
  /// - Throws: ``BlendFailure/damaged`` with an offset in the body.
  init(_ body: [UInt8], header: BlendHeader) throws(BlendFailure) {
    var dna = DNABytes(bytes: body, isBigEndian: header.isBigEndian)
    try dna.expect("SDNA")
    try dna.expect("NAME")
    fieldNames = try dna.texts()
    try dna.expect("TYPE")
    typeNames = try dna.texts()
    try dna.expect("TLEN")
    var sizes: [Int] = []
    sizes.reserveCapacity(typeNames.count)
    for _ in typeNames { sizes.append(try dna.short()) }
    typeBytes = sizes
    try dna.expect("STRC")
    var layouts: [(type: Int, fields: Int, count: Int)] = []
    for _ in 0..<(try dna.count(leastBytes: 4)) {
      let type = try dna.short()
      let count = try dna.short()
      guard type < typeNames.count else { throw dna.damage("a structure has an unknown type") }
      layouts.append((type, dna.at, count))
      try dna.pass(4 * count)
    }
    self.layouts = layouts
    self.dna = dna
    pointerBytes = header.pointerBytes
    for (number, layout) in layouts.enumerated() { numbers[dna.text(typeNames[layout.type])] = number }
  }

  /// The structure of this number, as block headers name it; nil when there is none.
  func structure(_ number: Int) -> Structure? {
    if let known = made[number] { return known }
    guard layouts.indices.contains(number) else { return nil }
    let structure = make(layouts[number])
    made[number] = structure
    return structure
  }

  /// The numbers of those structures of these names that this version of Blender has.
  func numbers(of names: Set<String>) -> Set<Int32> { Set(names.compactMap { numbers[$0].map(Int32.init) }) }

  /// The structure of this name; nil when this version of Blender had none.
  func structure(named name: String) -> Structure? { numbers[name].flatMap { structure($0) } }

  private func make(_ layout: (type: Int, fields: Int, count: Int)) -> Structure {
    var fields: [String: Field] = [:]
    var offset = 0
    for field in 0..<layout.count {
      let at = layout.fields + 4 * field
      let (type, name) = (dna.short(at: at), dna.short(at: at + 2))
      guard type < typeNames.count, name < fieldNames.count else { continue }
      let spelled = FieldName(dna.text(fieldNames[name]))
      let bytes = spelled.isPointer ? pointerBytes : typeBytes[type]
      fields[spelled.name] = Field(
        offset: offset, bytes: bytes, count: spelled.count, isPointer: spelled.isPointer,
        type: dna.text(typeNames[type]))
      offset =
        offset.addingReportingOverflow(bytes.multipliedReportingOverflow(by: spelled.count).partialValue)
        .partialValue
    }
    return Structure(name: dna.text(typeNames[layout.type]), bytes: typeBytes[layout.type], fields: fields)
  }
}

/// How a field is spelled: `*next`, `mat[4][4]`, `(*free)()`.
private struct FieldName {
  private static let countMax = 1 << 20

  let name: String
  let isPointer: Bool
  let count: Int

  init(_ text: String) {
    isPointer = text.hasPrefix("*") || text.hasPrefix("(*")
    name = String(text.drop { $0 == "*" || $0 == "(" }.prefix { $0 != "[" && $0 != ")" })
    // Absurd sizes only come from damaged files; whoever reads such a field finds the block too short.
    count = text.split(separator: "[").dropFirst().reduce(1) { count, part in
      min(Self.countMax, count * max(0, min(Self.countMax, Int(part.prefix { $0 != "]" }) ?? 1)))
    }
  }
}

/// The bytes of a `DNA1` block, read one after the other and never beyond their end.
private struct DNABytes {
  let bytes: [UInt8]
  let isBigEndian: Bool
  private(set) var at = 0

  init(bytes: [UInt8], isBigEndian: Bool) {
    self.bytes = bytes
    self.isBigEndian = isBigEndian
  }

  func damage(_ what: String) -> BlendFailure { .damaged(atByte: Int64(at), what: "block DNA1: \(what)") }

  mutating func expect(_ mark: StaticString) throws(BlendFailure) {
    at = (at + 3) & ~3
    let isThere = mark.withUTF8Buffer { at + 4 <= bytes.count && bytes[at..<at + 4].elementsEqual($0) }
    guard isThere else { throw damage("\(mark) is missing") }
    at += 4
  }

  /// A number of things that take at least so many bytes each.
  mutating func count(leastBytes: Int) throws(BlendFailure) -> Int {
    guard at + 4 <= bytes.count else { throw damage("it ends early") }
    let count = Int(ByteOrder.int32(bytes[at..<at + 4], isBigEndian: isBigEndian))
    at += 4
    guard count >= 0, count <= (bytes.count - at) / leastBytes else { throw damage("it claims \(count) entries") }
    return count
  }

  mutating func texts() throws(BlendFailure) -> [Range<Int>] {
    let count = try count(leastBytes: 1)
    var texts: [Range<Int>] = []
    texts.reserveCapacity(count)
    for _ in 0..<count {
      guard let end = bytes[at...].firstIndex(of: 0) else { throw damage("a name has no end") }
      texts.append(at..<end)
      at = end + 1
    }
    return texts
  }

  mutating func short() throws(BlendFailure) -> Int {
    guard at + 2 <= bytes.count else { throw damage("it ends early") }
    defer { at += 2 }
    return short(at: at)
  }

  mutating func pass(_ count: Int) throws(BlendFailure) {
    guard count <= bytes.count - at else { throw damage("it ends early") }
    at += count
  }

  /// - Parameter at: where two bytes are known to be.
  func short(at place: Int) -> Int {
    let (first, second) = (Int(bytes[place]), Int(bytes[place + 1]))
    return isBigEndian ? first << 8 | second : second << 8 | first
  }

  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}
