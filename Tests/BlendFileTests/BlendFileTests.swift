import BlendFile
import FarmModel
import FarmTesting
import Foundation
import Supervisor
import SystemPackage
import Testing

@Suite("A .blend")
struct BlendFileTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func read(_ bytes: some Sequence<UInt8>) throws -> BlendFacts {
    try BlendFile.read(scratch.write(bytes, to: "x.blend"))
  }

  @Test(arguments: [
    BlenderVersion(major: 3, minor: 4), BlenderVersion(major: 2, minor: 83), BlenderVersion(major: 5, minor: 0),
  ])
  func `tells version and scenes in both forms of its header`(version: BlenderVersion) throws {
    let facts = try read(TestFiles.blend(version: version, scenes: [("Main", 1, 24), ("Sub", 5, 5)]))

    #expect(facts.version == version)
    #expect(facts.activeScene == BlendFacts.SceneRange(name: "Main", start: 1, end: 24))
    #expect(facts.scenes.count == 2)
    #expect(facts.wrapper == .none)
  }

  @Test func `of the real Blender is read, plain and compressed`() async throws {
    let plain = try BlendFile.read(await Scenes.shared.path("still"))
    let zstd = try BlendFile.read(await Scenes.shared.path("anim"))

    #expect(plain.version == BlenderVersion(major: 3, minor: 4))
    #expect(plain.activeScene == BlendFacts.SceneRange(name: "Scene", start: 1, end: 1))
    #expect(zstd.wrapper == .zstd)
    #expect(zstd.activeScene == BlendFacts.SceneRange(name: "Scene", start: 1, end: 6))
  }

  @Test func `compressed with gzip is read`() async throws {
    let packed = try await gzip(Scenes.shared.path("still"))

    let facts = try read(packed)

    #expect(facts.wrapper == .gzip)
    #expect(facts.activeScene?.end == 1)
  }

  @Test(arguments: ["still", "anim", "gzip"])
  func `cut anywhere is never taken for whole`(kind: String) async throws {
    let whole = try await kind == "gzip" ? gzip(Scenes.shared.path("still")) : Scenes.shared.path(kind).contents
    var random = SeededGenerator(seed: 42)
    let cuts =
      (0..<60).map { _ in Int.random(in: 0..<whole.count, using: &random) }
      + [1, 8, 16, 24, 100].map { whole.count - $0 }

    for cut in cuts {
      let failure = #expect(throws: BlendFailure.self, "cut to \(cut) of \(whole.count) bytes") {
        try read(whole[..<cut])
      }
      // More bytes may come, so it is waited for.
      #expect(failure?.isTransient == true, "\(failure?.description ?? "") after \(cut) bytes")
    }
  }

  @Test(arguments: ["still", "anim"])
  func `with zeros at its end is never taken for whole`(kind: String) async throws {
    let whole = try await Scenes.shared.path(kind).contents
    for kept in [whole.count / 3, whole.count - 4096] {
      #expect(throws: BlendFailure.self) { try read(whole[..<kept] + [UInt8](repeating: 0, count: whole.count - kept)) }
    }
  }

  @Test(arguments: [
    ("", "the file is empty"), ("<html>hello", "the file is not a .blend; it starts with \"<html>he\""),
    ("BLENDER-x304.....", "of no known version of Blender"), ("BLENDER99-77v1234", "of no known version of Blender"),
  ])
  func `that is none says what it is instead`(text: String, words: String) {
    let failure = #expect(throws: BlendFailure.self) { try read(Array(text.utf8)) }

    #expect(failure?.description.contains(words) == true, "\(failure?.description ?? "")")
    #expect(failure?.remedy.contains("Blender") == true)
  }

  @Test func `whose block claims a huge length is not believed`() throws {
    var bytes = TestFiles.blend(scenes: [("Main", 1, 24)])
    bytes.replaceSubrange(16..<20, with: [0xFF, 0xFF, 0xFF, 0x7F])

    #expect(throws: BlendFailure.self) { try read(bytes) }
  }

  private func gzip(_ path: FilePath) async throws -> [UInt8] {
    let copy = try scratch.write(path.contents, to: "packed.blend")
    let (end, _) = try await ChildProcess.output(of: ChildCommand("/bin/gzip", ["-k", copy.string]))
    try #require(end.isSuccess)
    return FilePath(copy.string + ".gz").contents
  }
}
