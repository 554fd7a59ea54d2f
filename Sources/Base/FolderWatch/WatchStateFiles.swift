import FarmModel
import SystemPackage
import VolumeFiles

/// A file on its way to being settled.
struct Candidate {
  var window: SettleWindow
  /// Which look it is; only the answer to the last one counts.
  var turn = 0
  /// The next look is waited for, not under way.
  var isWaiting = false
  /// How deep the look is that is waited for.
  var isDeep = false
  /// Something happened while a look was under way.
  var isStirred = false
  var isTold = false
  let begun: ContinuousClock.Instant
  /// The folder in which it was noticed.
  let home: FolderStamp?
}

/// Files that were noticed, until they have settled.
extension WatchState {
  mutating func noticed(
    _ folder: FilePath, _ name: FileName, _ arrival: SettleWindow.Arrival
  ) -> [WatchAction] {
    let isDrop = dropCheck(of: folder)?(folder, name) == true
    guard isDrop || followed.names(in: folder).contains(name) else { return [] }
    let file = FileKey(folder: folder, name: name)
    guard candidates[file] == nil else {
      candidates[file]?.window.noticed(arrival)
      // It does not wait for a look that is due later: something has happened.
      if candidates[file]?.isWaiting == true { return [look(file, deep: false)] }
      candidates[file]?.isStirred = true
      return []
    }
    // What is no drop renders nothing by itself, so there is time.
    let window = SettleWindow(
      known: folders[folder]?.known[name], arrival: isDrop ? arrival : .other, rules: isDrop ? rules : rules.unhurried,
      at: now)
    candidates[file] = Candidate(window: window, begun: now, home: folders[folder]?.stamp)
    return [look(file, deep: isDrop && arrival == .renamed)]
  }

  mutating func look(_ file: FileKey, deep: Bool) -> WatchAction {
    let turn = (candidates[file]?.turn ?? 0) + 1
    candidates[file]?.turn = turn
    candidates[file]?.isWaiting = false
    return .look(file, turn: turn, deep: deep)
  }

  private mutating func look(_ file: FileKey, after delay: Duration, deep: Bool) -> [WatchAction] {
    guard delay > .zero else { return [look(file, deep: deep)] }
    let turn = (candidates[file]?.turn ?? 0) + 1
    candidates[file]?.turn = turn
    candidates[file]?.isWaiting = true
    candidates[file]?.isDeep = deep
    agenda.add(.look(file, turn: turn), at: now + delay)
    return []
  }

  mutating func lookIsDue(_ file: FileKey, _ turn: Int) -> [WatchAction] {
    guard let candidate = candidates[file], candidate.turn == turn, candidate.isWaiting else { return [] }
    return [look(file, deep: candidate.isDeep)]
  }

  mutating func looked(_ file: FileKey, turn: Int, _ seen: Look) -> [WatchAction] {
    guard let candidate = candidates[file], candidate.turn == turn, !candidate.isWaiting else { return [] }
    let moment = now
    guard let action = candidates[file]?.window.looked(seen, at: moment) else { return [] }
    let isStirred = candidate.isStirred
    candidates[file]?.isStirred = false
    var actions: [WatchAction] = []
    var isAwaited = false
    switch action {
    case .look(let delay, let deep):
      if !candidate.isTold, seen != .gone {
        candidates[file]?.isTold = true
        actions.append(.tell(.unsettled(file.path)))
      }
      actions += look(file, after: isStirred ? .zero : delay, deep: deep)
      // A quiet time is short: a barrier waits for its end, but not for a writer to finish. What something happened to
      // while it was looked at is looked at to its end at once, and may be whole before its quiet time is over.
      if case .file(_, writer: .noWriter, let wholeness) = seen, wholeness == nil || wholeness == .whole {
        isAwaited = true
      }
    case .stalled(let reason, let delay):
      actions.append(.tell(.stalled(file.path, reason: reason)))
      actions += look(file, after: isStirred ? .zero : delay, deep: false)
    case .settled(let fingerprint):
      actions += ended(file, .settled(file.path, fingerprint), known: fingerprint, stirred: isStirred)
    case .unchanged:
      actions += ended(file, candidate.isTold ? .unchanged(file.path) : nil, known: nil, stirred: isStirred)
    case .refused(let reason, let fingerprint):
      actions += ended(file, .refused(file.path, reason: reason), known: fingerprint, stirred: isStirred)
    case .vanished: actions += vanished(file, candidate, stirred: isStirred)
    }
    if !isAwaited && !(isStirred && candidates[file] != nil) { barriers.looked(.file(file)) }
    return actions + barriersReached()
  }

  /// The file is done with; what happened during the last look begins anew.
  private mutating func ended(
    _ file: FileKey, _ change: FolderChange?, known: Fingerprint?, stirred: Bool
  ) -> [WatchAction] {
    let folder = file.folder
    candidates[file] = nil
    if let known { folders[folder]?.known[file.name] = known }
    let told: [WatchAction] = change.map { [.tell($0)] } ?? []
    return told + (stirred ? noticed(folder, file.name, .other) : [])
  }

  /// A file that went with its folder was not deleted.
  private mutating func vanished(_ file: FileKey, _ candidate: Candidate, stirred: Bool) -> [WatchAction] {
    let folder = file.folder
    guard folders[folder]?.isHere == true else {
      return ended(file, candidate.isTold ? .unchanged(file.path) : nil, known: nil, stirred: stirred)
    }
    let isHome = folders[folder]?.stamp.map { candidate.home?.isSameFolder(as: $0) ?? true } ?? true
    folders[folder]?.known[file.name] = nil
    guard isHome else { return ended(file, .lost(file.path), known: nil, stirred: stirred) }
    return ended(file, .vanished(file.path), known: nil, stirred: stirred)
  }
}
