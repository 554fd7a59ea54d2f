import FarmAPI
import FarmModel
import FarmStore
import SystemPackage
import VolumeFiles

/// What was found of the ledger.
package enum LedgerState: Sendable {
  case whole
  /// There is none yet; the first start makes it.
  case absent
  case damaged(String)
  /// It, or its folder, cannot be opened.
  case closed(any Error)

  /// - Parameter trouble: what ``Ledger/trouble()`` said.
  package init(trouble: String?) {
    self = trouble.map { .damaged($0) } ?? .whole
  }
}

/// Looks at everything that the farm stands on, with the rights of the one who asks.
package struct Checkup: Sendable {
  private let volume: Volume
  private let state: FilePath
  private let clock: WallClock

  /// - Parameter state: the folder of ledger and logs.
  package init(volume: Volume, state: FilePath, clock: WallClock) {
    self.volume = volume
    self.state = state
    self.clock = clock
  }

  /// - Parameters:
  ///   - blenders: what was found where programs are looked for.
  ///   - unwell: programs that were found and do not work, with the reason.
  ///   - probing: programs that have not answered yet.
  package func report(
    blenders: [BlenderProgram], unwell: [UnwellProgram], probing: [String] = [], ledger: LedgerState
  ) async -> DoctorReport {
    guard VolumeTree.isVolume(volume) else {
      let text = "\(volume.root) is not a farm volume"
      return DoctorReport(
        lines: [.init("volume", .bad, text, remedy: "farm init \(volume.root.string.quotedForShell)")])
    }
    var lines = [DoctorReport.Line("volume", .good, volume.root.string)]
    let machine = MachineCheck()
    let looked = await BlockingWork.run(atMost: .seconds(10)) { (folders() + clockLine(), watchedFolders.count) }
    let silent = DoctorReport.Line(
      "volume", .bad, "a folder of it does not answer", remedy: "df -h \(volume.root.string.quotedForShell)")
    lines += looked?.0 ?? [silent]
    lines.append(machine.watches(needed: (looked?.1 ?? 0) + 4))
    lines += machine.blenders(blenders, unwell: unwell, probing: probing)
    for tool in MachineCheck.tools { lines.append(await machine.line(of: tool)) }
    lines += [("volume", volume.root), ("work", volume.work), ("state", state)].map { machine.disk($0.0, $0.1) }
    lines.append(line(of: ledger))
    return DoctorReport(lines: lines)
  }

  /// `quick/` and the store of every release.
  private var watchedFolders: [FilePath] {
    // Not to be listed: its own line says so.
    let releases = (try? FolderListing.names(in: volume.releases)) ?? []
    let stores = releases.filter { !Volume.isOfSystem($0.string) }.map { volume.store(of: $0.string) }.filter {
      ((try? FileStatus(at: $0)) ?? nil) != nil
    }
    return [volume.quick] + stores.sorted { $0.string < $1.string }
  }

  private func folders() -> [DoctorReport.Line] {
    let ours = [volume.quick.appending("out"), volume.releases, volume.dist, volume.work, volume.cookies]
    return watchedFolders.map { FolderCheck($0, isWatched: true).line(shownAs: volume.relative($0)) }
      + ours.map { FolderCheck($0, isWatched: false).line(shownAs: volume.relative($0)) }
  }

  /// The file server's clock beside ours: a difference confuses people, and copies that keep times.
  private func clockLine() -> [DoctorReport.Line] {
    let file = volume.own.appending(FolderCheck.probeName)
    Placement.remove(file)
    defer { Placement.remove(file) }
    do throws(FileFailure) {
      OpenFile.close(try OpenFile.making(file, mode: 0o600))
      let there = try FileStatus(at: file)?.fingerprint.mtimeNanoseconds ?? 0
      let apart = abs(clock.now().nanoseconds - there) / 1_000_000
      guard apart > 2000 else { return [.init("clock", .good, "the volume's clock is ours (\(apart) ms apart)")] }
      return [
        .init(
          "clock", .note, "the volume's clock is \(apart / 1000) s from ours",
          remedy: "Keep both machines' time: `apt-get install chrony`")
      ]
    } catch {
      return [.init("clock", .note, error.description, remedy: error.remedy)]
    }
  }

  private func line(of ledger: LedgerState) -> DoctorReport.Line {
    let path = state.appending("ledger.sqlite")
    switch ledger {
    case .whole: return .init("ledger", .good, "every page of \(path) is whole")
    case .absent: return .init("ledger", .good, "none yet; the first start makes \(path)")
    case .damaged(let what):
      let aside = "mv \(state.string.quotedForShell)/ledger.sqlite\(String("{,.damaged}"))"
      return .init("ledger", .bad, what, remedy: "Stop farmd, then: \(aside)")
    case .closed(let error):
      let remedy = (error as? any Failure)?.remedy ?? "Look into \(state.string.quotedForShell)"
      return .init("ledger", .bad, "\(error)", remedy: remedy)
    }
  }
}
