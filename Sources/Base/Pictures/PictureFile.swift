import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// Why a picture that others wrote may not be whole yet.
package struct PictureDoubt: Error, Hashable, Sendable {
  /// What decides about a file that stays as it is.
  package enum Decider: Hashable, Sendable {
    /// Whether oiiotool reads every pixel.
    case decoding
    /// Whether oiiotool reads the same pixels whatever follows: a JPEG that lacks no more than its end marker.
    case decodingWithMore
    /// Nothing: bytes that it promises are not there, and oiiotool does not say so.
    case nothing
  }

  /// What follows "the file".
  package let why: String
  package let decider: Decider

  static let cut = PictureDoubt(why: "ends too soon", decider: .decoding)

  static func odd(_ what: String) -> PictureDoubt { PictureDoubt(why: what, decider: .decoding) }
}

/// A picture file that is looked at here and there, in pieces. Owns its descriptor.
final class PictureFile {
  let sizeBytes: Int
  private let file: FileDescriptor
  private let path: FilePath
  private var piece: [UInt8] = []
  private var start = 0
  /// Why a piece could not be read; the file counts as cut there.
  private(set) var failure: FileFailure?

  init(_ path: FilePath) throws(FileFailure) {
    self.path = path
    file = try OpenFile.reading(path)
    do throws(FileFailure) { sizeBytes = Int(try FileStatus(of: file, path: path).fingerprint.size) } catch {
      OpenFile.close(file)
      throw error
    }
  }

  deinit { OpenFile.close(file) }

  /// Bytes anywhere in it.
  /// - Parameter ahead: how many are read at once.
  func bytes(at place: Int, _ count: Int, ahead: Int = 4096) throws(PictureDoubt) -> ArraySlice<UInt8> {
    guard place >= 0, count >= 0, place <= sizeBytes, count <= sizeBytes - place else { throw .cut }
    if place < start || place + count > start + piece.count {
      piece = try read(at: place, max(count, min(ahead, sizeBytes - place)))
      start = place
    }
    return piece[(place - start)..<(place - start + count)]
  }

  private func read(at place: Int, _ count: Int) throws(PictureDoubt) -> [UInt8] {
    var isShort = false
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let got = pread(file.rawValue, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(place + filled))
        if got < 0, errno == EINTR { continue }
        if got < 0 { failure = FileFailure("read", path) }
        guard got > 0 else {
          isShort = true
          return
        }
        filled += got
      }
    }
    if isShort { throw .cut }
    return bytes
  }

  func byte(at place: Int, ahead: Int = 4096) throws(PictureDoubt) -> UInt8 {
    try bytes(at: place, 1, ahead: ahead).first ?? 0
  }

  /// A number; one that no file can hold becomes the largest there is.
  func number(at place: Int, _ count: Int, isBig: Bool) throws(PictureDoubt) -> Int {
    let bytes = try bytes(at: place, count)
    let value = (isBig ? Array(bytes) : bytes.reversed()).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Int(clamping: value)
  }

  func begins(with text: String, at place: Int = 0) -> Bool {
    let wanted = Array(text.utf8)
    return (try? bytes(at: place, wanted.count).elementsEqual(wanted)) ?? false  // Shorter: no.
  }

  /// - Throws: when not so many bytes are there.
  func holds(_ count: Int, from place: Int = 0) throws(PictureDoubt) {
    let (end, isTooFar) = place.addingReportingOverflow(count)
    guard !isTooFar, end <= sizeBytes else { throw .cut }
  }
}
