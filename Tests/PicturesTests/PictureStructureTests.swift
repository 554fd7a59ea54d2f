import FarmTesting
import Foundation
import Pictures
import Supervisor
import SystemPackage
import Testing

@Suite("A texture")
struct PictureStructureTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func picture(_ name: String, _ options: [String] = []) async throws -> FilePath {
    let path = scratch(name)
    let arguments = ["--pattern", "noise:seed=1", "64x36", "3", "-d", "uint8"] + options
    let (end, lines) = try await ChildProcess.output(
      of: ChildCommand("/usr/bin/oiiotool", arguments + (options == ["-otex"] ? [] : ["-o"]) + [path.string]))
    try #require(end.isSuccess, "\(lines)")
    return path
  }

  /// Pictures whose end can be told, in forms that programs of artists write.
  private static let kinds: [(String, [String])] = [
    ("a.png", []), ("deep.png", ["-d", "uint16"]), ("a.jpg", []),
    ("passes.jpg", ["--attrib", "jpeg:progressive", "1"]),
    ("deep.tif", ["-d", "uint16"]), ("tiled.tif", ["--tile", "16", "16"]), ("lzw.tif", ["--compression", "lzw"]),
    ("big.tif", ["--attrib", "tiff:bigtiff", "1"]), ("levels.tif", ["-otex"]), ("levels.exr", ["-otex"]),
    ("half.exr", ["-d", "half"]), ("tiled.exr", ["-d", "half", "--tile", "16", "16"]),
    ("deep.exr", ["--ch", "R,G,B,Z=1", "--deepen"]),
    ("a.webp", []), ("exact.webp", ["--compression", "lossless"]), ("a.bmp", []), ("a.hdr", ["-d", "float"]),
    ("a.dpx", []),
    ("raw.tga", ["--compression", "none"]), ("packed.tga", ["--compression", "rle"]),
  ]

  /// Without what TGA 2.0 adds behind the pixels, which nobody needs.
  private func bytes(_ name: String, _ options: [String]) async throws -> [UInt8] {
    let bytes = try await picture(name, options).contents
    guard name.hasSuffix(".tga") else { return bytes }
    let extra = Int(bytes[bytes.count - 26]) | Int(bytes[bytes.count - 25]) << 8 | Int(bytes[bytes.count - 24]) << 16
    return Array(bytes[..<(extra == 0 ? bytes.count - 26 : extra)])
  }

  @Test(arguments: kinds)
  func `that is whole is used, also when bytes follow its end`(name: String, options: [String]) async throws {
    let whole = try await picture(name, options)
    #expect(try PictureStructure.look(at: whole) == .whole)

    let longer = try scratch.write(whole.contents + Array("and more".utf8), to: "longer-" + name)

    #expect(try PictureStructure.look(at: longer) == .whole)
    let bare = try scratch.write(await bytes(name, options), to: "bare-" + name)
    #expect(try PictureStructure.look(at: bare) == .whole)
  }

  @Test(arguments: kinds)
  func `that is cut anywhere is not`(name: String, options: [String]) async throws {
    let whole = try await bytes(name, options)
    var random = SeededGenerator(seed: 11)

    // The last chunk of one may be followed by a byte that makes it even.
    for cut in (0..<60).map({ _ in Int.random(in: 0..<whole.count - 1, using: &random) }) + [0, 1, whole.count - 2] {
      let path = try scratch.write(whole[..<cut], to: "cut-" + name)
      let look = try PictureStructure.look(at: path)
      // Of so little the format is not known yet.
      guard cut >= 64 else {
        #expect(look != .whole)
        continue
      }
      guard case .doubtful = look else {
        Issue.record("\(name) cut to \(cut) of \(whole.count): \(look)")
        return
      }
    }
  }

  @Test func `of four inks, of several pages and with a second picture behind it is used`() async throws {
    let inks = try #require(Data(base64Encoded: Self.inks))
    let jpeg = try await picture("a.jpg").contents
    let pages = scratch("pages.tif")
    let one = try await picture("one.png").string
    let command = ChildCommand("/usr/bin/oiiotool", [one, one, "--siappend", "-o", pages.string])
    try #require(try await ChildProcess.output(of: command).0.isSuccess)

    #expect(try PictureStructure.look(at: scratch.write(Array(inks), to: "inks.jpg")) == .whole)
    #expect(try PictureStructure.look(at: scratch.write(jpeg + jpeg, to: "two.jpg")) == .whole)
    #expect(try PictureStructure.look(at: pages) == .whole)
    let cut = try scratch.write(pages.contents.dropLast(8), to: "cut.tif")
    #expect(try PictureStructure.look(at: cut) != .whole)
  }

  @Test func `of a layered kind is used, and cut short is not`() throws {
    func number(_ value: UInt32, _ count: Int) -> [UInt8] {
      (0..<count).reversed().map { UInt8(value >> ($0 * 8) & 255) }
    }
    let head =
      Array("8BPS".utf8) + number(1, 2) + [0, 0, 0, 0, 0, 0] + number(3, 2) + number(4, 4) + number(5, 4) + number(8, 2)
      + number(3, 2) + number(0, 4) + number(2, 4) + [7, 7] + number(0, 4) + number(0, 2)
    let whole = head + [UInt8](repeating: 9, count: 60)

    #expect(try PictureStructure.look(at: scratch.write(whole, to: "a.psd")) == .whole)
    #expect(try PictureStructure.look(at: scratch.write(whole.dropLast(), to: "a.psd")) != .whole)
  }

  @Test(arguments: ["a.gif", "a.jp2"])
  func `whose end cannot be told is left to others`(name: String) async throws {
    #expect(try PictureStructure.look(at: await picture(name)) == .untold)
    #expect(try PictureStructure.look(at: scratch.write("not a picture", to: "wood.png")) == .untold)
  }

  @Test func `that was given its size and no bytes yet is not used, nor is an empty one`() throws {
    for bytes in [[], [UInt8](repeating: 0, count: 4096)] {
      guard case .doubtful(let doubt) = try PictureStructure.look(at: scratch.write(bytes, to: "a.jpg")) else {
        Issue.record("\(bytes.count) zeros are a picture")
        continue
      }
      #expect(doubt.decider == .nothing)
    }
  }

  private func isRead(_ bytes: some Sequence<UInt8>, as name: String) async throws -> Bool {
    let path = try scratch.write(Array(bytes), to: name)
    guard case .doubtful(let doubt) = try PictureStructure.look(at: path) else {
      Issue.record("\(name) is not doubtful")
      return true
    }
    let folder = try scratch.folder("judge-" + UUID().uuidString)
    return try await OIIOTool.reads(path, in: doubt, scratch: folder)
  }

  @Test func `that lacks its end alone is read in the end, and one that lacks pixels never`() async throws {
    let (jpeg, passes) = (
      try await picture("a.jpg").contents, try await picture("p.jpg", ["--attrib", "jpeg:progressive", "1"]).contents
    )
    let (png, tiff) = (try await picture("a.png").contents, try await picture("a.tif").contents)

    #expect(try await isRead(jpeg.dropLast(2), as: "endless.jpg"))
    #expect(try await isRead(png.dropLast(12), as: "endless.png"))
    for cut in [0.4, 0.7, 0.9] {
      let some = { (bytes: [UInt8]) in bytes[..<Int(Double(bytes.count) * cut)] }
      #expect(try await !isRead(some(jpeg), as: "cut.jpg"), "\(cut)")
      #expect(try await !isRead(some(passes), as: "passes.jpg"), "\(cut)")
      #expect(try await !isRead(some(png), as: "cut.png"), "\(cut)")
      // oiiotool reads it without a word.
      #expect(try await !isRead(some(tiff), as: "cut.tif"), "\(cut)")
    }
  }

  private static let inks = """
    /9j/7gAOQWRvYmUAZAAAAAAA/9sAQwANCQoLCggNCwoLDg4NDxMgFRMSEhMnHB4XIC4pMTAuKS0sMzpKPjM2RjcsLUBXQUZMTlJT\
    UjI+WmFaUGBKUVJP/8AAFAgAEAAQBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIB\
    AwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZH\
    SElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV\
    1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwCDQNDSeNQFFQaBoaTxqAoqDQNDSeNQFFQaBoaTxqAoo1/Q\
    0gjYFQKNf0NII2BUCjX9DSCNgVAo1/Q0gjYFQKPD+uJBGpDDNHh/XEgjUhhmjw/riQRqQwzR4f1xII1IYZpdf1xJ42JYZpdf1xJ4\
    2JYZpdf1xJ42JYZpdf1xJ42JYZr/2Q==
    """
}
