import FarmModel
import Pictures
import SystemPackage
import VolumeFiles

/// A picture of a job's frames side by side, so that a person sees at a glance what was rendered.
package struct ContactSheet: Hashable, Sendable {
  /// More frames than this are thinned out evenly.
  package static let framesMax = 48
  package static let name = "contact-sheet.jpg"
  private static let cell = PixelSize(width: 320, height: 180)

  private let frames: [FilePath]

  /// - Parameter frames: in the order of showing.
  package init(of frames: [FilePath]) {
    let count = min(frames.count, Self.framesMax)
    self.frames = (0..<count).map { frames[$0 * frames.count / count] }
  }

  /// How many cells stand side by side: as near to a square of cells as can be.
  package var columns: Int {
    (1...Self.framesMax).first { $0 * $0 >= frames.count } ?? 1
  }

  package var rows: Int { (frames.count + columns - 1) / columns }

  /// Makes the sheet in `folder` with oiiotool, whole or not at all.
  /// - Throws: ``ToolFailure``; a missing sheet never holds up a job.
  package func make(in folder: FilePath) async throws(ToolFailure) -> FilePath {
    let sheet = folder.appending(Self.name)
    let part = folder.appending(".farm-part-\(Self.name)")
    let fit = "\(Self.cell.width)x\(Self.cell.height)"
    var arguments: [String] = []
    for frame in frames { arguments += [frame.string, "--fit:pad=1", fit] }
    arguments += ["--mosaic:pad=4", "\(columns)x\(rows)", "-d", "uint8", "-o", part.string]
    do {
      try await OIIOTool.run(arguments)
      // Off Swift's threads: the folder may be on a file server that does not answer.
      try await BlockingWork.run(at: folder) { () throws(FileFailure) in
        try Placement.move(part, to: sheet, ifOccupied: .replace)
        try SharedFolder.adopt(sheet)
      }
      return sheet
    } catch {
      await BlockingWork.run(at: folder) { Placement.remove(part) }
      if let failure = error as? ToolFailure { throw failure }
      throw ToolFailure(tool: "oiiotool", reason: "\(error)")
    }
  }
}
