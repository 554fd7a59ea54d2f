import BlendFile
import FarmModel

/// What speaks against rendering a file whose scenes and dependencies are known.
extension Preflight {
  /// What was found in depth, besides what the file says on its face.
  package func findings(
    _ inspection: BlendInspection, savedBy version: BlenderVersion, blenders: [BlenderProgram]
  ) -> [Finding] {
    var found = missingFiles(inspection.dependencies)
    guard let scene = inspection.scene else { return found }
    if scene.camera == nil && scene.cameraMarkers.isEmpty {
      found.append(Finding(.blocks, Problem(.noCamera, cause: "scene \(scene.name) has no camera")))
    }
    if !scene.viewLayers.isEmpty && !scene.viewLayers.contains(where: \.used) {
      let cause = "no view layer of scene \(scene.name) is switched on for rendering"
      found.append(Finding(.blocks, Problem(.noLayer, cause: cause)))
    }
    if scene.engine == "CYCLES", scene.denoising, case .success(let fit) = choice.fitting(version, among: blenders),
      !fit.blender.canDenoise
    {
      let cause = "scene \(scene.name) denoises, and this Blender is built without a denoiser"
      found.append(Finding(.blocks, Problem(.denoiserMissing, cause: cause)))
    }
    if scene.movie {
      found.append(
        Finding(
          .note,
          Problem(
            .notSupported, cause: "scene \(scene.name) is set to write a movie; its frames are rendered as pictures",
            remedy: "Make the movie of the pictures in dist/.")))
    }
    return found
  }

  private static let listedMax = 200

  /// One finding for all that is needed and not there, and one for what is named, but by nothing that is rendered.
  private func missingFiles(_ dependencies: [BlendDependency]) -> [Finding] {
    let missing = dependencies.filter { !$0.exists && $0.kind.isSeen }
    var found: [Finding] = []
    let needed = missing.filter(\.reached)
    if let first = needed.first {
      let files = needed.prefix(Self.listedMax).map { file in
        MissingFile(
          path: file.resolved ?? file.path, neededBy: file.neededBy, why: Self.why(file), seen: nil)
      }
      let cause = "\(first.neededBy) needs \(shown(first)), which \(Self.why(first))\(Self.more(needed.count))"
      found.append(Finding(.blocks, Problem(.missingFile, cause: cause, missing: Array(files))))
    }
    let spare = missing.filter { !$0.reached }
    if let first = spare.first {
      found.append(
        Finding(
          .note,
          Problem(
            .missingFile,
            cause: "\(shown(first)), named by \(first.neededBy), \(Self.why(first))\(Self.more(spare.count))",
            remedy: "Nothing; what is rendered does not need it.")))
    }
    return found
  }

  private static func why(_ file: BlendDependency) -> String {
    file.resolved == nil ? "is a place on another machine" : "is not there"
  }

  private static func more(_ count: Int) -> String { count > 1 ? " (and \(count - 1) more)" : "" }

  /// As an artist knows it: as it is written in the `.blend` itself, else where it lies.
  private func shown(_ file: BlendDependency) -> String {
    file.of == nil || file.resolved == nil ? file.path : file.resolved ?? file.path
  }
}
