import FarmAPI
import FarmModel
import FarmStore
import Glibc
import SystemPackage
import VolumeFiles

/// Copies the ledger as it is at one moment, by SQLite's online copy.
struct LedgerBackup {
  private let ledger: Ledger
  private let path: FilePath

  init(of ledger: Ledger, at path: FilePath) {
    self.ledger = ledger
    self.path = path
  }

  /// - Parameter copy: a file that is not there yet.
  func write(to copy: FilePath) async throws -> LedgerAnswer {
    guard try FileStatus(at: copy) == nil else { throw FileFailure("make", copy, errno: EEXIST) }
    let part = copy.removingLastComponent().appending(".\(copy.lastComponent?.string ?? "ledger")\(Self.partEnding)")
    Self.remove(part)
    do {
      try await ledger.backUp(to: part, called: copy)
      try Durable.sync(part)
      try Placement.move(part, to: copy, ifOccupied: .refuse)
      try Durable.syncFolder(copy.removingLastComponent())
    } catch {
      Self.remove(part)
      throw error
    }
    return LedgerAnswer(path: path, "it was copied to \(copy.string)")
  }

  /// To a file that a person named; else into the folder of copies.
  func write(to copy: FilePath?, orInto folder: FilePath, now: Timestamp) async throws -> LedgerAnswer {
    guard let copy else { return try await write(into: folder, now: now) }
    return try await write(to: copy)
  }

  /// Into the folder of copies, named by the moment.
  func write(into folder: FilePath, now: Timestamp) async throws -> LedgerAnswer {
    try SharedFolder.make(folder)
    try Self.removeHalves(in: folder)
    return try await write(to: folder.appending(Self.fileName(of: now)))
  }

  /// `ledger-20261126T145903.276710529Z.sqlite`
  static func fileName(of moment: Timestamp) -> String { "ledger-\(moment.fileName).sqlite" }

  private static let partEnding = ".part"

  /// A half-written copy with what SQLite puts beside it.
  private static func remove(_ part: FilePath) {
    for end in ["", "-journal", "-wal", "-shm"] { Placement.remove(FilePath(part.string + end)) }
  }

  /// Takes away what a daemon that died left of a copy.
  private static func removeHalves(in folder: FilePath) throws(FileFailure) {
    for name in try FolderListing.names(in: folder) where name.string.hasPrefix(".") {
      let parts = name.string.dropFirst().split(separator: partEnding, maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, Timestamp(fileName: String(parts[0])) != nil else { continue }
      remove(folder.appending(name))
    }
  }

  /// When the copies in a folder were made, by their names.
  static func copies(in folder: FilePath) throws(FileFailure) -> [Timestamp] {
    guard try FileStatus(at: folder)?.kind == .folder else { return [] }
    return try FolderListing.names(in: folder).compactMap { Timestamp(fileName: $0.string) }
  }
}

extension Timestamp {
  /// As a part of a file's name: `20261123T014455.123Z`, with the digits that `rfc3339` has.
  var fileName: String { rfc3339.filter { $0 != "-" && $0 != ":" } }

  /// Of a copy of the ledger; nil for any other name.
  init?(fileName: String) {
    let form = /ledger-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.(\d{9})Z\.sqlite/
    guard let parts = fileName.wholeMatch(of: form)?.output else { return nil }
    self.init(rfc3339: "\(parts.1)-\(parts.2)-\(parts.3)T\(parts.4):\(parts.5):\(parts.6).\(parts.7)Z")
  }
}
