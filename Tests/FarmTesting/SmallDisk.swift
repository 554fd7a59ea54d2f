import Foundation
import SystemPackage

/// A file system of its own with little room, for tests of full disks; unmounted when the test lets go of it.
package final class SmallDisk: Sendable {
  package let path: FilePath

  /// - Parameter size: as `mount -t tmpfs -o size=` takes it: `200k`, `4m`.
  package init(size: String, at path: FilePath) throws {
    self.path = path
    try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    guard mount("tmpfs", path.string, "tmpfs", 0, "size=\(size),mode=0777") == 0 else {
      throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
  }

  deinit {
    // Busy for a moment while a killed program ends: this way never fails.
    umount2(path.string, Int32(MNT_DETACH))
  }

  /// Forbids or allows writing, as after an error of a real disk. The kernel refuses it while somebody writes a file.
  package func setReadOnly(_ isReadOnly: Bool) async throws {
    let flags = UInt(MS_REMOUNT) | (isReadOnly ? UInt(MS_RDONLY) : 0)
    var failure: Int32 = 0
    let isDone = await eventually(within: .seconds(10)) {
      failure = mount("tmpfs", path.string, "tmpfs", flags, nil) == 0 ? 0 : errno
      return failure != EBUSY
    }
    guard isDone, failure == 0 else { throw POSIXError(POSIXErrorCode(rawValue: failure) ?? .EIO) }
  }

  /// Fills it to the last byte with a file `fill`; `remove` that to make room.
  package func fill() throws {
    let file = path.appending("fill").string
    try Data().write(to: URL(filePath: file))
    let handle = try FileHandle(forWritingTo: URL(filePath: file))
    defer { try? handle.close() }  // Nothing is lost with it.
    for count in [1 << 16, 1 << 12, 1] {
      // Full at last: that is what is wanted.
      while (try? handle.write(contentsOf: Data(count: count))) != nil {}
    }
  }

  package func removeFill() throws { try FileManager.default.removeItem(atPath: path.appending("fill").string) }
}
