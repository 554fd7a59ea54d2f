import FarmModel
import Yams

/// How values of farm.yaml are taken in; each is false for one that is not of the range.
enum ConfigValues {
  static func list(_ node: Node, _ take: ([String]) -> Void) -> Bool {
    guard let texts = node.sequence?.map(\.string), texts.allSatisfy({ $0?.isEmpty == false }) else { return false }
    take(texts.compactMap { $0 })
    return true
  }

  static func whole(_ node: Node, _ range: ClosedRange<Int>, _ take: (Int) -> Void) -> Bool {
    guard let number = node.int, range.contains(number) else { return false }
    take(number)
    return true
  }

  static func duration(
    _ node: Node, _ least: Duration, _ most: Duration, _ take: (Duration) -> Void
  ) -> Bool {
    guard let text = node.string, let time = Duration(spelled: text), (least...most).contains(time) else {
      return false
    }
    take(time)
    return true
  }

  /// The same, or nil for `never`.
  static func durationOrNever(
    _ node: Node, _ least: Duration, _ most: Duration, _ take: (Duration?) -> Void
  ) -> Bool {
    if node.string == "never" {
      take(nil)
      return true
    }
    return duration(node, least, most) { take($0) }
  }
}
