import FarmAPI
import FarmModel
import FarmTesting
import Foundation
import Supervisor
import SystemPackage
import Testing
import VolumeFiles

extension EndToEnd.Drops {
  /// What people, copying programs and desktops leave in a hot folder: each has a clear state, a message and a remedy,
  /// nothing is lost, and everything else goes on.
  @Suite("A bad drop")
  struct BadInputTests {
    @Test func `that is blocked and deleted while the daemon is dead is removed at the next start`() async throws {
      let farm = try await TestFarm()
      let dying = try await farm.start()
      try await farm.drop("no_camera", at: "quick/a.blend")
      #expect(await farm.logs("job.blocked"))
      dying.send(SIGKILL)
      _ = await dying.end()
      try FileManager.default.removeItem(atPath: farm.root.appending("quick/a.blend").string)

      let daemon = try await farm.start()

      #expect(await farm.logs("job.removed"))
      await stop(daemon)
    }

    private func stop(_ daemon: RunningProgram) async {
      daemon.send(SIGTERM)
      #expect(await daemon.end(within: .seconds(10)) == 0)
    }

    private func put(_ bytes: some Sequence<UInt8>, _ farm: TestFarm, _ name: String) throws {
      try Data(bytes).write(to: URL(filePath: farm.root.appending("quick").string + "/" + name))
    }

    private func note(_ farm: TestFarm, _ name: String) -> String {
      String(decoding: farm.root.appending("quick/\(name).PROBLEM.txt").contents, as: UTF8.self)
    }

    private func gzipped(_ path: FilePath) async throws -> [UInt8] {
      let end = try await ChildProcess.output(of: ChildCommand("/usr/bin/gzip", ["-k", "-f", path.string])).end
      try #require(end.isSuccess)
      return FilePath(path.string + ".gz").contents
    }

    @Test func `that is no whole blend says so beside it, and is rendered once it is whole`() async throws {
      let farm = try await TestFarm(config: "settle_stall: 1s\nsettle_quiet: 20ms\n")
      let daemon = try await farm.start()
      let whole = try await Scenes.shared.path("still").contents
      let packed = try await Scenes.shared.path("anim").contents
      let zipped = try await gzipped(farm.scratch.write(whole, to: "still.blend"))
      var files: [(name: String, bytes: [UInt8], words: String)] = [
        ("zero.blend", [], "the file is empty"),
        ("picture.blend", TestFiles.png(), "is not a .blend; it starts with 89 50"),
        ("text.blend", Array("hello, this is a text\n".utf8), "is not a .blend; it starts with"),
        ("page.blend", Array("<!DOCTYPE html><html><b>x</b>".utf8), "is not a .blend; it starts with"),
        ("zeros_all.blend", [UInt8](repeating: 0, count: 5000), "begins with zeros"),
        ("zeros.blend", whole.dropLast(9000) + [UInt8](repeating: 0, count: 9000), "at byte"),
        ("magic.blend", Array("BLEND".utf8), "in the middle of the header"),
      ]
      for (kind, bytes) in [("plain", whole), ("zstd", packed), ("gzip", zipped)] {
        for cut in [14, 30, bytes.count / 4, bytes.count / 2, bytes.count - 70, bytes.count - 16, bytes.count - 1] {
          files.append(("\(kind)_\(cut).blend", Array(bytes[..<cut]), "Why:   not-whole: "))
        }
      }
      for file in files { try put(file.bytes, farm, file.name) }
      try await farm.drop("still", at: "quick/good.blend")

      #expect(await farm.logs("harvested files=1"))
      for file in files {
        #expect(await eventually { note(farm, file.name).contains("Do:  ") }, "no note of \(file.name)")
        #expect(note(farm, file.name).contains(file.words), "\(file.name): \(note(farm, file.name))")
      }
      #expect(farm.logged("job.queued") == 1)
      #expect(farm.root.appending("dist").filesBelow == ["quick/good.png"])
      let sheet = farm.root.appending("STATUS.txt")
      #expect(await eventually { String(decoding: sheet.contents, as: UTF8.self).contains("Waits for you:") })

      // Cured: some become whole, the others go; no note stays.
      let cured: Set = ["zero.blend", "picture.blend", "zeros.blend", "gzip_14.blend"]
      for file in files {
        let path = farm.root.appending("quick/\(file.name)").string
        if cured.contains(file.name) {
          try put(whole, farm, file.name)
        } else {
          try FileManager.default.removeItem(atPath: path)
        }
      }
      #expect(await farm.logs("harvested files=1", times: cured.count + 1))
      #expect(await eventually { !farm.root.appending("quick").names.contains { $0.contains("PROBLEM") } })
      await stop(daemon)
    }

    @Test func `that is no file is never opened nor followed`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let quick = farm.root.appending("quick").string
      try FileManager.default.createDirectory(atPath: quick + "/folder.blend", withIntermediateDirectories: false)
      #expect(mkfifo(quick + "/pipe.blend", 0o666) == 0)
      try FileManager.default.createSymbolicLink(atPath: quick + "/link.blend", withDestinationPath: "/etc/passwd")
      #expect(
        try await ChildProcess.output(
          of: ChildCommand(
            "/usr/bin/python3",
            [
              "-c", "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])", quick + "/socket.blend",
            ])
        ).end.isSuccess)
      let isRoot = geteuid() == 0 && mknod(quick + "/device.blend", S_IFCHR | 0o666, 0x0103) == 0

      let words = [
        "folder": "it is a folder", "pipe": "it is a device, pipe or socket", "link": "it is a symbolic link",
        "socket": "it is a device, pipe or socket",
      ].merging(isRoot ? ["device": "it is a device, pipe or socket"] : [:]) { $1 }
      for (name, why) in words {
        #expect(await eventually { note(farm, "\(name).blend").contains("not-a-file: \(why)") }, "\(name)")
      }
      try FileManager.default.removeItem(atPath: quick + "/pipe.blend")
      try await farm.drop("still", at: "quick/pipe.blend")
      #expect(await farm.logs("harvested files=1"))
      await stop(daemon)
    }

    @Test func `under a strange name is rendered, or refused with the reason, and obeyed by nobody`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let whole = try await Scenes.shared.path("still").contents
      let good = ["-rf", "a b", "$(touch pwned)", "'quoted\"", "&;|<>*?", "ünï", "%20{x}", "日本"]
      for name in good { try put(whole, farm, name + ".blend") }
      let bad = [
        "line\nbreak": "it has a control character", "esc\u{1B}]0;x\u{07}": "it has a control character",
        String(repeating: "n", count: 249): "it is longer than 200 bytes", "dot.": "it ends with a dot",
        "blank ": "it ends with a dot or a blank",
      ]
      for name in bad.keys { try put(whole, farm, name + ".blend") }
      let invalid: [UInt8] = Array(farm.root.appending("quick").string.utf8) + Array("/bad".utf8) + [0xFF, 0xFE]
      let path = (invalid + Array(".blend".utf8) + [0]).map { CChar(bitPattern: $0) }
      let file = open(path, O_WRONLY | O_CREAT, 0o644)
      #expect(whole.withUnsafeBytes { write(file, $0.baseAddress, $0.count) } == whole.count)
      close(file)

      #expect(await farm.logs("harvested files=1", times: good.count))
      #expect(
        Set(farm.root.appending("dist/quick").names) == Set(good.map { $0 + ".png" }))
      #expect(await farm.logs("its name cannot be a job's", times: 2 * (bad.count + 1)))
      let status = try await farm.farm("status").output
      for reason in bad.values { #expect(status.contains(reason), "\(reason) in \(status)") }
      for text in [status, farm.log, try await farm.farm("list", "jobs").output] {
        #expect(!text.unicodeScalars.contains { $0.value < 32 && $0 != "\n" })
      }
      #expect(farm.root.filesBelow.filter { $0.contains("pwned") && !$0.contains("$(") }.isEmpty)
      await stop(daemon)
    }

    @Test func `whose name differs from another only in case or accents waits until that is gone`() async throws {
      let farm = try await TestFarm()
      let daemon = try await farm.start()
      let composed = "caf\u{E9}"
      let decomposed = "cafe\u{301}"
      try await farm.drop("still", at: "quick/Shot.blend")
      try await farm.drop("still", at: "quick/\(composed).blend")
      #expect(await farm.logs("harvested files=1", times: 2))

      try await farm.drop("anim", at: "quick/shot.BLEND")
      try await farm.drop("anim", at: "quick/\(decomposed).blend")

      #expect(await eventually { note(farm, "shot.BLEND").contains("quick/Shot.blend has that name already") })
      #expect(await eventually { note(farm, "\(decomposed).blend").contains("differ only in case or accents") })
      #expect(farm.logged("job.queued") == 2)
      try FileManager.default.removeItem(atPath: farm.root.appending("quick/Shot.blend").string)
      #expect(await farm.logs("harvested files=6"))
      #expect(await eventually { note(farm, "shot.BLEND").isEmpty })
      await stop(daemon)
    }
  }
}
