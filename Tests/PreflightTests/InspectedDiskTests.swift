import BlendFile
import FarmTesting
import Foundation
import Preflight
import SystemPackage
import Testing

@Suite("What is remembered of a .blend that was read")
struct InspectedDiskTests {
  private let scratch: ScratchFolder

  private static let saved = zip(
    BlendWriter.forms, ["3.4", "3.4", "3.4", "3.4", "2.79", "2.79", "2.79", "2.79", "5.0"]
  )
  .map { ($0, $1) }

  init() throws { scratch = try ScratchFolder() }

  /// As a library of another file.
  private func inspect(_ disk: InspectedDisk, _ path: FilePath) throws -> BlendInspection {
    try BlendInspector(disk.disk(for: "/elsewhere.blend")).inspect(path)
  }

  @Test func `is forgotten when it changes, and no damage is remembered of a whole one`() throws {
    let (disk, path) = (InspectedDisk(), scratch("a.blend"))
    let bytes = BlendWriter(BlendWriter.forms[0]).bytes
    try path.write(bytes)
    for _ in 1...2 { #expect(try inspect(disk, path).scene?.hasCamera == true) }

    try path.write(BlendWriter(BlendWriter.forms[4]).bytes)
    #expect(try inspect(disk, path).version == "2.79")
    try path.write(Array(bytes.prefix(1000)))
    #expect(throws: BlendFailure.self) { try inspect(disk, path) }
    try path.write(bytes)
    #expect(try inspect(disk, path).version == "3.4")
  }

  @Test func `and is remembered of many is still what lies there`() throws {
    let disk = InspectedDisk()
    for round in 0..<2 {
      for number in 0..<100 {
        let path = scratch("\(number).blend")
        let (form, version) = Self.saved[(number + round) % Self.saved.count]
        try path.write(BlendWriter(form).bytes)
        #expect(try inspect(disk, path).version == version)
      }
    }
  }

  @Test func `are the files that are there, needed and no folders, and every library`() throws {
    let path = scratch("a.blend")
    try path.write(BlendWriter(BlendWriter.forms[0]).bytes)
    for name in ["spare.png", "chair.blend"] { try scratch.write("x", to: name) }
    try scratch.folder("wood.png")
    let disk = InspectedDisk()
    let inspection = try inspect(disk, path)

    #expect(disk.files(of: inspection).map(\.path) == [scratch("chair.blend").string])
    #expect(disk.files(of: inspection).first?.size == 1)
    // Another one than that which was read.
    try scratch.write("xy", to: "chair.blend")
    #expect(disk.files(of: inspection).map(\.isKnown) == [false])
    // None at all.
    #expect(unlink(scratch("chair.blend").string) == 0)
    #expect(disk.files(of: inspection).map(\.isKnown) == [false])
    #expect(disk.files(of: inspection, missing: true).map(\.path) == [scratch("chair.blend").string])
  }
}
