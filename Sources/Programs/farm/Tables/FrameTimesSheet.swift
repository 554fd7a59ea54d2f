import FarmAPI
import FarmModel

/// What the frames of a job took, drawn in one line, and which took longest.
struct FrameTimesSheet {
  private static let columnsMax = 60
  private static let bars = Array("▁▂▃▄▅▆▇█")
  private static let slowestMax = 3

  /// By frame: its number and its milliseconds.
  private let times: [(frame: FrameNumber, picture: String, milliseconds: Int64)]

  init(_ outputs: [JobDetail.OutputLine]) {
    times = outputs.compactMap { output in
      output.renderMilliseconds.map { (output.frame, output.kind.words(withScene: false), $0) }
    }
  }

  /// Nothing for fewer than two frames: there is nothing to compare.
  var lines: [String] {
    guard times.count > 1, let longest = times.map(\.milliseconds).max() else { return [] }
    let sorted = times.map(\.milliseconds).sorted()
    let median = sorted[sorted.count / 2]
    let slowest = times.sorted { ($1.milliseconds, $0.frame) < ($0.milliseconds, $1.frame) }.prefix(Self.slowestMax)
    let named = slowest.map { slow in
      "frame \(slow.frame)" + (slow.picture.isEmpty ? "" : " (\(slow.picture))") + " \(Self.shown(slow.milliseconds))"
    }.joined(separator: ", ")
    return [Self.line(columns, longest), "median \(Self.shown(median)), longest: \(named)"]
  }

  /// One value a column, in order of frames: the mean of those that share it.
  private var columns: [Int64] {
    let count = min(times.count, Self.columnsMax)
    return (0..<count).map { column in
      let part = times[(column * times.count / count)..<((column + 1) * times.count / count)]
      return part.reduce(0) { $0 + $1.milliseconds } / Int64(part.count)
    }
  }

  private static func line(_ values: [Int64], _ longest: Int64) -> String {
    String(
      values.map { value in bars[min(bars.count - 1, Int(value * Int64(bars.count) / max(1, longest)))] })
  }

  /// Milliseconds as people say them: `0.31 s`, `12 s`, `4m 10s`.
  private static func shown(_ milliseconds: Int64) -> String {
    guard milliseconds >= 10_000 else {
      let hundredths = (milliseconds + 5) / 10
      return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) s"
    }
    let seconds = milliseconds / 1000
    guard seconds >= 60 else { return "\(seconds) s" }
    return seconds >= 3600 ? "\(seconds / 3600)h \(seconds / 60 % 60)m" : "\(seconds / 60)m \(seconds % 60)s"
  }
}
