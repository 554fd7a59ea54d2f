import GRDB

/// Small texts that outlive the daemon, by name.
extension Ledger {
  /// The text of this name; nil when there is none.
  package func remark(_ name: String) async throws(StoreFailure) -> String? {
    try await read("read a remark") { db in
      try String.fetchOne(db, sql: "SELECT value FROM setting WHERE name = ?", arguments: [name])
    }
  }

  /// Sets the text of this name; nil removes it.
  package func setRemark(_ name: String, _ value: String?) async throws(StoreFailure) {
    try await write("set a remark") { db in
      if let value {
        try db.execute(
          sql: "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
          arguments: [name, value])
      } else {
        try db.execute(sql: "DELETE FROM setting WHERE name = ?", arguments: [name])
      }
    }
  }
}
