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
        return .failure(FrameRefusal(problem: wrongSize(picture.size, size)))
      }
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

  /// Waits until a checked frame is on the disk, before it counts: a power cut must not leave a ledger that knows more
  /// than the disk.
  /// - Returns: why it is not there; nil when it is.
  package static func sync(_ file: FilePath) -> FrameRefusal? {
    do throws(FileFailure) { try Durable.sync(file) } catch {
      let problem: ProblemClass = error.problemClass == .diskFull ? .diskFull : .noOutput
      return FrameRefusal(problem: Problem(problem, cause: error.description))
    }
    return nil
  }

  /// What is wrong with a picture that counted once: after a power cut a file may be there with nothing in it. Nil for
  /// one that is whole.
  package static func problem(of file: FilePath, format: ImageFormat, size: PixelSize?) -> Problem? {
    do {
      guard try FileStatus(at: file) != nil else { return Problem(.noOutput, cause: "it is not there") }
      let picture = try Picture(at: file, expecting: format)
      guard size == nil || picture.size == size else { return wrongSize(picture.size, size) }
      return nil
    } catch let failure as FileFailure {
      return Problem(failure.problemClass, cause: failure.description, remedy: failure.remedy)
    } catch {
      return Problem(.truncated, cause: "\(error)")
    }
  }

  private static func wrongSize(_ size: PixelSize, _ wanted: PixelSize?) -> Problem {
    Problem(.wrongSize, cause: "the picture is \(size) and should be \(wanted?.description ?? "")")
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
