import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing

@testable import BlendFile

/// Files whose bytes somebody changed: read, or refused with the place, and never believed in their lengths.
@Suite("A .blend with wrong bytes")
struct HostileFileTests {
  private static let mutations = Needs.patience ? 34_000 : 200

  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func plain(_ name: String) throws -> [UInt8] {
    let path = FilePath(#filePath).removingLastComponent().pushing(FilePath("files/\(name)"))
    let table = try PlainBytes(path: path).zstdSeekTable()
    return try ZstdBytes(PlainBytes(path: path), table).next(Int(table.uncompressedBytes))
  }

  @Test(arguments: InspectionTests.versions)
  func `is read or refused, whatever they are`(version: String) throws {
    let whole = try plain("\(version)/files.blend")
    var random = SeededGenerator(seed: 7)
    var refused = 0
    for _ in 0..<Self.mutations {
      let path = try scratch.write(TestFiles.damaged(whole, &random), to: "x.blend")
      do throws(BlendFailure) { _ = try BlendSummary(of: path) } catch {
        #expect(!error.description.isEmpty)
        refused += 1
      }
    }
    #expect(refused > Self.mutations / 4, "the mutations hit something")
  }

  @Test(arguments: ["3.4", "5.0"])
  func `whose blocks claim absurd lengths and counts is read or refused`(version: String) throws {
    let whole = try plain("\(version)/files.blend")
    let codes = ["SC\0\0", "IM\0\0", "OB\0\0", "DATA", "GLOB"]
    for code in codes {
      var at = 0
      for _ in 0..<12 {
        guard let found = whole[at...].firstRange(of: Array(code.utf8)) else { break }
        at = found.upperBound
        // Length, address, structure and count, in whatever order.
        for word in stride(from: at, to: min(at + 28, whole.count - 8), by: 4) {
          for value: [UInt8] in [[0xFF, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0x7F], [0, 0, 0, 0x80]] {
            var bytes = whole
            bytes.replaceSubrange(word..<word + 4, with: value)
            // Read or refused: that it comes back is what counts.
            _ = try? BlendSummary(of: scratch.write(bytes, to: "x.blend"))
          }
        }
      }
    }
  }

  @Test func `whose types are damaged says where`() throws {
    var bytes = try plain("3.4/files.blend")
    let types = try #require(bytes.firstRange(of: Array("SDNANAME".utf8)))
    bytes.replaceSubrange(types.upperBound..<types.upperBound + 4, with: [0xFF, 0xFF, 0xFF, 0x7F])

    let failure = #expect(throws: BlendFailure.self) { try BlendSummary(of: scratch.write(bytes, to: "x.blend")) }

    #expect(failure?.description.contains("block DNA1: it claims 2147483647 entries") == true)
  }

  @Test func `whose compressed stream has a hole is not whole`() throws {
    let path = FilePath(#filePath).removingLastComponent().pushing(FilePath("files/3.4/files.blend"))
    var bytes = path.contents
    let frames = try PlainBytes(path: path).zstdSeekTable().frames
    let second = try #require(frames.dropFirst().first)
    for at in Int(second.start)..<Int(second.start) + 16 { bytes[at] = 0 }

    let failure = #expect(throws: BlendFailure.self) { try BlendFile.read(scratch.write(bytes, to: "x.blend")) }

    #expect(failure?.description.contains("the compressed stream has a hole") == true, "\(failure as Any)")
  }

  @Test func `that leads to the same bytes again and again is read only so often`() throws {
    var budget = ReadBudget(fileBytes: 1 << 30)
    for _ in 0..<64 { try budget.spend(1 << 30, at: 0) }

    let failure = #expect(throws: BlendFailure.self) { try budget.spend(1 << 30, at: 96) }

    #expect(failure?.description == "the file is damaged at byte 96: too many of its blocks lead to the same ones")
  }

  @Test func `that is sparse and huge costs no more than its blocks' headers`() throws {
    // A block of a terabyte, and the rest of the file behind it.
    var bytes = try plain("5.0/files.blend")
    let end = bytes.count - 32
    #expect(bytes[end...].starts(with: Array("ENDB".utf8)))
    let hole: Int64 = 1 << 40
    var header = Array("DATA".utf8) + [0, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
    header += (0..<8).map { UInt8(truncatingIfNeeded: hole >> (8 * $0)) } + [1] + [UInt8](repeating: 0, count: 7)
    let tail = Array(bytes[end...])
    bytes.replaceSubrange(end..., with: header)
    let path = try scratch.write(bytes, to: "x.blend")
    let file = try FileHandle(forWritingTo: URL(filePath: path.string))
    try file.seek(toOffset: UInt64(bytes.count) + UInt64(hole))
    try file.write(contentsOf: tail)
    try file.close()

    #expect(try BlendSummary(of: path).scenes.count == 1)
    #expect(try BlendFile.read(path).activeScene?.name == "Scene")
  }
}
