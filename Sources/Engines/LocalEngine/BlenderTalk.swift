import FarmModel
import FoundationEssentials
import Rendering
import Supervisor
import SystemPackage

/// One task's conversation with `farm_render.py`: which frame is asked for next, what its reports mean. Pure; a process
/// is talked to by ``ResidentBlender``.
struct BlenderTalk {
  /// What is to be done about a line that was heard.
  struct Reaction: Equatable {
    var reports: [EngineReport] = []
    /// A command to send.
    var say: String?
    /// How the task ended; nothing more will be asked for it.
    var end: TaskEnd?
  }

  private let task: RenderTask
  private let threads: Int
  private var left: ArraySlice<FrameNumber>
  private var current: FrameNumber?
  private var isOpen = false
  /// Whether frames of the task were left to a later one.
  private var isShortened = false
  private var lastLines: [String] = []
  private var traces = PythonTraces()
  private(set) var linesHeard = 0
  /// How far the current frame was told to be, in steps of a twentieth.
  private var stepsTold = 0

  private static let lastLinesMax = 50
  /// What is kept of a line.
  private static let lineMax = 1000
  private static let steps = 20

  /// - Parameter threads: for this Blender; 0 leaves it to Blender.
  init(_ task: RenderTask, threads: Int) {
    self.task = task
    self.threads = threads
    left = task.frames.frames[...]
  }

  /// What is said first, once the script is ready.
  var opening: String { openCommand }

  /// Takes in what the program itself prints.
  mutating func heard(words line: String) -> Reaction {
    linesHeard += 1
    guard !line.isEmpty else { return Reaction() }
    if lastLines.count == Self.lastLinesMax { lastLines.removeFirst() }
    lastLines.append(String(line.prefix(Self.lineMax)))
    // Of a file that is not trusted no script runs, and a driver that needs one is refused.
    if task.trustsScripts, let error = traces.heard(line) {
      return Reaction(reports: [.noted(task: task.id, PythonTraces.problem(error))])
    }
    // Up to 4.2 it prints how far it is: `… | Sample 96/128`.
    guard let words = line.split(separator: "|").last?.split(separator: " "), words.first == "Sample", words.count == 2
    else { return Reaction() }
    let numbers = words[1].split(separator: "/").compactMap { Int($0) }
    return numbers.count == 2 ? progress(numbers[0], of: numbers[1]) : Reaction()
  }

  /// Takes in a report of the script.
  mutating func heard(_ said: ScriptReport) -> Reaction {
    linesHeard += 1
    switch said {
    case .opened(let scene):
      isOpen = true
      return asked(for: Reaction(reports: [.opened(task: task.id, scene.opened)]))
    case .rendering:
      stepsTold = 0
      return current.map { Reaction(reports: [.progress(task: task.id, frame: $0, part: 0)]) } ?? Reaction()
    case .alive(let done?, let all?): return progress(done, of: all)
    case .frame(let frame): return rendered(frame)
    case .failed(let note): return failed(note.problem)
    case .ready, .probed, .forgot, .alive, .unknown: return Reaction()
    }
  }

  private mutating func progress(_ done: Int, of all: Int) -> Reaction {
    guard let current, all > 0, (0...all).contains(done) else { return Reaction() }
    let step = done * Self.steps / all
    guard step > stepsTold else { return Reaction() }
    stepsTold = step
    return Reaction(reports: [.progress(task: task.id, frame: current, part: Double(step) / Double(Self.steps))])
  }

  /// Asks for no further frame.
  mutating func finishEarly() {
    isShortened = isShortened || !left.isEmpty
    left = []
  }

  private mutating func rendered(_ said: ScriptFrame) -> Reaction {
    guard let frame = said.frame, frame == current else { return Reaction() }
    current = nil
    let picture = RenderedFrame(
      frame: frame, pictures: said.pictures ?? [RenderedPicture(file(of: frame))],
      renderMilliseconds: Int64((said.seconds ?? 0) * 1000),
      peakBytes: said.peak, facts: said.facts ?? FrameFacts())
    return asked(for: Reaction(reports: [.frame(task: task.id, picture)]))
  }

  private mutating func failed(_ problem: Problem) -> Reaction {
    // No frame of this file can be rendered.
    guard isOpen, let frame = current else { return Reaction(end: .failed(problem, frame: nil)) }
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
      reaction.end = isShortened ? .canceled : .completed
    }
    return reaction
  }

  private func file(of frame: FrameNumber) -> String { "\(task.folder)/\(frame).\(task.format.fileExtension)" }

  private var openCommand: String {
    var fields: [String: ScriptValue] = [
      "do": .text("open"), "blend": .text(task.blend), "format": .text(task.format.rawValue),
      "can_denoise": .flag(task.blender.canDenoise),
      "folder": .text(task.folder),
      "on_missing": .text(task.settings.onMissing.rawValue), "simulated": .flag(task.settings.isSimulated),
      "trusted": .flag(task.trustsScripts), "places": .places(task.places), "spare": .texts(task.spare),
    ]
    let wanted = task.settings.wanted
    fields["threads"] = .number(wanted.threads ?? threads)
    fields["device"] = .text((wanted.device ?? .auto).rawValue)
    fields["apart"] = .flag(task.part.layer != nil)
    fields["any_frame"] = .flag(wanted.frames != nil)
    fields["original"] = task.original.map { .text($0) }
    fields["scene"] = task.part.scene.map { .text($0) }
    fields["samples"] = wanted.samples.map { .number($0) }
    fields["percentage"] = wanted.percentage.map { .number($0) }
    fields["denoise"] = wanted.denoise.map { .flag($0) }
    return command(fields)
  }

  private func renderCommand(_ frame: FrameNumber) -> String {
    let tile = task.part.tile.map {
      ["column": $0.column, "row": $0.row, "columns": $0.grid.columns, "rows": $0.grid.rows]
    }
    return command(
      RenderCommand(
        frame: frame, file: file(of: frame), namingObject: task.namingObject, layer: task.part.layer, tile: tile))
  }

  /// Everything that is said when nothing goes wrong.
  var allCommands: [String] { [openCommand] + task.frames.frames.map(renderCommand) }

  private func command(_ fields: some Encodable) -> String {
    // Texts always encode.
    (try? Self.encoder.encode(fields)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  private static let encoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return encoder
  }()

  /// What it means that the process ended in the middle of the task, whatever its exit code.
  /// - Parameters:
  ///   - isFresh: whether it was started for this task. One that had stayed may have died before it heard of it.
  ///   - hung: why we ended it, if we did.
  func cutOff(by end: ChildEnd, isFresh: Bool = true, hung: Problem? = nil) -> TaskEnd {
    if !isFresh, !isOpen, hung == nil { return .canceled }
    return .failed(hung ?? CrashReason.problem(end, lastLines: lastLines), frame: current)
  }
}

/// Finds in what Blender prints the errors of a file's own Python: of its scripts, its handlers and its drivers.
/// Blender renders on, with poses that may be wrong, and calls it a success.
struct PythonTraces {
  static let beginning = "Traceback (most recent call last)"
  private static let toldMax = 3
  private static let errorMax = 300

  private var isInside = false
  private var told: Set<String> = []

  /// - Returns: the error that a trace ends with, each once and the first few alone.
  mutating func heard(_ line: String) -> String? {
    if line.contains(Self.beginning) {
      isInside = true
      return nil
    }
    guard isInside, line.first?.isWhitespace == false, Self.isError(line) else { return nil }
    isInside = false
    let error = String(line.prefix(Self.errorMax))
    return told.count < Self.toldMax && told.insert(error).inserted ? error : nil
  }

  /// Whether it begins with the name of an exception; what Blender says meanwhile may stand between.
  private static func isError(_ line: String) -> Bool {
    let name = line.prefix { $0 != ":" }
    let isName = !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
    let rest = line.dropFirst(name.count)
    return isName && (rest.isEmpty || rest.hasPrefix(": ")) && !["Saved", "Info", "Warning", "Error"].contains(name)
  }

  static func problem(_ error: String) -> Problem {
    Problem(
      .pythonError, cause: "Python of the file failed: \(error.escapedForTerminal)",
      remedy: "Look at the pictures and at `farm logs` of the job; mend the script or driver and save again.")
  }
}

/// Finds in a program's last words why it died.
enum CrashReason {
  private static let known: [(words: String, problem: ProblemClass)] = [
    ("CUDA error: Out of memory", .outOfVRAM), ("CUDA_ERROR_OUT_OF_MEMORY", .outOfVRAM),
    ("hipErrorOutOfMemory", .outOfVRAM), ("GPU memory full", .outOfVRAM), ("std::bad_alloc", .outOfMemory),
    ("alloc returns null", .outOfMemory), ("Calloc returns null", .outOfMemory),
    ("No space left on device", .diskFull), ("Build without OpenImageDenoiser", .denoiserMissing),
    ("not a blend file", .wrongBlender),
  ]
  /// What `--python-exit-code` was given: our script itself failed. A scene's own drivers print traces too.
  private static let scriptFailed = ChildEnd.exited(9)
  private static let killed = ChildEnd.signaled(9)

  static func problem(_ end: ChildEnd, lastLines: [String]) -> Problem {
    let hasTrace = lastLines.contains { $0.contains(PythonTraces.beginning) }
    if end == scriptFailed, hasTrace, let cause = lastLines.last {
      return Problem(.pythonError, cause: "the render script failed: \(cause.escapedForTerminal)")
    }
    for (words, problem) in known {
      guard let at = lastLines.lastIndex(where: { $0.contains(words) }) else { continue }
      return Problem(problem, cause: "Blender ended with \(end): \(lastLines[at].escapedForTerminal)")
    }
    let cause = "Blender ended with \(end) before it was done"
    guard end == killed else { return Problem(.rendererCrashed, cause: cause) }
    return Problem(
      .rendererCrashed, cause: "\(cause): it was killed from outside, as the system does when memory is out",
      remedy: "Look for `Out of memory` in `dmesg`; then lower the scene's texture sizes or the number of `slots:`.")
  }
}

/// Asks for a frame.
private struct RenderCommand: Encodable {
  let `do` = "render"
  let frame: FrameNumber
  let file: String
  let namingObject: String?
  let layer: String?
  let tile: [String: Int]?

  enum CodingKeys: String, CodingKey {
    case `do`, frame, file, layer, tile
    case namingObject = "naming_object"
  }
}

/// A value in the command that opens a file.
enum ScriptValue: Encodable {
  case text(String)
  case number(Int)
  case flag(Bool)
  case places([SeenPlace])
  case texts([String])

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let text): try container.encode(text)
    case .number(let number): try container.encode(number)
    case .flag(let flag): try container.encode(flag)
    case .places(let places): try container.encode(places)
    case .texts(let texts): try container.encode(texts)
    }
  }
}
