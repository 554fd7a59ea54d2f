import BlendFile
import FarmModel

/// Something that was found before the first frame: it blocks the job, or is worth a note.
package struct Finding: Codable, Hashable, Sendable {
  /// Whether a finding stops the job.
  package enum Severity: String, Codable, Sendable {
    case blocks, note
  }

  package let severity: Severity
  package let problem: Problem

  package init(_ severity: Severity, _ problem: Problem) {
    self.severity = severity
    self.problem = problem
  }
}

/// What people want of a file, besides what it says itself.
package struct RenderWishes: Hashable, Sendable {
  package var onMissing: OnMissing
  package let still: StillMode
  /// By its sidecar and its release, and what of that its sidecar said.
  package let wanted: JobSettings
  package let said: JobSettings
  /// Whether its scripts may run.
  package let trustsScripts: Bool
  /// The folders that the workers can read; nil: whatever this machine can.
  package let reach: [String]?

  package init(
    onMissing: OnMissing = .block, still: StillMode = .auto, wanted: JobSettings = JobSettings(),
    said: JobSettings = JobSettings(), trustsScripts: Bool = false, reach: [String]? = nil
  ) {
    self.onMissing = onMissing
    self.still = still
    self.wanted = wanted
    self.said = said
    self.trustsScripts = trustsScripts
    self.reach = reach
  }
}

/// Decides whether a whole file can be rendered here; knows the file only by what it says of itself.
package struct Preflight: Hashable, Sendable {
  private let choice: BlenderChoice

  package init(choice: BlenderChoice) {
    self.choice = choice
  }

  /// What speaks against rendering the file with these Blenders.
  /// - Parameter blenders: nil while it is not known which of them renders the file; findings that depend on it are
  ///   left out then.
  package func findings(
    _ facts: Result<BlendFacts, BlendFailure>, blenders: [BlenderProgram]?, wishes: RenderWishes = RenderWishes()
  ) -> [Finding] {
    switch facts {
    case .failure(let failure):
      return [Finding(.blocks, Problem(.unreadableFile, cause: failure.description, remedy: failure.remedy))]
    case .success(let facts): return findings(facts, blenders: blenders, wishes.wanted)
    }
  }

  private func findings(_ facts: BlendFacts, blenders: [BlenderProgram]?, _ wanted: JobSettings) -> [Finding] {
    var found: [Finding] = []
    if wanted.frames != nil || wanted.scenes != nil {
      // What the active scene's range is does not matter.
    } else if let scene = facts.activeScene {
      let count = Int(scene.end) - Int(scene.start) + 1
      if count < 1 {
        let range = "\(scene.start) to \(scene.end)"
        found.append(
          Finding(.blocks, Problem(.noFrames, cause: "scene \(scene.name)'s frame range is empty: \(range)")))
      } else if count > FrameSet.countMax {
        let cause = "scene \(scene.name) has \(count) frames; a job may have \(FrameSet.countMax)"
        found.append(Finding(.blocks, Problem(.noFrames, cause: cause)))
      }
    } else {
      let remedy = "Drop the file that holds the scene, or make the scene local in Blender and save again."
      found.append(
        Finding(.blocks, Problem(.noFrames, cause: "the file holds no scene of its own to render", remedy: remedy)))
    }
    guard let blenders else { return found }
    switch choice.fitting(facts.version, among: blenders) {
    case .success(let fit): if let note = fit.note { found.append(Finding(.note, note)) }
    case .failure(let none): found.append(Finding(.blocks, none.problem))
    }
    return found
  }

  /// What was found in depth, besides what the file says on its face.
  /// - Parameter blenders: nil while it is not known which of them renders the file.
  package func findings(
    _ inspection: BlendInspection, savedBy version: BlenderVersion, blenders: [BlenderProgram]?,
    wishes: RenderWishes = RenderWishes()
  ) -> [Finding] {
    var found = MissingFiles(inspection.dependencies, onMissing: wishes.onMissing, reach: wishes.reach).findings
    found += MissingFiles.notes(on: inspection.shortCaches)
    found += MissingFiles.notes(onUSDAmong: inspection.dependencies)
    if !wishes.trustsScripts { found += scripts(inspection.scripts) }
    for scene in inspection.rendered { found += findings(scene, inspection, savedBy: version, blenders, wishes) }
    return found
  }

  private func findings(
    _ scene: BlendScene, _ inspection: BlendInspection, savedBy version: BlenderVersion, _ blenders: [BlenderProgram]?,
    _ wishes: RenderWishes
  ) -> [Finding] {
    var found: [Finding] = []
    if !scene.hasCamera {
      found.append(Finding(.blocks, Problem(.noCamera, cause: "scene \(scene.name) has no camera")))
    }
    if wishes.wanted.layers == nil, !scene.viewLayers.isEmpty, !scene.viewLayers.contains(where: \.used) {
      let cause = "no view layer of scene \(scene.name) is switched on for rendering"
      found.append(Finding(.blocks, Problem(.noLayer, cause: cause)))
    }
    if let blenders, case .success(let fit) = choice.fitting(version, among: blenders), !fit.blender.canDenoise {
      let isCycles = scene.engine == "CYCLES" && wishes.wanted.denoise ?? scene.denoising
      if isCycles || (!inspection.denoisers.isEmpty && wishes.wanted.layers == nil) {
        let what = isCycles ? "scene \(scene.name)" : "the compositor of scene \(scene.name)"
        let cause = "\(what) denoises, and this Blender is built without a denoiser"
        found.append(Finding(.blocks, Problem(.denoiserMissing, cause: cause)))
      }
    }
    if scene.movie {
      found.append(
        Finding(
          .note,
          Problem(
            .notSupported, cause: "scene \(scene.name) is set to write a movie; its frames are rendered as pictures",
            remedy: "Make the movie of the pictures in dist/.")))
    }
    return found + motion(inspection, of: scene, wishes)
  }

  /// Blender skips texts that it would run on opening, whatever they are for; a driver may be of no consequence, and
  /// only Blender knows.
  private func scripts(_ scripts: [BlendInspection.Script]) -> [Finding] {
    if let text = scripts.first(where: { $0.driver == nil }) {
      let cause = "\(BlendDependency.words(text.by)) is a script that runs when the file is opened"
      return [Finding(.blocks, Problem(.scriptsDisabled, cause: cause))]
    }
    guard let first = scripts.first, let driver = first.driver else { return [] }
    let more = scripts.count > 1 ? " (and \(scripts.count - 1) more)" : ""
    let cause = "a driver of \(BlendDependency.words(first.by)) needs Python: \(driver)\(more)"
    return [Finding(.note, Problem(.scriptsDisabled, cause: cause))]
  }

  private func motion(_ inspection: BlendInspection, of scene: BlendScene, _ wishes: RenderWishes) -> [Finding] {
    let frames = scene.frames
    guard wishes.wanted.frames == nil else { return [] }
    if inspection.isStill(scene, wishes.still) {
      let cause =
        "nothing in scene \(scene.name) can move: frame \(frames.current) alone is rendered, not"
        + " \(frames.start) to \(frames.end)"
      return [Finding(.note, Problem(.still, cause: cause))]
    }
    guard let first = inspection.simulations.first, frames.end > frames.start else { return [] }
    let more = inspection.simulations.count > 1 ? " (and \(inspection.simulations.count - 1) more)" : ""
    let cause =
      "\(BlendDependency.words(first))\(more) is simulated as it is rendered: its frames are rendered one after"
      + " another, by one Blender"
    return [Finding(.note, Problem(.unbakedSimulation, cause: cause))]
  }
}

/// Chooses the Blender for a file: the one of the version that saved it, else the nearest newer one, never an older.
package struct BlenderChoice: Hashable, Sendable {
  /// Whether a file may be opened by a later major version.
  private let allowsNewerMajor: Bool

  package init(allowsNewerMajor: Bool) {
    self.allowsNewerMajor = allowsNewerMajor
  }

  /// A Blender that may open the file.
  package struct Fit: Hashable, Sendable {
    package let blender: BlenderProgram
    /// Said when the version is not the very one that saved the file.
    package let note: Problem?
  }

  /// No Blender here may open the file.
  package struct NoFit: Error, Hashable {
    package let problem: Problem
  }

  /// What is known of the Blender for a file.
  package enum Verdict: Hashable, Sendable {
    case fits(Fit)
    /// A program that has not answered yet may fit better, or at all.
    case waits(for: String)
    case none(NoFit)
  }

  /// The best of an engine's Blenders for a file that `saved` wrote. One of the very version is taken at once; a newer
  /// one only when every program has said what it is.
  package func verdict(_ saved: BlenderVersion, _ able: EngineAbilities?) -> Verdict {
    guard let able else { return .waits(for: "the Blenders of this machine") }
    let fitting = fitting(saved, among: able.blenders, unwell: able.unwell)
    if case .success(let fit) = fitting, fit.note == nil { return .fits(fit) }
    if let program = able.probing.first { return .waits(for: "\(program), which is asked for its version") }
    switch fitting {
    case .success(let fit): return .fits(fit)
    case .failure(let none): return .none(none)
    }
  }

  /// The best of these for a file that `saved` wrote, or why none may open it.
  /// - Parameter unwell: programs that were found and do not work.
  package func fitting(
    _ saved: BlenderVersion, among blenders: [BlenderProgram], unwell: [UnwellProgram] = []
  ) -> Result<Fit, NoFit> {
    guard !blenders.isEmpty else { return .failure(NoFit(problem: Self.none(unwell))) }
    let able = blenders.filter { $0.version >= saved && (allowsNewerMajor || $0.version.major == saved.major) }
    guard let best = able.min(by: { ($0.version, $0.path) < ($1.version, $1.path) }) else {
      let have = Set(blenders.map(\.version)).sorted().map(\.description).joined(separator: ", ")
      let cause = "the file was saved by Blender \(saved); here is \(have)"
      return .failure(NoFit(problem: Problem(.wrongBlender, cause: cause)))
    }
    guard best.version != saved else { return .success(Fit(blender: best, note: nil)) }
    let cause = "the file was saved by Blender \(saved) and is rendered with \(best.version)"
    return .success(Fit(blender: best, note: Problem(.wrongBlender, cause: cause)))
  }

  private static func none(_ unwell: [UnwellProgram]) -> Problem {
    guard let first = unwell.first else { return Problem(.noBlender, cause: "no Blender was found on this machine") }
    return Problem(
      .noBlender, cause: "\(first.path) does not work: \(first.reason)",
      remedy: "Start it by hand with `--version`; `farm doctor` tells what is missing, and the farm goes on by itself.")
  }
}
