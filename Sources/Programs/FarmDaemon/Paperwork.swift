import FarmAPI
import FarmModel
import FarmStore
import FoundationEssentials
import Glibc
import Logging
import ShareNotes
import SystemPackage
import VolumeFiles

/// Keeps what others read without asking the daemon: `.farm/status.json` for commands when it is down, `STATUS.txt` and
/// the notes beside the drops for artists. Each is written only when something changed.
struct Paperwork: Sendable {
  private static let lookEvery = Duration.seconds(1)
  private static let restMax = Duration.seconds(10)
  /// Looks between two writings of STATUS.txt.
  private static let sheetEvery = 10

  let volume: Volume
  let flow: JobFlow
  let events: EventHub
  let log: Logger
  let board: NoteBoard

  init(volume: Volume, flow: JobFlow, events: EventHub, log: Logger) {
    self.volume = volume
    self.flow = flow
    self.events = events
    self.log = log
    board = NoteBoard(volume)
  }

  private var sheetFile: FilePath { volume.root.appending("STATUS.txt") }

  /// Writes until the task is cancelled. What could not be written is tried again.
  func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask {
        var warnings = RepeatedWarnings()
        // A note of an earlier life is removed only when it is known what lies there now.
        while !Task.isCancelled, await !isSynced(&warnings) {
          try? await Task.sleep(for: Self.restMax)  // Cancelled: the loop ends.
        }
        if !Task.isCancelled { await board.removeLeftovers() }
      }
      await writeOften()
    }
  }

  private func writeOften() async {
    var (warnings, sheetWarnings) = (RepeatedWarnings(), RepeatedWarnings())
    var (last, lastSheet, looks) = (-1, -1, 0)
    var mustRetry = false
    while !Task.isCancelled {
      let now = await flow.happenings
      let begun = flow.setup.clock.now()
      let isRound = looks % Self.sheetEvery == 0
      if now != last || (mustRetry && isRound) {
        mustRetry = await !write(retrying: isRound, &warnings)
        last = now
      }
      if now != lastSheet, isRound, await writeSheet(&sheetWarnings) { lastSheet = now }
      looks += 1
      // Very many jobs take long to write of: most of the time is for something else.
      let rest = min(Self.restMax, flow.setup.clock.now().since(begun) * 9)
      try? await Task.sleep(for: max(Self.lookEvery, rest))  // Cancelled: the loop ends.
    }
  }

  private func isSynced(_ warnings: inout RepeatedWarnings) async -> Bool {
    do {
      try await flow.sync()
      return true
    } catch {
      await warn(error, &warnings)
      return false
    }
  }

  /// - Returns: whether all of it was written.
  private func write(retrying: Bool, _ warnings: inout RepeatedWarnings) async -> Bool {
    var isWritten = true
    // It may lie on another disk than the notes.
    do { try await put(flow.status()) } catch {
      await warn(error, &warnings)
      isWritten = false
    }
    do {
      let (notes, folders) = try await flow.notes()
      let failures = await board.show(notes, folders: folders, retrying: retrying)
      for failure in failures { await warn(failure, &warnings) }
      if await board.isBehind { isWritten = false }
    } catch {
      await warn(error, &warnings)
      isWritten = false
    }
    if isWritten {
      warnings.forget()
      await flow.tell(of: volume.statusFile, unwritten: nil)
    }
    return isWritten
  }

  private func writeSheet(_ warnings: inout RepeatedWarnings) async -> Bool {
    do {
      let sheet = StatusSheet(status: try await flow.status(), moment: Self.moment(flow.setup.clock.now()))
      guard let failure = await board.show(sheet) else {
        warnings.forget()
        await flow.tell(of: sheetFile, unwritten: nil)
        return true
      }
      await warn(failure, &warnings, of: sheetFile)
    } catch {
      await warn(error, &warnings, of: sheetFile)
    }
    return false
  }

  private func warn(_ error: any Error, _ warnings: inout RepeatedWarnings, of paper: FilePath? = nil) async {
    if warnings.admits("\(error)") { complain(error) }
    await flow.tell(of: paper ?? volume.statusFile, unwritten: error)
  }

  /// Writes the last status, as of a daemon that does not run. Where that is refused, whatever ended the run is still
  /// what is to be told.
  /// - Parameter trouble: what ended it, with its remedy.
  func close(because trouble: String? = nil) async {
    do {
      // When the ledger cannot be read any more, what was written last is all that is known.
      guard var status = try await current(orLast: trouble != nil) else { return }
      status.daemon.troubles = trouble.map { [$0] } ?? []
      status.daemon.running = false
      status.daemon.slots.used = 0
      try await put(status)
      let sheet = StatusSheet(status: status, moment: Self.moment(flow.setup.clock.now()))
      if let failure = await board.show(sheet) { complain(failure) }
    } catch {
      log.warning("cannot write the last status: \(error)", metadata: ["remedy": "\(error.remedyOrReport)"])
    }
  }

  private func current(orLast mayBeOld: Bool) async throws -> FarmStatus? {
    do { return try await flow.status() } catch {
      guard mayBeOld else { throw error }
      let path = volume.statusFile
      let bytes = try await BlockingWork.run { () throws(FileFailure) in
        try FileStatus(at: path) == nil ? [] : FileBytes.all(of: path)
      }
      return try? JSONDecoder().decode(FarmStatus.self, from: Data(bytes))  // None was written yet.
    }
  }

  private func complain(_ error: any Error) {
    if case .canceled? = error as? StoreFailure { return }
    let remedy = error.remedyOrReport
    log.warning("cannot write what artists read: \(error)", metadata: ["remedy": "\(remedy)"])
  }

  private func put(_ status: FarmStatus) async throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let bytes = try Array(encoder.encode(status)) + [10]
    let path = volume.statusFile
    try await BlockingWork.run { () throws(FileFailure) in try Durable.write(bytes, to: path) }
  }

  /// Date and time in the machine's own zone, as people there read it.
  static func moment(_ now: Timestamp) -> String {
    var seconds = time_t(now.parts.seconds)
    var parts = tm()
    localtime_r(&seconds, &parts)
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
      guard let start = text.baseAddress else { return "" }
      strftime(start, text.count, "%Y-%m-%d %H:%M:%S %Z", &parts)
      return String(cString: start)
    }
  }
}
