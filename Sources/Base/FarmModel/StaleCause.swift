/// Why a delivered job is older than what it depends on.
package struct StaleCause: Codable, Hashable, Sendable {
  /// The file that changed, below the volume's root or whole.
  package let file: String
  package let at: Timestamp
  /// What rendering it again would take, when that is why it waits for a person.
  package let cost: Duration?

  package init(file: String, at: Timestamp, cost: Duration? = nil) {
    self.file = file
    self.at = at
    self.cost = cost
  }
}
