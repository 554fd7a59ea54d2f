import FarmModel
import Foundation
import SystemPackage
import VolumeFiles

/// What stands in `MANIFEST.json`, the last entry of every archive: each file with its checksum, what the ledger knew
/// of the release, and what happened to it.
///
/// It is one JSON object, written so that each file, job and happening has a line of its own: it can be read piece by
/// piece, and by people.
package struct ArchiveManifest: Sendable {
  /// Of this form; a later one is not read by this version.
  package static let form = 1

  /// What is known of the release as a whole.
  package struct Head: Codable, Hashable, Sendable {
    package let form: Int
    package let release: String
    /// RFC 3339.
    package let archivedAt: String
    /// The version of the farm.
    package let farm: String
    package let order: ReleaseOrder
    package let isPaused: Bool
    /// The release's folder itself, which is no entry; nil before it was looked at.
    package var folder: Folder?

    /// Rights, time and owners of a folder.
    package struct Folder: Codable, Hashable, Sendable {
      package let mode: Int
      package let mtimeNanoseconds: Int64
      package let owner: Int
      package let group: Int
    }

    package init(release: String, archivedAt: Timestamp, farm: String, order: ReleaseOrder, isPaused: Bool) {
      form = ArchiveManifest.form
      self.release = release
      self.archivedAt = archivedAt.rfc3339
      self.farm = farm
      self.order = order
      self.isPaused = isPaused
    }
  }

  /// What lies in the archive under one name.
  package struct File: Codable, Hashable, Sendable {
    /// What it is.
    package enum Kind: String, Codable, Sendable {
      case file, folder, link
      /// A further name of a file that came before it.
      case hardLink = "hard-link"
    }

    /// With what is no UTF-8 mended.
    package let path: String
    /// The path's bytes in hexadecimal digits, where the text is not all of it.
    package var pathBytes: String?
    package let kind: Kind
    package let mode: Int
    package let mtimeNanoseconds: Int64
    /// Of files: bytes and SHA-256.
    package var size: Int64?
    package var sha256: Digest?
    /// Of links: where they lead, as `path` and `pathBytes`.
    package var target: String?
    package var targetBytes: String?
    /// Which job's it is, and which revision's.
    package var job: String?
    package var revision: Int?
  }

  package var head: Head
  package var files: [File]
  /// Each a JSON object on one line: what the ledger knew of the jobs.
  package var jobs: [[UInt8]]
  package var history: [HistoryLine]

  package init(head: Head, files: [File] = [], jobs: [[UInt8]] = [], history: [HistoryLine] = []) {
    self.head = head
    self.files = files
    self.jobs = jobs
    self.history = history
  }
}

extension ArchiveManifest {
  private static let filesBegin = Array("\"files\":[".utf8)
  private static let jobsBegin = Array("\"jobs\":[".utf8)
  private static let historyBegin = Array("\"history\":[".utf8)

  /// As JSON: the head, then one line for each file, job and happening.
  func text() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var text = Array("{\"head\":".utf8) + (try encoder.encode(head)) + Array(",\n".utf8)
    func list(_ begin: [UInt8], _ count: Int, _ line: (Int) throws -> some Sequence<UInt8>) rethrows {
      text += begin
      for index in 0..<count {
        text += index == 0 ? [10] : [44, 10]
        text += try line(index)
      }
      text += Array("\n]".utf8)
    }
    try list(Self.filesBegin, files.count) { try encoder.encode(files[$0]) }
    text += Array(",\n".utf8)
    list(Self.jobsBegin, jobs.count) { jobs[$0] }
    text += Array(",\n".utf8)
    try list(Self.historyBegin, history.count) { try encoder.encode(history[$0]) }
    return text + Array("}\n".utf8)
  }

  /// Reads what ``text()`` wrote, line by line.
  /// - Returns: nil for anything else.
  init?(parsing text: [UInt8]) {
    let decoder = JSONDecoder()
    func value<Value: Decodable>(_ type: Value.Type, _ line: ArraySlice<UInt8>) -> Value? {
      try? decoder.decode(type, from: Data(line))  // Nil: it is none of ours.
    }
    var lines = text.split(separator: 10)[...]
    guard let first = lines.popFirst(), first.starts(with: Array("{\"head\":".utf8)), first.last == 44,
      let head = value(Head.self, first.dropFirst(8).dropLast()), head.form == Self.form
    else { return nil }
    self.init(head: head)
    for (begin, end) in [(Self.filesBegin, "],"), (Self.jobsBegin, "],"), (Self.historyBegin, "]}")] {
      guard lines.popFirst().map(Array.init) == begin else { return nil }
      while true {
        guard let line = lines.popFirst() else { return nil }
        if line.elementsEqual(end.utf8) { break }
        let object = line.last == 44 ? line.dropLast() : line
        switch begin {
        case Self.filesBegin:
          guard let file = value(File.self, object) else { return nil }
          files.append(file)
        case Self.jobsBegin: jobs.append(Array(object))
        default:
          guard let happening = value(HistoryLine.self, object) else { return nil }
          history.append(happening)
        }
      }
    }
    guard lines.isEmpty else { return nil }
  }
}

extension ArchiveManifest.File {
  /// - Parameter digest: of its bytes, of files alone.
  init(_ entry: ReleaseTree.Entry, sha256: Digest?, owner: (job: String, revision: Int)?) {
    let kind: Kind =
      switch entry.status.kind {
      case .folder: .folder
      case .link: .link
      case .regular, .other: entry.firstName == nil ? .file : .hardLink
      }
    let print = entry.status.fingerprint
    self.init(
      entry.path, kind, to: entry.link ?? entry.firstName, mode: Int(entry.status.mode),
      mtimeNanoseconds: print.mtimeNanoseconds)
    if kind == .file { (size, self.sha256) = (print.size, sha256) }
    (job, revision) = (owner?.job, owner?.revision)
  }

  init(_ path: FilePath, _ kind: Kind, to target: FilePath?, mode: Int, mtimeNanoseconds: Int64) {
    (self.path, pathBytes) = Self.spelled(path.rawBytes)
    (self.kind, self.mode, self.mtimeNanoseconds) = (kind, mode, mtimeNanoseconds)
    if let target { (self.target, targetBytes) = Self.spelled(target.rawBytes) }
  }

  /// A path as text, and its bytes where the text is not all of it.
  private static func spelled(_ bytes: [UInt8]) -> (text: String, bytes: String?) {
    let text = String(decoding: bytes, as: UTF8.self)
    return (text, Array(text.utf8) == bytes ? nil : bytes.hexadecimal)
  }
}
