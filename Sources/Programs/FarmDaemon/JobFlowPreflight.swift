import BlendFile
import FarmModel
import FarmStore
import FolderWatch
import Intake
import Preflight
import SystemPackage
import VolumeFiles

/// What speaks against rendering a drop, and which drops are no jobs but there for others.
extension JobFlow {
  private static let inspectionMax = Duration.seconds(10)
  private static let quiet = Duration.seconds(1)

  /// Looks into the file, and for the files that it needs; where that takes too long, Blender tells what is missing.
  func inspected(_ drop: Drop, _ wishes: RenderWishes) async -> Drop {
    let (path, log, disk) = (drop.path, setup.log, inspectedDisk)
    let (wanted, isWithout) = (wishes.wanted, wishes.onMissing == .warn)
    let inspector = BlendInspector(inspectedDisk.disk(for: path), paths: BlendPaths(places: setup.places))
    let (crashes, fingerprint) = (setup.crashes, drop.fingerprint)
    let found = await BlockingWork.run(atMost: Self.inspectionMax) { () -> (BlendInspection, [SeenFile])? in
      do throws(BlendFailure) {
        return try crashes.reading(path, fingerprint, .inspect) { () throws(BlendFailure) in
          let inspection = try inspector.inspect(path, scenes: wanted.scenes, frames: wanted.frames)
          return (inspection, disk.files(of: inspection, missing: isWithout))
        }
      } catch {
        log.info("a file is not understood in depth", metadata: ["file": "\(path)", "reason": "\(error)"])
        return nil
      }
    }.flatMap(\.self)
    var drop = drop
    drop.inspection = found?.0
    drop.files = found?.1 ?? []
    if let dependencies = drop.inspection?.dependencies {
      let checked = await checked(dependencies, of: drop.path, drop.fingerprint)
      drop.inspection?.dependencies = checked
    }
    return drop
  }

  /// Notes which of the files that are needed are not whole. Those that changed a moment ago, and whose end cannot be
  /// told, are looked at again when they were left alone for a second. Where that takes too long, Blender tells.
  private func checked(
    _ dependencies: [BlendDependency], of path: FilePath, _ fingerprint: Fingerprint
  ) async -> [BlendDependency] {
    let (wholeFiles, crashes) = (wholeFiles, setup.crashes)
    @Sendable func check(
      _ dependencies: [BlendDependency], _ restless: [String: Fingerprint]
    ) async -> (files: [BlendDependency], restless: [String: Fingerprint]) {
      let found = await BlockingWork.run(atMost: Self.inspectionMax) {
        var files = dependencies
        let restless = crashes.reading(path, fingerprint, .inspect) {
          wholeFiles.check(&files, restless: restless)
        }
        return (files, restless)
      }
      return found ?? (dependencies, [:])
    }
    let first = await check(dependencies, [:])
    guard !first.restless.isEmpty else { return first.files }
    try? await Task.sleep(for: Self.quiet)  // Cancelled: the run is over.
    return await check(dependencies, first.restless).files
  }

  /// - Parameter knowsBlender: whether it is known which Blender renders the drop; else findings that depend on it are
  ///   left out.
  func findings(_ drop: Drop, _ wishes: RenderWishes, knowsBlender: Bool) -> [Finding] {
    let blenders = knowsBlender ? abilities?.blenders ?? [] : nil
    let plain = preflight.findings(drop.facts, blenders: blenders, wishes: wishes)
    guard case .success(let facts) = drop.facts, let inspection = drop.inspection else { return plain }
    return plain + preflight.findings(inspection, savedBy: facts.version, blenders: blenders, wishes: wishes)
  }

  // MARK: - Assets

  /// Whether a `.blend` among the drops is no job: release.yaml says so, or another job needs it and it has no camera.
  func isAsset(_ drop: Drop, _ order: ReleaseOrder?) async throws(StoreFailure) -> Bool {
    if order?.jobs?.contains(drop.name.job) == true { return false }
    if order?.assets.contains(where: { Glob($0).matches(drop.name.job) }) == true { return true }
    guard let scene = drop.inspection?.scene, !scene.hasCamera else { return false }
    return try await setup.ledger.isDependency(drop.path.string)
  }

  /// A drop that is an asset is known and nothing more; one that waited as a job for its camera does so no longer.
  func takeAsset(_ drop: Drop, _ before: Revision?) async throws(StoreFailure) {
    try await setup.ledger.remember(KnownPath(below(drop.path)), drop.fingerprint)
    settledIsOver(drop.path)
    setup.log.info("a file is an asset, no job", metadata: ["file": "\(drop.name)"])
    if let before, !before.state.isFinal { await giveUp(before) }
  }

  /// Files that a new job needs and that were taken for jobs themselves, without a camera.
  func giveUpAssets(among files: [SeenFile]) async throws(StoreFailure) {
    for file in files {
      let path = FilePath(file.path)
      guard place.release(at: path.removingLastComponent()) != nil, let name = named(path),
        let revision = try await setup.ledger.newestRevision(of: name), revision.state == .blocked,
        revision.problem?.problemClass == .noCamera
      else { continue }
      await giveUp(revision)
    }
  }

  private func giveUp(_ revision: Revision) async {
    // Known and nothing more, as what lay there before the farm.
    let asset = Problem(.adopted, cause: "it is no job but a file that others need", remedy: "Nothing.")
    if await move(revision, to: .removed, problem: asset) { await end(revision) }
  }
}
