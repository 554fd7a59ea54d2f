import FarmModel
import FoundationEssentials
import Rendering

/// A report of `farm_render.py`, as it comes.
enum ScriptReport: Decodable {
  /// It waits for commands.
  case ready(ScriptBuild)
  case probed(ScriptAbilities)
  /// It has dropped its scene.
  case forgot
  case opened(ScriptScene)
  case rendering
  /// How many samples of the frame are done; nil where it cannot tell.
  case alive(sample: Int?, samples: Int?)
  case frame(ScriptFrame)
  case failed(ScriptNote)
  case unknown

  private static let prefix = "@@farm "

  /// Nil for a line that is the program's own, or only looks like a report: a scene may print anything.
  init?(line: String) {
    // What cannot be read is no report: it stands in the task's log.
    guard line.hasPrefix(Self.prefix),
      let report = try? JSONDecoder().decode(Self.self, from: Data(line.dropFirst(Self.prefix.count).utf8))
    else { return nil }
    self = report
  }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    switch try fields.decode(String.self, forKey: .event) {
    case "ready": self = .ready(try ScriptBuild(from: decoder))
    case "probed": self = .probed(try ScriptAbilities(from: decoder))
    case "forgot": self = .forgot
    case "opened": self = .opened(try ScriptScene(from: decoder))
    case "rendering": self = .rendering
    case "alive":
      self = .alive(
        sample: try fields.decodeIfPresent(Int.self, forKey: .sample),
        samples: try fields.decodeIfPresent(Int.self, forKey: .samples))
    case "frame": self = .frame(try ScriptFrame(from: decoder))
    case "failed": self = .failed(try ScriptNote(from: decoder))
    default: self = .unknown
    }
  }

  private enum CodingKeys: String, CodingKey { case event, sample, samples }
}

/// Which build of Blender runs the script.
struct ScriptBuild: Decodable {
  let version: [Int]?
  let hash: String?
  /// When it was built.
  let built: String?
}

/// What a Blender is and can do.
struct ScriptAbilities: Decodable {
  let build: ScriptBuild
  let canDenoise: Bool?
  let devices: [String]?

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    build = try ScriptBuild(from: decoder)
    canDenoise = try fields.decodeIfPresent(Bool.self, forKey: .canDenoise)
    devices = try fields.decodeIfPresent([String].self, forKey: .devices)
  }

  enum CodingKeys: String, CodingKey {
    case devices
    case canDenoise = "can_denoise"
  }
}

/// A scene that is open.
struct ScriptScene: Decodable {
  let width: Int?
  let height: Int?
  let channels: Int?
  let notes: [ScriptNote]?
  let files: [SeenFile]?
  let nodes: [NodePicture]?
  /// Whether the file was opened for this, or had been open.
  let isNew: Bool?

  enum CodingKeys: String, CodingKey {
    case width, height, channels, notes, files, nodes
    case isNew = "is_new"
  }

  var opened: OpenedScene {
    OpenedScene(
      size: PixelSize(width: width ?? 0, height: height ?? 0), channels: channels,
      notes: (notes ?? []).map(\.problem), files: files ?? [], nodes: nodes ?? [])
  }
}

/// A frame that was rendered.
struct ScriptFrame: Decodable {
  let frame: FrameNumber?
  let seconds: Double?
  let facts: FrameFacts?
  /// Nil: the one that was asked for.
  let pictures: [RenderedPicture]?
  /// Bytes of memory: the most since the file was opened, and now.
  let peak: Int64?
  let memory: Int64?
}

/// What the script has to say against a file, or notes about it.
struct ScriptNote: Decodable {
  /// A file that is needed and not there.
  struct Missing: Decodable {
    let path: String
    let by: String
    let why: String
    let seen: [Int64]?
  }

  let `class`: String?
  let cause: String?
  let missing: [Missing]?

  var problem: Problem {
    let files = missing?.map { MissingFile(path: $0.path, neededBy: $0.by, why: $0.why, seen: $0.seen) } ?? []
    return Problem(
      `class`.flatMap(ProblemClass.init(rawValue:)) ?? .renderError, cause: cause ?? "no reason was given",
      missing: files.isEmpty ? nil : files)
  }
}
