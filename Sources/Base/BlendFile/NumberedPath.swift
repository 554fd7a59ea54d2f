/// A path with a number in it: `wood.<UDIM>.png`, `smoke_0001.png`.
struct NumberedPath {
  private let head: ArraySlice<UInt8>
  private let tail: ArraySlice<UInt8>
  private let digits: Int
  private let isByColumns: Bool
  /// The number that is written there; nil for a token, or for more digits than a number has.
  let number: Int?

  init?(_ path: [UInt8], isTiled: Bool) {
    if isTiled {
      for (token, isByColumns) in [("<UDIM>", false), ("<UVTILE>", true)] {
        guard let range = path.firstRange(of: Array(token.utf8)) else { continue }
        self.init(
          head: path[..<range.lowerBound], tail: path[range.upperBound...], digits: 4, isByColumns: isByColumns,
          number: nil)
        return
      }
      return nil
    }
    // The last run of digits in the file's name.
    let nameStart = (path.lastIndex(of: UInt8(ascii: "/")) ?? path.lastIndex(of: UInt8(ascii: "\\")) ?? -1) + 1
    let isDigit = { (byte: UInt8) in (48...57).contains(byte) }
    guard let last = path[nameStart...].lastIndex(where: isDigit) else { return nil }
    let first = path[nameStart...last].lastIndex { !isDigit($0) }.map { $0 + 1 } ?? nameStart
    self.init(
      head: path[..<first], tail: path[(last + 1)...], digits: last - first + 1, isByColumns: false,
      number: Int(String(decoding: path[first...last], as: UTF8.self)))
  }

  private init(head: ArraySlice<UInt8>, tail: ArraySlice<UInt8>, digits: Int, isByColumns: Bool, number: Int?) {
    self.head = head
    self.tail = tail
    self.digits = digits
    self.isByColumns = isByColumns
    self.number = number
  }

  /// The number in the name of a file that lies in the same folder; nil for one that is no member.
  func number(ofMember name: String) -> Int? {
    let bytes = Array(name.utf8)
    let head = head[(head.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? head.startIndex)...]
    let digits = bytes.dropFirst(head.count).dropLast(tail.count)
    guard !digits.isEmpty, bytes.count == head.count + digits.count + tail.count, bytes.starts(with: head),
      bytes.suffix(tail.count).elementsEqual(tail), digits.allSatisfy({ (48...57).contains($0) })
    else { return nil }
    return Int(String(decoding: digits, as: UTF8.self))
  }

  /// The same path with another number.
  func path(_ number: Int) -> [UInt8] {
    let firstTile = 1001
    if isByColumns {
      let (row, column) = (number - firstTile).quotientAndRemainder(dividingBy: 10)
      return head + Array("u\(column + 1)_v\(row + 1)".utf8) + tail
    }
    let text = "\(number)"
    return head + Array((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8) + tail
  }
}
