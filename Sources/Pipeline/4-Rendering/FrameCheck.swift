import FarmModel
import Glibc
import Pictures
import SystemPackage
import VolumeFiles

/// A rendered frame that was read to its last byte and is what was owed.
package struct CheckedFrame: Hashable, Sendable {
  package let file: FilePath
  package let identity: FileIdentity
  package let size: PixelSize
  package let bytes: Int64
}

/// Checks rendered frames. A worker's word and its exit code prove nothing: the file does.
package enum FrameCheck {
  /// - Parameter size: what the render script said the picture would be; nil when it said nothing.
  package static func check(
    _ file: FilePath, format: ImageFormat, size: PixelSize?
  ) -> Result<CheckedFrame, FrameRefusal> {
    do {
      guard let status = try FileStatus(at: file), status.kind == .regular else {
        return refuse(.noOutput, "no picture was written")
      }
      guard hasNoWriter(file) else { return refuse(.truncated, "some process still writes the picture") }
      let picture = try Picture(at: file, expecting: format)
      guard size == nil || picture.size == size else {
        return refuse(.wrongSize, "the picture is \(picture.size) and should be \(size?.description ?? "")")
      }
      // On the disk before it counts: a power cut must not leave a ledger that knows more than the disk.
      try Durable.sync(file)
      return .success(
        CheckedFrame(file: file, identity: status.identity, size: picture.size, bytes: picture.bytes))
    } catch let failure as FileFailure {
      return refuse(failure.problemClass == .diskFull ? .diskFull : .noOutput, failure.description)
    } catch {
      // Blender takes a picture that the full disk cut short for a success.
      let leastBytes: Int64 = 1 << 20
      let isFull = DiskSpace.freeBytes(at: file.removingLastComponent()) ?? leastBytes < leastBytes
      return refuse(isFull ? .diskFull : .truncated, isFull ? "No space left on device: \(error)" : "\(error)")
    }
  }

  /// Whether a picture that counted once is still whole: after a power cut a file may be there with nothing in it.
  package static func isWhole(_ file: FilePath, format: ImageFormat, size: PixelSize?) -> Bool {
    // Damaged, gone or unreadable: not proven.
    guard let picture = try? Picture(at: file, expecting: format) else { return false }
    return size == nil || picture.size == size
  }

  /// A child that is just being started shares its parent's open files for a moment, so one look is not enough.
  private static func hasNoWriter(_ file: FilePath) -> Bool {
    let looksMax = 100
    let pauseMicroseconds: UInt32 = 10_000
    for _ in 0..<looksMax {
      if LeaseProbe.ask(file) != .writer { return true }
      usleep(pauseMicroseconds)
    }
    return false
  }

  private static func refuse(_ problem: ProblemClass, _ cause: String) -> Result<CheckedFrame, FrameRefusal> {
    .failure(FrameRefusal(problem: Problem(problem, cause: cause)))
  }
}

/// Why a rendered frame does not count.
package struct FrameRefusal: Error, Hashable {
  package let problem: Problem
}
