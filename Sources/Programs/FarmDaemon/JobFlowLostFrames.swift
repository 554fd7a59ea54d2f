import FarmModel
import FarmStore
import Harvest
import Rendering
import SystemPackage
import VolumeFiles

/// Frames that are not found where they were put. Only a folder that is there can say that a frame is lost.
extension JobFlow {
  /// What a look for frames found.
  enum FramesSeen: Sendable {
    case allInPlace
    /// Their folder is there and they are not.
    case lost([Output])
    /// Why some may be there and cannot be seen.
    case unknown(String)
  }

  /// Looks for outputs in `out/` that should be in their places.
  func look(for outputs: [Output], of revision: Revision) async throws(StoreFailure) -> FramesSeen {
    guard !outputs.isEmpty else { return .allInPlace }
    guard let folder = try await frameFolder(of: revision) else { return .unknown("its folder does not answer") }
    let promotion = Promotion(into: setup.volume.out(of: revision.name))
    let (seen, device) = await BlockingWork.run { () -> (FramesSeen, Int64?) in
      let seen = Self.look(for: outputs, promotion, in: folder)
      return if case .allInPlace = seen { (seen, folder.currentDevice()) } else { (seen, nil) }
    }
    promotions.saw(revision.name.release, on: device)
    return seen
  }

  /// Says why frames that are not seen may exist; nil when their folder and `dist/` are there.
  func doubt(aboutFramesOf revision: Revision) async throws(StoreFailure) -> String? {
    guard let folder = try await frameFolder(of: revision) else { return "its folder does not answer" }
    let dist = setup.volume.dist
    return await BlockingWork.run(at: setup.volume.out(of: revision.name)) {
      // Unreadable: it is there.
      folder.doubt() ?? ((try? FileStatus(at: dist)) == .some(nil) ? "\(dist) is gone" : nil)
    }
  }

  /// Where a job's frames lie; nil when their file system does not answer.
  func frameFolder(of revision: Revision) async throws(StoreFailure) -> FrameFolder? {
    guard !isHung(setup.volume.out(of: revision.name)) else { return nil }
    let path = try await setup.ledger.job(revision.name)?.path ?? ""
    return FrameFolder(
      of: revision.name, blend: setup.volume.root.appending(path), in: setup.volume,
      device: promotions.device(of: revision.name.release))
  }

  private static func look(for outputs: [Output], _ promotion: Promotion, in folder: FrameFolder) -> FramesSeen {
    var absent: [Output] = []
    for output in outputs {
      switch promotion.look(for: output.path, output.file) {
      case .inPlace: continue
      case .absent: absent.append(output)
      case .unknown(let failure): return .unknown(failure.description)
      }
    }
    guard !absent.isEmpty else { return .allInPlace }
    if let doubt = folder.doubt() { return .unknown(doubt) }
    // The folder may have come back between the two looks.
    let lost = absent.filter { promotion.look(for: $0.path, $0.file) != .inPlace }
    return lost.isEmpty ? .allInPlace : .lost(lost)
  }

  // MARK: - Interrupted promotions

  /// Settles what an interrupted promotion left: a frame in its place is done, one that is not is rendered. While the
  /// folder is away nothing is decided; this is called again.
  func settlePromotions(of id: Int64) async {
    guard promotions.beginLook(id) else { return }
    var isSettled = false
    do { isSettled = try await settledPromotions(of: id) } catch {
      complain(error, while: "recording promoted frames")
    }
    promotions.endLook(id, isSettled: isSettled)
    guard isSettled else { return }
    await advance(id)
    await schedule()
  }

  private func settledPromotions(of id: Int64) async throws(StoreFailure) -> Bool {
    guard let revision = open[id]?.revision else { return true }
    let between = promotions.interrupted(among: open[id]?.board.outputs ?? [])
    let lost: [Output]
    switch try await look(for: between, of: revision) {
    case .allInPlace: lost = []
    case .lost(let outputs): lost = outputs
    case .unknown: return false
    }
    let absent = Set(lost.map(\.id))
    // Moved meanwhile: looked for in the new place.
    guard open[id]?.revision.name == revision.name else { return open[id] == nil }
    let settled = promotions.interrupted(among: open[id]?.board.outputs ?? []).map { output in
      absent.contains(output.id) ? output.notPromoted : output.promoted(output.file)
    }
    try await setup.ledger.update(settled)
    for output in settled { put(output) }
    return true
  }
}

extension Output {
  /// As it is once its file is in its place.
  func promoted(_ file: FileIdentity?) -> Output {
    var output = self
    (output.state, output.file) = (.done, file)
    return output
  }

  /// As it is when its file did not get there, which costs no attempt.
  var notPromoted: Output {
    var output = self
    output.state = .owed
    output.attempts = max(0, output.attempts - 1)
    return output
  }
}
