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
    let type = MountTable.ofThisProcess.type(of: folder)
    do throws(FileFailure) {
      let lease = try tryOut()
      var words = [type, "may write, rename and remove"]
      if isWatched {
        words.append(LeaseProbe.isBlind(folder) ? "polled every 2 s" : "watched by inotify")
        words.append(lease == .unknown ? "writers told by two looks, 2 s apart" : "writers told by leases")
      }
      return .init(name, .good, words.joined(separator: ", "))
    } catch {
      return .init(name, .bad, "\(type), \(error.description)", remedy: error.remedy)
    }
  }

  /// - Returns: what the lease probe says of a file without a writer.
  private func tryOut() throws(FileFailure) -> LeaseProbe.Answer {
    let first = folder.appending(Self.probeName)
    let second = folder.appending(Self.probeName + "-2")
    Placement.remove(first)
    Placement.remove(second)
    defer { Placement.remove(first) }
    let file = try OpenFile.making(first, mode: 0o600)
    OpenFile.close(file)
    let lease = LeaseProbe.isBlind(folder) ? .unknown : LeaseProbe.ask(first)
    try Placement.move(first, to: second, ifOccupied: .refuse)
    guard second.withPlatformString({ unlink($0) }) == 0 else { throw FileFailure("remove", second) }
    return lease
  }
}

/// Which file system lies where, by `/proc/self/mountinfo`.
struct MountTable: Sendable {
  private let mounts: [(point: FilePath, type: String)]

  static var ofThisProcess: MountTable {
    // Unreadable: every type is unknown.
    MountTable(parsing: (try? String(decoding: FileBytes.all(of: "/proc/self/mountinfo"), as: UTF8.self)) ?? "")
  }

  init(parsing text: String) {
    mounts = text.split(separator: "\n").compactMap { line in
      let halves = line.split(separator: " - ", maxSplits: 1)
      guard halves.count == 2, let type = halves[1].split(separator: " ").first else { return nil }
      let fields = halves[0].split(separator: " ")
      guard fields.count > 4 else { return nil }
      // Blanks in names stand as octal numbers.
      return (FilePath(String(fields[4]).replacing("\\040", with: " ")), String(type))
    }
  }

  /// The type of the file system on which a path lies.
  func type(of path: FilePath) -> String {
    // Of two mounts on one point the later one hides the earlier.
    let fitting = mounts.enumerated().filter { path.starts(with: $0.element.point) }
    let deepest = fitting.max { ($0.element.point.length, $0.offset) < ($1.element.point.length, $1.offset) }
    return deepest?.element.type ?? "unknown file system"
  }
}
