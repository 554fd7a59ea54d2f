import Foundation
import Glibc

/// A program that talks as `farm_render.py` does in Blender 3.4.1, and writes a ready-made picture for each frame. It is
/// farm-bench itself under this name, for a script would take the processors that are measured.
enum FakeBlender {
  static let name = "fake_blender"

  /// Makes it a program of a folder, with the picture that it writes beside it.
  static func make(in folder: String) throws -> String {
    let path = folder + "/" + name
    try FileManager.default.createSymbolicLink(
      atPath: path, withDestinationPath: Bench.programs + "/farm-bench")
    // Noise, which is packed into no less.
    _ = try LineProgram.time(
      "/usr/bin/oiiotool", ["--pattern", "noise", "10x32", "3", "-d", "uint8", "-o", path + ".png"])
    return path
  }

  /// Answers commands until there are none.
  static func run() {
    let picture = FileManager.default.contents(atPath: CommandLine.arguments[0] + ".png").map { Array($0) } ?? []
    say(#"{"event": "ready", "version": [3, 4, 1]}"#)
    while let line = readLine() {
      switch value(of: "do", in: line) {
      case "probe":
        say(
          #"{"event": "probed", "version": [3, 4, 1], "hash": "fake", "can_denoise": false, "devices": ["CPU"]}"#)
      case "open":
        say(#"{"event": "opened", "is_new": true, "width": 10, "height": 32, "notes": [], "files": []}"#)
      case "render":
        guard let frame = value(of: "frame", in: line), let path = value(of: "file", in: line) else { continue }
        let file = open(path.replacing("\\/", with: "/"), O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        _ = write(file, picture, picture.count)
        close(file)
        say(
          "{\"event\": \"frame\", \"frame\": \(frame), \"seconds\": 0.0005, "
            + #""facts": {"camera": null, "rotations": {}}}"#)
      default: break
      }
    }
  }

  private static func say(_ report: String) {
    let bytes = Array("@@farm \(report)\n".utf8)
    _ = write(1, bytes, bytes.count)
  }

  /// Of a command as the farm writes them: a text without quotes in it, or a number.
  private static func value(of key: String, in line: String) -> String? {
    guard let begin = line.utf8.firstRange(of: "\"\(key)\":".utf8)?.upperBound else { return nil }
    let rest = line[begin...].drop { $0 == " " }
    guard rest.first == "\"" else { return String(rest.prefix { $0 != "," && $0 != "}" }) }
    return String(rest.dropFirst().prefix { $0 != "\"" })
  }
}
