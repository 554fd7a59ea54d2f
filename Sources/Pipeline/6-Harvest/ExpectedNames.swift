import FarmModel

/// The outputs of one kind that a revision owes.
package struct ExpectedOutputs: Hashable, Sendable {
  let kind: OutputKind
  let frames: [FrameNumber]
  /// Of one of them, below `out/<job>`.
  let path: String

  /// - Parameter frames: at least one.
  package init(kind: OutputKind, frames: [FrameNumber], path: String) {
    (self.kind, self.frames, self.path) = (kind, frames.sorted(), path)
  }

  fileprivate func output(_ frame: FrameNumber) -> Output {
    Output(
      id: 0, revision: 0, path: path, frame: frame, kind: kind, state: .owed, attempts: 0, size: nil, bytes: nil,
      file: nil, renderMilliseconds: nil, problem: nil)
  }
}

/// A revision with all it owes, as far as its names depend on it.
package struct ExpectedRevision: Hashable, Sendable {
  package let job: JobName
  let number: Int
  let createdAt: Timestamp
  let scene: String?
  let outputs: [ExpectedOutputs]

  package init(job: JobName, number: Int, createdAt: Timestamp, scene: String?, outputs: [ExpectedOutputs]) {
    (self.job, self.number, self.createdAt, self.scene, self.outputs) = (job, number, createdAt, scene, outputs)
  }
}

/// The names that a revision's pictures will have in `dist/`, known before anything is rendered. Windows and macOS see
/// one name where only the case differs, so all are in lower case.
package struct ExpectedNames: Hashable, Sendable {
  /// Names that differ only in a frame's number: `shot_` `0001`…`0250` `.png`.
  struct Series: Hashable, Sendable {
    let prefix: String
    let digits: Int
    let suffix: String
    let frames: Set<FrameNumber>

    func name(_ frame: FrameNumber) -> String { prefix + NamedOutput.padded(Int(frame), digits) + suffix }

    func contains(_ name: String) -> Bool {
      guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return false }
      let middle = name.dropFirst(prefix.count).dropLast(suffix.count)
      guard name.count > prefix.count + suffix.count, let frame = FrameNumber(middle) else { return false }
      return frames.contains(frame) && self.name(frame) == name
    }
  }

  let singles: [String]
  let series: [Series]
  /// A name that two outputs of the job would have; nil when there is none.
  package let twice: String?

  /// - Throws: ``NamingFailure`` when a name cannot be made.
  /// - Returns: nil when the names depend on what only a rendered frame tells.
  package init?(of revision: ExpectedRevision, _ order: ReleaseOrder) throws(NamingFailure) {
    let template = try NamingTemplate(parsing: order.naming ?? NamingTemplate.standard)
    guard !template.needsFacts else { return nil }
    let variety = revision.outputs.reduce(into: OutputVariety()) { variety, outputs in
      for frame in [outputs.frames.first, outputs.frames.last].compactMap(\.self) { variety.add(outputs.output(frame)) }
    }
    let varying = NamingTemplate.Field.varying(among: variety)
    var words = KindWords(variety.kinds, scene: revision.scene)
    var (singles, series): ([String], [Series]) = ([], [])
    for outputs in revision.outputs where outputs.kind.part.tile == nil {
      guard let first = outputs.frames.first else { continue }
      let named = NamedOutput(
        job: revision.job, revision: revision.number, date: String(revision.createdAt.rfc3339.prefix(10)),
        kind: words.of(outputs.kind), output: outputs.output(first), object: nil)
      let parts = try template.outline(of: named, varying: varying)
      guard parts.count(where: \.isFrame) == 1 else {
        singles += outputs.frames.map { frame in parts.map { $0.text(frame) }.joined().lowercased() }
        continue
      }
      let place = parts.firstIndex(where: \.isFrame) ?? 0
      let text = { (parts: ArraySlice<NamingTemplate.OutlinePart>) in
        parts.map { $0.text(first) }.joined().lowercased()
      }
      series.append(
        Series(
          prefix: text(parts[..<place]), digits: parts[place].digits, suffix: text(parts[(place + 1)...]),
          frames: Set(outputs.frames)))
    }
    (self.singles, self.series) = (singles, series)
    twice = Self.twice(singles, series)
  }

  private static func twice(_ singles: [String], _ series: [Series]) -> String? {
    var seen: Set<String> = []
    for name in singles where !seen.insert(name).inserted { return name }
    guard series.count > 1 || !singles.isEmpty else { return nil }
    for one in series {
      for frame in one.frames.sorted() where !seen.insert(one.name(frame)).inserted { return one.name(frame) }
    }
    return nil
  }

  /// Every name, one after the other, until one is returned.
  func first<Value>(_ find: (String) -> Value?) -> Value? {
    for name in singles { if let found = find(name) { return found } }
    for one in series {
      for frame in one.frames.sorted() { if let found = find(one.name(frame)) { return found } }
    }
    return nil
  }

  /// Whether it has a name of other ones.
  package func clashes(with other: ExpectedNames) -> Bool {
    let names = Set(other.singles)
    return first { name in names.contains(name) || other.series.contains { $0.contains(name) } ? true : nil } ?? false
  }
}

extension NamingTemplate.OutlinePart {
  fileprivate var isFrame: Bool { if case .frame = self { true } else { false } }

  fileprivate var digits: Int { if case .frame(let digits) = self { digits } else { 0 } }

  fileprivate func text(_ frame: FrameNumber) -> String {
    switch self {
    case .text(let text): text
    case .frame(let digits): NamedOutput.padded(Int(frame), digits)
    }
  }
}

/// What helps a job whose pictures another job, or itself, has the names of.
package struct NameRemedy: Hashable, Sendable {
  package let text: String

  /// Templates that part most jobs, the usual one first.
  private static let templates = [
    NamingTemplate.standard, "{job}[_{scene}][_{layer}][_{view}][_{node}]_f{frame:4}.{ext}",
    "{job}[_{scene}][_{layer}][_{view}][_{node}]_frame_{frame:6}.{ext}",
  ]

  /// - Parameters:
  ///   - order: what is wanted of their release.
  ///   - revisions: of both jobs, when they are known: then the advised ways are tried on them.
  package init(
    for job: JobName, beside other: JobName, order: ReleaseOrder = ReleaseOrder(), revisions: [ExpectedRevision] = []
  ) {
    let advised = Self.templates.first { $0 != order.naming && Self.parts(revisions, by: $0) }
    let template = job.release == NameRule.quick ? nil : advised.map { "write `naming: '\($0)'` into release.yaml" }
    let ways = [Self.renaming(job, other, order, revisions), template].compactMap(\.self)
    text =
      ways.isEmpty
      ? "Set another frame range in \(job.job).blend and save it." : Self.sentence(ways.joined(separator: ", or "))
  }

  /// Names the files that help when they have another name. Where the names have no job in them, none does.
  private static func renaming(
    _ job: JobName, _ other: JobName, _ order: ReleaseOrder, _ known: [ExpectedRevision]
  ) -> String? {
    guard job != other else { return nil }
    let revisions = known.isEmpty ? [job, other].map(\.asStill) : known
    let helping = [job, other].filter { name in
      let renamed = revisions.map { $0.job == name ? $0.renamed : $0 }
      return renamed != revisions && Self.parts(renamed, by: order.naming ?? NamingTemplate.standard)
    }
    guard !helping.isEmpty else { return nil }
    let files = helping.map { "\($0.job).blend" }.joined(separator: " or ")
    let isPlanned = helping.contains { order.jobs?.contains($0.job) == true }
    return "rename \(files)\(isPlanned ? " (and its name in `jobs:` of release.yaml)" : "")"
  }

  private static func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() + "." }

  private static func parts(_ revisions: [ExpectedRevision], by template: String) -> Bool {
    guard !revisions.isEmpty else { return template != NamingTemplate.standard }
    // A template that cannot name them parts nothing.
    let names = revisions.map { try? ExpectedNames(of: $0, ReleaseOrder(naming: template)) }
    guard let first = names.first ?? nil, let last = names.last ?? nil, first.twice == nil, last.twice == nil else {
      return false
    }
    return names.count == 1 || !first.clashes(with: last)
  }
}

extension ExpectedRevision {
  /// As if its file had another name. The name is longer than most, so that no other job is likely to have it.
  fileprivate var renamed: ExpectedRevision {
    ExpectedRevision(
      job: JobName(release: job.release, job: "\(job.job)_renamed"), number: number, createdAt: createdAt, scene: scene,
      outputs: outputs)
  }
}

extension JobName {
  /// Stands for a job of which only the name is known.
  fileprivate var asStill: ExpectedRevision {
    let picture = ExpectedOutputs(kind: OutputKind(), frames: [1], path: "1.png")
    return ExpectedRevision(
      job: self, number: 1, createdAt: Timestamp(nanoseconds: 0), scene: nil, outputs: [picture])
  }
}
