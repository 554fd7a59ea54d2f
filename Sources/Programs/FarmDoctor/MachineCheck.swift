import FarmAPI
import FarmModel
import Glibc
import Supervisor
import SystemPackage
import VolumeFiles

/// Looks at the machine: limits, programs, room.
struct MachineCheck {
  /// A program that the farm calls.
  struct Tool: Sendable {
    let name: String
    let use: String
    let package: String
    /// Whether nothing at all is rendered without it.
    let isNeeded: Bool
  }

  static let tools = [
    Tool(name: "setpriv", use: "starts Blender so that it ends with the daemon", package: "util-linux", isNeeded: true),
    Tool(name: "oiiotool", use: "makes contact sheets", package: "openimageio-tools", isNeeded: false),
    Tool(name: "ffmpeg", use: "encodes movies", package: "ffmpeg", isNeeded: false),
  ]

  func line(of tool: Tool) async -> DoctorReport.Line {
    let remedy = "apt-get install \(tool.package)"
    let missing: DoctorReport.Verdict = tool.isNeeded ? .bad : .note
    guard let path = Self.path(of: tool.name) else {
      return .init(tool.name, missing, "not found; it \(tool.use)", remedy: remedy)
    }
    let version = tool.name == "ffmpeg" ? "-version" : "--version"
    do throws(SupervisorFailure) {
      let (end, lines) = try await ChildProcess.output(of: ChildCommand(FilePath(path), [version]))
      guard end.isSuccess else {
        return .init(
          tool.name, missing, "\(path) ended with \(end)", remedy: "apt-get install --reinstall \(tool.package)")
      }
      return .init(tool.name, .good, "\(path), \(lines.first?.prefix(60) ?? "")")
    } catch {
      return .init(tool.name, missing, error.description, remedy: error.remedy)
    }
  }

  private static func path(of name: String) -> String? {
    ["/usr/local/bin", "/usr/bin", "/bin"].map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }

  /// - Parameter needed: folders that are watched now.
  func watches(needed: Int) -> DoctorReport.Line {
    guard let limit = Self.number("/proc/sys/fs/inotify/max_user_watches") else {
      return .init("inotify", .note, "its limits cannot be read", remedy: "sysctl fs.inotify")
    }
    let text = "\(needed) watches needed, \(limit) allowed a user"
    let wanted = max(524_288, needed * 4)
    return needed * 2 < limit
      ? .init("inotify", .good, text)
      : .init("inotify", needed < limit ? .note : .bad, text, remedy: "sysctl -w fs.inotify.max_user_watches=\(wanted)")
  }

  private static func number(_ path: FilePath) -> Int? {
    // Unreadable: unknown.
    (try? FileBytes.all(of: path)).flatMap { Int(String(decoding: $0, as: UTF8.self).filter(\.isNumber)) }
  }

  func blenders(_ found: [BlenderProgram], unwell: [UnwellProgram], probing: [String] = []) -> [DoctorReport.Line] {
    var lines = found.map { program in
      let devices = program.devices.joined(separator: ", ")
      let denoiser = program.canDenoise ? "with denoiser" : "without denoiser"
      return DoctorReport.Line("Blender", .good, "\(program.path), \(program.fullVersion), \(denoiser), \(devices)")
    }
    lines += unwell.map {
      .init(
        "Blender", .note, "\($0.path) does not work: \($0.reason)", remedy: "\($0.path.quotedForShell) -b --version")
    }
    lines += probing.map {
      .init(
        "Blender", .note, "\($0) has not answered yet", remedy: "timeout 60 \($0.quotedForShell) -b --version")
    }
    if found.isEmpty && probing.isEmpty {
      lines.append(
        .init("Blender", .bad, "none was found", remedy: "apt-get install blender, or list one under `blenders:`"))
    }
    return lines
  }

  func disk(_ name: String, _ path: FilePath) -> DoctorReport.Line {
    guard let free = DiskSpace.freeBytes(at: path) else {
      return .init(
        "disk", .note, "how much is free at \(path) cannot be told", remedy: "df -h \(path.string.quotedForShell)")
    }
    let text = "\(free >> 20) MB free for the \(name)"
    let remedy = "df -h \(path.string.quotedForShell)"
    if free < 16 << 20 { return .init("disk", .bad, text, remedy: remedy) }
    return free < 1 << 30 ? .init("disk", .note, text, remedy: remedy) : .init("disk", .good, text)
  }
}
