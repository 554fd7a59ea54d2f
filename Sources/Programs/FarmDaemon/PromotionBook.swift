import FarmModel

/// Which outputs are between the commit that they are about to be promoted and the commit that they are, and which
/// revisions have outputs that an interrupted promotion left there. A value.
struct PromotionBook: Hashable {
  /// Outputs of a flush under way; the flush itself settles them.
  private var inFlight: Set<Int64> = []
  /// Revisions whose promotions have to be settled by a look at the disk.
  private(set) var interrupted: Set<Int64> = []
  private var looking: Set<Int64> = []
  /// Where the frames of each release were seen last.
  private var devices: [String: Int64] = [:]

  mutating func begin(_ outputs: some Sequence<Output>) { inFlight.formUnion(outputs.map(\.id)) }

  mutating func end(_ outputs: some Sequence<Output>) { inFlight.subtract(outputs.map(\.id)) }

  /// Those that nobody settles unless the disk is asked.
  func interrupted(among outputs: [Output]) -> [Output] {
    outputs.filter { $0.state == .promoting && !inFlight.contains($0.id) }
  }

  /// Takes in a revision that goes on.
  /// - Returns: whether its promotions have to be settled.
  mutating func opened(_ revision: Int64, _ outputs: [Output]) -> Bool {
    guard !interrupted(among: outputs).isEmpty else { return false }
    interrupted.insert(revision)
    return true
  }

  /// Whether a revision waits for such a look; nothing of it is rendered or promoted before, for its first frame would
  /// clear away what is in its place.
  func isInterrupted(_ revision: Int64) -> Bool { interrupted.contains(revision) }

  /// - Returns: false when a look is under way; one that hangs is not joined by others.
  mutating func beginLook(_ revision: Int64) -> Bool { looking.insert(revision).inserted }

  mutating func endLook(_ revision: Int64, isSettled: Bool) {
    looking.remove(revision)
    if isSettled { interrupted.remove(revision) }
  }

  mutating func saw(_ release: String, on device: Int64?) { if let device { devices[release] = device } }

  func device(of release: String) -> Int64? { devices[release] }
}
