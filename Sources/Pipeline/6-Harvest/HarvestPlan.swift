import FarmModel
import SystemPackage

/// What a harvest is to move, decided before anything is touched.
package struct HarvestPlan: Hashable, Sendable {
  /// A checked output and the name it is delivered under.
  package struct Move: Hashable, Sendable {
    package let output: Output.ID
    /// As it was checked; nil: it is not known, and cannot be moved.
    package let file: FileIdentity?
    package let job: JobName
    /// In `out/`, below the volume's root.
    package let source: String
    /// In `dist/`, below the volume's root.
    package let target: String
  }

  /// A completed job, with everything that its one revision owes.
  package struct Part: Hashable, Sendable {
    package let revision: Revision
    package let outputs: [Output]

    package init(_ revision: Revision, outputs: [Output]) {
      self.revision = revision
      self.outputs = outputs
    }
  }

  package let moves: [Move]

  /// Plans the delivery of completed jobs of one release; outputs that are delivered already are passed over.
  /// - Throws: ``HarvestFailure/gap`` when an output is not done, ``HarvestFailure/sameName`` when two would get one
  ///   name, ``HarvestFailure/noName`` when the template cannot name one. Nothing has moved then.
  package init(of release: Release, _ parts: [Part], in volume: Volume) throws(HarvestFailure) {
    let template: NamingTemplate
    do { template = try NamingTemplate(parsing: release.order.naming ?? NamingTemplate.standard) } catch {
      throw .badTemplate(release.name, reason: error.reason)
    }
    // Windows and macOS see one name where only the case differs.
    var taken: [String: JobName] = [:]
    var moves: [Move] = []
    for part in parts {
      let name = part.revision.name
      // A tile has gone into its picture, and what is kept stays in out/.
      let outputs = part.outputs.filter { $0.kind.part.tile == nil && $0.state != .kept }
      var words = KindWords(outputs, scene: part.revision.scene)
      let date = String(part.revision.createdAt.rfc3339.prefix(10))
      let varying = NamingTemplate.Field.varying(among: outputs)
      let (out, dist) = (volume.out(of: name), volume.dist(of: release.name))
      for output in outputs {
        guard output.state.isDone else { throw .gap(name, output.path) }
        let one = NamedOutput(
          job: name, revision: part.revision.number, date: date, kind: words.of(output.kind), output: output,
          object: release.order.namingObject)
        let file: String
        do { file = try template.name(of: one, varying: varying) } catch {
          throw .noName(name, reason: error.reason)
        }
        let target = volume.relative(dist.appending(file))
        if let other = taken.updateValue(name, forKey: target.lowercased()) { throw .sameName(file, name, other) }
        guard output.state == .done else { continue }
        let source = volume.relative(out.appending(output.path))
        moves.append(Move(output: output.id, file: output.file, job: name, source: source, target: target))
      }
    }
    self.moves = moves
  }

  /// Refuses the plan where another job's picture has been delivered under a name of it.
  /// - Parameter deliverers: whose what lies in `dist/` is, by path below the root.
  package func refuseNamesTaken(by deliverers: [String: JobName]) throws(HarvestFailure) {
    for move in moves {
      guard let other = deliverers[move.target], other != move.job else { continue }
      throw .sameName(FilePath(move.target).lastComponent?.string ?? move.target, move.job, other)
    }
  }
}

/// What names say of which picture of its frame an output is: no two scenes, layers, views or nodes alike.
private struct KindWords {
  private let scene: String?
  private let names: [NamingTemplate.Field: PathNames]
  /// What was found; a job has few kinds of outputs, and may have very many of each.
  private var found: [OutputKind: [NamingTemplate.Field: String]] = [:]

  /// - Parameter scene: that of outputs of an earlier version, which do not say it.
  init(_ outputs: [Output], scene: String?) {
    self.scene = scene
    let values: [(NamingTemplate.Field, (OutputKind) -> String?)] = [
      (.scene, { $0.part.scene ?? scene }), (.layer, \.part.layer), (.view, \.view), (.node, \.node),
    ]
    names = values.reduce(into: [:]) { names, field in
      let said = outputs.compactMap { field.1($0.kind) }
      names[field.0] = PathNames(said.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }, reserved: [])
    }
  }

  mutating func of(_ kind: OutputKind) -> [NamingTemplate.Field: String] {
    if let found = found[kind] { return found }
    let said: [NamingTemplate.Field: String?] = [
      .scene: kind.part.scene ?? scene, .layer: kind.part.layer, .view: kind.view, .node: kind.node,
    ]
    let words = said.reduce(into: [:]) { words, field in
      words[field.key] = field.value.map { names[field.key]?[$0] ?? $0 } ?? ""
    }
    found[kind] = words
    return words
  }
}

extension NamingTemplate.Field {
  /// The fields that are not the same for all of a job's outputs.
  fileprivate static func varying(among outputs: [Output]) -> Set<NamingTemplate.Field> {
    func differ(_ value: (Output) -> String?) -> Bool { Set(outputs.map(value)).count > 1 }
    var fields: Set<NamingTemplate.Field> = []
    if Set(outputs.map(\.frame)).count > 1 { fields.insert(.frame) }
    if differ(\.kind.part.scene) { fields.insert(.scene) }
    if differ(\.kind.part.layer) { fields.insert(.layer) }
    if differ(\.kind.view) { fields.insert(.view) }
    if differ(\.kind.node) { fields.insert(.node) }
    return fields
  }
}

/// Why a harvest was refused or stopped.
package enum HarvestFailure: Failure, Equatable {
  case gap(JobName, String)
  case sameName(String, JobName, JobName)
  case badTemplate(String, reason: String)
  case noName(JobName, reason: String)
  case notMoved(String, reason: String, remedy: String)
  case lost(String)

  package var description: String {
    switch self {
    case .gap(let job, let path): "\(job) cannot be delivered: its output \(path) is not done"
    case .sameName(let file, let a, let b):
      a == b
        ? "two outputs of \(a) would be delivered as \(file)" : "\(a) and \(b) would both be delivered as \(file)"
    case .badTemplate(let release, let reason): "the names of \(release) cannot be made: \(reason)"
    case .noName(let job, let reason): "\(job) cannot be delivered: \(reason)"
    case .notMoved(_, let reason, _): reason
    case .lost(let path): "\(path.escapedForTerminal) is neither in out/ nor in dist/"
    }
  }

  package var remedy: String {
    switch self {
    case .gap(let job, _): "Wait for it, or look at `farm show job \(job)`."
    case .sameName: "Put {job} and {frame:4} into `naming:` in release.yaml, or rename one of the two files."
    case .badTemplate:
      "Correct `naming:` in release.yaml; its fields are \(NamingTemplate.fields.joined(separator: " "))."
    case .noName:
      "Correct `naming:` or `naming_object:` in release.yaml; frames that were rendered before it named the object: "
        + "`farm replace job`."
    case .notMoved(_, _, let remedy): remedy
    case .lost: "Save the .blend again; the frame is rendered anew."
    }
  }

  package var problemClass: ProblemClass {
    switch self {
    case .gap, .lost: .noOutput
    case .sameName, .badTemplate, .noName: .badName
    case .notMoved: .notWritable
    }
  }

  package var isTransient: Bool {
    switch self {
    case .gap, .notMoved: true
    case .sameName, .badTemplate, .noName, .lost: false
    }
  }
}
