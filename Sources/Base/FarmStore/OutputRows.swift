import FarmModel
import GRDB

/// Reads outputs out of rows, by the places of their columns: of a hundred thousand, looking for names is what takes
/// longest.
struct OutputRows {
  /// What is read, in this order; what else a query asks for comes after these.
  static let columns = """
    output.id, output.revision_id, output.path, output.frame, output.scene, output.layer, output.tile, output.view,
    output.node, output.state, output.attempts, output.width, output.height, output.bytes, output.inode,
    output.mtime_ns, output.render_ms, output.peak_bytes, output.facts, output.problem
    """
  /// How many those are.
  private static let count = 20
  /// What ``delivery(_:)`` reads, after those.
  static let deliveryColumns = "delivery.path, delivery.inode, delivery.size, delivery.mtime_ns"

  private var facts = JSONMemo<FrameFacts>()
  private var problems = JSONMemo<Problem>()

  mutating func output(_ row: Row) throws -> Output {
    let tile: String? = row[6]
    let part = RenderPart(scene: row[4], layer: row[5], tile: tile.flatMap(Tile.init))
    let (width, height, bytes): (Int?, Int?, Int64?) = (row[11], row[12], row[13])
    return Output(
      id: row[0], revision: row[1], path: row[2], frame: row[3],
      kind: OutputKind(part: part, view: row[7], node: row[8]),
      state: try Column.word(OutputState.self, row[9] as String, of: "state"), attempts: row[10],
      size: width.flatMap { width in height.map { PixelSize(width: width, height: $0) } }, bytes: bytes,
      file: Self.file(row, inode: 14, size: 13, mtime: 15), renderMilliseconds: row[16], peakBytes: row[17],
      facts: try facts.value(row[18]), problem: try problems.value(row[19]))
  }

  /// Where an output was delivered, and the file there; nil when it was not.
  static func delivery(_ row: Row) -> (path: String, file: FileIdentity)? {
    guard let path: String = row[count], let file = file(row, inode: count + 1, size: count + 2, mtime: count + 3)
    else {
      return nil
    }
    return (path, file)
  }

  /// A file by the places of its columns; nil when there is none.
  private static func file(_ row: Row, inode: Int, size: Int, mtime: Int) -> FileIdentity? {
    guard let number: Int64 = row[inode], let bytes: Int64 = row[size], let time: Int64 = row[mtime] else { return nil }
    return FileIdentity(inode: number, size: bytes, mtimeNanoseconds: time)
  }
}

/// JSON of a column, and back; keeps the last value with its text, for the frames of a job mostly say the same.
struct JSONMemo<Value: Codable & Equatable> {
  private var last: (value: Value, text: String)?

  mutating func value(_ text: String?) throws -> Value? {
    guard let text else { return nil }
    if let last, last.text.isSameBytes(as: text) { return last.value }
    let value = try Column.value(Value.self, text)
    last = value.map { ($0, text) }
    return value
  }

  mutating func text(_ value: Value?) throws -> String? {
    guard let value else { return nil }
    if let last, last.value == value { return last.text }
    let text = try Column.json(value)
    last = text.map { (value, $0) }
    return text
  }
}
