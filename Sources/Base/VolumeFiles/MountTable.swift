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
    MountTable(parsing: (try? FileBytes.all(of: file)) ?? [])
  }

  package init(parsing text: String) { self.init(parsing: Array(text.utf8)) }

  /// Reads it as bytes: mount points are names, and names need not be text.
  package init(parsing bytes: [UInt8]) {
    mounts = bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let fields = line.split(separator: UInt8(ascii: " "))
      // A field of its own parts the optional fields from the type.
      guard fields.count > 4, let id = Int(String(decoding: fields[0], as: UTF8.self)),
        let dash = fields.dropFirst(5).firstIndex(where: { $0.elementsEqual("-".utf8) }), dash + 1 < fields.count
      else { return nil }
      let type = String(decoding: fields[dash + 1], as: UTF8.self)
      return Mount(id: id, point: FilePath(bytes: Self.plain(fields[4])), type: type)
    }
  }

  /// Blanks, tabs, line ends and backslashes in names stand as octal numbers of three digits.
  private static func plain(_ name: ArraySlice<UInt8>) -> [UInt8] {
    var plain: [UInt8] = []
    var rest = name
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      let isOctal = byte == UInt8(ascii: "\\") && digits.count == 3 && digits.allSatisfy { (48...55).contains($0) }
      let value = isOctal ? digits.reduce(0) { $0 * 8 + Int($1 - 48) } : Int(byte)
      if isOctal { rest = rest.dropFirst(3) }
      plain.append(UInt8(truncatingIfNeeded: value))
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
