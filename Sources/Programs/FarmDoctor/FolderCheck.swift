import FarmAPI
import FarmModel
import Glibc
import SystemPackage
import VolumeFiles

/// Tries in one folder what the farm does there: makes, renames and removes a file of its own.
struct FolderCheck {
  /// Hidden, so that nobody takes it for a drop.
  static let probeName = ".farm-probe"

  private let folder: FilePath
  private let isWatched: Bool

  init(_ folder: FilePath, isWatched: Bool) {
    self.folder = folder
    self.isWatched = isWatched
  }

  func line(shownAs name: String) -> DoctorReport.Line {
    let mount = MountTable.mount(at: folder)
    let type = mount.type
    do throws(FileFailure) {
      let lease = try tryOut(asksLease: !mount.isBlind)
      var words = [type, "may write, rename and remove"]
      if isWatched {
        words.append(mount.isBlind ? "polled every 2 s" : "watched by inotify")
        words.append(lease == .unknown ? "writers told by two looks, 2 s apart" : "writers told by leases")
      }
      return .init(name, .good, words.joined(separator: ", "))
    } catch {
      return .init(name, .bad, "\(type), \(error.description)", remedy: error.remedy)
    }
  }

  /// - Returns: what the lease probe says of a file without a writer.
  private func tryOut(asksLease: Bool) throws(FileFailure) -> LeaseProbe.Answer {
    let first = folder.appending(Self.probeName)
    let second = folder.appending(Self.probeName + "-2")
    Placement.remove(first)
    Placement.remove(second)
    defer { Placement.remove(first) }
    let file = try OpenFile.making(first, mode: 0o600)
    OpenFile.close(file)
    let lease = asksLease ? LeaseProbe.ask(first) : .unknown
    try Placement.move(first, to: second, ifOccupied: .refuse)
    guard second.withPlatformString({ unlink($0) }) == 0 else { throw FileFailure("remove", second) }
    return lease
  }
}
