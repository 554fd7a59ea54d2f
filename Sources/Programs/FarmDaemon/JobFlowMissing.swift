import FarmModel
import FarmStore
import SystemPackage
import VolumeFiles

/// Jobs whose files are gone without a word from the watch, which tells only of files that it knew.
extension JobFlow {
  /// Ends jobs whose file is not in their folder, though the folder is there. The watch tells of files that are known;
  /// after a release was renamed, or at a start when a job was blocked, it does not know the file.
  /// - Parameter release: in which; nil for all.
  func endJobsWithoutFiles(in release: String? = nil) async {
    do {
      for job in try await setup.ledger.jobsWithoutKnownFile(in: release) {
        guard job.problem?.problemClass != .fileGone, !isOver else { continue }
        let path = setup.volume.root.appending(job.path)
        let store = path.removingLastComponent()
        guard await isThereOrHangs(store), await !isThereOrHangs(path) else { continue }
        vanishes(path)
      }
    } catch {
      complain(error, while: "looking for jobs whose files are gone")
    }
  }

  /// Has a job whose file is gone ended, once everything was claimed that settled before: it may be there under another
  /// name. Barriers wait for it.
  func vanishes(_ path: FilePath) {
    let claimed = claims.unfinished
    let number = claims.beginReading(path)
    errand.yield(.vanished(path, after: claimed, number: number))
  }
}
