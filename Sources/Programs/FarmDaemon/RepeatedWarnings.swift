/// Lets a warning through once, however often its cause is met, until it is over.
struct RepeatedWarnings {
  /// More different ones are not told apart.
  private static let countMax = 100

  private var told: Set<String> = []

  /// Whether a warning was not met since the cause was over last.
  mutating func admits(_ text: String) -> Bool {
    told.count < Self.countMax && told.insert(text).inserted
  }

  /// The cause is over: the next warning is told again.
  mutating func forget() { told = [] }
}
