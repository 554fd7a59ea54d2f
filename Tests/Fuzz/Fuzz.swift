@testable import BlendFile
import CZlib
import FarmModel
import Glibc
@testable import Pictures
import SystemPackage

/// `make fuzz`: libFuzzer damages small `.blend`s and pictures in millions of ways.
@main
enum Fuzz {
  static func main() {
    var (count, words) = (CommandLine.argc, CommandLine.unsafeArgv)
    exit(runFuzzer(&count, &words, fuzz))
  }
}

/// libFuzzer's own; it comes with `-sanitize=fuzzer`, without a header.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ words: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ fuzz: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// Bytes that claim to be an uncompressed `.blend` or a picture: whatever they are, reading them ends, with facts or
/// with a failure. The name is the one that libFuzzer's own main wants.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = UnsafeRawBufferPointer(start: start, count: count)
  if bytes.starts(with: "BLENDER".utf8) { readBlend(bytes) } else { readPicture(Array(bytes)) }
  return 0
}

private func readPicture(_ bytes: [UInt8]) {
  for format in ImageFormat.allCases {
    do throws(PictureFailure) {
      _ = try Picture(of: format == .png ? withChecksums(bytes) : bytes, expecting: format)
    } catch {
      _ = error.description
    }
  }
}

/// A PNG whose chunks have the checksums that they should have: else nothing behind them would ever be reached.
private func withChecksums(_ bytes: [UInt8]) -> [UInt8] {
  var (bytes, at) = (bytes, 8)
  while at + 12 <= bytes.count {
    let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
    let end = at + 8 + length
    guard end + 4 <= bytes.count else { break }
    let sum = bytes[(at + 4)..<end].withUnsafeBufferPointer { crc32_z(0, $0.baseAddress, $0.count) }
    for place in 0..<4 { bytes[end + place] = UInt8(truncatingIfNeeded: sum >> (24 - 8 * UInt(place))) }
    at = end + 4
  }
  return bytes
}

private func readBlend(_ input: UnsafeRawBufferPointer) {
  let bytes = MemoryBytes(input)
  do throws(BlendFailure) {
    let summary = try BlendSummary(BlendReader(bytes), wrapper: .none)
    // Each library is the file again, so that it goes in circles, and a little deeper.
    let disk = BlendInspector.Disk(
      summary: { $0.length < 100 ? .success(summary) : .failure(.empty) }, exists: { _, _ in false })
    let limits = BlendInspector.Limits(libraries: 30, files: 3000)
    _ = try BlendInspector(disk, limits: limits).inspect("/v/a.blend")
  } catch {
    _ = error.description
  }
}

/// The bytes of an input.
private final class MemoryBytes: SeekableBytes {
  private let bytes: UnsafeRawBufferPointer
  private(set) var offset: Int64 = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  func seek(to newOffset: Int64) { offset = newOffset }

  func withNext<Value>(
    _ count: Int, _ body: (UnsafeRawBufferPointer) throws(BlendFailure) -> Value
  ) throws(BlendFailure) -> Value {
    let start = min(Int(offset), bytes.count)
    let end = min(start + count, bytes.count)
    offset = Int64(end)
    return try body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
  }

  func skip(_ count: Int64, while doing: @autoclosure () -> String) throws(BlendFailure) {
    guard count <= Int64(bytes.count) - offset else { throw .truncated(atByte: Int64(bytes.count), while: doing()) }
    offset += count
  }
}
