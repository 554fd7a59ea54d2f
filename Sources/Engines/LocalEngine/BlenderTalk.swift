import FarmModel
import FoundationEssentials
import Rendering
import Supervisor
import SystemPackage

/// One conversation with `farm_render.py`: which frame is asked for next, what its reports mean. Pure; a process is
/// talked to by ``LocalEngine``.
struct BlenderTalk {
  /// What is to be done about a line that was heard.
  struct Reaction: Equatable {
    var reports: [EngineReport] = []
    /// A command to send.
    var say: String?
    /// Nothing more will be asked: close the input.
    var isOver = false
  }

  private let task: RenderTask
  private let threads: Int
  private var left: ArraySlice<FrameNumber>
  private var current: FrameNumber?
  private var isOpen = false
  /// Whether frames of the task were left to a later one.
  private var isShortened = false
  /// Something no frame of this file can mend.
  private var refusal: Problem?
  private var lastLines: [String] = []
  private(set) var linesHeard = 0

  private static let lastLinesMax = 50
  private static let prefix = "@@farm "

  /// - Parameter threads: for this Blender; 0 leaves it to Blender.
  init(_ task: RenderTask, threads: Int) {
    self.task = task
    self.threads = threads
    left = task.frames.frames[...]
  }

  /// Takes in a line of the program's output.
  mutating func heard(_ line: String) -> Reaction {
    linesHeard += 1
    guard line.hasPrefix(Self.prefix) else {
      if !line.isEmpty {
        if lastLines.count == Self.lastLinesMax { lastLines.removeFirst() }
        lastLines.append(line)
      }
      return Reaction()
    }
    guard let said = try? JSONDecoder().decode(ScriptReport.self, from: Data(line.dropFirst(Self.prefix.count).utf8))
    else { return Reaction() }  // Not ours: a scene may print anything.
    switch said.event {
    case "ready": return Reaction(say: openCommand)
    case "opened":
      isOpen = true
      let size = PixelSize(width: said.width ?? 0, height: said.height ?? 0)
      let notes = (said.notes ?? []).map(\.problem)
      return asked(for: Reaction(reports: [.opened(task: task.id, size: size, notes: notes, files: said.files ?? [])]))
    case "frame": return rendered(said)
    case "failed": return failed(said)
    default: return Reaction()
    }
  }

  /// Asks for no further frame.
  mutating func finishEarly() {
    isShortened = isShortened || !left.isEmpty
    left = []
  }

  private mutating func rendered(_ said: ScriptReport) -> Reaction {
    guard let frame = said.frame, frame == current else { return Reaction() }
    current = nil
    let picture = RenderedFrame(
      frame: frame, file: file(of: frame), renderMilliseconds: Int64((said.seconds ?? 0) * 1000),
      facts: said.facts ?? FrameFacts())
    return asked(for: Reaction(reports: [.frame(task: task.id, picture)]))
  }

  private mutating func failed(_ said: ScriptReport) -> Reaction {
    let problem = ScriptNote(class: said.class, cause: said.cause, missing: said.missing).problem
    guard isOpen, let frame = current else {
      refusal = problem
      return Reaction(isOver: true)
    }
    current = nil
    return asked(for: Reaction(reports: [.frameFailed(task: task.id, frame: frame, problem)]))
  }

  /// Adds the command for the next frame, or the end.
  private mutating func asked(for reaction: Reaction) -> Reaction {
    var reaction = reaction
    current = left.popFirst()
    if let frame = current {
      reaction.say = renderCommand(frame)
    } else {
      reaction.isOver = true
    }
    return reaction
  }

  private func file(of frame: FrameNumber) -> String { "\(task.folder)/\(frame).\(task.format.fileExtension)" }

  private var openCommand: String {
    var fields: [String: ScriptValue] = [
      "do": .text("open"), "blend": .text(task.blend), "format": .text(task.format.rawValue),
      "threads": .number(threads), "can_denoise": .flag(task.blender.canDenoise),
      "gpus": .number(task.blender.devices.count { $0 != "CPU" }), "folder": .text(task.folder),
      "on_missing": .text(task.settings.onMissing.rawValue), "simulated": .flag(task.settings.isSimulated),
      "trusted": .flag(task.trustsScripts), "places": .places(task.places),
    ]
    if let scene = task.scene { fields["scene"] = .text(scene) }
    return command(fields)
  }

  private func renderCommand(_ frame: FrameNumber) -> String {
    var fields: [String: ScriptValue] = [
      "do": .text("render"), "frame": .number(Int(frame)), "file": .text(file(of: frame)),
    ]
    if let object = task.namingObject { fields["naming_object"] = .text(object) }
    return command(fields)
  }

  /// Everything that is said when nothing goes wrong.
  var allCommands: [String] { [openCommand] + task.frames.frames.map(renderCommand) }

  private func command(_ fields: [String: ScriptValue]) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(fields)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"  // Texts always encode.
  }

  /// What the end of the process means; its exit code alone proves nothing.
  /// - Parameter hung: why we ended it, if we did.
  func ended(_ end: ChildEnd, hung: Problem? = nil) -> TaskEnd {
    if let hung { return .failed(hung, frame: current) }
    if let refusal { return .failed(refusal, frame: nil) }
    if isOpen, current == nil, left.isEmpty, end.isSuccess { return isShortened ? .canceled : .completed }
    return .failed(CrashReason.problem(end, lastLines: lastLines), frame: current)
  }
}

/// Finds in a program's last words why it died.
enum CrashReason {
  private static let known: [(words: String, problem: ProblemClass)] = [
    ("CUDA error: Out of memory", .outOfMemory), ("std::bad_alloc", .outOfMemory), ("alloc returns null", .outOfMemory),
    ("No space left on device", .diskFull), ("Build without OpenImageDenoiser", .denoiserMissing),
    ("not a blend file", .wrongBlender),
  ]
  /// What `--python-exit-code` was given: our script itself failed. A scene's own drivers print traces too.
  private static let scriptFailed = ChildEnd.exited(9)

  static func problem(_ end: ChildEnd, lastLines: [String]) -> Problem {
    if end == scriptFailed, let cause = lastLines.last {
      return Problem(.pythonError, cause: "the render script failed: \(cause.escapedForTerminal)")
    }
    for (words, problem) in known {
      guard let at = lastLines.lastIndex(where: { $0.contains(words) }) else { continue }
      return Problem(problem, cause: "Blender ended with \(end): \(lastLines[at].escapedForTerminal)")
    }
    return Problem(.rendererCrashed, cause: "Blender ended with \(end) before it was done")
  }
}

/// A report of `farm_render.py`, as it comes.
struct ScriptReport: Decodable {
  let event: String
  let frame: FrameNumber?
  let seconds: Double?
  let facts: FrameFacts?
  let width: Int?
  let height: Int?
  let `class`: String?
  let cause: String?
  let missing: [ScriptNote.Missing]?
  let notes: [ScriptNote]?
  let files: [SeenFile]?
  let version: [Int]?
  let hash: String?
  let canDenoise: Bool?
  let devices: [String]?

  enum CodingKeys: String, CodingKey {
    case event, frame, seconds, facts, width, height, `class`, cause, missing, notes, files, version, hash, devices
    case canDenoise = "can_denoise"
  }
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

/// A value in a command.
enum ScriptValue: Encodable {
  case text(String)
  case number(Int)
  case flag(Bool)
  case places([SeenPlace])

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let text): try container.encode(text)
    case .number(let number): try container.encode(number)
    case .flag(let flag): try container.encode(flag)
    case .places(let places): try container.encode(places)
    }
  }
}
