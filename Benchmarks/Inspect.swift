import BlendFile
import Foundation
import Glibc
import Preflight
import SystemPackage

/// How long it takes to know a `.blend` and what it needs, beside others who can tell.
extension Bench {
  /// - Parameter files: how many are looked into one after the other.
  func inspect(_ figures: inout Figures, files: Int) throws {
    let (tiny, raw, packed) = (folder + "/tiny.blend", folder + "/raw.blend", folder + "/packed.blend")
    try make(tiny, cells: 4, isCompressed: false)
    let middle = folder + "/middle.blend"
    try make(middle, cells: 240, isCompressed: false)
    try make(raw, cells: 800, isCompressed: false)
    try make(packed, cells: 1200, isCompressed: true)
    let times = try (0..<200).map { _ in
      let begun = ContinuousClock.now
      _ = try inspect(FilePath(tiny))
      return (ContinuousClock.now - begun) / .milliseconds(1)
    }
    figures.add("a tiny .blend, in process", times.percentile(0.5), "ms", goal: 2)
    for (name, file) in [("tiny", tiny), ("raw", middle), ("raw", raw), ("zstd", packed)] {
      let megabytes = (try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0) / 1_000_000
      let ours = try median(10) { try LineProgram.time(program("farm"), ["inspect", file, "--json"]) }
      let words = [
        "-b", "--factory-startup", "-noaudio", file, "--python-expr", "import bpy; bpy.data.scenes[0].frame_end",
      ]
      let blender = try median(3) { try LineProgram.time("/usr/bin/blender", words) }
      figures.add("farm inspect against Blender, \(name), \(megabytes) MB", ours / blender, "×", goal: 1 / 50)
      // Not everywhere: PyPI's blender-asset-tracer, named by BAT.
      if let bat = ProcessInfo.processInfo.environment["BAT"] {
        let theirs = try median(5) { try LineProgram.time(bat, ["list", file]) }
        figures.add("farm inspect against bat list, \(name), \(megabytes) MB", ours / theirs, "×", goal: 1 / 5)
      }
    }
    let before = peakMegabytes()
    let begun = ContinuousClock.now
    for number in 0..<files {
      let path = "\(folder)/\(number).blend"
      guard link(tiny, path) == 0 else { throw BenchFailure("cannot link \(path)") }
      _ = try inspect(FilePath(path))
      unlink(path)
    }
    let rate = Double(files) / ((ContinuousClock.now - begun) / .seconds(1))
    let peak = peakMegabytes()
    print(
      String(format: "%d files looked into: %.0f a second, peak memory %.0f MB, %.0f before", files, rate, peak, before)
    )
  }

  private func inspect(_ path: FilePath) throws -> BlendInspection {
    try BlendInspector(InspectedDisk().disk(for: path)).inspect(path)
  }

  private func peakMegabytes() -> Double {
    var usage = rusage()
    getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_maxrss) / 1024
  }

  private func median(_ count: Int, _ time: () throws -> Double) throws -> Double {
    try (0..<count).map { _ in try time() }.percentile(0.5)
  }

  /// A grid of so many cells squared: 1200 make some 190 MB.
  private func make(_ path: String, cells: Int, isCompressed: Bool) throws {
    let script = """
      import bpy
      bpy.ops.wm.read_factory_settings(use_empty=True)
      bpy.ops.mesh.primitive_grid_add(x_subdivisions=\(cells), y_subdivisions=\(cells))
      bpy.ops.wm.save_as_mainfile(filepath='\(path)', compress=\(isCompressed ? "True" : "False"))
      """
    try Self.blender(script)
  }
}
