import FarmModel

/// Cuts a job into what it owes and into tasks. Pure: every output is owed exactly once, by exactly one task.
package struct Segmenter: Hashable, Sendable {
  private let chunk: ChunkRule

  package init(chunk: ChunkSize) {
    self.chunk = ChunkRule(size: chunk)
  }

  /// What is left of a part to be handed out.
  package struct Rest {
    let part: RenderPart
    /// How many frames of it nobody works on; at least one.
    let count: Int
    /// The first, the last and the middle one of all its frames, done or not.
    let scouts: [FrameNumber]
    let isOwed: (FrameNumber) -> Bool
    /// The first so many that nobody works on, in ascending order.
    let first: (Int) -> [FrameNumber]

    package init(
      of part: RenderPart, count: Int, scouts: [FrameNumber], isOwed: @escaping (FrameNumber) -> Bool,
      first: @escaping (Int) -> [FrameNumber]
    ) {
      self.part = part
      self.count = count
      self.scouts = scouts
      self.isOwed = isOwed
      self.first = first
    }
  }

  /// The next task: frames of one part, those that show what is wrong anywhere first. What is simulated as it is
  /// rendered is not cut, for each task would begin with the first frame. Of tiles those of one frame go before those
  /// of the next.
  /// - Parameters:
  ///   - rests: the parts of which something is left, in their order.
  ///   - times: what frames of the job took.
  ///   - workers: how many there are to share the work.
  /// - Returns: nil when nothing is left.
  package func next(
    of rests: [Rest], times: FrameTimes, _ settings: RenderSettings, workers: Int
  ) -> (part: RenderPart, frames: FrameSet)? {
    guard let first = rests.first else { return nil }
    if settings.isSimulated { return (first.part, FrameSet(first.first(first.count))) }
    if (settings.wanted.order ?? .firstLastMiddle) == .firstLastMiddle {
      for rest in rests {
        if let scout = rest.scouts.first(where: rest.isOwed) { return (rest.part, FrameSet([scout])) }
      }
    }
    guard first.part.tile != nil else {
      let rule = settings.wanted.chunk.map(ChunkRule.init) ?? chunk
      return (first.part, FrameSet(first.first(rule.count(left: first.count, workers: workers, times: times))))
    }
    let tiles = rests.prefix { $0.part.whole == first.part.whole }.compactMap { rest in
      rest.first(1).first.map { (part: rest.part, frame: $0) }
    }
    return tiles.min { $0.frame < $1.frame }.map { ($0.part, FrameSet([$0.frame])) }
  }
}
