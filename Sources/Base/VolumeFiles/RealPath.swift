import Glibc
import SystemPackage

/// Where something lies when all links on the way are followed.
package enum RealPath {
  /// Nil when nothing is there. Blocks for as long as the file system does.
  package static func of(_ path: FilePath) -> FilePath? {
    guard let real = path.withPlatformString({ realpath($0, nil) }) else { return nil }
    defer { free(real) }
    return FilePath(platformString: real)
  }
}
