import CCrashMark
import FarmModel
import Glibc
import SystemPackage

/// A version of a file, as marks of crashes tell it from the next one.
struct MarkedFile: Hashable, Sendable {
  let path: FilePath
  /// Inode, size, modification and change time; all zero where none of them was known.
  let stamp: [Int64]

  static let unknown = [Int64](repeating: 0, count: Int(CRASH_MARK_STAMPS))

  /// Device numbers are left out: they may be others after a boot.
  init(_ path: FilePath, _ fingerprint: Fingerprint?) {
    self.path = path
    stamp =
      fingerprint.map { [$0.inode, $0.size, $0.mtimeNanoseconds, $0.ctimeNanoseconds] } ?? Self.unknown
  }

  fileprivate init(_ path: FilePath, stamp: [Int64]) {
    self.path = path
    self.stamp = stamp
  }
}

/// One mark: the files that were being taken in when a signal ended the daemon.
struct CrashMark: Hashable, Sendable {
  /// 0: no crash; its files were taken in since, and are suspected no longer.
  var signal: Int32
  /// Whether the first file was being read by the thread that crashed.
  var isSure: Bool
  var files: [MarkedFile]

  /// Reads the file of marks; a mark that was cut off, and all after it, are passed over.
  static func all(in bytes: [UInt8]) -> [CrashMark] {
    var marks: [CrashMark] = []
    bytes.withUnsafeBytes { raw in
      var at = 0
      while let (mark, next) = mark(in: raw, at: at) {
        marks.append(mark)
        at = next
      }
    }
    return marks
  }

  private static func mark(in raw: UnsafeRawBufferPointer, at start: Int) -> (CrashMark, Int)? {
    guard let head = value(crash_mark_head.self, in: raw, at: start), isMagic(head) else { return nil }
    var at = start + MemoryLayout<crash_mark_head>.size
    var files: [MarkedFile] = []
    for _ in 0..<max(0, head.count) {
      guard let entry = value(crash_mark_entry.self, in: raw, at: at) else { return nil }
      at += MemoryLayout<crash_mark_entry>.size
      guard entry.length > 0, entry.length <= CRASH_MARK_PATH, at + Int(entry.length) <= raw.count else { return nil }
      let path = raw[at..<at + Int(entry.length)].map { CChar(bitPattern: $0) } + [0]
      let stamp = [entry.stamp.0, entry.stamp.1, entry.stamp.2, entry.stamp.3]
      files.append(MarkedFile(path.withUnsafeBufferPointer(FilePath.init(platform:)), stamp: stamp))
      at += Int(entry.length)
    }
    return (CrashMark(signal: head.signal, isSure: head.is_sure != 0, files: files), at)
  }

  private static func value<Value>(_ type: Value.Type, in raw: UnsafeRawBufferPointer, at: Int) -> Value? {
    at + MemoryLayout<Value>.size <= raw.count ? raw.loadUnaligned(fromByteOffset: at, as: type) : nil
  }

  private static let magic = Array("FARMMARK".utf8)

  private static func isMagic(_ head: crash_mark_head) -> Bool {
    withUnsafeBytes(of: head.magic) { Array($0) } == magic
  }

  /// As it stands in the file.
  var bytes: [UInt8] {
    var head = crash_mark_head()
    withUnsafeMutableBytes(of: &head.magic) { $0.copyBytes(from: Self.magic) }
    (head.signal, head.is_sure, head.count) = (signal, isSure ? 1 : 0, Int32(files.count))
    var bytes = withUnsafeBytes(of: head) { Array($0) }
    for file in files {
      let path = file.path.bytes
      var entry = crash_mark_entry()
      entry.stamp = (file.stamp[0], file.stamp[1], file.stamp[2], file.stamp[3])
      entry.length = Int32(path.count)
      bytes += withUnsafeBytes(of: entry) { Array($0) } + path
    }
    return bytes
  }
}

extension FilePath {
  fileprivate init(platform bytes: UnsafeBufferPointer<CChar>) {
    self = bytes.baseAddress.map { FilePath(platformString: $0) } ?? FilePath()
  }

  /// Its bytes, without the NUL.
  var bytes: [UInt8] {
    withPlatformString { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
  }
}
