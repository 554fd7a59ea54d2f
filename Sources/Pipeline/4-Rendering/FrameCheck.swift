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
  /// Whether it may be one that shows nothing.
  package var looksDark = false
}

/// Checks rendered frames. A worker's word and its exit code prove nothing: the file does.
package enum FrameCheck {
  /// What a picture should be, as far as it is known.
  package struct Wanted: Hashable, Sendable {
    package let format: ImageFormat
    package let size: PixelSize?
    package let channels: Int?

    package init(_ format: ImageFormat, size: PixelSize? = nil, channels: Int? = nil) {
      self.format = format
      self.size = size
      self.channels = channels
    }
  }

  /// Whether a picture that was just written is whole, and what was owed.
  package static func check(_ file: FilePath, as wanted: Wanted) -> Result<CheckedFrame, FrameRefusal> {
    do {
      guard let status = try FileStatus(at: file), status.kind == .regular else {
        return refuse(.noOutput, "no picture was written")
      }
      guard hasNoWriter(file) else { return refuse(.truncated, "some process still writes the picture") }
      let picture = try Picture(at: file, expecting: wanted.format)
      if let problem = problem(of: picture, wanted) { return .failure(FrameRefusal(problem: problem)) }
      return .success(
        CheckedFrame(
          file: file, identity: status.identity, size: picture.size, bytes: picture.bytes,
          looksDark: picture.looksDark))
    } catch let failure as FileFailure {
      return refuse(failure.problemClass == .diskFull ? .diskFull : .noOutput, failure.description)
    } catch {
      // Blender takes a picture that the full disk cut short for a success.
      let leastBytes: Int64 = 1 << 20
      let isFull = DiskSpace.freeBytes(at: file.removingLastComponent()) ?? leastBytes < leastBytes
      return refuse(isFull ? .diskFull : .truncated, isFull ? "No space left on device: \(error)" : "\(error)")
    }
  }

  /// The same of a picture in a format of which only oiiotool reads every pixel: some of what nodes write.
  package static func checkForeign(_ file: FilePath) async -> Result<CheckedFrame, FrameRefusal> {
    let there = await BlockingWork.run { () -> Result<FileStatus, FrameRefusal> in
      // Unreadable: as if it were not there.
      guard let status = (try? FileStatus(at: file)) ?? nil, status.kind == .regular else {
        return refuse(.noOutput, "no picture was written")
      }
      return hasNoWriter(file) ? .success(status) : refuse(.truncated, "some process still writes the picture")
    }
    switch there {
    case .failure(let refusal): return .failure(refusal)
    case .success(let status):
      do throws(ToolFailure) {
        guard let size = try await OIIOTool.size(of: file) else { return refuse(.truncated, "it shows no size") }
        return .success(
          CheckedFrame(file: file, identity: status.identity, size: size, bytes: status.fingerprint.size))
      } catch {
        return refuse(.truncated, error.description)
      }
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
  package static func problem(of file: FilePath, as wanted: Wanted) -> Problem? {
    do {
      guard try FileStatus(at: file) != nil else { return Problem(.noOutput, cause: "it is not there") }
      return problem(of: try Picture(at: file, expecting: wanted.format), wanted)
    } catch let failure as FileFailure {
      return Problem(failure.problemClass, cause: failure.description, remedy: failure.remedy)
    } catch {
      return Problem(.truncated, cause: "\(error)")
    }
  }

  /// The same, by unpacking every pixel.
  /// - Throws: ``ToolFailure`` when the tool did not get so far: nothing is known then.
  package static func problemByTool(of file: FilePath) async throws(ToolFailure) -> Problem? {
    // Unreadable: as if it were not there.
    let isThere = await BlockingWork.run { ((try? FileStatus(at: file)) ?? nil)?.kind == .regular }
    guard isThere else { return Problem(.noOutput, cause: "it is not there") }
    do throws(ToolFailure) {
      return try await OIIOTool.size(of: file) == nil ? Problem(.truncated, cause: "it shows no size") : nil
    } catch {
      guard error.isOfInput else { throw error }
      return Problem(.truncated, cause: error.description)
    }
  }

  private static func problem(of picture: Picture, _ wanted: Wanted) -> Problem? {
    if let size = wanted.size, picture.size != size {
      return Problem(.wrongSize, cause: "the picture is \(picture.size) and should be \(size)")
    }
    guard let channels = wanted.channels, let found = picture.channels, found != channels else { return nil }
    return Problem(.wrongChannels, cause: "the picture has \(found) channels and should have \(channels)")
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

  private static func refuse<Found>(_ problem: ProblemClass, _ cause: String) -> Result<Found, FrameRefusal> {
    .failure(FrameRefusal(problem: Problem(problem, cause: cause)))
  }
}

/// Why a rendered frame does not count.
package struct FrameRefusal: Error, Hashable {
  package let problem: Problem

  package init(problem: Problem) { self.problem = problem }
}
