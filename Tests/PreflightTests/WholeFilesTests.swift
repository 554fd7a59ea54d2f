import FarmModel
import FarmTesting
import Foundation
import Pictures
import Preflight
import Supervisor
import SystemPackage
import Testing
import VolumeFiles

@testable import BlendFile

@Suite("A file that a scene needs, when it")
struct WholeFilesTests {
  private let scratch: ScratchFolder
  private let later = WallClock { Timestamp(nanoseconds: .max / 2) }

  init() throws { scratch = try ScratchFolder() }

  private func files(_ clock: WallClock) -> WholeFiles { WholeFiles(InspectedDisk(), clock: clock) }

  private func dependency(_ path: FilePath, _ kind: BlendDependency.Kind = .image) -> BlendDependency {
    BlendDependency(
      path: path.string, resolved: path.string, kind: kind, by: ["IMWood"], of: nil, exists: true, reached: true)
  }

  private func flaw(_ files: WholeFiles, _ path: FilePath, _ kind: BlendDependency.Kind = .image) -> BlendDependency
    .Flaw?
  {
    var all = [dependency(path, kind)]
    _ = files.check(&all)
    return all[0].flaw
  }

  @Test func `grows is looked at anew, and remembered as long as it stays as it is`() throws {
    let (files, whole, path) = (files(later), TestFiles.png(), scratch("a.png"))
    try path.write(Array(whole.dropLast(9)))
    #expect(flaw(files, path)?.kind == .notWhole)
    #expect(flaw(files, path)?.why == "ends too soon")
    #expect(flaw(files, path)?.seen?.first == Int64(whole.count - 9))

    try path.write(whole)

    #expect(flaw(files, path) == nil)
  }

  @Test func `is open for writing is waited for, however whole it looks`() throws {
    let (files, path) = (files(later), scratch("a.png"))
    try path.write(TestFiles.png())
    let writer = try FileDescriptor.open(path, .writeOnly)
    #expect(flaw(files, path)?.why == "is still being written")
    // It may be closed without another byte.
    #expect(flaw(files, path)?.seen == nil)

    try writer.close()

    #expect(flaw(files, path) == nil)
  }

  @Test func `does not say where it ends is used once it was left alone`() throws {
    let path = scratch("a.vdb")
    try path.write(Array("a volume".utf8))
    let now = try #require(try FileStatus(at: path)).fingerprint
    let files = files(WallClock { Timestamp(nanoseconds: now.ctimeNanoseconds + 900_000_000) })
    var all = [dependency(path, .volume)]
    let restless = files.check(&all)
    #expect(restless.keys.sorted() == [path.string] && all[0].flaw == nil)

    // A second later it is as it was.
    #expect(files.check(&all, restless: restless).isEmpty)
    #expect(all[0].flaw == nil)
    try path.write(Array("a volume and more".utf8))
    _ = files.check(&all, restless: restless)
    #expect(all[0].flaw?.kind == .notWhole)
    #expect(flaw(self.files(later), path, .volume) == nil)
  }

  @Test func `is a library is whole as a drop is`() throws {
    let (files, path) = (files(later), scratch("lib.blend"))
    let whole = BlendWriter(BlendWriter.forms[0]).bytes
    try path.write(Array(whole.prefix(whole.count / 2)))
    #expect(flaw(files, path, .library)?.kind == .notWhole)
    try path.write(whole)
    #expect(flaw(files, path, .library) == nil)
    try path.write(Array("no library at all".utf8))
    #expect(flaw(files, path, .library)?.kind == .unreadable)
  }

  @Test func `is doubtful is what was decided about it, until it changes`() throws {
    let (files, path) = (files(later), scratch("a.png"))
    try path.write(Array(TestFiles.png().dropLast(9)))
    _ = flaw(files, path)
    let doubtful = try #require(files.doubtful(among: [path.string, "/nowhere"]).first)

    files.decided(about: doubtful, isReadable: true)

    #expect(flaw(files, path)?.kind == .odd)
    #expect(files.doubtful(among: [path.string]).isEmpty)
    files.decided(about: doubtful, isReadable: false)
    #expect(flaw(files, path)?.kind == .unreadable)
    try path.write(Array(TestFiles.png().dropLast(5)))
    #expect(flaw(files, path)?.kind == .notWhole)
  }

  @Test func `is one of a long sequence is looked at without reading all of it`() throws {
    let files = files(later)
    var all: [BlendDependency] = []
    for number in 0..<2000 {
      let path = scratch("f_\(number).png")
      if number == 0 { try path.write(TestFiles.png()) } else { link(scratch("f_0.png").string, path.string) }
      all.append(dependency(path, .sequence))
    }

    #expect(files.check(&all).isEmpty)

    #expect(all.allSatisfy { $0.flaw == nil })
  }
}
