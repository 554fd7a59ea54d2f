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
    /// Whether that was noticed when it was checked.
    package let looksDark: Bool

    package init(frame: FrameNumber, file: FilePath, bytes: Int64, looksDark: Bool) {
      self.frame = frame
      self.file = file
      self.bytes = bytes
      self.looksDark = looksDark
    }
  }

  /// A picture of nothing is packed into so much less than the usual one of its job, where it is not dithered.
  private static let smaller: Int64 = 4
  /// So many are looked at: a job of which more are small is dark by nature.
  private static let suspectsMax = 20

  private let frames: [Frame]

  /// - Parameter frames: all of a job, in order.
  package init(among frames: [Frame]) {
    self.frames = frames
  }

  /// Those that looked dark, or whose files are small for the job, with others before and after them; a fade at either
  /// end is none.
  var suspects: [Frame] {
    let median = frames.map(\.bytes).sorted()
    guard frames.count > 2, let usual = median.dropFirst(median.count / 2).first else { return [] }
    let isSmall = { (frame: Frame) in frame.bytes * Self.smaller < usual }
    // Where most of them look dark, as those of a night do, that says nothing.
    let all = between { $0.looksDark || isSmall($0) }
    return all.isEmpty ? between(isSmall) : all
  }

  /// Those of which this holds, with others before and after them; none when they are too many.
  private func between(_ isSuspect: (Frame) -> Bool) -> [Frame] {
    guard let first = frames.firstIndex(where: { !isSuspect($0) }),
      let last = frames.lastIndex(where: { !isSuspect($0) })
    else { return [] }
    let suspects = frames[first...last].filter(isSuspect)
    return suspects.count <= Self.suspectsMax ? suspects : []
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

  /// Whole numbers below this part of the most are none: Blender's dithering makes of black what is up to 1 of 255.
  private static let least = 2.0 / 255

  /// Whether these statistics are of a picture whose colours, or whose alpha, are nothing.
  static func isDark(_ lines: [String]) -> Bool {
    guard let line = lines.first(where: { $0.contains("Stats Max:") }) else { return false }
    // `Stats Max: 255 127 3 255 (of 255)`
    let numbers = line.prefix { $0 != "(" }.split(separator: " ").compactMap { Double($0) }
    guard !numbers.isEmpty else { return false }
    // Of numbers with a point there is no most, and no dithering.
    let most = line.split(separator: " ").last.flatMap { Double($0.filter(\.isNumber)) } ?? 0
    let isNothing = { (number: Double) in number <= most * Self.least }
    return numbers.prefix(3).allSatisfy(isNothing) || numbers.count == 4 && isNothing(numbers[3])
  }
}
