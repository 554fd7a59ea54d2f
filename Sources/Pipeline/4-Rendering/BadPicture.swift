import FarmModel
import SystemPackage
import VolumeFiles

/// A rendered picture that does not count, and where it is kept for people: `.farm/bad/`, with the reason beside it.
package struct BadPicture: Hashable, Sendable {
  private let file: FilePath
  private let folder: FilePath
  private let name: String
  private let volume: Volume

  /// One that a task has just written.
  package init(_ file: FilePath, of task: RenderTask, frame: FrameNumber, in volume: Volume) {
    self.init(file, named: "task-\(task.id)-frame-\(frame).\(task.format.fileExtension)", of: task.job, in: volume)
  }

  /// One that counted until it was looked at again.
  package init(_ file: FilePath, of output: Output, of job: JobName, in volume: Volume) {
    self.init(file, named: "output-\(output.id)-\(file.lastComponent?.string ?? "")", of: job, in: volume)
  }

  private init(_ file: FilePath, named name: String, of job: JobName, in volume: Volume) {
    self.file = file
    self.volume = volume
    self.name = name
    folder = volume.bad.appending(job.release).appending(job.job)
  }

  /// Moves it there; one that was never written, or that the full disk cut short, is only removed.
  /// - Returns: the problem, which says where the picture lies.
  package func put(because problem: Problem) -> Problem {
    guard problem.problemClass != .noOutput, problem.problemClass != .diskFull else {
      Placement.remove(file)
      return problem
    }
    let place = folder.appending(name)
    do throws(FileFailure) {
      try SharedFolder.make(folder, below: volume.root)
      try Placement.move(file, to: place, ifOccupied: .replace)
      try Durable.write(Array("\(problem.sentences)\n".utf8), to: folder.appending(name + ".txt"))
    } catch {
      // Nobody can look at it then; the reason is told all the same.
      Placement.remove(file)
      return problem
    }
    let cause = "\(problem.cause) (it lies at \(volume.relative(place)))"
    return Problem(problem.problemClass, cause: cause, remedy: problem.remedy, missing: problem.missing)
  }
}
