/// One structure in a file: its bytes, and how they are read. Fields that its version of Blender does not have, or
/// that do not fit the block, read as nil.
struct BlendRecord {
  private let bytes: ArraySlice<UInt8>
  private let structure: BlendTypes.Structure
  private let types: BlendTypes
  private let isBigEndian: Bool

  init(_ bytes: ArraySlice<UInt8>, _ structure: BlendTypes.Structure, _ types: BlendTypes, isBigEndian: Bool) {
    self.bytes = bytes
    self.structure = structure
    self.types = types
    self.isBigEndian = isBigEndian
  }

  var type: String { structure.name }

  func has(_ field: String) -> Bool { structure.fields[field] != nil }

  /// The bytes of a whole field, all its elements.
  private func whole(_ field: BlendTypes.Field) -> ArraySlice<UInt8>? {
    let (length, isTooLong) = field.bytes.multipliedReportingOverflow(by: field.count)
    guard !isTooLong, (0...bytes.count).contains(field.offset), length <= bytes.count - field.offset else { return nil }
    let start = bytes.startIndex + field.offset
    return bytes[start..<start + length]
  }

  private func element(_ name: String, _ index: Int, pointers: Bool) -> (ArraySlice<UInt8>, BlendTypes.Field)? {
    guard let field = structure.fields[name], field.isPointer == pointers, index < field.count,
      let all = whole(field)
    else { return nil }
    let start = all.startIndex + index * field.bytes
    return (all[start..<start + field.bytes], field)
  }

  /// A whole number of any width.
  func int(_ name: String, at index: Int = 0) -> Int? {
    guard let (bytes, field) = element(name, index, pointers: false), bytes.count <= 8 else { return nil }
    let value = ByteOrder.integer(bytes, isBigEndian: isBigEndian)
    let isUnsigned = field.type.hasPrefix("u")
    // As wide as it is, so that its sign is where it belongs.
    switch bytes.count {
    case 1: return isUnsigned ? Int(value) : Int(Int8(truncatingIfNeeded: value))
    case 2: return isUnsigned ? Int(value) : Int(Int16(truncatingIfNeeded: value))
    case 4: return isUnsigned ? Int(value) : Int(Int32(truncatingIfNeeded: value))
    default: return Int(value)
    }
  }

  /// A `float` or `double`.
  func float(_ name: String, at index: Int = 0) -> Double? {
    guard let (bytes, field) = element(name, index, pointers: false) else { return nil }
    let value = ByteOrder.integer(bytes, isBigEndian: isBigEndian)
    switch field.type {
    case "float": return Double(Float(bitPattern: UInt32(truncatingIfNeeded: value)))
    case "double": return Double(bitPattern: UInt64(bitPattern: value))
    default: return nil
    }
  }

  /// The address that things of the file are known by; nil for none.
  func pointer(_ name: String, at index: Int = 0) -> UInt64? {
    guard let (bytes, _) = element(name, index, pointers: true) else { return nil }
    let address = UInt64(bitPattern: ByteOrder.integer(bytes, isBigEndian: isBigEndian))
    return address == 0 ? nil : address
  }

  /// The bytes of a text up to its NUL: names are what people typed in whatever encoding.
  func text(_ name: String) -> [UInt8]? {
    guard let field = structure.fields[name], !field.isPointer, field.bytes == 1, let all = whole(field) else {
      return nil
    }
    return Array(all.prefix { $0 != 0 })
  }

  /// The same as text, with what is no UTF-8 replaced.
  func string(_ name: String) -> String? { text(name).map { String(decoding: $0, as: UTF8.self) } }

  /// A structure that lies within this one.
  func record(_ name: String, at index: Int = 0) -> BlendRecord? {
    guard let (bytes, field) = element(name, index, pointers: false),
      let structure = types.structure(named: field.type)
    else { return nil }
    return BlendRecord(bytes, structure, types, isBigEndian: isBigEndian)
  }
}
