import FarmModel

/// What a harvest is to move, decided before anything is touched.
package struct HarvestPlan: Hashable, Sendable {
  /// A checked output and the name it is delivered under.
  package struct Move: Hashable, Sendable {
    package let output: Output
    package let job: JobName
    /// In `out/`, below the volume's root.
    package let source: String
    /// In `dist/`, below the volume's root.
    package let target: String
  }

  package let moves: [Move]

  /// Plans the delivery of completed jobs of one release.
  /// - Parameter jobs: each job's outputs, all of one revision; those already harvested are passed over.
  /// - Throws: ``HarvestFailure/gap`` when one of them is not done, ``HarvestFailure/sameName`` when two outputs would
  ///   get one name. Nothing has moved then.
  package init(
    release: String, jobs: [(name: JobName, outputs: [Output])], in volume: Volume
  ) throws(HarvestFailure) {
    var moves: [Move] = []
    var taken: [String: JobName] = [:]
    for (name, outputs) in jobs {
      for output in outputs {
        guard output.state.isDone else { throw .gap(name, output.path) }
        let file = DeliveryName.standard(job: name.job, output: output, isStill: outputs.count == 1)
        let target = volume.relative(volume.dist(of: release).appending(file))
        // Windows and macOS see one name where only the case differs.
        if let other = taken.updateValue(name, forKey: target.lowercased()) { throw .sameName(file, name, other) }
        guard output.state == .done else { continue }
        let source = volume.relative(volume.out(of: name).appending(output.path))
        moves.append(Move(output: output, job: name, source: source, target: target))
      }
    }
    self.moves = moves
  }
}

/// What an output is called when it is delivered.
package enum DeliveryName {
  /// `{job}_{frame:4}.{ext}`; a still has no frame.
  package static func standard(job: String, output: Output, isStill: Bool) -> String {
    let ending = output.path.split(separator: ".").last.map { ".\($0)" } ?? ""
    guard !isStill else { return job + ending }
    let digits = String(output.frame.magnitude)
    let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    return "\(job)_\(output.frame < 0 ? "-" : "")\(padded)\(ending)"
  }
}

/// Why a harvest was refused or stopped.
package enum HarvestFailure: Failure, Equatable {
  case gap(JobName, String)
  case sameName(String, JobName, JobName)
  case notMoved(String, reason: String, remedy: String)
  case lost(String)

  package var description: String {
    switch self {
    case .gap(let job, let path): "\(job) cannot be delivered: its output \(path) is not done"
    case .sameName(let file, let a, let b): "\(a) and \(b) would both be delivered as \(file)"
    case .notMoved(_, let reason, _): reason
    case .lost(let path): "\(path.escapedForTerminal) is neither in out/ nor in dist/"
    }
  }

  package var remedy: String {
    switch self {
    case .gap(let job, _): "Wait for it, or look at `farm show job \(job)`."
    case .sameName: "Rename one of the two files."
    case .notMoved(_, _, let remedy): remedy
    case .lost: "Save the .blend again; the frame is rendered anew."
    }
  }

  package var isTransient: Bool {
    switch self {
    case .gap, .notMoved: true
    case .sameName, .lost: false
    }
  }
}
