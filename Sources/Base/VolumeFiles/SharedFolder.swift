import CLinux
import FarmModel
import Glibc
import SystemPackage

/// Makes folders and files in shared trees so that the people there can use them: with the parent's group and rights.
package enum SharedFolder {
  /// Makes a folder and its missing parents; each takes group and mode from the folder it lies in.
  /// - Parameter base: a folder above that is never made: when it is gone, somebody has moved or removed it.
  package static func make(_ folder: FilePath, below base: FilePath? = nil) throws(FileFailure) {
    if let there = try FileStatus(at: folder) {
      guard there.kind == .folder else { throw FileFailure("make a folder at", folder, errno: ENOTDIR) }
      return
    }
    let parent = folder.removingLastComponent()
    guard parent != folder, folder != base else { throw FileFailure("find", folder, errno: ENOENT) }
    try make(parent, below: base)
    guard folder.withPlatformString({ mkdir($0, 0o777) }) == 0 || errno == EEXIST else {
      throw FileFailure("make", folder)
    }
    try adopt(folder, allowing: 0o2777)
  }

  /// Gives a file that we made in a shared folder the folder's group and rights, without the execute bits, and the
  /// access list that the folder has for new files: the kernel does so where a file is made, not where it is moved.
  package static func adopt(_ file: FilePath) throws(FileFailure) { try adopt(file, allowing: 0o666) }

  /// Group first: changing it clears the set-group-id bit. A refusal leaves what the umask gave, which still works.
  private static func adopt(_ path: FilePath, allowing bits: mode_t) throws(FileFailure) {
    let parent = path.removingLastComponent()
    let hasList = parent.withPlatformString { parent in path.withPlatformString { linux_inherit_acl(parent, $0) } } != 0
    guard let above = try FileStatus(at: parent), let made = try FileStatus(at: path) else { return }
    if made.group != above.group { _ = path.withPlatformString { lchown($0, uid_t.max, above.group) } }
    // Where there is a list, it says what the group may, not the folder's mode.
    let given = hasList ? made.mode | (above.mode & 0o2000) : above.mode
    let wanted = (given & bits) | 0o600 | (made.kind == .folder ? 0o100 : 0)
    if made.mode != wanted { _ = path.withPlatformString { chmod($0, wanted) } }
  }
}
