import FarmModel
import FoundationEssentials
import GRDB
import Glibc
import SystemPackage

/// The farm's memory: one SQLite database in WAL mode, opened by the daemon alone.
///
/// It hides its writer and offers only methods that keep the invariants: a job shows the state of its newest revision,
/// at most one revision of a job is open, an output belongs to one revision.
package struct Ledger: Sendable {
  let pool: DatabasePool
  private let commits: GroupCommit
  let clock: WallClock
  #if FARM_FAILPOINTS
    package var failpoint: Failpoint?
  #endif

  /// Opens or makes the database and brings it up to date.
  /// - Throws: ``StoreFailure`` when it cannot be opened or is damaged.
  package init(at path: FilePath, clock: WallClock) throws(StoreFailure) {
    self.clock = clock
    do {
      var configuration = GRDB.Configuration()
      configuration.foreignKeysEnabled = true
      configuration.prepareDatabase { db in
        // What is committed is on the disk: a promoted frame is never forgotten by a power cut.
        try db.execute(sql: "PRAGMA synchronous = FULL")
      }
      pool = try DatabasePool(path: path.string, configuration: configuration)
      if try pool.read({ try LedgerSchema.isNewer($0) }) { throw StoreFailure.newer(path) }
      commits = GroupCommit(pool)
      try LedgerSchema.bringUpToDate(pool)
      let verdict = try pool.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
      guard verdict == "ok" else { throw StoreFailure.damaged(path, verdict ?? "no answer") }
    } catch let failure as StoreFailure {
      throw failure
    } catch let error as DatabaseError where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) {
      throw .damaged(path, error.message ?? "it is no database")
    } catch {
      throw StoreFailure(error, while: "open the ledger \(path.string)", on: path.string)
    }
  }

  /// Why a file is no ledger that this version can go on with, in words; nil when it is one.
  package static func mistake(at path: FilePath) -> String? {
    do {
      let file = try DatabaseQueue(path: path.string)
      defer { try? file.close() }  // Nothing was written.
      return try file.read { try LedgerSchema.mistake($0) }
    } catch {
      return (error as? DatabaseError)?.message ?? "\(error)"
    }
  }

  /// Takes everything from the log beside it into its one file, once nobody reads or writes any more.
  package func foldLog() {
    // Somebody still reads: the next to open it goes on with the log.
    try? pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
  }

  /// Reads every page: what is wrong with the ledger; nil when it is whole.
  package func trouble() async throws(StoreFailure) -> String? {
    let verdict = try await read("check the ledger") { db in try String.fetchOne(db, sql: "PRAGMA integrity_check(1)") }
    return verdict == "ok" ? nil : "it is damaged: \(verdict ?? "no answer")"
  }

  func read<Value: Sendable>(
    _ act: String, _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(StoreFailure) -> Value {
    do { return try await pool.read(body) } catch {
      throw StoreFailure(error, while: act, on: pool.path)
    }
  }

  /// All of it or nothing; on the disk when it returns.
  func write<Value: Sendable>(
    _ act: String, _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(StoreFailure) -> Value {
    do {
      let value = try await commits.write(body)
      #if FARM_FAILPOINTS
        failpoint?.passed(act)
      #endif
      return value
    } catch {
      throw StoreFailure(error, while: act, on: pool.path)
    }
  }
}

/// Why the ledger could not do what was asked.
package enum StoreFailure: Failure, Equatable {
  case damaged(FilePath, String)
  case full(act: String)
  case readOnly(act: String)
  /// A later version of the farm has written it.
  case newer(FilePath)
  case failed(act: String, reason: String)
  /// A copy could not be written; the ledger itself is as it was.
  case notCopied(FilePath, reason: String)
  /// The task that asked was cancelled: nothing was changed, and nothing is wrong.
  case canceled(act: String)

  /// - Parameter path: the ledger, whose disk is asked where SQLite names a failed write alone.
  init(_ error: any Error, while act: String, on path: String) {
    switch error {
    case let failure as StoreFailure: self = failure
    case let error as DatabaseError where error.resultCode == .SQLITE_FULL: self = .full(act: act)
    case let error as DatabaseError where Self.failedWrites.contains(error.resultCode):
      var disk = statvfs()
      // SQLite says "disk I/O error" or "unable to open database file" there (seen on tmpfs and ext4).
      let isKnown = statvfs(FilePath(path).removingLastComponent().string, &disk) == 0
      if isKnown, disk.f_flag & UInt(ST_RDONLY) != 0 {
        self = .readOnly(act: act)
      } else if isKnown, UInt(disk.f_bavail) * disk.f_frsize < Self.leastBytes {
        self = .full(act: act)
      } else {
        self = .failed(act: act, reason: "\(error)")
      }
    case is CancellationError: self = .canceled(act: act)
    default: self = .failed(act: act, reason: "\(error)")
    }
  }

  private static let failedWrites: [ResultCode] = [.SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY]
  /// The file of shared memory that SQLite makes beside a ledger.
  private static let leastBytes: UInt = 32 << 10

  package var description: String {
    switch self {
    case .damaged(let path, let verdict): "the ledger \(path.string) is damaged: \(verdict)"
    case .full(let act): "cannot \(act): the disk of the ledger is full"
    case .readOnly(let act): "cannot \(act): the disk of the ledger is read-only"
    case .newer(let path): "a newer version of the farm has written the ledger \(path.string)"
    case .failed(let act, let reason): "cannot \(act): \(reason)"
    case .notCopied(let path, let reason): "cannot copy the ledger to \(path.string.escapedForTerminal): \(reason)"
    case .canceled(let act): "stopped before it could \(act)"
    }
  }

  /// Whether nothing can go on: the ledger itself does not work.
  package var isOfLedger: Bool {
    switch self {
    case .damaged, .full, .readOnly, .newer, .failed: true
    case .notCopied, .canceled: false
    }
  }

  package var remedy: String {
    switch self {
    case .damaged(let path, _): "Move \(path.string) aside and start again; pictures and drops are not touched."
    case .newer: "Start that version of farmd; or have this one make its own ledger: `farm ledger rebuild`."
    case .readOnly:
      "Mount the disk of the `state:` folder for writing; `dmesg` says why it is read-only. farmd goes on by itself."
    case .full: "Free space on the disk of the `state:` folder (`df -h`)."
    case .failed: "Check that the daemon's user may write in the `state:` folder."
    case .notCopied(let path, _):
      "Look at the folder \(path.removingLastComponent().string.quotedForShell): is it there, has its disk room, may "
        + "the daemon's user write there (`df -h`, `ls -ld`)?"
    case .canceled: "Nothing; the next start goes on."
    }
  }

  package var isTransient: Bool {
    switch self {
    case .damaged, .newer: false
    case .full, .readOnly, .failed, .notCopied, .canceled: true
    }
  }
}

/// How values of the model stand in columns.
enum Column {
  static func json<Value: Encodable>(_ value: Value?) throws -> String? {
    guard let value else { return nil }
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  private static let encoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }()

  static func value<Value: Decodable>(_ type: Value.Type, _ json: String?) throws -> Value? {
    guard let json else { return nil }
    return try JSONDecoder().decode(type, from: Data(json.utf8))
  }

  /// A word of a state; one that this version does not know is a damaged ledger.
  static func word<Value: RawRepresentable>(_ type: Value.Type, _ row: Row, _ name: String) throws -> Value
  where Value.RawValue == String { try word(type, row[name] as String, of: name) }

  static func word<Value: RawRepresentable>(_ type: Value.Type, _ text: String, of name: String) throws -> Value
  where Value.RawValue == String {
    guard let value = Value(rawValue: text) else {
      throw StoreFailure.failed(act: "read the ledger", reason: "\"\(text)\" is no \(name)")
    }
    return value
  }
}
