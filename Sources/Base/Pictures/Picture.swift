import FarmModel
import SystemPackage
import VolumeFiles

/// What every whole picture tells of itself, whatever its format.
struct PictureShape: Hashable {
  let size: PixelSize
  /// 1 for grey, 2 with alpha, 3 for colours, 4 with alpha; nil where the format's reader does not tell.
  var channels: Int?
  /// Whether it may be black, or such that nothing of it can be seen; false where the format's reader does not look.
  var looksDark = false
}

/// What a whole picture file shows of itself.
package struct Picture: Hashable, Sendable {
  package let format: ImageFormat
  package let size: PixelSize
  /// 1 for grey, 2 with alpha, 3 for colours, 4 with alpha; nil where the format's reader does not tell.
  package let channels: Int?
  /// Whether it may be black, or such that nothing of it can be seen; false where the format's reader does not look.
  package let looksDark: Bool
  /// Bytes of the file.
  package let bytes: Int64

  /// Reads a picture to its last byte.
  /// - Throws: ``PictureFailure`` when it is damaged, cut short, or of another format than `format`.
  package init(at path: FilePath, expecting format: ImageFormat) throws(PictureFailure) {
    let bytes: [UInt8]
    do { bytes = try FileBytes.all(of: path, limitBytes: 2 << 30) } catch { throw .unreadable(error.description) }
    try self.init(of: bytes, expecting: format)
  }

  /// A file's bytes.
  init(of bytes: [UInt8], expecting format: ImageFormat) throws(PictureFailure) {
    guard !bytes.isEmpty else { throw .truncated(atByte: 0, while: "nothing was written") }
    self.format = format
    self.bytes = Int64(bytes.count)
    let shape: PictureShape
    switch format {
    case .png: shape = try PNGReader.shape(of: bytes)
    case .jpeg: shape = try JPEGReader.shape(of: bytes)
    case .openEXR, .openEXRMultilayer: shape = try EXRReader.shape(of: bytes)
    case .tiff: shape = try TIFFReader.shape(of: bytes)
    case .webp: shape = PictureShape(size: try WEBPReader.size(of: bytes))
    }
    (size, channels, looksDark) = (shape.size, shape.channels, shape.looksDark)
  }
}

/// Why a picture file does not count.
package enum PictureFailure: Failure, Equatable {
  case unreadable(String)
  case wrongFormat(ImageFormat)
  case truncated(atByte: Int, while: String)
  case damaged(atByte: Int, what: String)

  package var description: String {
    switch self {
    case .unreadable(let reason): reason
    case .wrongFormat(let format): "the picture is not a \(format.rawValue)"
    case .truncated(let offset, let what): "the picture ends at byte \(offset): \(what)"
    case .damaged(let offset, let what): "the picture is damaged at byte \(offset): \(what)"
    }
  }

  package var remedy: String { "Look at the disk and at the job's log (`farm logs`); the frame is rendered again." }
  package var isTransient: Bool { true }
}

/// Walks over bytes, refusing to read past their end.
struct ByteWalk {
  let bytes: [UInt8]
  private(set) var offset = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { offset == bytes.count }

  mutating func take(_ count: Int, while doing: String) throws(PictureFailure) -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.count - offset else { throw .truncated(atByte: bytes.count, while: doing) }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }

  mutating func bigEndian(_ count: Int, while doing: String) throws(PictureFailure) -> Int {
    try take(count, while: doing).reduce(0) { $0 << 8 | Int($1) }
  }

  mutating func littleEndian(_ count: Int, while doing: String) throws(PictureFailure) -> UInt64 {
    try take(count, while: doing).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
  }

  /// Bytes up to the next NUL, which is passed over.
  mutating func text(while doing: String) throws(PictureFailure) -> String {
    guard let end = bytes[offset...].firstIndex(of: 0) else { throw .truncated(atByte: bytes.count, while: doing) }
    defer { offset = end + 1 }
    return String(decoding: bytes[offset..<end], as: UTF8.self)
  }

  mutating func seek(to place: Int, while doing: String) throws(PictureFailure) {
    guard place >= 0, place <= bytes.count else { throw .truncated(atByte: bytes.count, while: doing) }
    offset = place
  }
}
