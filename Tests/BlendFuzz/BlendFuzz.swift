@testable import BlendFile
import Glibc
import SystemPackage

/// `make fuzz`: libFuzzer damages small `.blend`s in millions of ways.
@main
enum BlendFuzz {
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

/// Bytes that claim to be an uncompressed `.blend`: whatever they are, reading them ends, with facts or with a failure.
/// The name is the one that libFuzzer's own main wants.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = MemoryBytes(UnsafeRawBufferPointer(start: start, count: count))
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
  return 0
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
