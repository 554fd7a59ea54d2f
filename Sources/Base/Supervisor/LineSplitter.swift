/// Cuts a program's output into lines, as it comes in pieces. A value; each byte is looked at once.
///
/// Lines end with LF, which is not handed on; bytes that are no UTF-8 are replaced.
struct LineSplitter {
  private static let newline = UInt8(ascii: "\n")

  private let bytesMax: Int
  /// The beginning of a line whose end has not come.
  private var begun: [UInt8] = []

  /// - Parameter bytesMax: what a longer line has beyond is left out.
  init(bytesMax: Int) { self.bytesMax = bytesMax }

  /// Takes in the next piece.
  /// - Returns: the lines that end in it.
  mutating func add(_ piece: UnsafeRawBufferPointer) -> [String] {
    var lines: [String] = []
    var rest = piece[...]
    while let end = rest.firstIndex(of: Self.newline) {
      let line = rest[..<end].prefix(bytesMax - begun.count)
      lines.append(
        begun.isEmpty ? String(decoding: line, as: UTF8.self) : String(decoding: begun + line, as: UTF8.self))
      begun = []
      rest = rest[(end + 1)...]
    }
    begun += rest.prefix(bytesMax - begun.count)
    return lines
  }

  /// What is left when nothing more comes; nil when the last line was ended.
  mutating func end() -> String? {
    defer { begun = [] }
    return begun.isEmpty ? nil : String(decoding: begun, as: UTF8.self)
  }
}
