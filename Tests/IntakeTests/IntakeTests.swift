import FarmModel
import FarmTesting
import Foundation
import Intake
import SystemPackage
import Testing
import VolumeFiles

@Suite("A drop")
struct IntakeTests {
  private let scratch: ScratchFolder
  private let volume: Volume

  init() throws {
    scratch = try ScratchFolder()
    volume = try scratch.makeVolume()
  }

  @Test(arguments: ["shot.blend", "Shot.BLEND", "a.b.blend", "-v.blend", "$(x).blend", "shot 10.Blend", "#1.blend"])
  func `is a file named so`(name: String) throws {
    #expect(DropPlace.isDrop(FileName(bytes: Array(name.utf8))))
  }

  @Test(arguments: [
    "shot.blend@", "shot.blend1", "shot.blend~", ".shot.blend", ".farm-0123456789ab.blend", ".x.blend.Ab12Cd",
    "._shot.blend",
    "~$shot.blend", "~syncthing~shot.blend", "#shot.blend#", "shot.blend.part", "shot.png", ".blend", "blend",
  ])
  func `is no file of these names`(name: String) throws {
    #expect(!DropPlace.isDrop(FileName(bytes: Array(name.utf8))))
  }

  @Test func `is the job that its folder and name say`() throws {
    let place = DropPlace(volume)

    #expect(try place.job(at: volume.quick.appending("a.blend")) == JobName(release: "quick", job: "a"))
    #expect(
      try place.job(at: volume.releases.appending("spring/store/b.c.blend")) == JobName(release: "spring", job: "b.c"))
  }

  @Test(arguments: ["quick/a .blend", "quick/line\nbreak.blend", "releases/r./store/a.blend", "elsewhere/a.blend"])
  func `is refused when its name cannot be a job's`(path: String) {
    let failure = #expect(throws: IntakeFailure.self) { try DropPlace(volume).job(at: volume.root.appending(path)) }

    #expect(failure?.description.contains("cannot be a job") == true)
    #expect(failure?.problemClass == .badName)
  }

  @Test(arguments: ["\u{0600}", "\u{06DD}", "\u{0D4E}", "\u{200D}", "\u{301}"])
  func `is a job or refused when the last letter of its name joins the dot`(last: String) throws {
    let path = volume.quick.appending("shot\(last).blend")

    #expect(DropPlace.isDrop(try #require(path.lastName)))
    #expect(try DropPlace(volume).job(at: path) == JobName(release: "quick", job: "shot\(last)"))
    let sidecar = DropPlace(volume).job(ofSidecar: volume.quick.appending("shot\(last).farm.yaml"))
    #expect(sidecar == JobName(release: "quick", job: "shot\(last)"))
  }

  @Test func `is the job of its bytes or refused, under thousands of names`() {
    for bytes in ForeignNames.ofFiles(count: 5000, seed: 4) {
      let path = volume.quick.appending(FileName(bytes: bytes))

      guard let name = try? DropPlace(volume).job(at: path) else { continue }
      #expect(volume.quick.appending("\(name.job)\(FilePath(path.string).extension.map { ".\($0)" } ?? "")") == path)
      #expect(Array(name.job.utf8) == Array(bytes.dropLast(".blend".utf8.count)))
    }
  }

  @Test(arguments: ["#recycle", "@eaDir", "$RECYCLE.BIN", "__MACOSX", "lost+found", ".stversions"])
  func `is none in a folder of a system`(folder: String) {
    #expect(DropPlace.tree.below(FileName("releases"))?.below(FileName(folder)) == nil)
    #expect(DropPlace(volume).release(at: volume.store(of: "#1")) == "#1")
  }

  @Test func `is claimed with digest, owner and facts`() throws {
    let bytes = TestFiles.blend(scenes: [("Scene", 1, 24)])
    let path = try scratch.write(bytes, to: "volume/quick/a.blend")
    let settled = try #require(try FileStatus(at: path))

    let drop = try Intaker(volume).claim(path, settled: settled.fingerprint)

    #expect(drop.name.description == "quick/a")
    #expect(drop.digest == FileDigest.of(bytes))
    #expect(try drop.facts.get().activeScene?.end == 24)
    #expect(drop.owner == settled.ownerName)
    #expect(try FileStatus(at: path)?.owner == settled.owner)
  }

  @Test func `is not claimed when it is another file by now`() throws {
    let path = try scratch.write(TestFiles.blend(scenes: [("Scene", 1, 24)]), to: "volume/quick/a.blend")
    let settled = try #require(try FileStatus(at: path)).fingerprint
    try FileManager.default.removeItem(atPath: path.string)
    try scratch.write(TestFiles.blend(scenes: [("Scene", 1, 2)]), to: "volume/quick/a.blend")

    #expect(throws: IntakeFailure.changed(path)) { try Intaker(volume).claim(path, settled: settled) }
  }

  @Test func `never leads outside the volume`() throws {
    let outside = try scratch.write(TestFiles.blend(scenes: [("Scene", 1, 24)]), to: "outside.blend")
    let link = volume.quick.appending("a.blend")
    symlink(outside.string, link.string)
    let settled = try #require(try FileStatus(at: outside)).fingerprint

    let failure = #expect(throws: IntakeFailure.self) { try Intaker(volume).claim(link, settled: settled) }

    #expect(failure?.problemClass == .unreadableFile)
  }

  @Test func `is waited for while more bytes may mend it`() throws {
    let whole = TestFiles.blend(scenes: [("Scene", 1, 24)])

    #expect(Intaker.wholeness(of: try scratch.write(whole, to: "w")) == .whole)
    for bytes in [[], Array(whole[..<40]), [UInt8](repeating: 0, count: 4096)] {
      guard case .notYet = Intaker.wholeness(of: try scratch.write(bytes, to: "n")) else {
        Issue.record("\(bytes.count) bytes were not waited for")
        continue
      }
    }
    guard case .never(let reason) = Intaker.wholeness(of: try scratch.write(TestFiles.png(), to: "p")) else {
      Issue.record("a PNG was waited for")
      return
    }
    #expect(reason.contains("is not a .blend"))
  }
}
