import FarmModel
import FarmStore
import Foundation
import Glibc
import SystemPackage
import VolumeFiles

/// What commands cost with very many jobs; their past is written into the ledger as a rebuild would, not rendered.
extension Bench {
  /// The same commands with few and with many jobs, a hundred a release.
  func jobs(_ figures: inout Figures, few: Int, many: Int) async throws {
    let less = try await commands(jobs: few)
    let more = try await commands(jobs: many)
    for (name, time) in more.sorted(by: { $0.key < $1.key }) {
      print(String(format: "%@: %d jobs %.0f ms, %d jobs %.0f ms", name, few, less[name] ?? 0, many, time))
    }
    let times = Double(many / few)
    figures.add(
      "farm status, \(many) jobs against \(few)", (more["farm status"] ?? 0) / (less["farm status"] ?? 1), "×", goal: 2)
    figures.add("farm list jobs '*', \(many) jobs", more["farm list jobs '*'"] ?? 0, "ms", goal: 300)
    let harvest = "farm harvest of a frame a job"
    figures.add(
      "\(harvest), each, \(many) against \(few)", (more[harvest] ?? 0) / (less[harvest] ?? 1) / times, "×", goal: 2)
    let kill = "farm kill of one release"
    figures.add("\(kill), \(many) jobs against \(few)", (more[kill] ?? 0) / (less[kill] ?? 1), "×", goal: 2)
  }

  /// How long it takes until all jobs that link a library are queued again after it was saved.
  func refresh(_ figures: inout Figures, jobs: Int) async throws {
    let one = try await refreshed(jobs: 1)
    let all = try await refreshed(jobs: jobs)
    print(String(format: "a library saved: 1 job queued after %.0f ms, %d jobs after %.0f ms", one, jobs, all))
    figures.add("\(jobs) jobs queued after a library was saved, against one job", all / one, "×", goal: 2)
  }

  private func refreshed(jobs count: Int) async throws -> Double {
    let root = try volume("refresh-\(count)")
    let volume = Volume(root: FilePath(root))
    try knownFirst(root)
    let library = volume.root.appending("chair.blend")
    try small.write(to: URL(filePath: library.string))
    let seen = try FileStatus(at: library)?.fingerprint
    let file = SeenFile(path: library.string, size: seen?.size ?? 0, mtimeNanoseconds: seen?.mtimeNanoseconds ?? 0)
    let manifests = try (0..<count).map { number in
      var manifest = try job(JobName(release: "r", job: "shot_\(number)"), frames: 1...1, state: .harvested, in: volume)
      manifest.files = [file]
      return manifest
    }
    try await rebuild(from: manifests, in: volume)
    let daemon = try LineProgram(program("farmd"), ["--root", root])
    try daemon.line(with: "found Blender")
    for command in [["pause"], ["sync"]] { _ = try LineProgram.time(program("farm"), command + ["--root", root]) }
    let begun = ContinuousClock.now
    // The same length, other bytes.
    try Data(small.map { $0 == UInt8(ascii: "S") ? UInt8(ascii: "T") : $0 }).write(to: URL(filePath: library.string))
    for _ in 0..<count { try daemon.line(with: "job.queued") }
    let took = (ContinuousClock.now - begun) / .milliseconds(1)
    daemon.stop()
    return took
  }

  private static let jobsPerRelease = 100

  /// Milliseconds of each command, medians of ten where it can be repeated.
  private func commands(jobs count: Int) async throws -> [String: Double] {
    let root = try volume("jobs-\(count)")
    let volume = Volume(root: FilePath(root))
    try knownFirst(root)
    try await fabricate(count, in: volume)
    let daemon = try LineProgram(program("farmd"), ["--root", root])
    try daemon.line(with: "found Blender")
    for command in [["sync"], ["pause"]] { _ = try LineProgram.time(program("farm"), command + ["--root", root]) }
    var times: [String: Double] = [:]
    for words in [["status"], ["list", "jobs", "*"]] {
      let asked = try (0..<10).map { _ in try LineProgram.time(program("farm"), words + ["--root", root]) * 1000 }
      let shown = words.map { $0 == "*" ? "'*'" : $0 }.joined(separator: " ")
      times["farm \(shown)"] = asked.percentile(0.5)
    }
    let store = root + "/releases/doomed/store"
    try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
    for number in 0..<Self.jobsPerRelease { try small.write(to: URL(filePath: "\(store)/shot_\(number).blend")) }
    _ = try LineProgram.time(program("farm"), ["sync", "--root", root])
    let kill = ["kill", "doomed.jobs", "*", "--yes", "--root", root]
    times["farm kill of one release"] = try LineProgram.time(program("farm"), kill) * 1000
    let harvest = ["harvest", "release", "big", "--root", root]
    times["farm harvest of a frame a job"] = try LineProgram.time(program("farm"), harvest) * 1000
    let delivered = try FileManager.default.contentsOfDirectory(atPath: root + "/dist/big").count
    guard delivered == count else { throw BenchFailure("\(delivered) of \(count) frames were delivered") }
    daemon.stop()
    return times
  }

  /// Known, not dropped: the first daemon writes an empty ledger.
  private func knownFirst(_ root: String) throws {
    let first = try LineProgram(program("farmd"), ["--root", root])
    try first.line(with: "what was in the volume is known")
    first.stop()
  }

  /// Releases of completed jobs that were delivered, and one that waits for its harvest with so many frames.
  private func fabricate(_ count: Int, in volume: Volume) async throws {
    var manifests: [Manifest] = []
    for number in 0..<count {
      let name = JobName(
        release: "r\(number / Self.jobsPerRelease)", job: String(format: "shot_%04d", number % Self.jobsPerRelease))
      manifests.append(try job(name, frames: 1...1, state: .harvested, in: volume))
    }
    let big = volume.release("big")
    try FileManager.default.createDirectory(atPath: big.string, withIntermediateDirectories: true)
    try "harvest: manual\n".write(toFile: big.appending(Volume.planName).string, atomically: true, encoding: .utf8)
    manifests.append(try job(JobName(release: "big", job: "long"), frames: 1...Int32(count), state: .done, in: volume))
    try await rebuild(from: manifests, in: volume)
  }

  private func rebuild(from manifests: [Manifest], in volume: Volume) async throws {
    let clock = WallClock { Timestamp(nanoseconds: Int64(Date().timeIntervalSince1970) * 1_000_000_000) }
    let ledger = try Ledger(at: volume.own.appending("state/ledger.sqlite"), clock: clock)
    try await ledger.rebuild(from: manifests)
    ledger.foldLog()
    try ledger.close()
  }

  private func job(
    _ name: JobName, frames: ClosedRange<Int32>, state: OutputState, in volume: Volume
  ) throws -> Manifest {
    let store = volume.store(of: name.release)
    let out = volume.out(of: name)
    for folder in [store, out] {
      try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
    }
    let file = store.appending("\(name.job).blend")
    try small.write(to: URL(filePath: file.string))
    let pictures = try frames.map { frame in
      let picture = out.appending(String(format: "%06d.png", frame))
      if state == .done { try Data("a picture".utf8).write(to: URL(filePath: picture.string)) }
      let there = try FileStatus(at: picture)?.fingerprint
      return Manifest.Picture(
        path: picture.lastComponent?.string ?? "", frame: frame, state: state, attempts: 1,
        size: PixelSize(width: 64, height: 36),
        file: there.map { FileIdentity(inode: $0.inode, size: $0.size, mtimeNanoseconds: $0.mtimeNanoseconds) })
    }
    return Manifest(
      name, path: volume.relative(file), file: try FileStatus(at: file)?.fingerprint, digest: try FileDigest.of(file),
      frames: FrameSet(frames), outputs: pictures)
  }
}
