import CArchive

/// A zstd file as Blender writes it: small frames that are decoded one by one where they are needed, found by the table
/// at the file's end.
final class ZstdBytes: SeekableBytes {
  /// Blender's frames have up to a megabyte; a table may claim anything.
  private static let frameBytesMax: Int64 = 64 << 20

  private let file: PlainBytes
  private let table: ZstdSeekTable
  private(set) var offset: Int64 = 0
  /// The frame that was decoded last.
  private var frame = -1
  private var decoded: [UInt8] = []
  private var budget: ReadBudget

  /// - Throws: ``BlendFailure/damaged`` when something else than a frame stands where one begins.
  init(_ file: PlainBytes, _ table: ZstdSeekTable) throws(BlendFailure) {
    self.file = file
    self.table = table
    budget = ReadBudget(fileBytes: table.uncompressedBytes)
    for frame in table.frames {
      file.seek(to: frame.start)
      guard BlendWrapper(firstBytes: try file.next(4)) == .zstd else {
        throw .damaged(atByte: frame.rawStart, what: "the compressed stream has a hole")
      }
    }
  }

  func seek(to newOffset: Int64) { offset = newOffset }

  func skip(_ count: Int64, while doing: @autoclosure () -> String) throws(BlendFailure) {
    guard count <= table.uncompressedBytes - offset else {
      throw .damaged(atByte: table.uncompressedBytes, what: "it ends in the middle of \(doing())")
    }
    offset += count
  }

  func withNext<Value>(
    _ count: Int, _ body: (UnsafeRawBufferPointer) throws(BlendFailure) -> Value
  ) throws(BlendFailure) -> Value {
    var bytes: [UInt8] = []
    while bytes.count < count, let number = table.frame(at: offset + Int64(bytes.count)) {
      try decode(number)
      let start = Int(offset + Int64(bytes.count) - table.frames[number].rawStart)
      bytes += decoded[start..<min(decoded.count, start + count - bytes.count)]
    }
    offset += Int64(bytes.count)
    let result = bytes.withUnsafeBytes { given in Result { () throws(BlendFailure) in try body(given) } }
    return try result.get()
  }

  private func decode(_ number: Int) throws(BlendFailure) {
    guard number != frame else { return }
    let wanted = table.frames[number]
    guard wanted.bytes <= Self.frameBytesMax, wanted.rawBytes <= Self.frameBytesMax else {
      throw .damaged(atByte: wanted.rawStart, what: "a part of the compressed stream claims \(wanted.rawBytes) bytes")
    }
    try budget.spend(wanted.rawBytes, at: wanted.rawStart)
    file.seek(to: wanted.start)
    let compressed = try file.next(Int(wanted.bytes))
    frame = -1
    decoded = try Self.decoded(compressed, atByte: wanted.rawStart)
    guard decoded.count == wanted.rawBytes else {
      throw .damaged(atByte: wanted.rawStart, what: "a part of the compressed stream is not as long as its table says")
    }
    frame = number
  }

  private static func decoded(_ compressed: [UInt8], atByte offset: Int64) throws(BlendFailure) -> [UInt8] {
    guard let archive = archive_read_new() else { throw .unreadable("out of memory") }
    defer { archive_read_free(archive) }
    archive_read_support_filter_zstd(archive)
    archive_read_support_format_raw(archive)
    let result = compressed.withUnsafeBytes { given in
      Result { () throws(BlendFailure) -> [UInt8] in
        var entry: OpaquePointer?
        guard archive_read_open_memory(archive, given.baseAddress, given.count) == ARCHIVE_OK,
          archive_read_next_header(archive, &entry) == ARCHIVE_OK
        else { throw .damaged(atByte: offset, what: WrappedBytes.reason(archive)) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
          let count = piece.withUnsafeMutableBytes { archive_read_data(archive, $0.baseAddress, $0.count) }
          guard count >= 0, bytes.count <= frameBytesMax else {
            throw .damaged(atByte: offset, what: WrappedBytes.reason(archive))
          }
          if count == 0 { return bytes }
          bytes += piece[..<count]
        }
      }
    }
    return try result.get()
  }
}
