import FarmModel
import Supervisor
import SystemPackage
import VolumeFiles

/// OpenImageIO's command line, which reads and writes every format that pictures have.
package enum OIIOTool {
  private static let program: FilePath = "/usr/bin/oiiotool"
  private static let linesMax = 50

  /// It would take `##` and braces in names of files for numbers of frames and expressions.
  private static let plainNames = ["--wildcardoff", "--evaloff"]

  /// Runs it to its end.
  /// - Returns: what it printed.
  @discardableResult
  package static func run(_ arguments: [String]) async throws(ToolFailure) -> [String] {
    let result: (end: ChildEnd, lines: [String])
    do throws(SupervisorFailure) {
      result = try await ChildProcess.output(of: ChildCommand(program, plainNames + arguments), lineCountMax: linesMax)
    } catch {
      throw ToolFailure(tool: "oiiotool", reason: "\(error)")
    }
    guard result.end.isSuccess else {
      // What could not be started, or was killed, says nothing of the picture.
      let reasons: Set<ChildEnd> = [.exited(126), .exited(127)]
      var isOfInput = false
      if case .exited = result.end { isOfInput = !reasons.contains(result.end) }
      throw ToolFailure(
        tool: "oiiotool", reason: result.lines.first ?? result.end.description, isOfInput: isOfInput)
    }
    return result.lines
  }

  /// Reads every pixel of a picture.
  /// - Returns: its size; nil when the tool does not tell it.
  package static func size(of picture: FilePath) async throws(ToolFailure) -> PixelSize? {
    // `33 x 21, 3 channel, float targa`, and then what its pixels are.
    let lines = try await run([picture.string, "--printstats"])
    let found = lines.lazy.compactMap { $0.firstMatch(of: /(\d+) x +(\d+), \d+ channel/) }.first
    guard let found, let width = Int(found.1), let height = Int(found.2) else { return nil }
    return PixelSize(width: width, height: height)
  }
}

extension OIIOTool {
  private static let jpegBytesMax = 1 << 28

  /// Decides about a picture that its structure leaves in doubt, and that no program writes any more.
  /// - Parameter scratch: a folder for copies.
  /// - Throws: ``ToolFailure`` when the tool says nothing of the picture.
  package static func reads(
    _ picture: FilePath, in doubt: PictureDoubt, scratch: FilePath
  ) async throws(ToolFailure) -> Bool {
    do throws(ToolFailure) {
      switch doubt.decider {
      case .nothing: return false
      case .decoding: _ = try await size(of: picture)
      case .decodingWithMore: try await compareWithMore(picture, scratch)
      }
      return true
    } catch {
      guard error.isOfInput else { throw error }
      return false
    }
  }

  /// libjpeg paints what is missing grey and says nothing. When bytes that follow change no pixel, all were there.
  private static func compareWithMore(_ picture: FilePath, _ scratch: FilePath) async throws(ToolFailure) {
    let (plain, more) = (scratch.appending("plain.jpg"), scratch.appending("more.jpg"))
    do throws(FileFailure) {
      // Off Swift's threads: the picture may be on a file server that does not answer.
      try await BlockingWork.run(at: picture) { () throws(FileFailure) in
        let bytes = try FileBytes.all(of: picture, limitBytes: jpegBytesMax)
        // No FF among them, which would be a marker.
        let following = (0..<4096).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 7) & 0x7F }
        try write(bytes + [0xFF, 0xD9], to: plain)
        try write(bytes + [0] + following + [0xFF, 0xD9], to: more)
      }
    } catch {
      throw ToolFailure(tool: "oiiotool", reason: error.description)
    }
    try await run(["--fail", "0", "--failpercent", "0", plain.string, more.string, "--diff"])
  }

  private static func write(_ bytes: [UInt8], to path: FilePath) throws(FileFailure) {
    let file = try OpenFile.making(path, mode: 0o600)
    defer { OpenFile.close(file) }
    do { _ = try file.writeAll(bytes) } catch { throw FileFailure("write", path) }
  }
}

/// A program that we need did not do what it should.
package struct ToolFailure: Failure, Equatable {
  let tool: String
  let reason: String
  /// Whether it ran to its end and refused what it was given.
  package let isOfInput: Bool

  package init(tool: String, reason: String, isOfInput: Bool = false) {
    self.tool = tool
    self.reason = reason
    self.isOfInput = isOfInput
  }

  package var description: String { "\(tool) did not work: \(reason.escapedForTerminal)" }
  package var remedy: String { "Read the reason; if the tool is missing, `packaging/install-deps` installs it." }
}
