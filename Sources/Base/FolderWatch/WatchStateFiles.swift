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
    _ folder: FilePath, _ name: FilePath.Component, _ arrival: SettleWindow.Arrival
  ) -> [WatchAction] {
    guard accepts(folder, name) else { return [] }
    let path = folder.appending(name)
    guard candidates[path] == nil else {
      candidates[path]?.window.noticed(arrival)
      // It does not wait for a look that is due later: something has happened.
      if candidates[path]?.isWaiting == true { return [look(path, deep: false)] }
      candidates[path]?.isStirred = true
      return []
    }
    let window = SettleWindow(known: folders[folder]?.known?[name], arrival: arrival, rules: rules, at: now)
    candidates[path] = Candidate(window: window, begun: now, home: folders[folder]?.stamp)
    return [look(path, deep: arrival == .renamed)]
  }

  mutating func look(_ path: FilePath, deep: Bool) -> WatchAction {
    let turn = (candidates[path]?.turn ?? 0) + 1
    candidates[path]?.turn = turn
    candidates[path]?.isWaiting = false
    return .look(path, turn: turn, deep: deep)
  }

  private mutating func look(_ path: FilePath, after delay: Duration, deep: Bool) -> [WatchAction] {
    guard delay > .zero else { return [look(path, deep: deep)] }
    let turn = (candidates[path]?.turn ?? 0) + 1
    candidates[path]?.turn = turn
    candidates[path]?.isWaiting = true
    candidates[path]?.isDeep = deep
    agenda.add(.look(path, turn: turn), at: now + delay)
    return []
  }

  mutating func lookIsDue(_ path: FilePath, _ turn: Int) -> [WatchAction] {
    guard let candidate = candidates[path], candidate.turn == turn, candidate.isWaiting else { return [] }
    return [look(path, deep: candidate.isDeep)]
  }

  mutating func looked(_ path: FilePath, turn: Int, _ seen: Look) -> [WatchAction] {
    guard let candidate = candidates[path], candidate.turn == turn, !candidate.isWaiting else { return [] }
    let moment = now
    guard let action = candidates[path]?.window.looked(seen, at: moment) else { return [] }
    let isStirred = candidate.isStirred
    candidates[path]?.isStirred = false
    var actions: [WatchAction] = []
    var isAwaited = false
    switch action {
    case .look(let delay, let deep):
      if !candidate.isTold, seen != .gone {
        candidates[path]?.isTold = true
        actions.append(.tell(.unsettled(path)))
      }
      actions += look(path, after: isStirred ? .zero : delay, deep: deep)
      // A quiet time is short: a barrier waits for its end, but not for a writer to finish.
      if case .file(_, writer: .noWriter, wholeness: nil) = seen { isAwaited = true }
    case .stalled(let reason, let delay):
      actions.append(.tell(.stalled(path, reason: reason)))
      actions += look(path, after: isStirred ? .zero : delay, deep: false)
    case .settled(let fingerprint):
      actions += ended(path, .settled(path, fingerprint), known: fingerprint, stirred: isStirred)
    case .unchanged:
      actions += ended(path, candidate.isTold ? .unchanged(path) : nil, known: nil, stirred: isStirred)
    case .refused(let reason, let fingerprint):
      actions += ended(path, .refused(path, reason: reason), known: fingerprint, stirred: isStirred)
    case .vanished: actions += vanished(path, candidate, stirred: isStirred)
    }
    if !isAwaited && !(isStirred && candidates[path] != nil) { barriers.looked(path) }
    return actions + barriersReached()
  }

  /// The file is done with; what happened during the last look begins anew.
  private mutating func ended(
    _ path: FilePath, _ change: FolderChange?, known: Fingerprint?, stirred: Bool
  ) -> [WatchAction] {
    let folder = path.removingLastComponent()
    candidates[path] = nil
    guard let name = path.lastComponent else { return [] }
    if let known { folders[folder]?.known?[name] = known }
    let told: [WatchAction] = change.map { [.tell($0)] } ?? []
    return told + (stirred ? noticed(folder, name, .other) : [])
  }

  /// A file that went with its folder was not deleted.
  private mutating func vanished(_ path: FilePath, _ candidate: Candidate, stirred: Bool) -> [WatchAction] {
    let folder = path.removingLastComponent()
    guard folders[folder]?.isHere == true else {
      return ended(path, candidate.isTold ? .unchanged(path) : nil, known: nil, stirred: stirred)
    }
    let isHome = folders[folder]?.stamp.map { candidate.home?.isSameFolder(as: $0) ?? true } ?? true
    if let name = path.lastComponent { folders[folder]?.known?[name] = nil }
    guard isHome else { return ended(path, .lost(path), known: nil, stirred: stirred) }
    return ended(path, .vanished(path), known: nil, stirred: stirred)
  }
}
