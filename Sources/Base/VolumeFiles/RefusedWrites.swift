import FarmModel
import Glibc
import SystemPackage

/// Refuses writes as a failing disk does, where a test wants that: `FARM_REFUSE` names a file with lines as
/// `5 status.json`, an errno and a part of the paths. Built into debug builds alone (the flag FARM_FAILPOINTS).
package enum RefusedWrites {
  #if FARM_FAILPOINTS
    private static let list = getenv("FARM_REFUSE").map { String(cString: $0) }
  #endif

  /// The errno with which a write to a path is refused; nil when it is not.
  package static func errno(of path: FilePath) -> Int32? {
    #if FARM_FAILPOINTS
      guard let list else { return nil }
      let file = open(list, O_RDONLY | O_CLOEXEC)
      guard file >= 0 else { return nil }
      defer { close(file) }
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = read(file, &bytes, bytes.count)
      for line in bytes.prefix(max(0, count)).split(separator: 10) {
        let words = line.split(separator: 32, maxSplits: 1).map { String(decoding: $0, as: UTF8.self) }
        if words.count == 2, path.string.firstRange(of: words[1]) != nil { return Int32(words[0]) }
      }
    #endif
    return nil
  }

  static func check(_ act: String, _ path: FilePath) throws(FileFailure) {
    if let code = errno(of: path) { throw FileFailure(act, path, errno: code) }
  }
}
