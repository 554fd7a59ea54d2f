import FarmModel
import SystemPackage
import VolumeFiles

/// Puts checked frames into a job's `out/` folder, where only frames of one revision lie.
package struct Promotion: Hashable, Sendable {
  private let out: FilePath

  /// - Parameter out: the job's folder `out/<job>`.
  package init(into out: FilePath) {
    self.out = out
  }

  private var previous: FilePath { out.appending(".previous") }
  /// The old folder on its way into the new one; found after a crash between the two renames.
  private var aside: FilePath {
    out.removingLastComponent().appending(".farm-previous-\(out.lastComponent?.string ?? "")")
  }

  /// Clears the place for a revision's first frame: the earlier one's outputs go to `.previous/`.
  package func makeRoom() throws(RenderingFailure) {
    try promoting { () throws(FileFailure) in
      // A crash between the two renames left the old folder aside: only the second one is to be done.
      if try FileStatus(at: aside) == nil {
        try Placement.removeTree(previous)
        Placement.removeIfEmpty(out)
        if try FileStatus(at: out) == nil { return try SharedFolder.make(out) }
        try Placement.move(out, to: aside, ifOccupied: .refuse)
      }
      try SharedFolder.make(out)
      try Placement.move(aside, to: previous, ifOccupied: .refuse)
    }
  }

  /// Moves one checked frame into place.
  package func promote(_ frame: CheckedFrame, as path: String) throws(RenderingFailure) {
    try promoting { () throws(FileFailure) in
      let target = out.appending(path)
      try SharedFolder.make(target.removingLastComponent())
      try Placement.move(frame.file, to: target, ifOccupied: .replace)
      try SharedFolder.adopt(target)
    }
  }

  /// Whether the file that was about to be promoted before a crash is in its place.
  package func isPromoted(_ path: String, _ identity: FileIdentity) -> Bool {
    (try? FileStatus(at: out.appending(path)))??.identity == identity  // Unreadable: not proven, so rendered again.
  }

  /// Drops what the completed revision has replaced.
  package func forgetPrevious() throws(RenderingFailure) {
    try promoting { () throws(FileFailure) in try Placement.removeTree(previous) }
  }

  private func promoting(_ body: () throws(FileFailure) -> Void) throws(RenderingFailure) {
    do { try body() } catch { throw .notPromoted(error) }
  }
}
