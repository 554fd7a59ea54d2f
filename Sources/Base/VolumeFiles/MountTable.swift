import FarmModel
import Glibc
import SystemPackage

/// Which file system lies where, by `/proc/self/mountinfo`: reading that never waits for a file server that is gone, as
/// `statfs` would.
package struct MountTable: Hashable, Sendable {
  /// One mounted file system.
  package struct Mount: Hashable, Sendable {
    /// Differs from that of every other mount, also of the same file system mounted again.
    package let id: Int
    package let point: FilePath
    package let type: String

    package static let unknown = Mount(id: 0, point: "/", type: "unknown file system")

    /// Whether a writer may sit where this kernel sees neither its events nor its leases.
    package var isBlind: Bool { MountTable.blindTypes.contains(type) || type.hasPrefix("fuse.") }
  }

  /// File systems of the network, of clusters, of hosts of virtual machines, and of programs.
  private static let blindTypes: Set<String> = [
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse", "9p", "afs", "ceph", "coda", "gfs2", "gpfs", "lustre", "ocfs2",
    "beegfs", "orangefs", "panfs", "prl_fs", "vboxsf", "virtiofs", "vmhgfs",
  ]

  private let mounts: [Mount]

  /// Where the table is read.
  package static let file: FilePath = "/proc/self/mountinfo"

  package static var ofThisProcess: MountTable {
    // Unreadable: every type is unknown.
    MountTable(parsing: (try? String(decoding: FileBytes.all(of: file), as: UTF8.self)) ?? "")
  }

  package init(parsing text: String) {
    mounts = text.split(separator: "\n").compactMap { line in
      let halves = line.split(separator: " - ", maxSplits: 1)
      guard halves.count == 2, let type = halves[1].split(separator: " ").first else { return nil }
      let fields = halves[0].split(separator: " ")
      guard fields.count > 4, let id = Int(fields[0]) else { return nil }
      return Mount(id: id, point: FilePath(Self.plain(fields[4])), type: String(type))
    }
  }

  /// Blanks, tabs, line ends and backslashes in names stand as octal numbers.
  private static func plain(_ text: Substring) -> String {
    var plain = String(text)
    for (octal, letter) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
      plain = plain.replacing(octal, with: letter)
    }
    return plain
  }

  /// The mount on which a path of this process lies, links followed.
  package static func mount(at path: FilePath) -> Mount {
    ofThisProcess.mount(of: RealPath.of(path) ?? path)
  }

  /// Whether a file system that other machines or programs serve is mounted on a path or above it.
  func hasBlind(above path: FilePath) -> Bool { mounts.contains { $0.isBlind && path.starts(with: $0.point) } }

  /// The mount on which a path lies; the path must have no symbolic links in it.
  package func mount(of path: FilePath) -> Mount {
    // Of two mounts on one point the later one hides the earlier.
    let fitting = mounts.enumerated().filter { path.starts(with: $0.element.point) }
    let deepest = fitting.max { ($0.element.point.length, $0.offset) < ($1.element.point.length, $1.offset) }
    return deepest?.element ?? .unknown
  }
}
