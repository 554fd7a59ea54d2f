/// Where a TIFF or BigTIFF ends: each strip or tile of each of its pictures lies in the file.
enum TIFFEnd {
  private static let picturesMax = 10_000
  /// oiiotool reads one that is cut short without a word (seen in 2.4.7).
  private static let cut = PictureDoubt(why: PictureDoubt.cut.why, decider: .nothing)

  /// How numbers are written: by length, 4 bytes or 8.
  private struct Form {
    let isBig: Bool
    let isLong: Bool
  }

  static func check(_ file: PictureFile, isBig: Bool) throws(PictureDoubt) {
    do throws(PictureDoubt) { try walk(file, isBig: isBig) } catch { throw error == .cut ? cut : error }
  }

  private static func walk(_ file: PictureFile, isBig: Bool) throws(PictureDoubt) {
    let form = Form(isBig: isBig, isLong: try file.number(at: 2, 2, isBig: isBig) == 43)
    var place = try file.number(at: form.isLong ? 8 : 4, form.isLong ? 8 : 4, isBig: isBig)
    var count = 0
    guard place != 0 else { throw .cut }
    while place != 0 {
      count += 1
      guard count <= picturesMax else { throw .odd("has too many pictures") }
      place = try picture(file, at: place, form)
    }
  }

  /// - Returns: where the next picture is described; 0 when there is none.
  private static func picture(_ file: PictureFile, at place: Int, _ form: Form) throws(PictureDoubt) -> Int {
    let (head, field, value) = form.isLong ? (8, 20, 8) : (2, 12, 4)
    let count = try file.number(at: place, head, isBig: form.isBig)
    guard count > 0, count < 65_536 else { throw .odd("has a damaged directory") }
    let (offsetTags, countTags): (Set<Int>, Set<Int>) = ([273, 324], [279, 325])
    var offsets: [Int] = []
    var counts: [Int] = []
    for index in 0..<count {
      let at = place + head + index * field
      let tag = try file.number(at: at, 2, isBig: form.isBig)
      try checkValues(file, of: at, value, form)
      guard offsetTags.contains(tag) || countTags.contains(tag) else { continue }
      let numbers = try numbers(file, of: at, value, form)
      if offsetTags.contains(tag) { offsets = numbers } else { counts = numbers }
    }
    guard !offsets.isEmpty, offsets.count == counts.count else { throw .odd("names no pixels") }
    for (offset, count) in zip(offsets, counts) {
      guard offset > 0, count > 0 else { throw .odd("has a strip that was never written") }
      try file.holds(count, from: offset)
    }
    return try file.number(at: place + head + count * field, value, isBig: form.isBig)
  }

  /// Bytes of a value by its type, which is unknown where it is missing.
  private static let valueBytes = [
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8,
  ]

  /// The values of a field are in the file, of whatever kind they are.
  private static func checkValues(
    _ file: PictureFile, of field: Int, _ inline: Int, _ form: Form
  ) throws(PictureDoubt) {
    let type = try file.number(at: field + 2, 2, isBig: form.isBig)
    let count = try file.number(at: field + 4, inline, isBig: form.isBig)
    guard let width = valueBytes[type] else { return }
    guard count <= file.sizeBytes / width else { throw .cut }
    guard count * width > inline else { return }
    try file.holds(count * width, from: try file.number(at: field + 4 + inline, inline, isBig: form.isBig))
  }

  private static func numbers(
    _ file: PictureFile, of field: Int, _ inline: Int, _ form: Form
  ) throws(PictureDoubt) -> [Int] {
    let type = try file.number(at: field + 2, 2, isBig: form.isBig)
    let count = try file.number(at: field + 4, inline, isBig: form.isBig)
    // SHORT, LONG, LONG8, and offsets of directories.
    guard let width = [3: 2, 4: 4, 13: 4, 16: 8, 18: 8][type] else { throw .odd("has strips of an unknown kind") }
    guard count <= file.sizeBytes / width else { throw .cut }
    var at = field + 4 + inline
    if count * width > inline { at = try file.number(at: at, inline, isBig: form.isBig) }
    try file.holds(count * width, from: at)
    var numbers: [Int] = []
    for index in 0..<count {
      numbers.append(try file.number(at: at + index * width, width, isBig: form.isBig))
    }
    return numbers
  }
}
