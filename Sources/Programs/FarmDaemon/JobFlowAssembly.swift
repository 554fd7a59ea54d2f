import Assembly
import FarmModel
import FarmStore
import Harvest
import Pictures
import Rendering
import Segmentation
import SystemPackage
import VolumeFiles

/// From all frames of a job to a completed one: what is made of them together.
extension JobFlow {
  /// Puts tiles together, makes the contact sheet, looks for what shows nothing, and completes the job.
  func assemble(_ id: Int64) async {
    do {
      await recovered(try await setup.ledger.revision(id).name.release)
      let revision = try await setup.ledger.revision(id)
      guard revision.state == .assembling, try await !isOutdated(revision) else {
        assemblies[id] = nil
        return
      }
      await watchingForCrash(of: revision) { await assemble(revision) }
    } catch {
      cannotAssemble(id, error)
    }
  }

  private func assemble(_ revision: Revision) async {
    do {
      let out = setup.volume.out(of: revision.name)
      guard try await putTogether(revision, in: out) else { return }
      let place = try await places(of: revision)
      let frames = try await setup.ledger.outputs(of: revision.id).filter(\.kind.isFrame)
      if frames.count > 1 { await makeContactSheet(of: frames.map(place), in: out, revision) }
      for pictures in Dictionary(grouping: frames, by: \.kind).values {
        try await lookForDarkness(among: pictures, at: place, revision)
      }
      await forgetPrevious(in: out, revision)
      await removeTree(out.appending(Segmentation.tilesFolder))
      await clearAway(revision)
      // False when a newer revision has come meanwhile.
      if await move(revision, to: .completed) { lacks.forget(revision.id) }
      assemblies[revision.id] = nil
    } catch {
      cannotAssemble(revision.id, error)
    }
  }

  /// Its pictures or dependencies may be away for now; it is tried again until they are back.
  private func cannotAssemble(_ id: Int64, _ error: any Error) {
    complain(error, while: "assembling")
    assemblies[id, default: RetryPace()].failed(at: setup.clock.now())
  }

  /// Tries again what could not be put together.
  func assembleAgain() {
    let now = setup.clock.now()
    for (id, pace) in assemblies where !pace.isResting(at: now) {
      assemblies[id]?.failed(at: now)
      errand.yield(.assemble(id))
    }
  }

  // MARK: - Tiles

  /// Makes the pictures that came as tiles, each in its place before the next; what nodes wrote stays where it is
  /// unless it is wanted in `dist/`.
  /// - Returns: false when that could not be done; the revision is in another state then.
  private func putTogether(_ revision: Revision, in out: FilePath) async throws -> Bool {
    let outputs = try await setup.ledger.outputs(of: revision.id)
    guard try await areTilesThere(outputs, of: revision, in: out) else { return false }
    let tiles = Dictionary(grouping: outputs.filter { $0.kind.part.tile != nil }) { WholePicture(of: $0) }
    for output in outputs where output.kind.isFrame && !output.state.isDone {
      do {
        try await putTogether(output, of: tiles[WholePicture(of: output)] ?? [], revision, in: out)
      } catch let failure as StoreFailure {
        throw failure
      } catch {
        complain(error, while: "putting together frame \(output.frame) of \(revision.name)")
        let known = error as? any Failure
        let problem = Problem(.renderError, cause: known?.description ?? "\(error)", remedy: known?.remedy)
        var failed = output
        (failed.state, failed.problem) = (.failed, problem)
        if await move(revision, to: .failed, problem: problem, outputs: [failed]) { await end(revision) }
        return false
      }
    }
    guard revision.settings.wanted.deliverNodes != true else { return true }
    var kept = outputs.filter { $0.kind.node != nil && $0.state == .done }
    for index in kept.indices { kept[index].state = .kept }
    try await setup.ledger.update(kept)
    return true
  }

  /// Whether each tile that is needed yet lies in its place; those that somebody took away are rendered again.
  private func areTilesThere(
    _ outputs: [Output], of revision: Revision, in out: FilePath
  ) async throws -> Bool {
    var lost: [Output]
    switch try await look(for: outputs.filter { $0.kind.part.tile != nil && $0.state == .done }, of: revision) {
    case .allInPlace: return true
    case .unknown(let reason): throw HarvestFailure.away(revision.name, reason: reason)
    case .lost(let outputs): lost = outputs
    }
    for index in lost.indices { lost[index].state = .owed }
    setup.log.notice(
      "tiles were lost before they became a picture and are rendered again",
      metadata: ["job": "\(revision.name)", "tiles": "\(lost.count)"])
    await requeue(revision, owing: lost)
    return false
  }

  /// Which picture tiles are of.
  private struct WholePicture: Hashable {
    let part: RenderPart
    let frame: FrameNumber

    init(of output: Output) {
      part = output.kind.part.whole
      frame = output.frame
    }
  }

  private func putTogether(
    _ output: Output, of tiles: [Output], _ revision: Revision, in out: FilePath
  ) async throws {
    let parts = tiles.compactMap { tile in tile.kind.part.tile.map { (tile: $0, output: tile) } }
    let size = TiledPicture.size(of: parts.compactMap { part in part.output.size.map { (part.tile, $0) } })
    let picture = TiledPicture(parts.map { ($0.tile, out.appending($0.output.path)) }, size: size)
    let made = out.appending(Segmentation.tilesFolder).appending("whole-\(output.id).\(revision.format.fileExtension)")
    try await picture.make(at: made)
    let pictures = pictures(of: revision.id, revision.name)
    let good = try await BlockingWork.run {
      let good = try pictures.reading { FrameCheck.check(made, as: FrameCheck.Wanted(revision.format, size: size)) }
        .get()
      if let refusal = FrameCheck.sync(made) { throw refusal }
      return good
    }
    var whole = output
    whole.state = .promoting
    (whole.size, whole.bytes, whole.file, whole.problem) = (good.size, good.bytes, good.identity, nil)
    whole.facts = tiles.first?.facts
    whole.facts?.looksDark = good.looksDark ? true : nil
    whole.peakBytes = tiles.compactMap(\.peakBytes).max()
    whole.attempts = tiles.map(\.attempts).max() ?? 0
    try await setup.ledger.update([whole], doing: "record a picture of tiles")
    let promotion = Promotion(into: out)
    whole.file = try await BlockingWork.run { () throws(RenderingFailure) in
      try promotion.promote(good, as: output.path)
    }
    whole.state = .done
    var used = tiles
    for index in used.indices { used[index].state = .assembled }
    try await setup.ledger.update([whole] + used, doing: "note a picture of tiles")
  }

  /// What has to be rendered for these outputs: of a picture that comes as tiles those that are no more.
  func withTiles(_ owed: [Output], of revision: Int64) async throws(StoreFailure) -> [Output] {
    let pictures = Set(owed.filter(\.kind.isFrame).map(WholePicture.init))
    var tiles = try await setup.ledger.outputs(of: revision).filter { output in
      output.state == .assembled && pictures.contains(WholePicture(of: output))
    }
    for index in tiles.indices { tiles[index].oweAnew() }
    return owed + tiles
  }

  /// What cannot be removed now is removed when the next revision is completed.
  private func forgetPrevious(in out: FilePath, _ revision: Revision) async {
    let promotion = Promotion(into: out)
    do throws(RenderingFailure) {
      try await BlockingWork.run { () throws(RenderingFailure) in try promotion.forgetPrevious() }
    } catch {
      complain(error, while: "removing the earlier frames of \(revision.name)")
    }
  }

  /// What a failing graphics card writes is whole and shows nothing: it is told, and left to people.
  private func lookForDarkness(
    among outputs: [Output], at place: (Output) -> FilePath, _ revision: Revision
  ) async throws(StoreFailure) {
    let frames = outputs.map { output in
      DarkFrames.Frame(
        frame: output.frame, file: place(output), bytes: output.bytes ?? 0, looksDark: output.facts?.looksDark == true)
    }
    let dark: [FrameNumber]
    do throws(ToolFailure) { dark = try await DarkFrames(among: frames).found() } catch {
      return complain(error, while: "looking for dark frames of \(revision.name)")
    }
    guard !dark.isEmpty else { return }
    let cause =
      dark.count == 1
      ? "frame \(FrameSet(dark)) shows nothing, and its neighbours do"
      : "frames \(FrameSet(dark)) show nothing, and their neighbours do"
    let remedy =
      "Look at them; `farm replace job \(revision.name) --frames \(FrameSet(dark))` renders them again."
    let note = Problem(.darkFrame, cause: cause, remedy: remedy)
    let notes = try await setup.ledger.revision(revision.id).notes.filter { $0 != note }
    try await setup.ledger.setNotes(of: revision.id, notes + [note])
    told("job.note", revision.name, revision: revision.number, problem: note)
  }

  /// A missing contact sheet never holds up a job.
  private func makeContactSheet(of frames: [FilePath], in folder: FilePath, _ revision: Revision) async {
    do throws(ToolFailure) { _ = try await ContactSheet(of: frames).make(in: folder) } catch {
      complain(error, while: "making the contact sheet of \(revision.name)")
    }
  }
}
