import FarmModel

/// Who in a release has which names in `dist/`, or will have them. A value; what one job's names touch is found without
/// walking over all jobs, for there may be ten thousand.
package struct NameRegister: Sendable {
  /// Whose a name is: a job that has delivered goes first, then the one that came first.
  package struct Rank: Hashable, Comparable, Sendable {
    let isDelivered: Bool
    let number: Int64

    package init(isDelivered: Bool, number: Int64) {
      (self.isDelivered, self.number) = (isDelivered, number)
    }

    package static func < (a: Rank, b: Rank) -> Bool {
      a.isDelivered == b.isDelivered ? a.number < b.number : a.isDelivered
    }
  }

  /// A name that is another job's, or that two outputs of one job have.
  package struct Clash: Hashable, Sendable {
    package let file: String
    package let other: JobName
  }

  /// What stays of the names of a series when the run of digits with the frame is cut out.
  private struct Frame: Hashable {
    let before: String
    let after: String
  }

  private struct Entry {
    let names: ExpectedNames
    var rank: Rank
  }

  private var entries: [JobName: Entry] = [:]
  private var singles: [String: Set<JobName>] = [:]
  private var series: [Frame: Set<JobName>] = [:]

  package init() {}

  /// The jobs that are known.
  package var jobs: [JobName] { Array(entries.keys) }

  /// Takes in which names a job will have; nil: none, or they are not known.
  /// - Returns: the jobs that have a name in common with the job, before or now, and the job itself.
  package mutating func set(_ names: ExpectedNames?, of job: JobName, rank: Rank) -> Set<JobName> {
    var touched = sharers(of: job)
    remove(job)
    if let names {
      entries[job] = Entry(names: names, rank: rank)
      for name in names.singles { singles[name, default: []].insert(job) }
      for one in names.series { series[Self.frame(of: one), default: []].insert(job) }
      touched.formUnion(sharers(of: job))
    }
    return touched.union([job])
  }

  private mutating func remove(_ job: JobName) {
    guard let names = entries.removeValue(forKey: job)?.names else { return }
    for name in names.singles { singles[name] = singles[name].flatMap { $0 == [job] ? nil : $0.subtracting([job]) } }
    for one in names.series {
      let frame = Self.frame(of: one)
      series[frame] = series[frame].flatMap { $0 == [job] ? nil : $0.subtracting([job]) }
    }
  }

  /// What keeps a job from being delivered; nil when nothing does.
  package func clash(of job: JobName) -> Clash? {
    guard let entry = entries[job] else { return nil }
    if let twice = entry.names.twice { return Clash(file: twice, other: job) }
    return entry.names.first { name in
      owners(of: name).filter { $0 != job }.compactMap { other in entries[other].map { (other, $0.rank) } }
        .filter { $0.1 < entry.rank }.min { $0.1 < $1.1 }.map { Clash(file: name, other: $0.0) }
    }
  }

  private func sharers(of job: JobName) -> Set<JobName> {
    guard let names = entries[job]?.names else { return [] }
    var found: Set<JobName> = []
    _ = names.first { name -> Bool? in
      found.formUnion(owners(of: name))
      return nil
    }
    return found
  }

  /// The jobs that have a name. That of a series is found by any run of digits in the name.
  private func owners(of name: String) -> Set<JobName> {
    var found = singles[name] ?? []
    for run in Self.runs(in: name) {
      let frame = Frame(before: String(name[..<run.lowerBound]), after: String(name[run.upperBound...]))
      for job in series[frame] ?? [] where entries[job]?.names.series.contains(where: { $0.contains(name) }) == true {
        found.insert(job)
      }
    }
    return found
  }

  private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) || character == "-" }

  /// Where digits, and minus signs among them, stand in a text.
  private static func runs(in text: String) -> [Range<String.Index>] {
    var runs: [Range<String.Index>] = []
    var index = text.startIndex
    while index < text.endIndex {
      guard isDigit(text[index]) else {
        index = text.index(after: index)
        continue
      }
      let end = text[index...].firstIndex { !isDigit($0) } ?? text.endIndex
      runs.append(index..<end)
      index = end
    }
    return runs
  }

  private static func frame(of series: ExpectedNames.Series) -> Frame {
    let before = series.prefix.reversed().drop(while: isDigit)
    return Frame(before: String(before.reversed()), after: String(series.suffix.drop(while: isDigit)))
  }
}
