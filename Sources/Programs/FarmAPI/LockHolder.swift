import FarmModel
import Foundation
import Glibc
import SystemPackage

/// The daemon that holds a volume, as `.farm/lock` names it.
package struct LockHolder: Codable, Hashable, Sendable {
  package let host: String
  package let pid: Int32
  package let bootID: String
  package let socket: String
  /// Why it cannot serve now, with the remedy; nil when it can.
  package var waits: String?

  package init(host: String, pid: Int32, bootID: String, socket: String) {
    self.host = host
    self.pid = pid
    self.bootID = bootID
    self.socket = socket
  }

  /// What the lock of a volume says; nil when it is missing, unreadable or blank: no daemon has run here, or it was
  /// stopped.
  package static func of(_ volume: Volume) -> LockHolder? {
    guard let data = try? Data(contentsOf: URL(filePath: volume.lock.string)) else { return nil }
    return try? JSONDecoder().decode(LockHolder.self, from: data)
  }

  /// Why the holder cannot serve now, when it is a process of this machine that lives.
  package var livingWaits: String? {
    guard host == Self.thisHost, kill(pid, 0) == 0 || errno == EPERM else { return nil }
    return waits
  }

  package static var thisHost: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { name in
      guard let start = name.baseAddress, gethostname(start, 255) == 0 else { return "unknown" }
      start[255] = 0
      return String(cString: start)
    }
  }
}
