import ArgumentParser
import BlendFile
import FarmAPI
import FarmModel
import Foundation
import Preflight
import ProgramMain
import SystemPackage

/// `farm inspect <file.blend>`
struct Inspect: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Read a .blend without Blender: its scenes, and every file that it needs.",
    discussion: .help(
      "Needs no daemon. A file that is damaged or half copied is told with the byte where that shows.",
      "farm inspect quick/shot_010.blend", "farm inspect shot_010.blend --json"))

  @Argument(help: "The .blend.", completion: .file(extensions: ["blend"]))
  var file: String

  @Option(
    name: .customLong("seen-as"),
    help: "What a folder of this machine is called where the file was saved: 'Z:\\show=/srv/farm'. May be repeated.")
  var seenAs: [String] = []

  @Flag(help: "Print JSON.")
  var json = false

  /// How `--seen-as` is written.
  private func places() throws -> [SeenPlace] {
    try seenAs.map { text in
      let pieces = text.pieces(between: "=")
      guard pieces.count > 1, let folder = pieces.last, folder.hasBytePrefix("/"), text.utf8.first != UInt8(ascii: "=")
      else {
        throw ValidationError("--seen-as is written as 'Z:\\show=/srv/farm'")
      }
      return SeenPlace(seenAs: pieces.dropLast().joined(separator: "="), folder: folder)
    }
  }

  /// What `--json` says of a file that cannot be read.
  private struct Damage: Encodable {
    let whole = false
    let problem: String
  }

  func run() async throws {
    let here = FilePath(FileManager.default.currentDirectoryPath)
    let blend = here.pushing(FilePath(file)).lexicallyNormalized()
    let paths = BlendPaths(places: try places())
    do throws(BlendFailure) {
      let inspection = try BlendInspector(InspectedDisk().disk(for: blend), paths: paths).inspect(blend)
      if json { return print(try Self.text(inspection)) }
      for line in InspectionSheet(inspection: inspection, blend: blend).lines(Terminal.standardOutput) { print(line) }
    } catch {
      if json { print(try Self.text(Damage(problem: error.description))) }
      throw NotInspected(file: file, cause: error)
    }
  }

  /// A file about which nothing can be said.
  private struct NotInspected: Failure {
    let file: String
    let cause: BlendFailure

    var description: String { "\(file.escapedForTerminal): \(cause.description)" }
    var remedy: String { cause.remedy }
    var isTransient: Bool { cause.isTransient }
  }

  private static func text(_ value: some Encodable) throws(BlendFailure) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do { return String(decoding: try encoder.encode(value), as: UTF8.self) } catch {
      throw .unreadable("\(error)")
    }
  }
}

/// `farm inspect` for people.
struct InspectionSheet {
  let inspection: BlendInspection
  let blend: FilePath

  func lines(_ terminal: Terminal) -> [String] {
    let wrapper = inspection.wrapper == .none ? "not compressed" : "compressed with \(inspection.wrapper.rawValue)"
    var lines = [
      terminal.tinted((blend.lastComponent?.string ?? "").escapedForTerminal, .strong)
        + "  saved by Blender \(inspection.version), \(wrapper), whole"
    ]
    if let notice = inspection.notice { lines.append("  \(notice)") }
    for scene in inspection.scenes { lines += sceneLines(scene, terminal) }
    if !inspection.moves { lines.append("  nothing in it moves") }
    for name in inspection.simulations { lines.append("  simulated as it is rendered: \(name.escapedForTerminal)") }
    for name in inspection.denoisers { lines.append("  denoises what is composited: \(name.escapedForTerminal)") }
    for script in inspection.scripts {
      let what = script.driver.map { "its driver \($0)" } ?? "it is run when the file is opened"
      lines.append("  needs Python: \(script.by.escapedForTerminal), \(what.escapedForTerminal)")
    }
    let rows = inspection.dependencies.map { file in
      [
        file.kind.rawValue, (file.exists ? "there" : "missing") + (file.reached ? "" : ", not needed"),
        (file.resolved ?? "").escapedForTerminal, file.path.escapedForTerminal,
        (file.by.joined(separator: ", ") + (file.of.map { " in \($0)" } ?? "")).escapedForTerminal,
      ]
    }
    let table = CellTable(head: ["needs", "", "file", "written as", "named by"], rows: rows)
    return lines + (rows.isEmpty ? ["  needs no other file"] : [""]) + table.lines(terminal)
  }

  private func sceneLines(_ scene: BlendScene, _ terminal: Terminal) -> [String] {
    let isActive = scene.name == inspection.activeScene && inspection.scenes.count > 1
    let step = scene.frames.step == 1 ? "" : ", every \(scene.frames.step)"
    let size = scene.size.map(String.init).joined(separator: "x")
    let layers = scene.viewLayers.map { $0.name + ($0.used ? "" : " (off)") }.joined(separator: ", ")
    let extras = [
      scene.multiview ? "stereo" : nil, scene.compositing ? "compositing" : nil, scene.sequencer ? "sequencer" : nil,
      scene.border == nil ? nil : "a border", scene.denoising && scene.engine == "CYCLES" ? "denoising" : nil,
      scene.cameraMarkers.isEmpty ? nil : "\(scene.cameraMarkers.count) camera markers",
    ].compactMap { $0 }
    var facts = [
      ("frames", "\(scene.frames.start) to \(scene.frames.end)\(step), \(scene.fps.formatted()) a second"),
      ("size", "\(size) at \(scene.percentage) %, as \(scene.format)\(scene.movie ? " (a movie)" : "")"),
      ("engine", scene.engine), ("camera", scene.camera ?? "none"), ("view layers", layers),
    ]
    if !extras.isEmpty { facts.append(("with", extras.joined(separator: ", "))) }
    return ["  scene \(scene.name.escapedForTerminal)\(isActive ? ", the active one" : "")"]
      + facts.map { "    \(Terminal.fitted($0.0, 12))\($0.1.escapedForTerminal)" }
  }
}
