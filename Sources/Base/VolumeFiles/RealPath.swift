import FarmModel
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

  /// The same of what need not be there yet, with its nearest folder that is.
  package static func asFarAsThere(_ path: FilePath) -> FilePath {
    if let real = of(path) { return real }
    guard let name = path.lastComponent else { return path }
    return asFarAsThere(path.removingLastComponent()).appending(name)
  }

  /// The symbolic links on the way to a path, the path itself included, each where it lies; those that links lead
  /// through too. At most 40, as in the kernel.
  package static func links(on path: FilePath) -> [FilePath] {
    var links: [FilePath] = []
    var place = FilePath("/")
    var ahead = Array(path.components.reversed())
    while let name = ahead.popLast(), links.count < linksMax {
      if name.kind == .parentDirectory {
        place.removeLastComponent()
        continue
      }
      let next = place.appending(name)
      // No link, or unreadable: the way goes on as it is written.
      guard let target = try? LinkTarget.read(next) else {
        place = next
        continue
      }
      links.append(next)
      if target.isAbsolute { place = FilePath("/") }
      ahead += target.components.reversed()
    }
    return links
  }

  private static let linksMax = 40
}

/// Where a symbolic link leads, as it says itself.
package enum LinkTarget {
  /// What stands in the link at a path, whether something is there or not.
  package static func read(_ path: FilePath) throws(FileFailure) -> FilePath {
    var text = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = path.withPlatformString { readlink($0, &text, text.count - 1) }
    guard count >= 0 else { throw FileFailure("read the link", path) }
    return FilePath(platformString: text)
  }
}
