import FarmModel
import FarmTesting
import Foundation
import Rendering
import SystemPackage
import Testing
import VolumeFiles

@Suite("What is rendered is what was dropped")
struct SnapshotTests {
  private let scratch: ScratchFolder
  private let original: FilePath

  init() throws {
    scratch = try ScratchFolder()
    original = try scratch.write("scene one", to: "quick/cloth.blend")
  }

  @Test func `a snapshot lies beside the original, and goes with the link to its caches`() throws {
    try scratch.write("frame", to: "quick/blendcache_cloth/1.bphys")
    let snapshot = Snapshot(of: original, digest: try FileDigest.of(original), revision: 7)

    try snapshot.take()
    try snapshot.take()

    #expect(snapshot.path.contents == Array("scene one".utf8))
    #expect(snapshot.name.wholeMatch(of: /\.farm-[0-9a-f]{12}\.blend/) != nil)
    let link = snapshot.name.replacing(".blend", with: "")
    #expect(scratch("quick/blendcache_\(link)/1.bphys").contents == Array("frame".utf8))

    snapshot.remove()
    #expect(scratch("quick").names == ["blendcache_cloth", "cloth.blend"])
    #expect(scratch("quick/blendcache_cloth/1.bphys").isThere)
  }

  @Test func `two jobs of one folder with equal bytes have a snapshot each`() throws {
    let digest = try FileDigest.of(original)
    let (a, b) = (
      Snapshot(of: original, digest: digest, revision: 1), Snapshot(of: original, digest: digest, revision: 2)
    )
    try a.take()
    try b.take()

    a.remove()

    #expect(b.path.contents == Array("scene one".utf8))
  }

  @Test func `a changed original gives no snapshot`() throws {
    let digest = try FileDigest.of(original)
    try scratch.write("scene two", to: "quick/cloth.blend")

    let failure = #expect(throws: RenderingFailure.changed(original)) {
      try Snapshot(of: original, digest: digest, revision: 7).take()
    }

    #expect(failure?.problem.problemClass == .changedMeanwhile)
    #expect(scratch("quick").names == ["cloth.blend"])
  }

  @Test func `a damaged snapshot is taken anew`() throws {
    let snapshot = Snapshot(of: original, digest: try FileDigest.of(original), revision: 7)
    try scratch.write("half of", to: "quick/\(snapshot.name)")

    try snapshot.take()

    #expect(snapshot.path.contents == Array("scene one".utf8))
  }
}

@Suite("A checked frame is promoted")
struct PromotionTests {
  private let scratch: ScratchFolder
  private let out: FilePath
  private let promotion: Promotion

  init() throws {
    scratch = try ScratchFolder()
    try scratch.folder("out")
    out = scratch("out/shot")
    promotion = Promotion(into: out)
  }

  private func checked(_ name: String) throws -> CheckedFrame {
    let path = try scratch.write(TestFiles.png(), to: "work/\(name)")
    return try FrameCheck.check(path, as: FrameCheck.Wanted(.png, size: PixelSize(width: 4, height: 3))).get()
  }

  @Test func `by rename, and is known again by its inode`() throws {
    let frame = try checked("1.png")

    try promotion.makeRoom()
    #expect(promotion.look(for: "000001.png", frame.identity) == .absent)
    #expect(try promotion.promote(frame, as: "000001.png") == frame.identity)

    #expect(out.names == ["000001.png"])
    #expect(promotion.look(for: "000001.png", frame.identity) == .inPlace)
    #expect(!scratch("work/1.png").isThere)
  }

  @Test func `after the earlier revision's frames went aside in one go`() throws {
    try scratch.write("old", to: "out/shot/000001.png")

    try promotion.makeRoom()
    _ = try promotion.promote(checked("1.png"), as: "000001.png")

    #expect(out.names == [".previous", "000001.png"])
    #expect(out.appending(".previous/000001.png").contents == Array("old".utf8))
    try promotion.forgetPrevious()
    #expect(out.names == ["000001.png"])
  }

  @Test func `keeping the last complete set when a revision that was never completed lies there`() throws {
    try scratch.write("fragment", to: "out/shot/000001.png")
    try scratch.write("complete", to: "out/shot/.previous/000001.png")

    try promotion.makeRoom()

    #expect(out.filesBelow == [".previous/000001.png"])
    #expect(out.appending(".previous/000001.png").contents == Array("complete".utf8))
  }

  @Test func `also when a crash came between the two renames`() throws {
    try scratch.write("old", to: "out/.farm-previous-shot/000001.png")

    try promotion.makeRoom()

    #expect(scratch("out").names == ["shot"])
    #expect(out.names == [".previous"])
    #expect(out.appending(".previous/000001.png").contents == Array("old".utf8))
  }
}

@Suite("A rendered frame does not count")
struct FrameCheckTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func problem(_ path: FilePath, size: PixelSize? = nil) -> Problem? {
    guard case .failure(let refusal) = FrameCheck.check(path, as: FrameCheck.Wanted(.png, size: size)) else {
      return nil
    }
    return refusal.problem
  }

  @Test func `when it is not there`() {
    #expect(problem(scratch("none.png"))?.problemClass == .noOutput)
  }

  @Test func `when it is empty or cut`() throws {
    #expect(problem(try scratch.write([], to: "empty.png"))?.problemClass == .truncated)
    #expect(problem(try scratch.write(TestFiles.png().dropLast(12), to: "cut.png"))?.problemClass == .truncated)
  }

  @Test func `when it has another size than owed`() throws {
    let found = problem(
      try scratch.write(TestFiles.png(width: 4, height: 4), to: "a.png"), size: PixelSize(width: 8, height: 4))

    #expect(found?.problemClass == .wrongSize)
    #expect(found?.cause == "the picture is 4×4 and should be 8×4")
  }

  @Test func `while some process still writes it`() throws {
    let path = try scratch.write(TestFiles.png(), to: "a.png")
    let writer = try FileHandle(forWritingTo: URL(filePath: path.string))

    #expect(problem(path)?.cause == "some process still writes the picture")
    try writer.close()
    #expect(problem(path) == nil)
  }
}

@Suite("The render script")
struct RenderScriptTests {
  @Test func `is installed once, under its digest`() throws {
    let scratch = try ScratchFolder()
    let volume = try scratch.makeVolume()

    let first = try RenderScript.install(in: volume)
    let second = try RenderScript.install(in: volume)

    #expect(first == second)
    #expect(first.contents == RenderScript.bytes)
    #expect(volume.script.names.count == 1)
  }
}
