import FarmModel
import FarmStore
import SystemPackage

/// Files that are listed as jobs and are none yet: a person may kill them too.
extension JobFlow {
  /// A file that is not whole yet.
  struct Unsettled: Hashable {
    let path: FilePath
    /// Why it does not become whole, once that takes long.
    var stalled: Problem?
  }

  private static let killedDropsName = "killed-drops"

  /// Files that are being copied or were refused, among jobs that a person means.
  func dismissible(among meant: Set<JobName>) -> [JobName: FilePath] {
    var found: [JobName: FilePath] = [:]
    for path in rejected.keys {
      guard let release = place.release(at: path.removingLastComponent()) else { continue }
      let name = named(path) ?? JobName(release: release, job: path.stem ?? path.string)
      if meant.contains(name) { found[name] = path }
    }
    for (name, file) in unsettled where meant.contains(name) { found[name] = file.path }
    return found
  }

  /// Kills files that are no jobs yet: what is being copied is not rendered when it is whole, what was refused is not
  /// listed any more. Either comes back when it is changed after that.
  func dismiss(_ files: [JobName: FilePath]) async throws(StoreFailure) {
    for (name, path) in files {
      rejected[path] = nil
      if unsettled[name]?.path == path {
        unsettled[name] = nil
        killedDrops.insert(below(path), name)
      }
      told("job.canceled", name, problem: KilledDrops.problem)
      askForReview(of: name.release)
    }
    if !files.isEmpty { try await rememberKilledDrops() }
  }

  /// Files of a folder that is gone are let go without a trace: nothing can come of them.
  func forgetNewcomers(_ files: [JobName: FilePath]) {
    for (name, path) in files {
      rejected[path] = nil
      unsettled[name] = nil
    }
  }

  /// A drop is whole, or gone: what comes after it is another one.
  /// - Returns: whether it was killed.
  func endKilled(_ path: FilePath) async throws(StoreFailure) -> Bool {
    guard killedDrops.remove(below(path)) else { return false }
    try await rememberKilledDrops()
    return true
  }

  func readKilledDrops() async throws(StoreFailure) {
    killedDrops = try await setup.ledger.remark(Self.killedDropsName).flatMap(KilledDrops.init) ?? KilledDrops()
  }

  private func rememberKilledDrops() async throws(StoreFailure) {
    try await setup.ledger.setRemark(Self.killedDropsName, killedDrops.text)
  }
}
