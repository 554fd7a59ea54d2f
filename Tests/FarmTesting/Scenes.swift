import FarmModel
import Foundation
import Supervisor
import SystemPackage
import VolumeFiles

/// The scenes of `make_scenes.py`, made by the real Blender once and kept in the temporary folder under the script's
/// digest.
package actor Scenes {
  package static let shared = Scenes()
  package static let blender = "/usr/bin/blender"

  private static let names = [
    "still", "anim:zstd", "slow", "red", "no_camera", "denoised", "overwrite_off", "linked", "textured",
    "textured_range", "textured_below", "stepped", "layers_off", "two_scenes", "sequencer", "gpu", "denoise_node",
    "scripted", "cloth", "layered", "seated", "windows", "still_range", "driven", "loose_cloth",
    "screened", "keyed_screen", "other_scene",
    "idle", "reading", "eyes", "odd", "odd_anim", "smooth", "shaped", "stamped", "odd_nodes", "two_layers", "stereo",
    "stereo_nodes",
    "output_nodes", "composited", "late_seat", "textured_tga", "textured_webp",
    "switched", "switched_by_property", "switched_in_library", "shaded_by_switch", "shaded_by_threads",
    "shaded_by_border", "marked", "persistent", "falling", "falling_blurred", "remapped", "over_scene", "before_set",
    "many_layered", "deep", "draped", "sprinkled", "furry", "stamped_name", "begun_cloth", "borrowed_cloth",
    "hidden_driven", "half_draped", "smoky", "sea", "lifted", "rolled", "sculpted", "early", "sealed",
  ]
  private var making: Task<FilePath, any Error>?

  /// The path of a scene; `cloth` has its `blendcache_cloth` beside it.
  package func path(_ name: String) async throws -> FilePath {
    let folder = try await (making ?? begin()).value
    return folder.appending("\(name).blend")
  }

  private func begin() -> Task<FilePath, any Error> {
    let task = Task { try await Self.make() }
    making = task
    return task
  }

  private static func make() async throws -> FilePath {
    let script = FilePath(#filePath).removingLastComponent().appending("make_scenes.py")
    let digest = try FileDigest.of(FileBytes.all(of: script) + Array(names.joined().utf8)).short
    let folder = FilePath(FileManager.default.temporaryDirectory.path).appending("farm-test-scenes-\(digest)")
    if folder.isThere { return folder }
    let part = FilePath(folder.string + "-\(getpid())")
    try FileManager.default.createDirectory(atPath: part.string, withIntermediateDirectories: true)
    let arguments = [
      "-b", "--factory-startup", "-noaudio", "--python-exit-code", "1", "-P", script.string, "--", part.string,
    ]
    let (end, lines) = try await ChildProcess.output(
      of: ChildCommand(FilePath(blender), arguments + names))
    guard end.isSuccess else { throw ScenesFailure(lines: lines.suffix(5).joined(separator: "\n")) }
    try? FileManager.default.moveItem(atPath: part.string, toPath: folder.string)  // Another run was faster.
    return folder
  }
}

private struct ScenesFailure: Error {
  let lines: String
}
