import FarmModel
import Pictures
import SystemPackage

/// Frames that show nothing between such that show something: black, or fully transparent. A graphics card that failed
/// writes such pictures, whole and of the right size.
package struct DarkFrames: Hashable, Sendable {
  /// A frame's picture.
  package struct Frame: Hashable, Sendable {
    package let frame: FrameNumber
    package let file: FilePath
    package let bytes: Int64

    package init(frame: FrameNumber, file: FilePath, bytes: Int64) {
      self.frame = frame
      self.file = file
      self.bytes = bytes
    }
  }

  /// A picture of nothing is packed into so much less than the usual one of its job.
  private static let smaller: Int64 = 4
  /// So many are looked at: a job of which more are small is dark by nature.
  private static let suspectsMax = 20

  private let frames: [Frame]

  /// - Parameter frames: all of a job, in order.
  package init(among frames: [Frame]) {
    self.frames = frames
  }

  /// Those whose files are small for the job, with larger ones before and after them; a fade at either end is none.
  var suspects: [Frame] {
    let median = frames.map(\.bytes).sorted()
    guard frames.count > 2, let usual = median.dropFirst(median.count / 2).first else { return [] }
    let isSmall = { (frame: Frame) in frame.bytes * Self.smaller < usual }
    guard let first = frames.firstIndex(where: { !isSmall($0) }), let last = frames.lastIndex(where: { !isSmall($0) })
    else { return [] }
    let small = frames[first...last].filter(isSmall)
    return small.count <= Self.suspectsMax ? small : []
  }

  /// The suspects that really show nothing.
  /// - Throws: ``ToolFailure``; nothing is known then.
  package func found() async throws(ToolFailure) -> [FrameNumber] {
    var dark: [FrameNumber] = []
    for suspect in suspects {
      let lines = try await OIIOTool.run([suspect.file.string, "--printstats"])
      if Self.isDark(lines) { dark.append(suspect.frame) }
    }
    return dark
  }

  /// Whether these statistics are of a picture whose colours, or whose alpha, are nothing but zero.
  static func isDark(_ lines: [String]) -> Bool {
    guard let line = lines.first(where: { $0.contains("Stats Max:") }) else { return false }
    // `Stats Max: 255 127 3 255 (of 255)`
    let numbers = line.prefix { $0 != "(" }.split(separator: " ").compactMap { Double($0) }
    guard !numbers.isEmpty else { return false }
    return numbers.prefix(3).allSatisfy { $0 == 0 } || numbers.count == 4 && numbers[3] == 0
  }
}
