/// Cuts a program's output into lines, as it comes in pieces. A value; each byte is looked at once.
///
/// Lines end with LF, which is not handed on; bytes that are no UTF-8 are replaced.
struct LineSplitter {
  private static let newline = UInt8(ascii: "\n")

  private let bytesMax: Int
  /// The beginning of a line whose end has not come.
  private var begun: [UInt8] = []

  /// - Parameter bytesMax: longer lines are refused.
  init(bytesMax: Int) { self.bytesMax = bytesMax }

  /// Takes in the next piece.
  /// - Returns: the lines that end in it.
  /// - Throws: ``LineTooLong``.
  mutating func add(_ piece: UnsafeRawBufferPointer) throws(LineTooLong) -> [String] {
    var lines: [String] = []
    var rest = piece[...]
    while let end = rest.firstIndex(of: Self.newline) {
      let line = rest[..<end]
      try check(line.count)
      lines.append(
        begun.isEmpty ? String(decoding: line, as: UTF8.self) : String(decoding: begun + line, as: UTF8.self))
      begun = []
      rest = rest[(end + 1)...]
    }
    try check(rest.count)
    begun += rest
    return lines
  }

  /// What is left when nothing more comes; nil when the last line was ended.
  mutating func end() -> String? {
    defer { begun = [] }
    return begun.isEmpty ? nil : String(decoding: begun, as: UTF8.self)
  }

  private func check(_ more: Int) throws(LineTooLong) {
    if begun.count + more > bytesMax { throw LineTooLong(bytesMax: bytesMax) }
  }
}

/// A program printed more than this many bytes without ending the line.
struct LineTooLong: Error, Equatable {
  let bytesMax: Int
}
