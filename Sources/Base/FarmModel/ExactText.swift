/// Comparisons for text that comes from disks, `.blend` files, YAML or clients.
///
/// Swift cuts text into grapheme clusters and compares it by canonical equivalence: a slash with a combining mark
/// behind it is one `Character` that differs from a slash, and U+0600 swallows the dot after it. File systems, Blender
/// and SQLite compare bytes, and so do these.
extension String {
  /// Whether the text begins with these bytes.
  package func hasBytePrefix(_ text: String) -> Bool { utf8.starts(with: text.utf8) }

  /// Whether the text ends with these bytes.
  package func hasByteSuffix(_ text: String) -> Bool { utf8.reversed().starts(with: text.utf8.reversed()) }

  /// Whether the text ends with these bytes, ASCII letters in any case.
  /// - Parameter text: in lower case.
  package func hasByteSuffix(caseless text: String) -> Bool {
    utf8.reversed().starts(with: text.utf8.reversed()) { own, wanted in
      own == wanted || ((65...90).contains(own) && own + 32 == wanted)
    }
  }

  /// The text behind a beginning of these bytes; nil when it begins otherwise.
  package func dropping(bytePrefix text: String) -> String? {
    hasBytePrefix(text) ? String(decoding: utf8.dropFirst(text.utf8.count), as: UTF8.self) : nil
  }

  /// The text in front of an end of these bytes; nil when it ends otherwise.
  package func dropping(byteSuffix text: String) -> String? {
    hasByteSuffix(text) ? String(decoding: utf8.dropLast(text.utf8.count), as: UTF8.self) : nil
  }

  /// Whether both are the same bytes: `==` also holds for two Unicode forms of one text.
  package func isSameBytes(as other: String) -> Bool {
    utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
  }

  /// The pieces between all separators, empty ones included.
  /// - Parameter separator: a character of ASCII.
  package func pieces(between separator: Unicode.Scalar) -> [String] {
    utf8.split(separator: UInt8(ascii: separator), omittingEmptySubsequences: false).map { String(Substring($0)) }
  }

  /// The text's lines; ends of lines are LF or CR LF, and the last one needs none.
  package var lines: [String] {
    let lines = pieces(between: "\n").map {
      $0.utf8.last == 13 ? String(decoding: $0.utf8.dropLast(), as: UTF8.self) : $0
    }
    return lines.last == "" ? lines.dropLast() : lines
  }

  /// The longest beginning of whole Unicode scalars that takes at most so many bytes.
  package func prefix(bytesMax: Int) -> String {
    guard utf8.count > bytesMax else { return self }
    var (text, bytes) = ("", 0)
    for scalar in unicodeScalars {
      bytes += UTF8.width(scalar)
      guard bytes <= bytesMax else { break }
      text.unicodeScalars.append(scalar)
    }
    return text
  }
}

/// A text that is a key by its bytes: two scenes of one file may have names that differ in nothing but Unicode form.
package struct ExactText: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  /// By bytes.
  package static func == (a: ExactText, b: ExactText) -> Bool { a.text.isSameBytes(as: b.text) }

  /// Of the bytes.
  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    // Two texts that follow one another must not hash as their pieces do when they are cut elsewhere.
    hasher.combine(0xFF as UInt8)
  }
}
