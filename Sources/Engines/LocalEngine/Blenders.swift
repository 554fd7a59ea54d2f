import FarmModel
import Glibc
import Supervisor
import Synchronization
import SystemPackage
import VolumeFiles

/// Finds the Blenders of this machine and asks each what it is.
package enum Blenders {
  /// Where Blender usually lies; `blenders:` in farm.yaml overrides it.
  package static let usualPlaces = ["/opt/blender*/blender", "/usr/local/bin/blender", "/usr/bin/blender"]

  /// How a probe went.
  package enum Probed: Hashable, Sendable {
    case found(BlenderProgram)
    case failed(UnwellProgram)
  }

  /// The executables that the globs name, each once, in their order.
  package static func executables(matching globs: [String]) -> [String] {
    var found: [String] = []
    for pattern in globs {
      var matches = glob_t()
      defer { globfree(&matches) }
      guard glob(pattern, 0, nil, &matches) == 0 else { continue }
      for index in 0..<Int(matches.gl_pathc) {
        guard let path = matches.gl_pathv[index].map({ String(cString: $0) }) else { continue }
        if access(path, X_OK) == 0, !found.contains(path) { found.append(path) }
      }
    }
    return found
  }

  /// The executables that a glob names, each with its file, in order. Waits for as long as their file system does.
  static func files(matching glob: String) -> [(path: String, file: Fingerprint)] {
    executables(matching: [glob]).compactMap { path in fingerprint(of: path).map { (path, $0) } }
  }

  /// Which file a program is: the one that a link leads to, with its content as far as `stat` tells; nil when it is
  /// gone or may not be executed.
  static func fingerprint(of path: String) -> Fingerprint? {
    guard access(path, X_OK) == 0, let real = RealPath.of(FilePath(path)) else { return nil }
    return ((try? FileStatus(at: real)) ?? nil)?.fingerprint  // Gone meanwhile.
  }

  /// A graphics driver that hangs must not keep the farm from starting.
  static let probeMax = Duration.seconds(60)

  /// Starts a Blender and asks it for version, build, denoiser and devices.
  package static func probe(_ path: String, script: FilePath) async -> Probed {
    await withTaskGroup(of: Probed?.self) { group in
      group.addTask { await ask(path, script: script) }
      group.addTask {
        // Cancelled: the answer came first.
        (try? await Task.sleep(for: probeMax)) == nil
          ? nil : .failed(UnwellProgram(path: path, reason: "it did not answer in time"))
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first ?? .failed(UnwellProgram(path: path, reason: "it was not asked to the end"))
    }
  }

  private static func ask(_ path: String, script: FilePath) async -> Probed {
    let answer = Mutex<ScriptAbilities?>(nil)
    do {
      let end = try await ChildProcess.run(
        command(path, script: script, temporary: nil),
        started: { _, input in
          await input.send(line: #"{"do": "probe"}"#)
          await input.finish()
        },
        onLine: { line, _ in
          guard case .probed(let said) = ScriptReport(line: line) else { return }
          answer.withLock { $0 = said }
        })
      guard let said = answer.withLock({ $0 }), let program = program(at: path, said.build, said) else {
        return .failed(UnwellProgram(path: path, reason: "it did not answer and ended with \(end)"))
      }
      return .found(program)
    } catch {
      return .failed(UnwellProgram(path: path, reason: error.description))
    }
  }

  /// The program that runs at a path, by what its script says of it and its file as it is now; nil when it does not say
  /// its version.
  static func program(at path: String, _ said: ScriptBuild, _ abilities: ScriptAbilities? = nil) -> BlenderProgram? {
    guard let version = said.version, version.count >= 3 else { return nil }
    let file = fingerprint(of: path).map { "\($0.size) bytes of \($0.mtimeNanoseconds)" } ?? "gone"
    return BlenderProgram(
      path: path, version: BlenderVersion(major: version[0], minor: version[1]),
      fullVersion: version.map(String.init).joined(separator: "."), buildHash: said.hash ?? "",
      build: "\(said.built ?? ""), \(file)", canDenoise: abilities?.canDenoise ?? false,
      devices: abilities?.devices ?? ["CPU"])
  }

  /// The one way in which Blender is started: without a file, since it can crash on a newer one before our script runs.
  /// A Python that has Blender as its module `bpy` runs the same script.
  static func command(_ path: String, script: FilePath, temporary: String?) -> ChildCommand {
    let program = FilePath(path)
    let isPython = program.lastComponent?.string.hasPrefix("python") == true
    let words = ["-b", "--factory-startup", "-noaudio", "-Y", "--python-exit-code", "9", "-P"]
    return ChildCommand(
      program, (isPython ? [] : words) + [script.string], environment: temporary.map { ["TMPDIR": $0] } ?? [:])
  }
}

/// How many Blenders run at once on this machine.
package struct SlotRule: Hashable, Sendable {
  /// Memory that a Blender is counted with; 250 MB were measured for an empty scene, scenes of a studio take more.
  private static let bytesPerSlot: Int64 = 2 << 30

  package let cores: Int
  package let gpus: Int
  package let memoryBytes: Int64

  package init(cores: Int, gpus: Int, memoryBytes: Int64) {
    self.cores = cores
    self.gpus = gpus
    self.memoryBytes = memoryBytes
  }

  /// One a GPU, else one per 16 cores, at least one; never more than memory allows.
  package var slots: Int {
    let wanted = gpus > 0 ? gpus : cores / 16
    return max(1, min(wanted, Int(memoryBytes / Self.bytesPerSlot)))
  }

  /// Threads for each of so many Blenders; 0, Blender's own choice, when one has the machine for itself.
  package func threads(slots: Int) -> Int {
    slots == 1 ? 0 : max(1, cores / slots)
  }

  /// This machine, with so many GPUs.
  package static func ofThisMachine(gpus: Int) -> SlotRule {
    SlotRule(
      cores: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), gpus: gpus,
      memoryBytes: Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE))))
  }
}
