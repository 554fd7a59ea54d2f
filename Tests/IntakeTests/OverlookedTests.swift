import FarmModel
import FarmTesting
import Foundation
import SystemPackage
import Testing
import VolumeFiles

@testable import Intake

@Suite("A file that its artist may take for a drop")
struct OverlookedTests {
  private let scratch: ScratchFolder
  private let volume: Volume

  init() throws {
    scratch = try ScratchFolder()
    volume = try scratch.makeVolume()
  }

  private func found(
    _ look: inout OverlookedLook, releases: [String] = [], isUsed: (FilePath) -> Bool = { _ in false }
  ) -> [String: OverlookedFile] {
    let all =
      look.top(isUsed: isUsed)
      + releases.flatMap { name in
        var look = OverlookedLook(volume, ignore: IgnoreRules(["wip_*"]))
        return look.release(name, isUsed: isUsed)
      }
    return Dictionary(all.map { ($0.path, $0) }) { first, _ in first }
  }

  private func look() -> OverlookedLook { OverlookedLook(volume, ignore: IgnoreRules(["wip_*"])) }

  private static let told = [
    "top.blend", "Top.BLEND", "pack.zip", "quick/sub/a.blend", "quick/a/b/c.blend", "quick/p.zip", "quick/q.7z",
    "quick/r.tar.gz", "quick/s.blend.zst", "quick/t.blend.gz", "quick/wip_1.blend", "quick/.hidden.blend",
    "quick/~$x.blend", "quick/x.sync-conflict-20260101-101010-ABCDEF.blend", "quick/sub/u.zip", "releases/lost.blend",
    "releases/r/beside.blend", "releases/r/Store/x.blend", "releases/r/p.rar", "releases/r/store/p.ZIP",
    "releases/r/store/x (Case Conflict).blend", "releases/r/store/wip_2.blend", "quick/\u{301}é\u{0600}.zip",
  ]

  private static let untold = [
    "quick/a.blend", "quick/#1.blend", "quick/a.blend1", "quick/a.blend@", "quick/.farm-0123456789ab.blend",
    "quick/._a.blend", "quick/.a.blend.Xk3f9a", "quick/a.blend.PROBLEM.txt", "quick/a.farm.yaml", "quick/wood.png",
    "quick/out/a/x.blend", "quick/.trash/x.blend", "quick/#recycle/x.blend", "quick/@eaDir/x.blend", "STATUS.txt",
    "releases/r/store/a.blend", "releases/r/store/lib/chair.blend", "releases/r/release.yaml",
    "releases/r/out/a/x.blend", "quick/a.blend.part", "quick/a.zip.part", "dist/x.blend", "archives/r.tar.gz",
  ]

  @Test func `is told with where it lies, why it is none, and where to put it, and nothing else is`() throws {
    for path in Self.told + Self.untold { try scratch.write("x", to: "volume/\(path)") }
    var look = look()

    let found = found(&look, releases: ["r"])

    #expect(Set(found.keys) == Set(Self.told))
    #expect(found.values.allSatisfy { !$0.why.isEmpty && $0.remedy.hasSuffix(".") })
    #expect(found["quick/sub/a.blend"]?.remedy == "Move it into quick/.")
    #expect(found["releases/r/beside.blend"]?.remedy == "Move it into releases/r/store/.")
    #expect(found["quick/p.zip"]?.remedy == "Unpack it and put the .blend into quick/.")
  }

  @Test func `is told no longer when it is gone, and told when it comes later`() throws {
    try scratch.write("x", to: "volume/quick/sub/a.blend")
    var look = look()
    #expect(found(&look).keys.sorted() == ["quick/sub/a.blend"])
    #expect(found(&look).keys.sorted() == ["quick/sub/a.blend"])

    try FileManager.default.moveItem(
      atPath: volume.quick.appending("sub/a.blend").string, toPath: volume.quick.appending("a.blend").string)
    try scratch.write("x", to: "volume/quick/p.zip")

    #expect(found(&look).keys.sorted() == ["quick/p.zip"])
    #expect(found(&look).keys.sorted() == ["quick/p.zip"])
  }

  @Test func `is none beside or above what a job uses`() throws {
    for path in ["quick/lib/chair.blend", "quick/lib/tex/x.blend", "quick/other/x.blend"] {
      try scratch.write("x", to: "volume/\(path)")
    }
    let used = volume.quick.appending("lib/tex/wood.png").string
    var look = look()

    let found = found(&look) { used.hasBytePrefix($0.string + "/") }

    #expect(found.keys.sorted() == ["quick/other/x.blend"])
  }

  @Test func `is looked for in so many folders, and no more`() throws {
    for number in 0..<600 { try scratch.write("x", to: "volume/quick/f\(number)/a.blend") }
    try scratch.write("x", to: "volume/quick/a/b/c/d/deep.blend")
    var look = look()

    let found = found(&look)

    #expect(found.count <= 200)
    #expect(OverlookedFiles(found.values).shown.count == 20)
    #expect(OverlookedFiles(found.values).more == found.count - 20)
    #expect(found["quick/a/b/c/d/deep.blend"] == nil)
  }

  @Test func `has a name of any bytes`() throws {
    let rule = OverlookedRule(root: volume.root, ignore: IgnoreRules())

    for bytes in ForeignNames.ofFiles(count: 2000, seed: 5) {
      let name = FileName(bytes: bytes)
      #expect(
        rule.look(at: name, in: volume.root, .root) != nil || DropPlace.isPrivate(name) || bytes.first == 46
          || !DropPlace.isBlend(name), "\(name.string)")
    }
  }
}
