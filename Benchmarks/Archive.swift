import Archiving
import FarmModel
import Foundation
import Glibc
import SystemPackage

/// What packing a release takes, beside `tar czf` and pigz.
extension Bench {
  /// What something took.
  private struct Taken {
    let seconds: Double
    let processorSeconds: Double
    let peakBytes: Int64

    var words: String {
      String(format: "%.2f s, %.2f s of processors, %@ of memory", seconds, processorSeconds, peakBytes.asBytes)
    }
  }

  /// Frames of 1080p as Blender writes them, PNG and EXR, with some scenes that are not packed: one gigabyte in a release
  /// that is packed, read back and unpacked. All from the page cache; ours alone waits for the disk at its end.
  func archive(_ figures: inout Figures, megabytes: Int) throws {
    let (release, dist) = (folder + "/volume/releases/spring", folder + "/volume/dist/spring")
    let bytes = try makeRelease(release, dist, megabytes: megabytes)
    let (theirs, pigz, ours) = (folder + "/theirs.tar.gz", folder + "/pigz.tar.gz", folder + "/ours.tar.gz")
    let words = "-C \(folder)/volume releases/spring dist/spring"
    let tar = try child("tar czf \(theirs) \(words)")
    let fast = try child("tar cf - \(words) | pigz -1 > \(pigz)")
    let progress = ArchiveProgress()
    let lanes = ProcessInfo.processInfo.activeProcessorCount
    let archiver = Archiver(.gz, lanes: lanes, progress: progress)
    let head = ArchiveManifest.Head(
      release: "spring", archivedAt: Timestamp(nanoseconds: 0), farm: "bench", order: ReleaseOrder(), isPaused: false)
    var written = ArchiveManifest(head: head)
    let packed = try own {
      let tree = try ReleaseTree(of: FilePath(release), dist: FilePath(dist))
      written = try archiver.write(tree, to: FilePath(ours), manifest: written) { _ in nil }
    }
    let checked = try own { _ = try archiver.check(FilePath(ours), expected: written) }
    let unzipped = try child("gzip -dc \(ours) > /dev/null")
    let unpacked = try own {
      _ = try Unpacker(
        FilePath(ours), format: .gz, into: FilePath(folder + "/unpacked"), progress: progress, floorBytes: 0
      ).unpack()
    }
    let extracted = try child("mkdir \(folder)/extracted && tar xzf \(ours) -C \(folder)/extracted")
    for (name, taken) in [
      ("tar czf", tar), ("tar | pigz -1", fast), ("ours, packed and synced", packed), ("ours, read back", checked),
      ("gzip -dc of ours", unzipped), ("ours, unpacked, compared and synced", unpacked), ("tar xzf of ours", extracted),
    ] { print("\(bytes.asBytes) by \(name): \(taken.words)") }
    let sizes = try [ours, theirs, pigz].map { try size(of: $0) }
    print("sizes: ours \(sizes[0].asBytes), tar czf \(sizes[1].asBytes), pigz -1 \(sizes[2].asBytes)")
    figures.add("archive packed, against tar czf", packed.seconds / tar.seconds, "×", goal: 1.0 / 6)
    figures.add("archive packed, against tar | pigz -1", packed.seconds / fast.seconds, "×", goal: 0.5)
    figures.add("archive's size, against tar czf", Double(sizes[0]) / Double(sizes[1]), "×", goal: 1.02)
    figures.add("archive read back, against gzip -dc", checked.seconds / unzipped.seconds, "×", goal: 1)
    try FileManager.default.removeItem(atPath: folder + "/volume")
  }

  private func size(of file: String) throws -> Int64 {
    try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int64 ?? 0
  }

  /// Of ten megabytes six are PNG, three EXR, one .blend.
  private func makeRelease(_ release: String, _ dist: String, megabytes: Int) throws -> Int64 {
    let script = """
      import bpy
      bpy.ops.wm.read_factory_settings()
      scene = bpy.context.scene
      scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 16, False
      scene.render.resolution_x, scene.render.resolution_y = 1920, 1080
      for x in range(6):
          bpy.ops.mesh.primitive_monkey_add(location=(x - 3, 1, x % 3 - 1))
          bpy.context.object.modifiers.new("smooth", "SUBSURF").levels = 3
      bpy.ops.wm.save_as_mainfile(filepath='\(folder)/packed.blend')
      for kind, ending in (("PNG", "png"), ("OPEN_EXR", "exr")):
          scene.render.image_settings.file_format = kind
          scene.render.filepath = '\(folder)/packed.' + ending
          bpy.ops.render.render(write_still=True)
      """
    try Self.blender(script)
    let manager = FileManager.default
    for part in [release + "/store", release + "/out", dist] {
      try manager.createDirectory(atPath: part, withIntermediateDirectories: true)
    }
    var total: Int64 = 0
    for (ending, place, share) in [("png", dist, 0.6), ("exr", dist, 0.3), ("blend", release + "/store", 0.1)] {
      let content = try Data(contentsOf: URL(filePath: "\(folder)/packed.\(ending)"))
      let count = max(1, Int(Double(megabytes) * 1e6 * share) / content.count)
      for number in 0..<count { try content.write(to: URL(filePath: "\(place)/shot_\(number).\(ending)")) }
      total += Int64(count * content.count)
      print("\(count) files .\(ending) of \(Int64(content.count).asBytes)")
    }
    sync()
    return total
  }

  private func child(_ line: String) throws -> Taken {
    let begun = ContinuousClock.now
    let program = try LineProgram("/bin/bash", ["-c", "set -o pipefail; \(line)"])
    while let said = try program.line(within: 3600) { print(said) }
    var (status, usage) = (Int32(0), rusage())
    guard wait4(program.pid, &status, 0, &usage) == program.pid, status == 0 else {
      throw BenchFailure("failed: \(line)")
    }
    return Taken(
      seconds: (ContinuousClock.now - begun) / .seconds(1), processorSeconds: Self.seconds(usage),
      peakBytes: Int64(usage.ru_maxrss) * 1024)
  }

  private func own(_ body: () throws -> Void) throws -> Taken {
    // The kernel forgets the highest mark of our memory.
    try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
    let before = Self.ownUsage
    let begun = ContinuousClock.now
    try body()
    let seconds = (ContinuousClock.now - begun) / .seconds(1)
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }.flatMap { Int64($0.filter(\.isNumber)) }
    return Taken(
      seconds: seconds, processorSeconds: Self.seconds(Self.ownUsage) - Self.seconds(before),
      peakBytes: (peak ?? 0) * 1024)
  }

  private static var ownUsage: rusage {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage
  }

  private static func seconds(_ usage: rusage) -> Double {
    [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
  }
}
