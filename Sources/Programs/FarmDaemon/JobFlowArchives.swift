import Archiving
import FarmAPI
import FarmModel
import FarmStore
import Glibc
import SystemPackage
import VolumeFiles

/// What lies in `archives/`, and whether it is whole.
extension JobFlow {
  func verify(_ request: ArchivedRequest, by person: String) async throws -> ArchiveAnswer {
    _ = try await archive(of: request.release)
    let progress = try await beginArchiving(request.release)
    defer { endArchiving(progress) }
    // Another one may have come into its place.
    let found = try await archive(of: request.release)
    let place = found.place
    let manifest: ArchiveManifest
    do {
      let archiver = Archiver(found.format, lanes: 1, progress: progress)
      manifest = try await BlockingWork.run { () throws(ArchiveFailure) in try archiver.check(place) }
      _ = try RestoredJobs(manifest, of: request.release, archive: place, now: setup.clock.now())
    } catch {
      await remember(error, of: found)
      throw error
    }
    let isThere = await isThereOrHangs(setup.volume.release(request.release))
    var known = try await known(found, manifest, isReleaseThere: isThere)
    known.verifiedAt = setup.clock.now()
    known.problem = nil
    try await setup.ledger.setArchive(known.id, verifiedAt: known.verifiedAt)
    troubles[place] = nil
    return ArchiveAnswer(line(known, isReleaseThere: isThere))
  }

  /// What was found wrong with an archive stays known until it is found whole.
  func remember(_ error: any Error, of found: FoundArchive) async {
    guard let failure = error as? ArchiveFailure, failure.isOfArchive, var record = found.record ?? found.former else {
      return
    }
    record.problem = failure.description
    tellTrouble(of: record)
    do { try await setup.ledger.setArchive(record.id, problem: failure.description) } catch {
      complain(error, while: "noting what is wrong with \(record.path)")
    }
  }

  /// Has people told of archives that are damaged, or gone though a release is nowhere else.
  func lookForLostArchives() async throws {
    for record in try await setup.ledger.archives() where record.state == .stored || record.problem != nil {
      // A newer one took its place; `farm list archives` shows what is wrong with it.
      if isOlder(record.path) { continue }
      var record = record
      let place = setup.volume.root.appending(record.path)
      if try await fileStatus(at: place) == nil {
        guard record.state == .stored else { continue }
        record.problem = "\(place.string.escapedForTerminal) is not there"
      }
      tellTrouble(of: record)
    }
  }

  private func tellTrouble(of record: ArchiveRecord) {
    guard let problem = record.problem else { return }
    let isAlone = record.state == .stored ? ", and \(record.release) is nowhere else" : ""
    troubles[setup.volume.root.appending(record.path)] =
      "\(problem)\(isAlone). Take it from your backup, then `farm verify archive \(record.release.quotedForShell)`."
  }

  /// Each archive, also those that the ledger does not know, and those of it that are gone.
  func archives() async throws -> [ArchiveLine] {
    let (volume, records) = (setup.volume, try await setup.ledger.archives())
    let known = Dictionary(records.map { ($0.path, $0) }) { $1 }
    var lines: [ArchiveLine] = []
    for found in try await archiveFiles() {
      let (path, isThere) = (volume.relative(found.place), await isThereOrHangs(volume.release(found.release)))
      if let record = known[path], record.file.size == found.size {
        lines.append(line(record, isReleaseThere: isThere))
      } else {
        let isStrange = known[path]?.state == .stored
        lines.append(
          ArchiveLine(
            release: found.release, path: path, size: found.size, isReleaseThere: isThere, isOlder: isOlder(path),
            problem: known[path]?.problem ?? (isStrange ? "it is not as long as it was" : nil)))
      }
    }
    let paths = Set(lines.map(\.path))
    for var record in known.values where record.state == .stored && !paths.contains(record.path) {
      record.problem = "it is not there"
      lines.append(line(record, isReleaseThere: false))
    }
    return lines.sorted { $0.path < $1.path }
  }

  private func archiveFiles() async throws -> [(release: String, place: FilePath, size: Int64)] {
    let archives = setup.volume.archives
    return try await BlockingWork.run { () throws(FileFailure) in
      let older = archives.appending(Self.olderName)
      let times = try FileStatus(at: older)?.kind == .folder ? try FolderListing.names(in: older) : []
      var found: [(String, FilePath, Int64)] = []
      for folder in [archives] + times.map({ older.appending($0) }) {
        guard try FileStatus(at: folder, followsLinks: folder == archives)?.kind == .folder else { continue }
        for name in try FolderListing.names(in: folder) {
          let place = folder.appending(name)
          guard let (release, _) = ArchiveFormat.parse(fileName: name.string), let status = try FileStatus(at: place),
            status.kind == .regular
          else { continue }
          found.append((release, place, status.fingerprint.size))
        }
      }
      return found
    }
  }

  /// Whether an archive lies where those are kept that a newer one of their release took the place of.
  func isOlder(_ path: String) -> Bool {
    path.hasBytePrefix(setup.volume.relative(setup.volume.archives.appending(Self.olderName)) + "/")
  }

  func line(_ record: ArchiveRecord, isReleaseThere: Bool) -> ArchiveLine {
    ArchiveLine(
      release: record.release, path: record.path, size: record.file.size, contentBytes: record.contentBytes,
      files: record.files, jobs: record.jobs, archivedAt: record.archivedAt.rfc3339,
      verifiedAt: record.verifiedAt.rfc3339, isReleaseThere: isReleaseThere, isOlder: isOlder(record.path),
      problem: record.problem)
  }

  /// An archive as the ledger knows it, from now on.
  func known(
    _ found: FoundArchive, _ manifest: ArchiveManifest, isReleaseThere: Bool
  ) async throws -> ArchiveRecord {
    if let record = found.record { return record }
    guard let file = try await fileStatus(at: found.place)?.identity else {
      throw FileFailure("open", found.place, errno: ENOENT)
    }
    let now = setup.clock.now()
    let record = ArchiveRecord(
      release: manifest.head.release, path: setup.volume.relative(found.place),
      state: found.former?.state ?? (isReleaseThere ? .kept : .stored), file: file,
      contentBytes: manifest.files.reduce(0) { $0.adding($1.size ?? 0) },
      files: manifest.files.count { $0.kind == .file }, jobs: manifest.jobs.count,
      prunesDist: found.former?.prunesDist ?? false,
      archivedAt: Timestamp(rfc3339: manifest.head.archivedAt) ?? now, verifiedAt: now)
    let id = try await setup.ledger.record(record)
    // What it took the place of is no more.
    try await setup.ledger.forgetArchives(at: record.path, besides: id)
    return record.numbered(id)
  }

  /// An archive in its place.
  struct FoundArchive {
    let place: FilePath
    let format: ArchiveFormat
    /// What the ledger knows of it; nil when somebody else put it there.
    let record: ArchiveRecord?
    /// What the ledger knows of what lay there before.
    let former: ArchiveRecord?
  }

  /// The archive of a release.
  /// - Throws: ``ArchiveFailure`` when there is none.
  func archive(of name: String) async throws -> FoundArchive {
    let lines = try await archives().filter { !$0.isOlder }
    let records = try await setup.ledger.archives()
    var lost: FilePath?
    for line in lines where line.release == name {
      let place = setup.volume.root.appending(line.path)
      let there = records.filter { $0.path == line.path && [.stored, .kept, .emptying].contains($0.state) }
      guard let file = try await fileStatus(at: place)?.identity else {
        lost = place
        continue
      }
      // Somebody may have put another one there.
      return FoundArchive(
        place: place, format: ArchiveFormat.parse(fileName: place.lastComponent?.string ?? "")?.format ?? .gz,
        record: there.last { file.isCopy(of: $0.file) }, former: there.last)
    }
    guard let lost else {
      throw ArchiveFailure.noArchive(name, nearest: Nearest.name(to: name, among: lines.map(\.release)))
    }
    try await lookForLostArchives()
    throw ArchiveFailure.lost(name, lost)
  }
}
