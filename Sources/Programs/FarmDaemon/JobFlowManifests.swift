import FarmStore
import FoundationEssentials
import VolumeFiles

/// What is proven is written down beside the ledger too, so that a lost ledger costs no render.
extension JobFlow {
  private static let manifestsAfter = Duration.milliseconds(100)
  private static let manifestsAtOnce = 100
  private static let adoptedAtOnce = 1000

  /// Has the manifests written of what has ended since the last time.
  func askForManifests() {
    guard !areManifestsAsked else { return }
    areManifestsAsked = true
    errand.yield(.writeManifests)
  }

  func writeManifests() async {
    try? await Task.sleep(for: Self.manifestsAfter)  // Cancelled: written after the next start.
    areManifestsAsked = false
    await putManifests()
  }

  /// Those that are due.
  func putManifests() async {
    let folder = ManifestFolder(setup.volume)
    do {
      while true {
        // What is being delivered is another in a moment, and asks again.
        let due = try await setup.ledger.dueManifests(limit: Self.manifestsAtOnce, besides: harvesting)
        guard !due.isEmpty else { return }
        try await BlockingWork.run { () throws(FileFailure) in
          for manifest in due { try folder.put(manifest) }
        }
        try await setup.ledger.wroteManifests(due)
      }
    } catch {
      // Asked for again with the next thing that happens.
      complain(error, while: "writing manifests")
    }
  }

  /// Once everything that was there before the farm is known.
  func writeAdopted() async throws {
    let folder = ManifestFolder(setup.volume)
    try await BlockingWork.run { () throws(FileFailure) in try folder.beginAdopted() }
    var last: Int64 = 0
    while let next = try await setup.ledger.adoptedManifests(after: last, limit: Self.adoptedAtOnce) {
      last = next.last
      try await BlockingWork.run { () throws(FileFailure) in try folder.add(adopted: next.manifests) }
    }
    try await BlockingWork.run { () throws(FileFailure) in try folder.endAdopted() }
  }
}
