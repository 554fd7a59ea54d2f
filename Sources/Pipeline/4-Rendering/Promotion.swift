import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// Puts checked frames into a job's `out/` folder, where only frames of one revision lie.
package struct Promotion: Hashable, Sendable {
  /// The job's folder of frames.
  package let out: FilePath

  /// - Parameter out: the job's folder `out/<job>`.
  package init(into out: FilePath) {
    self.out = out
  }

  /// The release's folder, which is never made here: people rename and move it.
  private var release: FilePath { out.removingLastComponent().removingLastComponent() }
  private var previous: FilePath { out.appending(".previous") }
  /// The old folder on its way into the new one; found after a crash between the two renames.
  private var aside: FilePath {
    out.removingLastComponent().appending(".farm-previous-\(out.lastComponent?.string ?? "")")
  }

  /// Clears the place for a revision's first frame: the earlier one's outputs go to `.previous/`.
  ///
  /// Where `.previous/` is there already, what lies beside it is of a revision that was never completed, and goes.
  package func makeRoom() throws(RenderingFailure) {
    try promoting { () throws(FileFailure) in
      // A crash between the two renames left the old folder aside: only the second one is to be done.
      if try FileStatus(at: aside) == nil {
        if try FileStatus(at: previous) != nil { return try clear() }
        Placement.removeIfEmpty(out)
        if try FileStatus(at: out) == nil { return try SharedFolder.make(out, below: release) }
        try Placement.move(out, to: aside, ifOccupied: .refuse)
      }
      try SharedFolder.make(out, below: release)
      try Placement.move(aside, to: previous, ifOccupied: .refuse)
    }
  }

  private func clear() throws(FileFailure) {
    for name in try FolderListing.names(in: out) where name != previous.lastComponent {
      try Placement.removeTree(out.appending(name))
    }
  }

  /// Whether frames could be put into place, found out before anything is rendered for them.
  package func check() throws(RenderingFailure) {
    try promoting { () throws(FileFailure) in
      try SharedFolder.make(out, below: release)
      guard out.withPlatformString({ access($0, W_OK | X_OK) }) == 0 else { throw FileFailure("write into", out) }
    }
  }

  /// Moves one checked frame into place.
  /// - Returns: the file as it is there; across file systems it is another.
  package func promote(_ frame: CheckedFrame, as path: String) throws(RenderingFailure) -> FileIdentity {
    try promoting { () throws(FileFailure) in
      let target = out.appending(path)
      try SharedFolder.make(target.removingLastComponent(), below: release)
      let moved = try Placement.move(frame.file, to: target, ifOccupied: .replace)
      try SharedFolder.adopt(target)
      return moved
    }
  }

  /// Looks whether the file that was promoted, or was about to be before a crash, is in its place.
  /// - Parameter identity: nil: none is known, and it is absent.
  package func look(for path: String, _ identity: FileIdentity?) -> Sighting {
    guard let identity else { return .absent }
    do throws(FileFailure) {
      return try FileStatus(at: out.appending(path))?.identity.isCopy(of: identity) == true ? .inPlace : .absent
    } catch {
      return .unknown(error)
    }
  }

  /// Drops what the completed revision has replaced.
  package func forgetPrevious() throws(RenderingFailure) {
    try promoting { () throws(FileFailure) in try Placement.removeTree(previous) }
  }

  private func promoting<Value>(_ body: () throws(FileFailure) -> Value) throws(RenderingFailure) -> Value {
    do { return try body() } catch { throw .notPromoted(error) }
  }
}
