import Foundation
import SystemPackage

/// A folder seen through a program (bindfs): what is written on the far side makes no event on the near side, as on a
/// file server with other clients. Owns the mount.
package final class BoundFolder: Sendable {
  private let near: FilePath
  private let server: RunningProgram

  /// - Parameters:
  ///   - far: the folder itself.
  ///   - near: where it is seen.
  ///   - log: takes what the program prints.
  package init(_ far: FilePath, at near: FilePath, log: FilePath) async throws {
    self.near = near
    for folder in [far, near] {
      try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
    }
    server = try RunningProgram(path: "/usr/bin/bindfs", ["-f", far.string, near.string], output: log)
    var before = stat()
    stat(near.removingLastComponent().string, &before)
    let isMounted = await eventually {
      var now = stat()
      return stat(near.string, &now) == 0 && now.st_dev != before.st_dev
    }
    guard isMounted else { throw POSIXError(.EIO) }
  }

  deinit {
    server.send(SIGCONT)
    umount2(near.string, Int32(MNT_DETACH))
  }

  /// The server answers nobody any more, until ``goOn()``.
  package func hang() { server.send(SIGSTOP) }
  package func goOn() { server.send(SIGCONT) }
}
