import FarmModel

/// What `farm show release` says.
package struct ReleaseDetail: Codable, Hashable, Sendable {
  package let status: ReleaseStatus
  package let order: ReleaseOrder
  /// Where its drops and its delivery lie, below the root.
  package let store: String
  package let dist: String
  /// Files that lie in `dist`.
  package let delivered: Int
  /// Where it is archived, or when it will be, in words; nil when nobody has said anything about that.
  package let archive: String?

  package init(
    status: ReleaseStatus, order: ReleaseOrder, store: String, dist: String, delivered: Int, archive: String? = nil
  ) {
    self.status = status
    self.order = order
    self.store = store
    self.dist = dist
    self.delivered = delivered
    self.archive = archive
  }
}

/// Asks to deliver a release now.
package struct HarvestRequest: Codable, Hashable, Sendable {
  package let release: String
  /// Whether what is completed is delivered although something is missing.
  package let isPartial: Bool
  /// Whether nothing is done but saying what would go where.
  package let isDryRun: Bool

  package init(release: String, isPartial: Bool, isDryRun: Bool) {
    self.release = release
    self.isPartial = isPartial
    self.isDryRun = isDryRun
  }
}

/// What was delivered, or would be.
package struct HarvestAnswer: Codable, Hashable, Sendable {
  /// Both below the root.
  package struct Move: Codable, Hashable, Sendable {
    package let from: String
    package let to: String

    package init(from: String, to: String) {
      self.from = from
      self.to = to
    }
  }

  package let release: String
  package let moves: [Move]
  package let isDryRun: Bool
  /// What the release still waits for, in words.
  package let left: [String]

  package init(release: String, moves: [Move], isDryRun: Bool, left: [String]) {
    self.release = release
    self.moves = moves
    self.isDryRun = isDryRun
    self.left = left
  }
}
