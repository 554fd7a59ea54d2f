import FarmModel
import SystemPackage

/// What a harvest is to move, decided before anything is touched. It is made of parts that take in a job's outputs one
/// after the other and keep no more of them than their names, for there may be a hundred thousand.
package struct HarvestPlan: Sendable {
  private let parts: [Part]
  private let volume: Volume
  private let dist: FilePath
  private let order: ReleaseOrder
  /// How many files it moves.
  package let count: Int

  package var isEmpty: Bool { count == 0 }

  /// Plans the delivery of completed jobs of one release.
  /// - Throws: ``HarvestFailure/sameName`` when two outputs would get one name, and why a part has no names. Nothing
  ///   has moved then.
  package init(of release: Release, _ parts: [Part], in volume: Volume) throws(HarvestFailure) {
    self.parts = parts
    self.volume = volume
    order = release.order
    dist = volume.dist(of: release.name)
    count = parts.reduce(0) { $0 + $1.names.count }
    // Windows and macOS see one name where only the case differs.
    var taken: [String: Int] = [:]
    for (index, part) in parts.enumerated() {
      if let failure = part.failure { throw failure }
      try part.forEachName { (file) throws(HarvestFailure) in
        if let other = taken.updateValue(index, forKey: file.lowercased()) {
          throw .sameName(file, part.job, parts[other].job, by: release.order)
        }
      }
    }
  }

  /// Refuses the plan where another job's picture has been delivered under a name of it.
  /// - Parameter deliverers: whose what lies in the way in `dist/` is, by path below the root.
  package func refuseNamesTaken(by deliverers: [String: JobName]) throws(HarvestFailure) {
    guard !deliverers.isEmpty else { return }
    for move in self {
      guard let other = deliverers[move.target], other != move.job else { continue }
      throw .sameName(FilePath(move.target).lastComponent?.string ?? move.target, move.job, other, by: order)
    }
  }
}

extension HarvestPlan: Sequence {
  /// Part by part, each by frame.
  package func makeIterator() -> AnyIterator<PlannedMove> {
    var (part, place) = (0, 0)
    return AnyIterator {
      while part < parts.count, place == parts[part].names.count { (part, place) = (part + 1, 0) }
      guard part < parts.count else { return nil }
      defer { place += 1 }
      return move(parts[part].names[place], of: parts[part].job)
    }
  }

  private func move(_ named: Part.Named, of job: JobName) -> PlannedMove {
    PlannedMove(
      output: named.output, file: named.file, job: job,
      source: volume.relative(volume.out(of: job).appending(named.path)),
      target: volume.relative(dist.appending(named.name)))
  }
}

extension HarvestPlan {
  /// The names under which everything that one revision of a completed job owes is delivered.
  package struct Part: Sendable {
    let job: JobName
    /// Those that move; outputs that are delivered already are passed over.
    fileprivate private(set) var names: [Named] = []
    /// Names of what was delivered already.
    private var delivered: [String] = []
    /// Why it cannot be delivered; nil as long as it can.
    fileprivate private(set) var failure: HarvestFailure?
    private let template: NamingTemplate
    private let varying: Set<NamingTemplate.Field>
    private var words: KindWords
    private let revision: Int
    private let date: String
    private let object: String?

    /// An output that moves, and its name.
    fileprivate struct Named: Sendable {
      let output: Output.ID
      let file: FileIdentity?
      /// Below `out/<job>`.
      let path: String
      /// In `dist/<release>`.
      let name: String
    }

    /// - Parameter variety: of all its outputs.
    /// - Throws: ``HarvestFailure/badTemplate``.
    package init(_ revision: Revision, of release: Release, variety: OutputVariety) throws(HarvestFailure) {
      do { template = try NamingTemplate(parsing: release.order.naming ?? NamingTemplate.standard) } catch {
        throw .badTemplate(release.name, reason: error.reason)
      }
      job = revision.name
      varying = NamingTemplate.Field.varying(among: variety)
      words = KindWords(variety.kinds, scene: revision.scene)
      self.revision = revision.number
      date = String(revision.createdAt.rfc3339.prefix(10))
      object = release.order.namingObject
    }

    /// Names an output. What is wrong with the first that cannot be delivered is told by the plan:
    /// ``HarvestFailure/gap`` when it is not done, ``HarvestFailure/noName`` when the template cannot name it.
    package mutating func add(_ output: Output) {
      guard failure == nil, output.isDelivered else { return }
      guard output.state.isDone else { return failure = .gap(job, output.path) }
      let one = NamedOutput(
        job: job, revision: revision, date: date, kind: words.of(output.kind), output: output, object: object)
      do throws(NamingFailure) {
        let name = try template.name(of: one, varying: varying)
        if output.state == .done {
          names.append(Named(output: output.id, file: output.file, path: output.path, name: name))
        } else {
          delivered.append(name)
        }
      } catch { failure = .noName(job, reason: error.reason) }
    }

    /// Also of what was delivered already.
    fileprivate func forEachName(_ body: (String) throws(HarvestFailure) -> Void) throws(HarvestFailure) {
      for named in names { try body(named.name) }
      for name in delivered { try body(name) }
    }
  }
}

/// Of which kinds a job's outputs are, and whether of more than one frame: names say what is not the same for all.
package struct OutputVariety: Hashable, Sendable {
  /// No two alike, in the order in which they came.
  private(set) var kinds: [OutputKind] = []
  private(set) var hasManyFrames = false
  private var known: Set<OutputKind> = []
  private var frame: FrameNumber?

  package init() {}

  /// Takes in an output, if it is one that is delivered.
  package mutating func add(_ output: Output) {
    guard output.isDelivered else { return }
    hasManyFrames = hasManyFrames || frame.map { $0 != output.frame } ?? false
    frame = output.frame
    if known.insert(output.kind).inserted { kinds.append(output.kind) }
  }
}

extension Output {
  /// A tile goes into its picture, and what is kept stays in out/.
  fileprivate var isDelivered: Bool { kind.part.tile == nil && state != .kept }
}

/// What names say of which picture of its frame an output is: no two scenes, layers, views or nodes alike.
struct KindWords {
  private let scene: String?
  private let names: [NamingTemplate.Field: PathNames]
  /// What was found; a job has few kinds of outputs, and may have very many of each.
  private var found: [OutputKind: [NamingTemplate.Field: String]] = [:]

  /// - Parameter scene: that of outputs of an earlier version, which do not say it.
  init(_ kinds: [OutputKind], scene: String?) {
    self.scene = scene
    let values: [(NamingTemplate.Field, (OutputKind) -> String?)] = [
      (.scene, { $0.part.scene ?? scene }), (.layer, \.part.layer), (.view, \.view), (.node, \.node),
    ]
    names = values.reduce(into: [:]) { names, field in
      let said = kinds.compactMap(field.1)
      names[field.0] = PathNames(said, reserved: [])
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
  static func varying(among outputs: OutputVariety) -> Set<NamingTemplate.Field> {
    func differ(_ value: (OutputKind) -> String?) -> Bool {
      Set(outputs.kinds.map { value($0).map(ExactText.init) }).count > 1
    }
    var fields: Set<NamingTemplate.Field> = []
    if outputs.hasManyFrames { fields.insert(.frame) }
    if differ(\.part.scene) { fields.insert(.scene) }
    if differ(\.part.layer) { fields.insert(.layer) }
    if differ(\.view) { fields.insert(.view) }
    if differ(\.node) { fields.insert(.node) }
    return fields
  }
}

/// Why a harvest was refused or stopped.
package enum HarvestFailure: Failure, Equatable {
  case gap(JobName, String)
  case sameName(String, JobName, JobName, remedy: String)
  case badTemplate(String, reason: String)
  case noName(JobName, reason: String)
  case notMoved(String, reason: String, remedy: String)
  case lost(String)
  /// Some of a job's pictures cannot be seen, which says nothing about them.
  case away(JobName, reason: String)

  /// Two jobs, or two outputs of one, that would have one name by what is wanted of their release.
  fileprivate static func sameName(
    _ file: String, _ job: JobName, _ other: JobName, by order: ReleaseOrder
  ) -> HarvestFailure {
    .sameName(file, job, other, remedy: NameRemedy(for: job, beside: other, order: order).text)
  }

  package var description: String {
    switch self {
    case .gap(let job, let path): "\(job) cannot be delivered: its output \(path) is not done"
    case .sameName(let file, let a, let b, _):
      a == b
        ? "two outputs of \(a) would be delivered as \(file)" : "\(a) and \(b) would both be delivered as \(file)"
    case .badTemplate(let release, let reason): "the names of \(release) cannot be made: \(reason)"
    case .noName(let job, let reason): "\(job) cannot be delivered: \(reason)"
    case .notMoved(_, let reason, _): reason
    case .lost(let path): "\(path.escapedForTerminal) is neither in out/ nor in dist/"
    case .away(let job, let reason): "the pictures of \(job) cannot be seen: \(reason)"
    }
  }

  package var remedy: String {
    switch self {
    case .gap(let job, _): "Wait for it, or look at `farm show job \(job)`."
    case .sameName(_, _, _, let remedy): remedy
    case .badTemplate:
      "Correct `naming:` in release.yaml; its fields are \(NamingTemplate.fields.joined(separator: " "))."
    case .noName:
      "Correct `naming:` or `naming_object:` in release.yaml; frames that were rendered before it named the object: "
        + "`farm replace job`."
    case .notMoved(_, _, let remedy): remedy
    case .lost: "Save the .blend again; the frame is rendered anew."
    case .away(let job, _):
      "Put the folder back where it was, or mount it; the farm goes on by itself. To give up pictures that are lost: "
        + "`farm replace job \(job.description.quotedForShell)`."
    }
  }

  package var problemClass: ProblemClass {
    switch self {
    case .gap, .lost: .noOutput
    case .sameName: .nameTaken
    case .badTemplate, .noName: .badName
    case .notMoved: .notWritable
    case .away: .folderGone
    }
  }

  package var isTransient: Bool {
    switch self {
    case .gap, .notMoved, .away: true
    case .sameName, .badTemplate, .noName, .lost: false
    }
  }
}
