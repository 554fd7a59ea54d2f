/// What was found of the ledger, or done with it.
package struct LedgerAnswer: Codable, Hashable, Sendable {
  /// On the daemon's machine.
  package let path: String
  /// In words: `it is whole`.
  package let verdict: String

  package init(path: String, verdict: String) {
    self.path = path
    self.verdict = verdict
  }
}

/// Asks for a copy of the ledger.
package struct BackupRequest: Codable, Hashable, Sendable {
  /// A file that is not there yet, on the daemon's machine; nil: among the others, named by the moment.
  package let path: String?

  package init(path: String?) {
    self.path = path
  }
}

/// Everything is forgotten, or will be in a moment.
package struct BurntAnswer: Codable, Hashable, Sendable {
  /// The folder with the old ledger.
  package let ashes: String

  package init(ashes: String) {
    self.ashes = ashes
  }
}
