import Foundation

/// One measured figure beside its goal.
struct Figure: Codable {
  let name: String
  let value: Double
  let unit: String
  let goal: Double

  var isReached: Bool { value <= goal }
}

/// All figures of one run, as a table and as JSON.
struct Figures: Codable {
  private(set) var figures: [Figure] = []
  var sideBySide: [Tally] = []

  mutating func add(_ name: String, _ value: Double, _ unit: String, goal: Double) {
    figures.append(Figure(name: name, value: value, unit: unit, goal: goal))
    print(Self.line(name, Self.shown(value, unit), "goal ≤ \(Self.shown(goal, unit))", figures.last?.isReached == true))
  }

  private static func line(_ name: String, _ value: String, _ goal: String, _ isReached: Bool) -> String {
    let padded = name + String(repeating: " ", count: max(0, 52 - name.count))
    let number = String(repeating: " ", count: max(0, 12 - value.count)) + value
    return "\(padded)\(number)   \(goal)\(isReached ? "" : "   MISSED")"
  }

  private static func shown(_ value: Double, _ unit: String) -> String {
    String(format: value < 10 ? "%.2f %@" : "%.1f %@", value, unit)
  }

  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""  // Numbers always encode.
  }
}

extension [Double] {
  /// The value below which this part of all values lies.
  func percentile(_ part: Double) -> Double {
    let sorted = sorted()
    return sorted.isEmpty ? .nan : sorted[Swift.min(sorted.count - 1, Int(Double(sorted.count) * part))]
  }
}
