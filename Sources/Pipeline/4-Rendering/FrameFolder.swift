import FarmModel
import SystemPackage
import VolumeFiles

/// What a look at a promoted file shows.
package enum Sighting: Equatable, Sendable {
  case inPlace
  /// Nothing is there, or another file. It is lost only if its folder is there: see ``FrameFolder``.
  case absent
  /// The file system did not answer the question.
  case unknown(FileFailure)
}

/// The folder in which a job's frames lie until they are delivered. Tells a frame that was removed from one whose
/// folder is away: unmounted, renamed, or unreadable.
package struct FrameFolder: Hashable, Sendable {
  private let volume: Volume
  private let job: JobName
  private let blend: FilePath
  /// The device on which the frames of the release were last seen; nil when none were seen in this run.
  private let device: Int64?

  /// - Parameter blend: the job's file. As long as it lies in its place, the release's folder is the right one.
  package init(of job: JobName, blend: FilePath, in volume: Volume, device: Int64?) {
    (self.volume, self.job, self.blend, self.device) = (volume, job, blend, device)
  }

  private var out: FilePath { volume.out(of: job).removingLastComponent() }

  /// Says why an absent frame may still exist; nil when the folder is there, so that the frame is lost.
  package func doubt() -> String? {
    do throws(FileFailure) {
      let store = volume.store(of: job.release)
      guard try FileStatus(at: store) != nil else { return "\(volume.relative(store)) is gone" }
      guard try FileStatus(at: blend) != nil else { return "\(volume.relative(blend)) is gone" }
      guard try FileStatus(at: out) != nil else { return nil }
      guard let folder = try FileStatus(at: out, followsLinks: true), folder.kind == .folder else {
        return "\(volume.relative(out)) leads to no folder"
      }
      guard device == nil || device == folder.fingerprint.device else {
        return "\(volume.relative(out)) is on another file system than its pictures"
      }
      return nil
    } catch {
      return error.description
    }
  }

  /// The device of the folder; nil when it is not there.
  package func currentDevice() -> Int64? { Self.device(of: out) }

  /// The device of a release's `out/`; nil when it is not there.
  package static func device(of out: FilePath) -> Int64? {
    // Unreadable: no device is known.
    (try? FileStatus(at: out, followsLinks: true))??.fingerprint.device
  }
}
